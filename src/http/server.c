/*
 * The server: a desk per worker, and their opening and closing.
 *
 * What a worker's loop was told to watch it watches for its whole life, so desks are never freed:
 * a stopped server stays on a list.
 */
#include "http/server.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/env.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/time.h"
#include "http/listen.h"
#include "http/server_desk.h"
#include "runtime/fiber.h"
#include "runtime/worker.h"

#define CONNECTION_MEMORY_BYTES ((size_t)32 * 1024) /* headers, and a piece of body */
#define DRAIN_STEP_MS 5
#define RUNS_PER_TURN 4
#define SURPLUS_MIN 4	 /* connections of a worker beyond those served, that get 503 */
#define SURPLUS_SHARE 16 /* or such a part of them, where that is more */
#define SURPLUS_TIMEOUT_S 2

struct server {
	struct server_options options;
	int port;
	size_t desk_count;
	struct desk desks[WORKERS_MAX];
	int sockets[WORKERS_MAX];
	struct server *next; /* of the stopped ones */
};

static struct server *stopped_servers;

/* One thing done on every worker, which somebody waits for. */
struct round {
	void (*fn)(struct server *server, size_t index);
	struct server *server;
	atomic_size_t left;
	struct ticket ticket;
};

struct round_part {
	struct round *round;
	size_t index;
};

/* --- the daemon's loop ----------------------------------------------------------------------- */

/* An alarm for the daemon's next time-out; one that comes too early does no harm. */
static void set_alarm(struct desk *desk)
{
	MHD_UNSIGNED_LONG_LONG timeout_ms = 0;
	int64_t now_ms, at_ms;

	if (MHD_get_timeout(desk->daemon, &timeout_ms) != MHD_YES)
		return;
	now_ms = env_monotonic_ms();
	at_ms = now_ms + (int64_t)MIN(timeout_ms, (MHD_UNSIGNED_LONG_LONG)HOUR_MS);
	if (desk->alarm_at_ms != 0 && desk->alarm_at_ms <= at_ms)
		return;
	desk->alarm_at_ms = at_ms;
	alarm_set(desk->alarm, at_ms - now_ms);
}

static void desk_run(void *arg)
{
	struct desk *desk = arg;

	if (!desk->daemon)
		return;
	for (int i = 0; i < RUNS_PER_TURN; i++) {
		desk->resumed = false;
		MHD_run(desk->daemon);
		if (!desk->resumed)
			break;
	}
	set_alarm(desk);
}

static void desk_alarm(void *arg)
{
	struct desk *desk = arg;

	desk->alarm_at_ms = 0;
	desk_run(desk);
}

void desk_resume(struct desk *desk, struct MHD_Connection *connection)
{
	MHD_resume_connection(connection);
	if (desk->resumed)
		return;
	desk->resumed = true;
	/* A fiber that a timer woke runs before the loop waits; the turn's end is behind that. */
	desk->alarm_at_ms = 0;
	alarm_set(desk->alarm, 0);
}

/* Connections that fibers have resumed in this turn are taken up together. */
static void desk_turn_end(void *arg)
{
	struct desk *desk = arg;

	if (desk->resumed)
		desk_run(desk);
}

PRINTF_LIKE(2, 0)
static void log_daemon(void *arg, const char *format, va_list arguments)
{
	char text[512];

	(void)arg;
	vsnprintf(text, sizeof(text), format, arguments);
	text[strcspn(text, "\n")] = '\0';
	log_debug("http.daemon", "%s", text);
}

static void count_connection(void *arg, struct MHD_Connection *connection, void **context,
			     enum MHD_ConnectionNotificationCode code)
{
	struct desk *desk = arg;

	const union MHD_ConnectionInfo *info;
	struct visitor *visitor;

	if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
		metric_add(desk->connections, -1);
		visitor_free(&desk->visitors, *context);
		*context = NULL;
		return;
	}
	metric_add(desk->connections, 1);
	info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	*context = visitor = visitor_new(&desk->visitors, info->connect_fd);
	if (visitor->surplus)
		MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT,
					  SURPLUS_TIMEOUT_S);
}

struct visitor *desk_visitor(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info->socket_context;
}

/* Of one worker. */
static size_t served_of(size_t connections, size_t workers)
{
	return MAX(connections / workers, (size_t)1);
}

static size_t surplus_of(size_t served)
{
	return MAX(served / SURPLUS_SHARE, (size_t)SURPLUS_MIN);
}

size_t server_descriptors(size_t connections, size_t workers)
{
	size_t served = served_of(connections, workers);

	return workers * (served + surplus_of(served));
}

/* The daemon's own decoding is not used: see incoming_begin. */
static size_t leave_escaped(void *arg, struct MHD_Connection *connection, char *text)
{
	(void)arg;
	(void)connection;
	return strlen(text);
}

/* --- opening --------------------------------------------------------------------------------- */

static struct MHD_Daemon *start_daemon(struct desk *desk, int socket, size_t desk_count)
{
	const struct server_options *options = desk->options;
	size_t served = served_of(options->connections_max, desk_count);
	size_t connections = served + surplus_of(served);
	struct MHD_OptionItem items[] = {
		/* First, so that it hears of the others. */
		{MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)log_daemon, NULL},
		{MHD_OPTION_LISTEN_SOCKET, socket, NULL},
#if MHD_VERSION >= 0x00097701
		{MHD_OPTION_CLIENT_DISCIPLINE_LVL, 1, NULL},
#else
		/* 1 would only add the check for Host, which the gate makes: 0.9.75 sends the
		 * head of such an answer twice. */
		{MHD_OPTION_STRICT_FOR_CLIENT, 0, NULL},
#endif
		{MHD_OPTION_CONNECTION_LIMIT, (intptr_t)connections, NULL},
		{MHD_OPTION_CONNECTION_TIMEOUT, (intptr_t)options->idle_timeout_s, NULL},
		{MHD_OPTION_CONNECTION_MEMORY_LIMIT, (intptr_t)CONNECTION_MEMORY_BYTES, NULL},
		{MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)incoming_begin, desk},
		{MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)leave_escaped, NULL},
		{MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)incoming_end, desk},
		{MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)count_connection, desk},
		{MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, NULL},
		{MHD_OPTION_END, 0, NULL},
	};

	return MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0,
				NULL, NULL, incoming_go_on, desk, MHD_OPTION_ARRAY, items,
				MHD_OPTION_END);
}

static void desk_open(struct server *server, size_t index)
{
	struct desk *desk = &server->desks[index];
	const union MHD_DaemonInfo *info;
	int watched;

	visitors_init(&desk->visitors, desk->options->request_timeout_s * SECOND_MS,
		      served_of(desk->options->connections_max, server->desk_count));
	desk->daemon = start_daemon(desk, server->sockets[index], server->desk_count);
	if (!desk->daemon) {
		close(server->sockets[index]);
		return;
	}
	info = MHD_get_daemon_info(desk->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	/* Of its own, because it is watched for longer than the daemon keeps it. */
	watched = fcntl(info->epoll_fd, F_DUPFD_CLOEXEC, 0);
	assert(watched >= 0);

	desk->alarm = alarm_new(desk_alarm, desk);
	linger_init(&desk->linger);
	worker_watch(watched, desk_run, desk);
	worker_after_turn(desk_turn_end, desk);
	set_alarm(desk);
}

/* --- closing --------------------------------------------------------------------------------- */

static void desk_quiesce(struct server *server, size_t index)
{
	struct desk *desk = &server->desks[index];
	int socket;

	atomic_store(&desk->draining, true);
	if (!desk->daemon)
		return;
	socket = MHD_quiesce_daemon(desk->daemon);
	if (socket != MHD_INVALID_SOCKET)
		close(socket);
}

static void desk_close(struct server *server, size_t index)
{
	struct desk *desk = &server->desks[index];
	struct MHD_Daemon *daemon = desk->daemon;

	if (!daemon)
		return;
	incoming_abandon_all(desk);
	desk->daemon = NULL; /* arenas are not kept from now on, and the loop leaves it alone */
	MHD_stop_daemon(daemon);
	alarm_clear(desk->alarm);
	alarm_clear(desk->linger.alarm);
	visitors_clear(&desk->visitors);
	linger_clear(&desk->linger);
	while (desk->arena_count > 0)
		arena_free(desk->arenas[--desk->arena_count]);
}

/* --- rounds ---------------------------------------------------------------------------------- */

static void do_part(void *arg)
{
	struct round_part *part = arg;
	struct round *round = part->round;
	struct ticket ticket = round->ticket;

	round->fn(round->server, part->index);
	/* With the last one counted the waiting thread may go on only once it is woken. */
	if (atomic_fetch_sub(&round->left, 1) == 1)
		fiber_wake(ticket);
}

static void on_every_worker(struct server *server, void (*fn)(struct server *server, size_t index))
{
	struct round_part parts[WORKERS_MAX];
	struct round round = {.fn = fn, .server = server, .left = server->desk_count};

	round.ticket = fiber_ticket();
	for (size_t i = 0; i < server->desk_count; i++) {
		parts[i] = (struct round_part){&round, i};
		worker_post(i, do_part, &parts[i]);
	}
	(void)fiber_park(WAIT_FOREVER);
}

/* --- the server ------------------------------------------------------------------------------ */

static void make_metrics(struct server *server)
{
	static const char *const labels[GATE_REASON_COUNT] = {
		[GATE_MALFORMED] = "reason=\"malformed\"",
		[GATE_URI] = "reason=\"uri\"",
		[GATE_HEADERS] = "reason=\"headers\"",
		[GATE_BODY] = "reason=\"body\"",
		[GATE_FIBERS] = "reason=\"overloaded\"",
		[GATE_CONNECTIONS] = "reason=\"connections\"",
	};
	struct metric *connections =
		metric_gauge("souk_http_connections", "Open connections of clients.", "");
	struct metric *bodies = metric_gauge("souk_http_body_bytes",
					     "Memory of the bodies of requests that are held.", "");

	for (size_t i = 0; i < server->desk_count; i++) {
		server->desks[i].connections = connections;
		server->desks[i].bodies = bodies;
		for (size_t reason = 0; reason < GATE_REASON_COUNT; reason++)
			server->desks[i].refused[reason] = metric_counter(
				"souk_http_requests_refused_total",
				"Requests refused before a handler saw them.", labels[reason]);
	}
}

static void retire(struct server *server)
{
	server->next = stopped_servers;
	stopped_servers = server;
}

enum err server_start(const struct server_options *options, struct server **ret_server,
		      const char **ret_why)
{
	struct server *server = must_alloc(sizeof(*server));
	enum err err;

	assert(worker_count() > 0 && options->handler);
	server->options = *options;
	server->desk_count = worker_count();
	err = listen_open(options->listen, server->sockets, server->desk_count, &server->port,
			  ret_why);
	if (err) {
		free(server);
		return err;
	}
	if (options->bound)
		options->bound(server->port);
	make_metrics(server);
	for (size_t i = 0; i < server->desk_count; i++)
		server->desks[i].options = &server->options;

	on_every_worker(server, desk_open);
	for (size_t i = 0; i < server->desk_count; i++) {
		if (server->desks[i].daemon)
			continue;
		*ret_why = "The HTTP daemon cannot be started.";
		on_every_worker(server, desk_quiesce);
		on_every_worker(server, desk_close);
		retire(server);
		return ERR_INTERNAL;
	}
	*ret_server = server;
	return OK;
}

int server_port(const struct server *server)
{
	return server->port;
}

static size_t busy(struct server *server)
{
	size_t sum = 0;

	for (size_t i = 0; i < server->desk_count; i++)
		sum += atomic_load(&server->desks[i].busy);
	return sum;
}

void server_stop(struct server *server, int64_t patience_ms)
{
	int64_t until_ms = env_monotonic_ms() + patience_ms;

	assert(!worker_here());
	on_every_worker(server, desk_quiesce);
	while (busy(server) > 0 && env_monotonic_ms() < until_ms) {
		(void)fiber_ticket();
		(void)fiber_park(DRAIN_STEP_MS);
	}
	on_every_worker(server, desk_close);
	retire(server);
}
