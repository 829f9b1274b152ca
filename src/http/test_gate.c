/* What the gate and the parser behind it make of bad requests: nothing reaches a handler. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "http/test_talk.h"

static void test_body_over_the_limit(void **state)
{
	static char body[2000000], head[128], size[16];
	struct talk *talk = talk_open();
	int before = handled;

	(void)state;
	/* It is answered before anything of the body was sent. */
	snprintf(head, sizeof(head),
		 "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n", sizeof(body));
	say(talk, head);
	assert_int_equal(hear(talk, "POST"), 413);
	assert_problem(413, "body-too-large");
	assert_string_equal(answer_header("Connection"), "close");
	/* A client that sends all of it before it reads still gets the answer. */
	talk_close(talk);
	talk = talk_open();
	say(talk, head);
	memset(body, 'x', sizeof(body));
	assert_true(say_bytes(talk, body, sizeof(body)));
	assert_int_equal(hear(talk, "POST"), 413);
	assert_true(is_over(talk));
	talk_close(talk);
	/* One that sends it slowly is not cut off meanwhile. */
	talk = talk_open();
	say(talk, head);
	for (int i = 0; i < 30; i++) {
		assert_true(say_bytes(talk, body, 10000));
		usleep(3000);
	}
	assert_int_equal(hear(talk, "POST"), 413);
	talk_close(talk);

	talk = talk_open();
	say(talk, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n");
	assert_in_range(hear(talk, "POST"), 400, 499);
	talk_close(talk);

	talk = talk_open();
	say(talk, "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
	for (int i = 0; i < 3; i++) {
		snprintf(size, sizeof(size), "%x\r\n", BODY_LIMIT / 2);
		say(talk, size);
		assert_true(say_bytes(talk, body, BODY_LIMIT / 2));
		say(talk, "\r\n");
	}
	say(talk, "0\r\n\r\n");
	assert_int_equal(hear(talk, "POST"), 413);
	assert_problem(413, "body-too-large");
	assert_true(is_over(talk));
	talk_close(talk);
	assert_int_equal(handled, before);
	assert_alive();
}

/* A GET whose one header has `size` bytes. */
static int ask_with_header(size_t size)
{
	struct talk *talk = talk_open();
	char *filler = calloc(1, size + 1);
	int status;

	memset(filler, 'h', size);
	say(talk, "GET /text HTTP/1.1\r\nHost: x\r\nX-Filler: ");
	(void)(say_bytes(talk, filler, size) && say_bytes(talk, "\r\n\r\n", 4));
	status = hear(talk, "GET");
	if (status != 200)
		assert_true(is_over(talk));
	free(filler);
	talk_close(talk);
	return status;
}

static void test_headers_over_the_limit(void **state)
{
	struct talk *talk = talk_open();
	char header[64];

	(void)state;
	assert_int_equal(ask_with_header(16 * 1024 - 100), 200);
	assert_int_equal(ask_with_header(16 * 1024), 431);
	assert_problem(431, "headers-too-large");
	assert_int_equal(ask_with_header(24 * 1024), 431);
	assert_int_equal(ask_with_header(60 * 1024), 431);

	say(talk, "GET /text HTTP/1.1\r\nHost: x\r\n");
	for (int i = 0; i < REQUEST_HEADERS_MAX; i++) {
		snprintf(header, sizeof(header), "X-%d: y\r\n", i);
		say(talk, header);
	}
	say(talk, "\r\n");
	assert_int_equal(hear(talk, "GET"), 431);
	assert_problem(431, "headers-too-large");
	assert_true(is_over(talk));
	talk_close(talk);
}

static void test_address_over_the_limit(void **state)
{
	struct talk *talk = talk_open();
	char filler[9000];

	(void)state;
	memset(filler, 'a', sizeof(filler));
	say(talk, "GET /");
	assert_true(say_bytes(talk, filler, sizeof(filler)));
	say(talk, " HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_int_equal(hear(talk, "GET"), 414);
	assert_problem(414, "uri-too-long");
	talk_close(talk);
}

static void test_ambiguous_requests(void **state)
{
	static const char *const requests[] = {
		"GET /text HTTP/1.1\r\n\r\n",
		"GET /text HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n",
		"GET /text HTTP/1.1\r\nHost: x\r\nhOST: y\r\n\r\n",
		"GET /text HTTP/1.1\r\nHost: \r\n\r\n",
		"GET /text HTTP/1.1\r\nHost: x:y\r\n\r\n",
		"GET /text HTTP/1.1\r\nHost: x:1:2\r\n\r\n",
		"GET /text HTTP/1.1\r\nHost: x:123456\r\n\r\n",
		"GET /text HTTP/1.1\r\nHost: :80\r\n\r\n",
		"GET /text HTTP/1.1\r\nHost: ::1\r\n\r\n",
		"GET /text HTTP/1.1\r\nHost: [::1\r\n\r\n",
		"GET /text HTTP/1.1\r\nHost: []\r\n\r\n",
		"GET /text HTTP/1.1\r\nHost: [x]\r\n\r\n",
		"GET /text HTTP/1.1\r\nHost: [::1]x\r\n\r\n",
		"GET /text HTTP/1.1\r\nHost: x]\r\n\r\n",
		"GET http://x:y/text HTTP/1.1\r\nHost: x:y\r\n\r\n",
		"GET http://[::1/text HTTP/1.1\r\nHost: [::1\r\n\r\n",
		"POST /echo HTTP/1.1\r\nHost: x\r\n"
		"Content-Length: 2\r\nContent-Length: 2\r\n\r\nab",
		"POST /echo HTTP/1.1\r\nHost: x\r\n"
		"Content-Length: 2\r\ncontent-length: 3\r\n\r\nab",
		"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2, 2\r\n\r\nab",
		"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: +2\r\n\r\nab",
		"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: -2\r\n\r\nab",
		"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 0x2\r\n\r\nab",
		"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
		"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
		"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
		"Content-Length: 2\r\n\r\n2\r\nab\r\n0\r\n\r\n",
		"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"
		"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
		"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"
		"2\r\nab\r\n0\r\n\r\n",
		"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: identity\r\n\r\nab",
		"POST /echo HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
		"2\r\nab\r\n0\r\n\r\n",
	};
	const char *smuggled = "GET /text HTTP/1.1\r\nHost: x\r\n\r\n";
	int before = handled;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(requests); i++) {
		struct talk *talk = talk_open();

		say(talk, requests[i]);
		if (hear(talk, "GET") != 400)
			fail_msg("%d to %s", answer.status, requests[i]);
		/* Nothing behind it is taken for a request. */
		(void)say_bytes(talk, smuggled, strlen(smuggled));
		while (hear_more(talk))
			;
		if (memmem(talk->bytes, talk->length, "HTTP/1.1 2", 10))
			fail_msg("went on behind %s", requests[i]);
		talk_close(talk);
	}
	assert_int_equal(handled, before);
	assert_alive();
}

#define BYTES(text)                    \
	{                              \
		text, sizeof(text) - 1 \
	}

static void test_malformed_requests(void **state)
{
	static const struct {
		const char *bytes;
		size_t length;
	} requests[] = {
		BYTES("GET /te\0xt HTTP/1.1\r\nHost: x\r\n\r\n"),
		BYTES("garbage\r\n\r\n"),
		BYTES("GET\r\n\r\n"),
		BYTES("GET /text\r\n\r\n"),
		BYTES("GET /text HTTP/9.1\r\nHost: x\r\n\r\n"),
		BYTES("GET /text HTTP/2.0\r\nHost: x\r\n\r\n"),
		BYTES("GET /te xt HTTP/1.1\r\nHost: x\r\n\r\n"),
		BYTES("GET /text\x01 HTTP/1.1\r\nHost: x\r\n\r\n"),
		BYTES("GET /text\xff HTTP/1.1\r\nHost: x\r\n\r\n"),
		BYTES("GET /text#fragment HTTP/1.1\r\nHost: x\r\n\r\n"),
		BYTES("GET /text HTTP/1.1\r\nHost: x\r\nA\0B: c\r\n\r\n"),
		BYTES("GET /text HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n"),
		BYTES("GET /text HTTP/1.1\r\nA: b\0c\r\nHost: x\r\n\r\n"),
		BYTES("GET /text HTTP/1.1\r\nHost: x\r\nA: b\r\n folded\r\n\r\n"),
		BYTES("GET /text HTTP/1.1\r\nA: b\r\n folded\r\nHost: x\r\n\r\n"),
		BYTES("GET /text HTTP/1.1\r\nHost: x\r\nA: b\x02\r\n\r\n"),
		BYTES("GET /text HTTP/1.1\r\nHost: x\r\nA : b\r\n\r\n"),
		BYTES("GET /text HTTP/1.1\r\nHost: x\r\nA(: b\r\n\r\n"),
		BYTES("GET /text HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n"),
		BYTES("GET /text HTTP/1.1\r\n Host: x\r\n\r\n"),
		BYTES("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
		BYTES("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n"),
		BYTES("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
		      "ffffffffffffffffff\r\n"),
		BYTES("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
		      "2\r\nabcd\r\n0\r\n\r\n"),
		BYTES("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"),
	};
	int before = handled;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(requests); i++) {
		struct talk *talk = talk_open();
		int status;

		assert_true(say_bytes(talk, requests[i].bytes, requests[i].length));
		status = hear(talk, "GET");
		if ((status != 0 && status < 400) || handled != before)
			fail_msg("%d to row %zu: %s", status, i, requests[i].bytes);
		talk_close(talk);
	}
	assert_alive();
}

#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, start_server, stop_server)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SERVER(test_body_over_the_limit),	  WITH_SERVER(test_headers_over_the_limit),
		WITH_SERVER(test_address_over_the_limit), WITH_SERVER(test_ambiguous_requests),
		WITH_SERVER(test_malformed_requests),
	};

	return cmocka_run_group_tests_name("http/gate", tests, start_workers, stop_workers);
}
