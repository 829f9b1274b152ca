/*
 * What must not matter to a server: in which pieces the bytes of requests come, what else was sent
 * ahead, and when a client leaves. Streams of requests, good and bad, are made by chance from seeds.
 */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "http/test_talk.h"

#define STREAMS 60
#define REQUESTS_MAX 12
#define BODY_MAX 40000
#define AHEAD 400 /* requests in one piece; they fit into a connection's buffer */
#define OTHERS 8  /* connections; with so many one shares the worker, but for once in 256 times */

/* --- streams ----------------------------------------------------------------------------------- */

struct stream {
	char bytes[(REQUESTS_MAX + 1) * (BODY_MAX + 4096)];
	size_t length;
	bool is_head[REQUESTS_MAX + 1];
	size_t count;
};

static struct stream stream;
static uint64_t chance;

static unsigned below(unsigned bound)
{
	chance ^= chance << 13;
	chance ^= chance >> 7;
	chance ^= chance << 17;
	return (unsigned)(chance >> 33) % bound;
}

__attribute__((format(printf, 1, 2))) static void add(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	stream.length += (size_t)vsnprintf(stream.bytes + stream.length,
					   sizeof(stream.bytes) - stream.length, format, arguments);
	va_end(arguments);
}

static void add_letters(size_t length)
{
	for (size_t i = 0; i < length; i++)
		add("%c", 'a' + (int)below(26));
}

static void add_with_length(void)
{
	unsigned length = below(3) ? below(2000) : below(BODY_MAX);

	add("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: %u\r\n\r\n", length);
	add_letters(length);
}

static void add_chunked(void)
{
	add("PUT /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
	for (unsigned i = below(6); i > 0; i--) {
		unsigned length = 1 + below(below(2) ? 20 : 5000);

		add("%x%s\r\n", length, below(3) ? "" : ";a=\"b\"");
		add_letters(length);
		add("\r\n");
	}
	add("0\r\n%s\r\n", below(2) ? "" : "Trailer: c\r\n");
}

static const char *const bad[] = {
	"GET /text HTTP/1.1\r\nHost: x\r\nA : b\r\n\r\n",
	"GET /text HTTP/1.1\r\nHost: x\nA: b\r\n\r\n",
	"GET /text HTTP/1.1\r\nHost: x\r\n b\r\n\r\n",
	"GET /text HTTP/2.0\r\nHost: x\r\n\r\n",
	"GET /text HTTP/1.1\r\n\r\n",
	"\x16\x03\x01\x02",
	"\r\n\r\n\r\n\r\n\r\nGET /text HTTP/1.1\r\nHost: x\r\n\r\n",
	"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 999999\r\n\r\nabc",
	"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffff\r\n",
	"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffffx\r\n",
	"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffff\rx",
	"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n",
	"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA b:\r\n",
};

static void add_bad(void)
{
	if (below(4)) {
		add("%s", bad[below(ARRAY_LENGTH(bad))]);
		return;
	}
	add("GET /text?");
	add_letters(below(2) ? 9000 : 10);
	add(" HTTP/1.1\r\nHost: x\r\nA: ");
	add_letters(16 * 1024);
	add("\r\n\r\n");
}

static void add_request(void)
{
	unsigned kind = below(16);

	stream.is_head[stream.count++] = kind == 0;
	switch (kind) {
	case 0:
		add("HEAD /text?%u HTTP/1.1\r\nHost: x\r\n\r\n", below(1000));
		break;
	case 1:
	case 2:
	case 3:
	case 4:
		add_with_length();
		break;
	case 5:
		add("GET /text?sleep=1 HTTP/1.1\r\nHost: x\r\n\r\n");
		break;
	case 6:
		add("GET /tagged HTTP/1.1\r\nHost: x\r\nIf-None-Match: \"3.4\"\r\n\r\n");
		break;
	case 7:
		add("GET /large HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
		break;
	case 8:
		add_chunked();
		break;
	case 9:
		add_bad();
		break;
	default:
		add("\r\nGET /text?%u HTTP/1.1\r\nHost: x\r\nA:\t b \r\n\r\n", below(1000));
	}
}

static void make_stream(uint64_t seed)
{
	chance = seed * 0x9e3779b97f4a7c15;
	stream.length = stream.count = 0;
	for (unsigned i = 1 + below(REQUESTS_MAX); i > 0; i--)
		add_request();
	stream.is_head[stream.count++] = false;
	add("GET /text?end HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
}

/* --- answers ----------------------------------------------------------------------------------- */

static uint64_t hash(const char *bytes, size_t length)
{
	uint64_t sum = 14695981039346656037u;

	for (size_t i = 0; i < length; i++)
		sum = (sum ^ (unsigned char)bytes[i]) * 1099511628211u;
	return sum;
}

/* What was answered until the server closed, a line for each answer; the bodies of problems differ by
 * the request's id. */
static void hear_all(struct talk *talk, char *text, size_t size)
{
	size_t length = 0;

	text[0] = '\0';
	for (size_t i = 0; i < stream.count; i++) {
		int status = hear(talk, stream.is_head[i] ? "HEAD" : "GET");

		if (status == 0)
			break;
		length += (size_t)snprintf(
			text + length, size - length, "%d %zu %llx\n", status, answer.length,
			(unsigned long long)hash(answer.body, status < 300 ? answer.length : 0));
	}
	assert_true(length < size);
	assert_true(is_over(talk));
}

/* Says the stream, cut by chance; what is answered meanwhile waits. */
static void say_in_pieces(struct talk *talk)
{
	struct pollfd heard = {.fd = talk->socket, .events = POLLIN};
	size_t at = 0;
	unsigned piece_max = 1u << (4 + below(12));

	while (at < stream.length) {
		size_t piece = MIN(1 + below(piece_max), stream.length - at);

		/* Lines are cut more often than bodies. */
		if (below(4) == 0)
			piece = MIN(piece, 1 + below(3));
		if (!say_bytes(talk, stream.bytes + at, piece))
			return;
		at += piece;
		if (below(4) == 0)
			(void)poll(&heard, 1, 1);
	}
}

static void test_pieces_make_no_difference(void **state)
{
	char one[1024], many[1024];

	(void)state;
	for (uint64_t seed = 1; seed <= STREAMS; seed++) {
		struct talk *talk = talk_open();

		make_stream(seed);
		(void)say_bytes(talk, stream.bytes, stream.length);
		hear_all(talk, one, sizeof(one));
		talk_close(talk);
		assert_true(one[0] != '\0');
		for (int i = 0; i < 3; i++) {
			talk = talk_open();
			say_in_pieces(talk);
			hear_all(talk, many, sizeof(many));
			talk_close(talk);
			if (strcmp(one, many) != 0)
				fail_msg("seed %d, in one piece:\n%sin many:\n%s", (int)seed, one,
					 many);
		}
	}
}

static void test_bad_requests_byte_by_byte(void **state)
{
	char one[1024], many[1024];

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
		struct talk *talk = talk_open();
		struct pollfd heard = {.events = POLLIN};

		stream.count = 1;
		stream.is_head[0] = false;
		say(talk, bad[i]);
		hear_all(talk, one, sizeof(one));
		talk_close(talk);
		talk = talk_open();
		heard.fd = talk->socket;
		for (const char *at = bad[i]; *at && say_bytes(talk, at, 1); at++)
			(void)poll(&heard, 1, 1);
		hear_all(talk, many, sizeof(many));
		talk_close(talk);
		if (strcmp(one, many) != 0)
			fail_msg("row %zu, in one piece:\n%sin many:\n%s", i, one, many);
	}
}

/* --- leaving ----------------------------------------------------------------------------------- */

static void test_clients_that_leave_at_any_byte(void **state)
{
	static const char request[] =
		"GET /text?sleep=1 HTTP/1.1\r\nHost: x\r\n\r\n"
		"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
		"GET /large HTTP/1.1\r\nHost: x\r\n\r\n"
		"POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
		"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
	struct linger reset = {.l_onoff = 1};

	(void)state;
	for (size_t length = 0; length < sizeof(request); length++) {
		struct talk *talk = talk_open();

		assert_true(say_bytes(talk, request, length));
		/* By closing, by a reset, or by half. */
		if (length % 3 == 0)
			setsockopt(talk->socket, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		if (length % 3 == 1) {
			shutdown(talk->socket, SHUT_WR);
			while (hear_more(talk))
				talk->length = 0;
		}
		talk_close(talk);
	}
	assert_alive();
}

/* --- sending ahead ----------------------------------------------------------------------------- */

static void test_who_sends_ahead_lets_others_in(void **state)
{
	static char ahead[64 + AHEAD * 64];
	struct talk *first = talk_open(), *others[OTHERS];
	size_t length;

	(void)state;
	held = handled = 0;
	let_go = false;
	length = (size_t)snprintf(ahead, sizeof(ahead), "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
	for (int i = 0; i < AHEAD; i++)
		length += (size_t)snprintf(ahead + length, sizeof(ahead) - length,
					   "GET /text HTTP/1.1\r\nHost: x\r\n\r\n");
	for (size_t i = 0; i < OTHERS; i++)
		others[i] = talk_open();
	assert_true(say_bytes(first, ahead, length));
	while (held == 0)
		usleep(1000);
	/* Its worker stands still; behind that all of these are there. */
	for (size_t i = 0; i < OTHERS; i++)
		say(others[i], "GET /count HTTP/1.1\r\nHost: x\r\n\r\n");
	let_go = true;
	for (size_t i = 0; i < OTHERS; i++) {
		assert_int_equal(hear(others[i], "GET"), 200);
		assert_in_range(strtol(answer.body, NULL, 10), 1, AHEAD / 2);
		talk_close(others[i]);
	}
	for (int i = 0; i <= AHEAD; i++)
		assert_int_equal(hear(first, "GET"), 200);
	talk_close(first);
}

#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, start_server, stop_server)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SERVER(test_pieces_make_no_difference),
		WITH_SERVER(test_bad_requests_byte_by_byte),
		WITH_SERVER(test_clients_that_leave_at_any_byte),
		WITH_SERVER(test_who_sends_ahead_lets_others_in),
	};

	return cmocka_run_group_tests_name("http/pieces", tests, start_workers, stop_workers);
}
