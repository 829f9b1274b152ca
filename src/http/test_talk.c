/* A real server on a free port, and raw sockets to speak to it. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/text.h"
#include "http/test_talk.h"
#include "runtime/fiber.h"
#include "runtime/worker.h"

struct server *server;
atomic_int handled, held;
atomic_bool let_go;

/* --- what is served -------------------------------------------------------------------------- */

static void reply_who(struct request *req, struct reply *reply)
{
	struct out out = out_new(reply->arena);

	out_open(&out, NULL);
	out_text(&out, "method", http_method_text(req->method));
	out_text(&out, "path", req->path);
	out_text(&out, "query", req->query);
	out_text(&out, "address", req->client_address);
	out_text(&out, "network", req->client_network);
	out_text(&out, "id", req->id);
	out_text(&out, "traceparent", req->traceparent);
	out_int(&out, "headers", (int64_t)req->header_count);
	out_close(&out);
	reply_json(reply, 200, &out);
}

void handle(struct request *req, struct reply *reply)
{
	int64_t delay_ms = 0;
	const char *delay = request_query(req, "sleep");

	handled++;
	if (delay && text_to_int(delay, &delay_ms))
		fiber_sleep(delay_ms);
	if (strcmp(req->path, "/text") == 0) {
		reply_text(reply, 200, "text/plain",
			   arena_printf(req->arena, "text %s", req->query));
	} else if (strcmp(req->path, "/echo") == 0) {
		assert_int_equal(strlen(req->body), req->body_length);
		reply_text(reply, 200, "text/plain", req->body);
	} else if (strcmp(req->path, "/who") == 0) {
		reply_who(req, reply);
	} else if (strcmp(req->path, "/tagged") == 0) {
		reply_text(reply, 200, "text/plain", "tagged");
		reply_etag(reply, 3, 4);
		if (reply_precondition(req, reply) == PRECONDITION_NOT_MODIFIED)
			reply_not_modified(reply);
	} else if (strcmp(req->path, "/hold") == 0) {
		held++;
		while (!let_go)
			usleep(1000);
		reply_empty(reply, 200);
	} else if (strcmp(req->path, "/count") == 0) {
		reply_text(reply, 200, "text/plain", arena_printf(req->arena, "%d", handled));
	} else if (strcmp(req->path, "/empty") == 0) {
		reply_empty(reply, 204);
	} else if (strcmp(req->path, "/large") == 0) {
		char *body = arena_alloc(req->arena, 1000001);

		memset(body, 'x', 1000000);
		reply_text(reply, 200, "text/plain", body);
	}
}

/* --- speaking -------------------------------------------------------------------------------- */

struct answer_heard answer;

struct talk *talk_open(void)
{
	struct talk *talk = calloc(1, sizeof(*talk));
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)server_port(server)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct timeval patience = {.tv_sec = 10};

	assert_non_null(talk);
	talk->socket = socket(AF_INET, SOCK_STREAM, 0);
	assert_true(talk->socket >= 0);
	setsockopt(talk->socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	assert_int_equal(connect(talk->socket, (struct sockaddr *)&address, sizeof(address)), 0);
	return talk;
}

void talk_close(struct talk *talk)
{
	close(talk->socket);
	free(talk);
}

/* False where the server has closed meanwhile. */
bool say_bytes(struct talk *talk, const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t n = send(talk->socket, bytes, length, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		bytes += n;
		length -= (size_t)n;
	}
	return true;
}

void say(struct talk *talk, const char *text)
{
	assert_true(say_bytes(talk, text, strlen(text)));
}

/* Reads more; false at the end of the connection. */
bool hear_more(struct talk *talk)
{
	ssize_t n;

	assert_true(talk->length < sizeof(talk->bytes) - 1);
	n = recv(talk->socket, talk->bytes + talk->length, sizeof(talk->bytes) - 1 - talk->length,
		 0);
	if (n < 0 && errno == EAGAIN)
		fail_msg("the server says nothing");
	if (n <= 0)
		return false;
	talk->length += (size_t)n;
	talk->bytes[talk->length] = '\0';
	return true;
}

const char *answer_header(const char *name)
{
	static char value[4096];
	char wanted[128];
	const char *at;

	snprintf(wanted, sizeof(wanted), "\r\n%s: ", name);
	at = strcasestr(answer.head, wanted);
	if (!at)
		return NULL;
	at += strlen(wanted);
	snprintf(value, sizeof(value), "%.*s", (int)strcspn(at, "\r"), at);
	return value;
}

static bool has_no_body(const char *method)
{
	return strcmp(method, "HEAD") == 0 || answer.status == 304 || answer.status == 204;
}

/* Reads one answer; the status, or 0 where the connection ended first. */
int hear(struct talk *talk, const char *method)
{
	char *end;
	size_t head;

	memset(&answer, 0, sizeof(answer));
	while (!(end = memmem(talk->bytes, talk->length, "\r\n\r\n", 4))) {
		if (!hear_more(talk))
			return 0;
	}
	head = (size_t)(end - talk->bytes) + 4;
	assert_true(head < sizeof(answer.head));
	memcpy(answer.head, talk->bytes, head);
	assert_memory_equal(answer.head, "HTTP/1.1 ", 9);
	answer.status = (int)strtol(answer.head + 9, NULL, 10);
	if (!has_no_body(method) && answer_header("Content-Length"))
		answer.length = strtoul(answer_header("Content-Length"), NULL, 10);
	while (talk->length < head + answer.length) {
		if (!hear_more(talk))
			return 0;
	}
	memcpy(answer.body, talk->bytes + head, answer.length);
	talk->length -= head + answer.length;
	memmove(talk->bytes, talk->bytes + head + answer.length, talk->length);
	return answer.status;
}

/* Whether the server has closed, and said nothing more. */
bool is_over(struct talk *talk)
{
	return talk->length == 0 && !hear_more(talk);
}

/* One request on a connection of its own. */
int ask(const char *request)
{
	struct talk *talk = talk_open();
	int status;

	say(talk, request);
	status = hear(talk, strncmp(request, "HEAD", 4) == 0 ? "HEAD" : "GET");
	talk_close(talk);
	return status;
}

void assert_problem(int status, const char *slug)
{
	char type[128];

	assert_int_equal(answer.status, status);
	assert_string_equal(answer_header("Content-Type"), "application/problem+json");
	snprintf(type, sizeof(type), "\"type\":\"/problems/%s\"", slug);
	assert_non_null(strstr(answer.body, type));
}

void assert_alive(void)
{
	assert_int_equal(ask("GET /text?alive HTTP/1.1\r\nHost: x\r\n\r\n"), 200);
	assert_string_equal(answer.body, "text alive");
}

void start(struct server_options options)
{
	const char *why = NULL;

	options.handler = handle;
	options.listen = options.listen ? options.listen : "127.0.0.1:0";
	options.body_limit_bytes = BODY_LIMIT;
	options.bodies_max_bytes =
		options.bodies_max_bytes ? options.bodies_max_bytes : 64 * 1024 * 1024;
	options.request_timeout_s = options.request_timeout_s ? options.request_timeout_s : 60;
	options.bodies_per_address_max_bytes = options.bodies_per_address_max_bytes
						       ? options.bodies_per_address_max_bytes
						       : options.bodies_max_bytes;
	options.connections_max = 200;
	options.connections_per_address_max = options.connections_per_address_max
						      ? options.connections_per_address_max
						      : options.connections_max;
	options.idle_timeout_s = options.idle_timeout_s ? options.idle_timeout_s : 30;
	assert_int_equal(server_start(&options, &server, &why), OK);
}

int start_server(void **state)
{
	(void)state;
	start((struct server_options){0});
	return 0;
}

int stop_server(void **state)
{
	(void)state;
	server_stop(server, 5000);
	return 0;
}

int start_workers(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	log_set_level(LOG_ERROR);
	return workers_start(WORKERS, FIBERS_MAX);
}

int stop_workers(void **state)
{
	(void)state;
	workers_stop(5000);
	return 0;
}
