/* A real server, spoken to over raw sockets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/env.h"
#include "base/metrics.h"
#include "http/test_talk.h"
#include "runtime/fiber.h"

static void test_answers_at_once_and_after_parking(void **state)
{
	(void)state;
	assert_int_equal(ask("GET /text?a=%20b HTTP/1.1\r\nHost: x\r\n\r\n"), 200);
	assert_string_equal(answer.body, "text a=%20b");
	assert_string_equal(answer_header("Content-Type"), "text/plain");
	assert_int_equal(ask("GET /text?sleep=20 HTTP/1.1\r\nHost: x\r\n\r\n"), 200);
	assert_string_equal(answer.body, "text sleep=20");
}

static void test_connection_is_kept(void **state)
{
	struct talk *talk = talk_open();
	char request[128], expected[32];

	(void)state;
	for (int i = 0; i < 10; i++) {
		snprintf(request, sizeof(request),
			 "GET /text?%ssleep=%d HTTP/1.1\r\nHost: x\r\n\r\n", i % 2 ? "no" : "", i);
		say(talk, request);
		assert_int_equal(hear(talk, "GET"), 200);
		snprintf(expected, sizeof(expected), "text %ssleep=%d", i % 2 ? "no" : "", i);
		assert_string_equal(answer.body, expected);
	}
	say(talk, "GET /text HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	assert_int_equal(hear(talk, "GET"), 200);
	assert_true(is_over(talk));
	talk_close(talk);
}

static void test_pipelining_keeps_the_order(void **state)
{
	struct talk *talk = talk_open();

	(void)state;
	say(talk, "GET /text?sleep=60 HTTP/1.1\r\nHost: x\r\n\r\n"
		  "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
		  "HEAD /text HTTP/1.1\r\nHost: x\r\n\r\n"
		  "GET /text?sleep=10 HTTP/1.1\r\nHost: x\r\n\r\n"
		  "GET /text?last HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_int_equal(hear(talk, "GET"), 200);
	assert_string_equal(answer.body, "text sleep=60");
	assert_int_equal(hear(talk, "POST"), 200);
	assert_string_equal(answer.body, "abc");
	assert_int_equal(hear(talk, "HEAD"), 200);
	assert_int_equal(hear(talk, "GET"), 200);
	assert_string_equal(answer.body, "text sleep=10");
	assert_int_equal(hear(talk, "GET"), 200);
	assert_string_equal(answer.body, "text last");
	talk_close(talk);
}

static void test_replies_without_body(void **state)
{
	struct talk *talk = talk_open();

	(void)state;
	say(talk, "HEAD /text?abc HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_int_equal(hear(talk, "HEAD"), 200);
	assert_string_equal(answer_header("Content-Length"), "8");
	say(talk, "GET /empty HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_int_equal(hear(talk, "GET"), 204);
	assert_null(answer_header("Content-Length"));
	assert_null(answer_header("Content-Type"));
	say(talk, "GET /tagged HTTP/1.1\r\nHost: x\r\nIf-None-Match: \"1\", W/\"3.4\"\r\n\r\n");
	assert_int_equal(hear(talk, "GET"), 304);
	assert_string_equal(answer_header("ETag"), "\"3.4\"");
	say(talk, "GET /tagged HTTP/1.1\r\nHost: x\r\nIf-None-Match: \"3.5\"\r\n\r\n");
	assert_int_equal(hear(talk, "GET"), 200);
	assert_string_equal(answer.body, "tagged");
	talk_close(talk);
}

static void test_large_reply(void **state)
{
	(void)state;
	assert_int_equal(ask("GET /large HTTP/1.1\r\nHost: x\r\n\r\n"), 200);
	assert_int_equal(answer.length, 1000000);
	assert_int_equal(strspn(answer.body, "x"), 1000000);
}

static void test_bodies(void **state)
{
	static char body[BODY_LIMIT + 1], head[128];
	struct talk *talk = talk_open();

	(void)state;
	memset(body, 'b', BODY_LIMIT);
	snprintf(head, sizeof(head), "PUT /echo HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n",
		 BODY_LIMIT);
	say(talk, head);
	say(talk, body);
	assert_int_equal(hear(talk, "PUT"), 200);
	assert_int_equal(answer.length, BODY_LIMIT);
	assert_memory_equal(answer.body, body, BODY_LIMIT);

	say(talk, "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
		  "3\r\nabc\r\n");
	for (int i = 0; i < 30; i++) {
		say(talk, "400;extension=1\r\n");
		assert_true(say_bytes(talk, body, 1024));
		say(talk, "\r\n");
	}
	say(talk, "2\r\nde\r\n0\r\nTrailer: x\r\n\r\n");
	assert_int_equal(hear(talk, "POST"), 200);
	assert_int_equal(answer.length, 5 + 30 * 1024);
	assert_memory_equal(answer.body, "abcb", 4);
	assert_string_equal(answer.body + answer.length - 3, "bde");
	/* What comes behind chunks is not believed. */
	if (answer_header("Connection")) {
		assert_string_equal(answer_header("Connection"), "close");
		assert_true(is_over(talk));
		talk_close(talk);
		talk = talk_open();
	}

	say(talk, "POST /echo?sleep=5 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
	assert_int_equal(hear(talk, "POST"), 200);
	assert_int_equal(answer.length, 0);
	talk_close(talk);
}

static void test_slow_body(void **state)
{
	const char *request = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\nslowly..";
	struct talk *talk = talk_open();

	(void)state;
	for (; *request; request++) {
		assert_true(say_bytes(talk, request, 1));
		usleep(1000);
	}
	assert_int_equal(hear(talk, "POST"), 200);
	assert_string_equal(answer.body, "slowly..");

	say(talk, "POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
		  "Content-Length: 2\r\n\r\n");
	assert_int_equal(hear(talk, "POST"), 100);
	say(talk, "ok");
	assert_int_equal(hear(talk, "POST"), 200);
	assert_string_equal(answer.body, "ok");
	talk_close(talk);
}

static void test_identity(void **state)
{
	(void)state;
	assert_int_equal(ask("GET /who HTTP/1.1\r\nHost: x\r\nX-Request-Id: mine-1._Z\r\n"
			     "traceparent: 00-0123456789abcdef0123456789abcdef-00000000000000f1-00"
			     "\r\n\r\n"),
			 200);
	assert_string_equal(answer_header("X-Request-Id"), "mine-1._Z");
	assert_non_null(strstr(answer.body, "\"id\":\"mine-1._Z\""));
	assert_non_null(strstr(answer.body, "\"00-0123456789abcdef0123456789abcdef-"));
	assert_non_null(strstr(answer.body, "-00\""));
	assert_null(strstr(answer.body, "00000000000000f1"));
	assert_non_null(strstr(answer.body, "\"address\":\"127.0.0.1\""));

	assert_int_equal(ask("GET /who?a=b HTTP/1.1\r\nHost: x\r\nX-Request-Id: not sane\r\n"
			     "traceparent: 00-00000000000000000000000000000000-00000000000000f1-00"
			     "\r\nX-Forwarded-For: 10.0.0.1\r\n\r\n"),
			 200);
	assert_int_equal(strlen(answer_header("X-Request-Id")), 36);
	assert_null(strstr(answer.body, "not sane"));
	assert_null(strstr(answer.body, "-00000000000000000000000000000000"));
	assert_non_null(strstr(answer.body, "\"address\":\"127.0.0.1\""));
	assert_non_null(strstr(answer.body, "\"query\":\"a=b\""));
}

static void test_forms_of_the_address(void **state)
{
	(void)state;
	assert_int_equal(ask("DELETE http://shop.example/who?q=/? HTTP/1.1\r\n"
			     "Host: Shop.example\r\n\r\n"),
			 200);
	assert_non_null(strstr(answer.body, "\"method\":\"DELETE\""));
	assert_non_null(strstr(answer.body, "\"path\":\"/who\",\"query\":\"q=/?\""));
	assert_int_equal(ask("GET http://[::1]:8080/who HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n"),
			 200);
	assert_int_equal(ask("GET /who HTTP/1.1\r\nHost: shop.example:\r\n\r\n"), 200);
	assert_int_equal(ask("BREW /who HTTP/1.1\r\nHost: x\r\n\r\n"), 200);
	assert_non_null(strstr(answer.body, "\"method\":\"OTHER\""));
	assert_int_equal(ask("GET /who HTTP/1.0\r\n\r\n"), 200);
}

static void test_no_answer_is_a_fault(void **state)
{
	(void)state;
	assert_int_equal(ask("GET /unknown HTTP/1.1\r\nHost: x\r\n\r\n"), 500);
	assert_problem(500, "internal");
	assert_null(strstr(answer.body, "\"detail\""));
}

static void test_fibers_are_bounded(void **state)
{
	enum { MANY = WORKERS * FIBERS_MAX * 3 };
	struct talk *talks[MANY];
	int answered = 0, refused = 0;

	(void)state;
	for (int i = 0; i < MANY; i++) {
		talks[i] = talk_open();
		say(talks[i], "GET /text?sleep=500 HTTP/1.1\r\nHost: x\r\n\r\n");
	}
	for (int i = 0; i < MANY; i++) {
		if (hear(talks[i], "GET") == 200) {
			answered++;
			continue;
		}
		assert_problem(503, "overloaded");
		assert_string_equal(answer_header("Retry-After"), "1");
		refused++;
		/* The connection is still good. */
		say(talks[i], "GET /text?x HTTP/1.1\r\nHost: x\r\n\r\n");
		assert_int_not_equal(hear(talks[i], "GET"), 0);
	}
	assert_true(answered > 0 && answered <= WORKERS * FIBERS_MAX);
	assert_int_equal(refused, MANY - answered);
	for (int i = 0; i < MANY; i++)
		talk_close(talks[i]);
	assert_true(metric_value(metric_counter("souk_http_requests_refused_total", "",
						"reason=\"overloaded\"")) >= refused);
	assert_alive();
}

static void test_clients_that_leave(void **state)
{
	(void)state;
	for (int i = 0; i < 20; i++) {
		struct talk *talk = talk_open();

		say(talk,
		    i % 2 ? "GET /text?sleep=30 HTTP/1.1\r\nHost: x\r\n\r\n"
			  : "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\nabc");
		talk_close(talk);
	}
	usleep(100000);
	assert_alive();
}

static void test_idle_connections_are_closed(void **state)
{
	struct talk *talk;

	(void)state;
	start((struct server_options){.idle_timeout_s = 1});
	talk = talk_open();
	say(talk, "GET /text HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_int_equal(hear(talk, "GET"), 200);
	assert_true(is_over(talk));
	talk_close(talk);
	/* One that is parked is not idle. */
	assert_int_equal(ask("GET /text?sleep=2500 HTTP/1.1\r\nHost: x\r\n\r\n"), 200);
	server_stop(server, 1000);
}

static void test_slow_clients_are_hung_up_on(void **state)
{
	struct talk *talk;

	(void)state;
	start((struct server_options){.request_timeout_s = 1});
	talk = talk_open();
	say(talk, "GET /text?sleep=1500 HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_int_equal(hear(talk, "GET"), 200); /* it was ours to be slow */
	say(talk, "PUT /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\nabc");
	assert_true(is_over(talk));
	talk_close(talk);
	server_stop(server, 1000);
}

static void test_bodies_have_a_bound_together(void **state)
{
	struct talk *first, *second;

	(void)state;
	start((struct server_options){.bodies_max_bytes = 12 * 1024});
	first = talk_open();
	say(first, "PUT /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9000\r\n\r\n");
	for (int i = 0; i < 500; i++)
		say(first, "0123456789");
	usleep(100000);
	second = talk_open();
	say(second, "PUT /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9000\r\n\r\n");
	for (int i = 0; i < 900; i++)
		say(second, "0123456789");
	assert_int_equal(hear(second, "PUT"), 503);
	assert_problem(503, "overloaded");
	assert_string_equal(answer_header("Connection"), "close");
	talk_close(first);
	talk_close(second);
	/* What the first one had is free again. */
	usleep(100000);
	second = talk_open();
	say(second, "PUT /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc");
	assert_int_equal(hear(second, "PUT"), 200);
	talk_close(second);
	server_stop(server, 1000);
}

static void test_proxy_is_believed(void **state)
{
	(void)state;
	start((struct server_options){.trust_proxy = true});
	assert_int_equal(ask("GET /who HTTP/1.1\r\nHost: x\r\n"
			     "X-Forwarded-For: 1.1.1.1, 10.0.0.7\r\n\r\n"),
			 200);
	assert_non_null(strstr(answer.body, "\"address\":\"10.0.0.7\""));
	assert_non_null(strstr(answer.body, "\"network\":\"10.0.0.7\""));
	assert_int_equal(ask("GET /who HTTP/1.1\r\nHost: x\r\n"
			     "X-Forwarded-For: 2001:DB8::1\r\n\r\n"),
			 200);
	assert_non_null(strstr(answer.body, "\"address\":\"2001:db8::1\""));
	/* Of IPv6 one client has all addresses of a network. */
	assert_non_null(strstr(answer.body, "\"network\":\"2001:db8::/64\""));
	assert_int_equal(ask("GET /who HTTP/1.1\r\nHost: x\r\n"
			     "X-Forwarded-For: ::ffff:10.0.0.7\r\n\r\n"),
			 200);
	assert_non_null(strstr(answer.body, "\"network\":\"10.0.0.7\""));
	assert_int_equal(ask("GET /who HTTP/1.1\r\nHost: x\r\n"
			     "X-Forwarded-For: 10.0.0.7, evil\r\n\r\n"),
			 200);
	assert_non_null(strstr(answer.body, "\"address\":\"127.0.0.1\""));
	server_stop(server, 1000);
}

static void test_addresses_that_cannot_be_had(void **state)
{
	static const char *const bad[] = {"",
					  "8080",
					  ":8080",
					  "127.0.0.1:",
					  "127.0.0.1:70000",
					  "127.0.0.1:-1",
					  "::1:8080",
					  "192.0.2.1:8080",
					  "127.0.0.1"};
	struct server_options options = {
		.handler = handle, .connections_max = 1, .request_timeout_s = 60};
	struct server *other = NULL;
	const char *why = NULL;
	char address[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
		options.listen = bad[i];
		why = NULL;
		assert_int_equal(server_start(&options, &other, &why), ERR_BAD_REQUEST);
		assert_non_null(why);
	}
	snprintf(address, sizeof(address), "127.0.0.1:%d", server_port(server));
	options.listen = address;
	assert_int_equal(server_start(&options, &other, &why), ERR_CONFLICT);
	assert_non_null(strstr(why, address));
	assert_null(other);
	assert_alive();
}

static void test_stopping_waits_for_requests(void **state)
{
	struct talk *talk, *late;
	int64_t began_ms;
	int port;
	char address[64];

	(void)state;
	start((struct server_options){0});
	port = server_port(server);
	talk = talk_open();
	late = talk_open();
	say(late, "GET /text HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_int_equal(hear(late, "GET"), 200);
	say(talk, "GET /text?sleep=300 HTTP/1.1\r\nHost: x\r\n\r\n");
	usleep(50000);
	began_ms = env_monotonic_ms();
	server_stop(server, 5000);
	assert_in_range(env_monotonic_ms() - began_ms, 150, 2000);
	assert_int_equal(hear(talk, "GET"), 200);
	assert_string_equal(answer_header("Connection"), "close");
	assert_true(is_over(talk));
	assert_true(is_over(late));
	talk_close(talk);
	talk_close(late);

	/* The port is free again. */
	snprintf(address, sizeof(address), "127.0.0.1:%d", port);
	start((struct server_options){.listen = address});
	assert_int_equal(server_port(server), port);
	assert_alive();
	server_stop(server, 1000);
}

static void test_stopping_loses_patience(void **state)
{
	struct talk *talk, *half;

	(void)state;
	start((struct server_options){0});
	talk = talk_open();
	half = talk_open();
	say(talk, "GET /text?sleep=600 HTTP/1.1\r\nHost: x\r\n\r\n");
	say(half, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc");
	usleep(50000);
	server_stop(server, 50);
	assert_int_equal(hear(talk, "GET"), 0);
	assert_int_equal(hear(half, "POST"), 0);
	talk_close(talk);
	talk_close(half);
	while (fiber_count() > 0)
		usleep(10000);
}

#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, start_server, stop_server)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SERVER(test_answers_at_once_and_after_parking),
		WITH_SERVER(test_connection_is_kept),
		WITH_SERVER(test_pipelining_keeps_the_order),
		WITH_SERVER(test_replies_without_body),
		WITH_SERVER(test_large_reply),
		WITH_SERVER(test_bodies),
		WITH_SERVER(test_slow_body),
		WITH_SERVER(test_identity),
		WITH_SERVER(test_forms_of_the_address),
		WITH_SERVER(test_no_answer_is_a_fault),
		WITH_SERVER(test_fibers_are_bounded),
		WITH_SERVER(test_clients_that_leave),
		cmocka_unit_test(test_idle_connections_are_closed),
		cmocka_unit_test(test_slow_clients_are_hung_up_on),
		cmocka_unit_test(test_bodies_have_a_bound_together),
		cmocka_unit_test(test_proxy_is_believed),
		WITH_SERVER(test_addresses_that_cannot_be_had),
		cmocka_unit_test(test_stopping_waits_for_requests),
		cmocka_unit_test(test_stopping_loses_patience),
	};

	return cmocka_run_group_tests_name("http/server", tests, start_workers, stop_workers);
}
