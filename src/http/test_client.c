/* The client, speaking to our own server. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/text.h"
#include "http/client.h"
#include "http/server.h"
#include "runtime/fiber.h"
#include "runtime/worker.h"

static struct server *server;
static struct arena *arena;

static void handle(struct request *req, struct reply *reply)
{
	const char *extra = request_header(req, "X-Extra");

	if (strcmp(req->path, "/sleep") == 0)
		fiber_sleep(400);
	if (strcmp(req->path, "/large") == 0) {
		reply->status = 200;
		reply->length = CLIENT_ANSWER_BYTES_MAX + 1;
		reply->body = arena_alloc(req->arena, reply->length);
		return;
	}
	if (strcmp(req->path, "/away") == 0) {
		reply_empty(reply, 302);
		reply_header(reply, "Location", "/text");
		return;
	}
	reply_text(reply, 201, "text/plain",
		   arena_printf(req->arena, "%s %s %s %s", http_method_text(req->method), req->path,
				extra ? extra : "-", req->body));
	reply_header(reply, "X-Mixed-Case", "  Value");
}

static char *url(const char *path)
{
	return arena_printf(arena, "http://127.0.0.1:%d%s", server_port(server), path);
}

static const char *find(const struct answer *answer, const char *name)
{
	for (size_t i = 0; i < answer->header_count; i++) {
		if (strcmp(answer->headers[i].name, name) == 0)
			return answer->headers[i].value;
	}
	return NULL;
}

static void exchange_all(void)
{
	static const enum http_method methods[] = {HTTP_GET,	HTTP_POST,  HTTP_PUT,
						   HTTP_DELETE, HTTP_PATCH, HTTP_HEAD};
	const struct header headers[] = {{"X-Extra", "extra"}, {"X-Empty", ""}};

	for (size_t i = 0; i < ARRAY_LENGTH(methods); i++) {
		bool body = methods[i] == HTTP_POST || methods[i] == HTTP_PUT;
		bool head = methods[i] == HTTP_HEAD;
		struct exchange exchange = {
			.method = methods[i],
			.url = url("/text"),
			.headers = headers,
			.header_count = ARRAY_LENGTH(headers),
			.body = body ? "body" : NULL,
			.body_length = body ? 4 : 0,
			.timeout_ms = 5000,
		};
		struct answer answer;

		assert_int_equal(http_exchange(arena, &exchange, &answer, NULL), OK);
		assert_int_equal(answer.status, 201);
		assert_string_equal(find(&answer, "x-mixed-case"), "Value");
		assert_string_equal(find(&answer, "content-type"), "text/plain");
		assert_int_equal(answer.length, strlen(answer.body));
		assert_string_equal(answer.body, head ? ""
						      : arena_printf(arena, "%s /text extra %s",
								     http_method_text(methods[i]),
								     body ? "body" : ""));
	}
}

static void test_exchanges(void **state)
{
	(void)state;
	exchange_all();
}

struct trial {
	struct ticket ticket;
};

static void trial_main(void *arg)
{
	struct trial *trial = arg;

	exchange_all();
	fiber_wake(trial->ticket);
}

static void test_exchanges_in_a_fiber(void **state)
{
	struct trial trial = {fiber_ticket()};

	(void)state;
	fiber_start_on(0, trial_main, &trial);
	assert_true(fiber_park(20000));
}

static void test_redirects_are_not_followed(void **state)
{
	struct exchange exchange = {.method = HTTP_GET, .url = url("/away"), .timeout_ms = 5000};
	struct answer answer;

	(void)state;
	assert_int_equal(http_exchange(arena, &exchange, &answer, NULL), OK);
	assert_int_equal(answer.status, 302);
	assert_string_equal(find(&answer, "location"), "/text");
}

static void test_failures(void **state)
{
	static const struct header broken = {"X-A", "b\r\nX-C: d"};
	struct exchange exchange = {.method = HTTP_POST, .url = url("/sleep"), .timeout_ms = 100};
	struct answer answer = {.status = 7};
	const char *why = NULL;

	(void)state;
	assert_int_equal(http_exchange(arena, &exchange, &answer, &why), ERR_UPSTREAM);
	assert_non_null(why);
	exchange.url = url("/large");
	exchange.timeout_ms = 20000;
	assert_int_equal(http_exchange(arena, &exchange, &answer, &why), ERR_UPSTREAM);
	assert_non_null(strstr(why, "larger"));
	exchange.url = "http://127.0.0.1:1/";
	assert_int_equal(http_exchange(arena, &exchange, &answer, &why), ERR_UNAVAILABLE);
	exchange.url = "file:///etc/hostname";
	assert_int_equal(http_exchange(arena, &exchange, &answer, &why), ERR_UNAVAILABLE);
	exchange.url = "not an address";
	assert_int_equal(http_exchange(arena, &exchange, &answer, &why), ERR_UNAVAILABLE);
	exchange.url = url("/text");
	exchange.headers = &broken;
	exchange.header_count = 1;
	assert_int_equal(http_exchange(arena, &exchange, &answer, &why), ERR_UNAVAILABLE);
	assert_int_equal(answer.status, 7);
}

static int begin(void **state)
{
	const struct server_options options = {
		.listen = "127.0.0.1:0",
		.body_limit_bytes = 1000,
		.connections_max = 50,
		.connections_per_address_max = 50,
		.bodies_per_address_max_bytes = 10000,
		.idle_timeout_s = 30,
		.request_timeout_s = 30,
		.bodies_max_bytes = 10000,
		.handler = handle,
	};
	const char *why;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	log_set_level(LOG_ERROR);
	arena = arena_new();
	return workers_start(1, 16) || server_start(&options, &server, &why);
}

static int end(void **state)
{
	(void)state;
	server_stop(server, 1000);
	workers_stop(1000);
	arena_free(arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exchanges),
		cmocka_unit_test(test_exchanges_in_a_fiber),
		cmocka_unit_test(test_redirects_are_not_followed),
		cmocka_unit_test(test_failures),
	};

	return cmocka_run_group_tests_name("http/client", tests, begin, end);
}
