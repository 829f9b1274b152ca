/*
 * The gate, on raw bytes: what passes must be a head as RFC 9112 writes it, byte by byte, which a
 * strict reader of the target's own says; it must name one host, and one way of saying where its
 * body ends; and it must not matter in which pieces the bytes have come.
 *
 * The second way is a chunked body, the third a connection's requests one behind another: they too
 * are the same in one piece and in many.
 */
#include "http/gate.h"

#include "base/out.h"
#include "base/text.h"
#include "fuzz.h"
#include "http/chunks.h"
#include "http/head.h"
#include "http/origin.h"

/* --- the strict reader ------------------------------------------------------------------------- */

#define TCHAR "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

static const char *behind_line(const char *at, const char *end)
{
	assert(end - at >= 2 && at[0] == '\r' && at[1] == '\n');
	return at + 2;
}

static const char *check_request_line(const char *at, const char *end)
{
	/* Empty lines before it are passed over (RFC 9112, section 2.2). */
	while (*at == '\r')
		at = behind_line(at, end);
	assert(strspn(at, TCHAR) > 0);
	at += strspn(at, TCHAR);
	assert(*at == ' ');
	at++;
	for (assert(*at > ' '); *at != ' '; at++)
		assert(*at > ' ' && *at < 0x7f && *at != '#');
	assert(text_starts_with(at + 1, "HTTP/1."));
	return behind_line(at + 9, end);
}

/* What a header's line is; its framing is counted. */
struct counts {
	int hosts, lengths, encodings;
};

static const char *check_header(const char *at, const char *end, struct counts *counts)
{
	size_t length = strspn(at, TCHAR);
	const char *value;

	assert(length > 0 && at[length] == ':');
	counts->hosts += length == 4 && strncasecmp(at, "Host", 4) == 0;
	counts->lengths += length == 14 && strncasecmp(at, "Content-Length", 14) == 0;
	counts->encodings += length == 17 && strncasecmp(at, "Transfer-Encoding", 17) == 0;
	value = at + length + 1 + strspn(at + length + 1, " \t");
	if (length == 14 && strncasecmp(at, "Content-Length", 14) == 0)
		assert(strspn(value, "0123456789") > 0 &&
		       strchr(" \t\r", value[strspn(value, "0123456789")]));
	if (length == 17 && strncasecmp(at, "Transfer-Encoding", 17) == 0)
		assert(strncasecmp(value, "chunked", 7) == 0 && strchr(" \t\r", value[7]));
	at += length + 1;
	while (at < end && *at != '\r') {
		unsigned char c = (unsigned char)*at++;

		assert(c == '\t' || (c >= ' ' && c != 0x7f));
	}
	return behind_line(at, end);
}

static void check_head(const char *bytes, const char *end, int64_t body_length, bool is_1_0)
{
	const char *at = check_request_line(bytes, end);
	struct counts counts = {0};

	while (at < end && *at != '\r')
		at = check_header(at, end, &counts);
	assert(behind_line(at, end) == end);
	assert(counts.hosts == 1 || (is_1_0 && counts.hosts == 0));
	assert(counts.lengths + counts.encodings <= 1);
	assert((body_length == -1) == (counts.encodings == 1));
	assert(body_length <= 0 || counts.lengths == 1);
	assert(counts.encodings == 0 || !is_1_0);
}

/* --- the target --------------------------------------------------------------------------------- */

struct reading {
	struct head head;
	struct request req;
	enum err err;
	bool whole;
};

/* Reads the bytes, `step` of them at a time, as far as there is something to be read. */
static void read_in_steps(struct reading *reading, struct arena *arena, const char *bytes,
			  size_t length, size_t step)
{
	enum gate_reason reason = GATE_REASON_COUNT;

	reading->req.arena = reading->req.faults.arena = arena;
	reading->head.bytes = arena_copy_bytes(arena, bytes, length);
	for (size_t i = MIN(step, length); !reading->err && !reading->whole; i += step) {
		i = MIN(i, length);
		reading->err =
			head_read(&reading->head, &reading->req, i, &reading->whole, &reason);
		if (i == length)
			break;
	}
	if (reading->err)
		assert(reading->req.detail && reason < GATE_REASON_COUNT);
}

static void fuzz_head(struct arena *arena, const char *bytes, size_t length, size_t step)
{
	struct reading *one = ARENA_NEW(arena, struct reading);
	struct reading *many = ARENA_NEW(arena, struct reading);
	enum gate_reason reason = GATE_REASON_COUNT;
	int64_t body_length = -2;
	struct arrival arrival;

	read_in_steps(one, arena, bytes, length, MAX(length, (size_t)1));
	read_in_steps(many, arena, bytes, length, step);
	assert(one->whole == many->whole && one->head.at >= many->head.at);
	assert(!one->err == !many->err);
	if (!one->whole)
		return;
	assert(one->head.at == many->head.at);
	assert(one->req.header_count == many->req.header_count);
	for (size_t i = 0; i < one->req.header_count; i++)
		assert(strcmp(one->req.headers[i].value, many->req.headers[i].value) == 0);

	arrival = (struct arrival){one->head.uri, one->head.version, 1000};
	gate_split_uri(&one->req, arrival.uri);
	assert(one->req.path && one->req.path[0] && one->req.query);
	origin_identify(&one->req);
	origin_address(&one->req, "2001:db8::1:2:3", true);
	assert(one->req.id && one->req.traceparent && strlen(one->req.traceparent) == 55);
	assert(one->req.client_address && one->req.client_network);
	if (gate_check(&one->req, &arrival, &body_length, &reason)) {
		assert(one->req.detail && reason < GATE_REASON_COUNT);
		return;
	}
	assert(body_length >= -1 && body_length <= 1000);
	check_head(bytes, bytes + one->head.at, body_length,
		   strcmp(arrival.version, "HTTP/1.0") == 0);
}

/* How the body ends; *ret_text has it, *ret_used how far that was. */
static enum chunk_step read_chunks(struct arena *arena, const char *bytes, size_t length,
				   size_t step, char **ret_text, size_t *ret_used)
{
	struct chunks chunks = {0};
	const char *at = bytes;
	size_t text_length = 0;
	enum chunk_step result = CHUNKS_MORE;

	*ret_text = arena_alloc(arena, length + 1);
	while (result == CHUNKS_DATA || (result == CHUNKS_MORE && at < bytes + length)) {
		const char *end = at + MIN(step, (size_t)(bytes + length - at));
		const char *piece = NULL;
		size_t piece_length = 0;

		result = chunks_next(&chunks, &at, end, &piece, &piece_length);
		assert(at <= end && (result != CHUNKS_MORE || at == end));
		if (piece_length)
			memcpy(*ret_text + text_length, piece, piece_length);
		text_length += piece_length;
	}
	*ret_used = (size_t)(at - bytes);
	return result;
}

static void fuzz_chunks(struct arena *arena, const char *bytes, size_t length, size_t step)
{
	char *one, *many;
	size_t one_used, many_used;
	enum chunk_step one_end, many_end;

	one_end = read_chunks(arena, bytes, length, MAX(length, (size_t)1), &one, &one_used);
	many_end = read_chunks(arena, bytes, length, step, &many, &many_used);
	assert(one_end == many_end && one_used == many_used && strcmp(one, many) == 0);
	if (one_end == CHUNKS_END)
		assert(length >= 5 && memcmp(bytes + one_used - 2, "\r\n", 2) == 0);
}

/* The requests of one connection, each begun where the one before it ends, while what is behind it
 * lies in the same buffer: what they are, in `out`. As in the server nothing follows chunks. */
static void read_stream(struct arena *arena, const char *bytes, size_t length, size_t step,
			struct out *out)
{
	char *copy = arena_copy_bytes(arena, bytes, length);
	size_t at = 0, come = 0;
	int64_t body_length = 0;

	while (body_length >= 0 && at < length) {
		struct reading *reading = ARENA_NEW(arena, struct reading);
		enum gate_reason reason = GATE_REASON_COUNT;
		struct arrival arrival;

		reading->req.arena = reading->req.faults.arena = arena;
		reading->head.bytes = copy + at;
		while (!reading->err && !reading->whole && come < length) {
			come = MIN(come + step, length);
			reading->err = head_read(&reading->head, &reading->req, come - at,
						 &reading->whole, &reason);
		}
		/* All of it may have come with the one before. */
		if (!reading->err && !reading->whole)
			reading->err = head_read(&reading->head, &reading->req, length - at,
						 &reading->whole, &reason);
		if (reading->err || !reading->whole) {
			out_printf(out, "%s\n", reading->err ? "refused" : "more");
			return;
		}
		arrival = (struct arrival){reading->head.uri, reading->head.version, 1000};
		if (gate_check(&reading->req, &arrival, &body_length, &reason)) {
			out_printf(out, "%s\n", "refused by the gate");
			return;
		}
		out_printf(out, "%s\n", reading->head.method);
		out_printf(out, "%s\n", reading->head.uri);
		for (size_t i = 0; i < reading->req.header_count; i++)
			out_printf(out, "%s\n", reading->req.headers[i].value);
		at += reading->head.at;
		/* No head was cut beyond its own end. */
		assert(memcmp(copy + at, bytes + at, length - at) == 0);
		if (body_length > 0)
			at += (size_t)body_length;
		come = MAX(come, MIN(at, length));
	}
}

static void fuzz_stream(struct arena *arena, const char *bytes, size_t length, size_t step)
{
	struct out one = out_new(arena), many = out_new(arena);

	read_stream(arena, bytes, length, MAX(length, (size_t)1), &one);
	read_stream(arena, bytes, length, step, &many);
	assert(one.length == many.length);
	assert(one.length == 0 || memcmp(one.data, many.data, one.length) == 0);
}

void fuzz(struct arena *arena, const char *bytes, size_t length)
{
	unsigned choice = fuzz_choice(&bytes, &length);
	size_t step = 1 + choice / 4 % 8;

	if (choice % 4 == 1)
		fuzz_chunks(arena, bytes, length, step);
	else if (choice % 4 == 2)
		fuzz_stream(arena, bytes, length, step);
	else
		fuzz_head(arena, bytes, length, step);
}
