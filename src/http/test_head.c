/* Heads and chunks, in one piece and byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "http/chunks.h"
#include "http/head.h"

static struct arena *arena;

/* What becomes of the text when `step` bytes come at a time; *ret_used: where its body begins. */
static enum err read_head(const char *text, size_t step, struct request *req, size_t *ret_used)
{
	struct head head = {.bytes = arena_copy_text(arena, text)};
	enum gate_reason reason = GATE_REASON_COUNT;
	size_t length = strlen(text);
	bool whole = false;
	enum err err = OK;

	*req = (struct request){.arena = arena, .faults.arena = arena};
	for (size_t come = MIN(step, length); !err && !whole; come = MIN(come + step, length)) {
		err = head_read(&head, req, come, &whole, &reason);
		if (come == length)
			break;
	}
	*ret_used = whole ? head.at : 0;
	if (err)
		assert_true(req->detail && reason < GATE_REASON_COUNT);
	return err;
}

static void test_heads(void **state)
{
	static const struct {
		const char *text;
		enum err err;
		bool whole;
	} rows[] = {
		{"GET / HTTP/1.1\r\nHost: a\r\n\r\nbody", OK, true},
		{"\r\nGET / HTTP/1.0\r\n\r\n", OK, true},
		{"GET / HTTP/1.7\r\n\r\n", OK, true},
		{"GET / HTTP/1.1\r\nHost: a\r\n", OK, false},
		{"", OK, false},
		{"GET / HTTP/2.0\r\n\r\n", ERR_HTTP_VERSION, false},
		{"GET / HTTP/1.10\r\n\r\n", ERR_BAD_REQUEST, false},
		{"GET /\r\n", ERR_BAD_REQUEST, false},
		{"GET  / HTTP/1.1\r\n", ERR_BAD_REQUEST, false},
		{"GET / HTTP/1.1\n", ERR_BAD_REQUEST, false},
		{"GET / HTTP/1.1\r\nA: b\n", ERR_BAD_REQUEST, false},
		{"GET / HTTP/1.1\r\n A: b\r\n", ERR_BAD_REQUEST, false},
		{"GET / HTTP/1.1\r\nA : b\r\n", ERR_BAD_REQUEST, false},
		{"GET / HTTP/1.1\r\nA: b\rc\r\n", ERR_BAD_REQUEST, false},
		{"GET /\x7f HTTP/1.1\r\n", ERR_BAD_REQUEST, false},
		{"\x16", ERR_BAD_REQUEST, false},
	};
	struct request req;
	size_t used;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		for (size_t step = 1; step < 40; step += 38) {
			if (read_head(rows[i].text, step, &req, &used) != rows[i].err ||
			    (used > 0) != rows[i].whole)
				fail_msg("row %zu, %zu at a time: %s", i, step, rows[i].text);
		}
	}
}

static void test_values(void **state)
{
	struct request req;
	size_t used;

	(void)state;
	assert_int_equal(
		read_head("GET / HTTP/1.1\r\nA:\t b c \t\r\nB:\r\nC:d\r\n\r\n", 1, &req, &used),
		OK);
	assert_int_equal(req.header_count, 3);
	assert_string_equal(req.headers[0].value, "b c");
	assert_string_equal(req.headers[1].value, "");
	assert_string_equal(req.headers[2].name, "C");
	assert_string_equal(req.headers[2].value, "d");
}

/* What grows too large is refused before it ends. */
static void test_sizes(void **state)
{
	static char text[40000];
	struct request req;
	size_t used;

	(void)state;
	memset(text, 'G', HEAD_METHOD_LENGTH_MAX + 1);
	assert_int_equal(read_head(text, 1, &req, &used), ERR_BAD_REQUEST);
	memset(text, 'a', REQUEST_URI_MAX + 100);
	memcpy(text, "GET /", 5);
	assert_int_equal(read_head(text, 1, &req, &used), ERR_URI_TOO_LONG);
	memset(text, 'a', REQUEST_HEADER_BYTES_MAX + 100);
	memcpy(text, "GET / HTTP/1.1\r\nA: ", 19);
	assert_int_equal(read_head(text, 1, &req, &used), ERR_HEADERS_TOO_LARGE);

	/* An address as long as it may be, and as many bytes of headers. */
	memset(text, 'a', sizeof(text) - 1);
	memcpy(text, "GET /", 5);
	memcpy(text + 4 + REQUEST_URI_MAX, " HTTP/1.1\r\nA: ", 14);
	memcpy(text + 4 + REQUEST_URI_MAX + 11 + REQUEST_HEADER_BYTES_MAX - 3, "\r\n\r\n", 5);
	assert_int_equal(read_head(text, 100, &req, &used), OK);
	assert_true(used > 0 && used <= HEAD_BYTES_MAX);
}

/* Reads a body, `step` bytes at a time; what it is, or NULL where it does not end well. */
static const char *read_chunks(const char *text, size_t step, enum chunk_step *ret_end)
{
	struct chunks chunks = {0};
	const char *at = text, *end = text + strlen(text);
	char *body = arena_alloc(arena, strlen(text) + 1);
	size_t length = 0;

	do {
		const char *piece = NULL;
		size_t piece_length = 0;

		*ret_end = chunks_next(&chunks, &at, at + MIN(step, (size_t)(end - at)), &piece,
				       &piece_length);
		if (piece_length)
			memcpy(body + length, piece, piece_length);
		length += piece_length;
	} while (*ret_end == CHUNKS_DATA || (*ret_end == CHUNKS_MORE && at < end));
	return *ret_end == CHUNKS_END ? body : NULL;
}

static void test_chunks(void **state)
{
	static const struct {
		const char *text;
		enum chunk_step end;
		const char *body;
	} rows[] = {
		{"2\r\nab\r\n1;x=\"y\"\r\nc\r\n0\r\n\r\n", CHUNKS_END, "abc"},
		{"000A\r\n0123456789\r\n00;z\r\nA: b\r\nC:\r\n\r\n", CHUNKS_END, "0123456789"},
		{"0\r\n\r\n", CHUNKS_END, ""},
		{"2\r\nab\r\n", CHUNKS_MORE, NULL},
		{"2\nab\r\n", CHUNKS_MALFORMED, NULL},
		{"2 \r\nab\r\n", CHUNKS_MALFORMED, NULL},
		{"\r\n", CHUNKS_MALFORMED, NULL},
		{";a\r\n", CHUNKS_MALFORMED, NULL},
		{"2\r\nabc\r\n", CHUNKS_MALFORMED, NULL},
		{"2\r\nab\n0\r\n\r\n", CHUNKS_MALFORMED, NULL},
		{"1000000000000000\r\n", CHUNKS_MALFORMED, NULL},
		{"0\r\nA\r\n\r\n", CHUNKS_MALFORMED, NULL},
		{"0\r\n: b\r\n\r\n", CHUNKS_MALFORMED, NULL},
		{"0\r\n\n", CHUNKS_MALFORMED, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		for (size_t step = 1; step < 100; step += 90) {
			enum chunk_step end;
			const char *body = read_chunks(rows[i].text, step, &end);

			if (end != rows[i].end || (body && strcmp(body, rows[i].body) != 0))
				fail_msg("row %zu, %zu at a time: %s", i, step, rows[i].text);
		}
	}
}

static void test_chunks_have_bounds(void **state)
{
	static char text[CHUNK_EXTRA_BYTES_MAX + 100];
	enum chunk_step end;

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	memcpy(text, "2;", 2);
	assert_null(read_chunks(text, 7, &end));
	assert_int_equal(end, CHUNKS_EXTRA);
	memcpy(text, "0\r\nA:", 5);
	assert_null(read_chunks(text, 7, &end));
	assert_int_equal(end, CHUNKS_EXTRA);
}

static int begin(void **state)
{
	(void)state;
	arena = arena_new();
	return 0;
}

static int end(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_heads),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_chunks),
		cmocka_unit_test(test_chunks_have_bounds),
	};

	return cmocka_run_group_tests_name("http/head", tests, begin, end);
}
