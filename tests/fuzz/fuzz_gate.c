/*
 * The gate, on the raw bytes of a head. They are cut as libmicrohttpd 0.9.75 cuts them, leniently:
 * bare line feeds end lines, NULs hide what is behind them. What the gate then lets pass must be a
 * head as RFC 9112 writes it, byte by byte, which a strict reader of the target's own says; and it
 * must name one host, and one way of saying where its body ends.
 *
 * The second way is the lines between chunks.
 */
#include "http/gate.h"

#include "base/text.h"
#include "fuzz.h"
#include "http/origin.h"

/* --- the lenient parser ------------------------------------------------------------------------ */

struct head {
	char *bytes; /* cut into strings */
	size_t length;
	size_t left; /* not read yet, from bytes + length - left on */
	char *method, *url, *version;
};

/* The next line, its end cut off; NULL where none ends. */
static char *take_line(struct head *head)
{
	char *line = head->bytes + head->length - head->left, *end;

	end = head->left ? memchr(line, '\n', head->left) : NULL;
	if (!end)
		return NULL;
	head->left -= (size_t)(end + 1 - line);
	*end = '\0';
	if (end > line && end[-1] == '\r')
		end[-1] = '\0';
	return line;
}

static bool read_request_line(struct head *head)
{
	char *line, *space;

	do {
		line = take_line(head);
	} while (line && !*line);
	if (!line)
		return false;
	head->method = line;
	head->url = strchr(line, ' ');
	if (!head->url)
		return false;
	*head->url++ = '\0';
	while (*head->url == ' ')
		head->url++;
	space = strrchr(head->url, ' ');
	if (!space)
		return false;
	*space = '\0';
	head->version = space + 1;
	return strlen(head->version) == 8 && text_starts_with(head->version, "HTTP/1.");
}

/* False where the daemon itself refuses, or waits for more. Folded lines are not joined: the daemon
 * moves them, so that they do not lie where they did, and neither does the next string here. */
static bool read_head(struct head *head, struct request *req, struct arrival *arrival)
{
	struct gate_walk walk;
	char *line;

	if (!read_request_line(head))
		return false;
	arrival->method = head->method;
	arrival->uri = head->url;
	arrival->version = head->version;
	gate_walk_begin(&walk, head->method, head->length, head->url, strlen(head->url),
			head->version);
	while ((line = take_line(head)) && *line) {
		char *colon = strchr(line, ':');
		char *value;

		if (*line == ' ' || *line == '\t')
			continue;
		if (!colon || req->header_count == REQUEST_HEADERS_MAX)
			return false;
		*colon = '\0';
		value = colon + 1 + strspn(colon + 1, " \t");
		req->headers[req->header_count++] = (struct header){line, value};
		if (!gate_value_is_clean(value, strlen(value)))
			arrival->bad_characters = true;
		gate_walk_header(&walk, line, strlen(line), value, strlen(value));
	}
	if (!line)
		return false;
	walk.end = head->bytes + head->length - head->left;
	arrival->bad_lines = !gate_walk_end(&walk);
	return true;
}

/* --- the strict reader ------------------------------------------------------------------------- */

#define TCHAR "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

static bool is_end(char c)
{
	return c == '\r' || c == '\n' || c == '\0';
}

/* Behind the line end at `at`: CR LF, or as many NULs and line feeds, which look the same once they
 * are cut. */
static const char *behind_line(const char *at, const char *end)
{
	assert(end - at >= 2 && is_end(at[0]) && is_end(at[1]));
	return at + 2;
}

static const char *check_request_line(const char *at, const char *end)
{
	/* Empty lines before it are passed over (RFC 9112, section 2.2); and by the daemon, out of
	 * our sight, lines that begin with a NUL, which no proxy lets pass. */
	while (at < end && (*at == '\n' || *at == '\0' || (*at == '\r' && at[1] == '\n')))
		at = *at == '\0' ? (const char *)memchr(at, '\n', (size_t)(end - at)) : at + 1;
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
		assert(is_end(value[strspn(value, "0123456789")]) && !is_end(*value));
	if (length == 17 && strncasecmp(at, "Transfer-Encoding", 17) == 0)
		assert(strncasecmp(value, "chunked", 7) == 0 && is_end(value[7]));
	at += length + 1;
	while (at < end && !is_end(*at)) {
		unsigned char c = (unsigned char)*at++;

		assert(c == '\t' || (c >= ' ' && c != 0x7f));
	}
	return behind_line(at, end);
}

static void check_head(const char *bytes, const char *end, int64_t body_length, bool is_1_0)
{
	const char *at = check_request_line(bytes, end);
	struct counts counts = {0};

	while (at < end && !is_end(*at))
		at = check_header(at, end, &counts);
	assert(behind_line(at, end) == end);
	assert(counts.hosts == 1 || (is_1_0 && counts.hosts == 0));
	assert(counts.lengths + counts.encodings <= 1);
	assert((body_length == -1) == (counts.encodings == 1));
	assert(body_length <= 0 || counts.lengths == 1);
	assert(counts.encodings == 0 || !is_1_0);
}

/* --- the target --------------------------------------------------------------------------------- */

static void fuzz_chunk_line(const char *bytes, size_t length)
{
	size_t i;

	if (length == 0 || !gate_chunk_line_is_clean(bytes, bytes + length))
		return;
	assert(length >= 3 && memcmp(bytes + length - 2, "\r\n", 2) == 0);
	for (i = length - 2; i > 0 && bytes[i - 1] != '\n'; i--)
		assert(bytes[i - 1] != '\r' && bytes[i - 1] != '\0');
	/* The line before it has a whole end too. */
	assert(i == 0 || (i >= 2 && bytes[i - 2] == '\r'));
}

void fuzz(struct arena *arena, const char *bytes, size_t length)
{
	bool chunk = fuzz_choice(&bytes, &length) % 4 == 1;
	struct request req = {.arena = arena, .faults.arena = arena};
	struct head head = {.length = length, .left = length};
	struct arrival arrival = {.body_limit = 1000};
	enum gate_reason reason = GATE_REASON_COUNT;
	int64_t body_length = -2;

	if (chunk) {
		fuzz_chunk_line(bytes, length);
		return;
	}
	head.bytes = arena_copy_bytes(arena, bytes, length);
	if (!read_head(&head, &req, &arrival))
		return;
	arrival.header_bytes = length - head.left;
	gate_split_uri(&req, arrival.uri);
	assert(req.path && req.path[0] && req.query);
	origin_identify(&req);
	origin_address(&req, NULL, true);
	assert(req.id && req.traceparent && strlen(req.traceparent) == 55);
	if (gate_check(&req, &arrival, &body_length, &reason)) {
		assert(req.detail && reason < GATE_REASON_COUNT);
		return;
	}
	assert(body_length >= -1 && body_length <= 1000);
	check_head(bytes, bytes + length - head.left, body_length,
		   strcmp(arrival.version, "HTTP/1.0") == 0);
}
