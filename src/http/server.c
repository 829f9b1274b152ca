/*
 * The server: a desk per worker, and their opening and closing.
 *
 * What a worker's loop was told to watch it watches for its whole life, so desks are never freed:
 * a stopped server stays on a list.
 */
#include "http/server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/env.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/time.h"
#include "http/listen.h"
#include "http/server_desk.h"
#include "runtime/fiber.h"
#include "runtime/worker.h"

#define EVENTS_PER_TURN 64
#define ACCEPTS_PER_TURN 64
#define ACCEPT_PAUSE_MS 100 /* after the machine had no descriptor or memory for a connection */
#define DRAIN_STEP_MS 5
#define SURPLUS_MIN 4	 /* connections of a worker beyond those served, that get 503 */
#define SURPLUS_SHARE 16 /* or such a part of them, where that is more */

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

/* --- the loop ---------------------------------------------------------------------------------- */

const char *desk_date(struct desk *desk)
{
	static const char *const days[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
	static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
					     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	int64_t now_s = env_now_ms() / SECOND_MS;
	struct civil_time now;

	if (now_s == desk->date_s)
		return desk->date;
	desk->date_s = now_s;
	now = time_to_civil(now_s * SECOND_MS);
	snprintf(desk->date, sizeof(desk->date), "%s, %02u %s %04u %02u:%02u:%02u GMT",
		 days[now.weekday], (unsigned)now.day % 100, months[now.month - 1],
		 (unsigned)now.year % 10000, (unsigned)now.hour % 100, (unsigned)now.minute % 100,
		 (unsigned)now.second % 100);
	return desk->date;
}

static void listen_no_more(struct desk *desk)
{
	if (!desk->listens)
		return;
	desk->listens = false;
	epoll_ctl(desk->epoll, EPOLL_CTL_DEL, desk->listen, NULL);
}

void desk_listen(struct desk *desk)
{
	struct epoll_event event = {.events = EPOLLIN};

	if (desk->listens || desk->listen < 0 ||
	    desk->count >= desk->served_max + desk->surplus_max)
		return;
	desk->listens = epoll_ctl(desk->epoll, EPOLL_CTL_ADD, desk->listen, &event) == 0;
}

static void accept_again(void *arg)
{
	desk_listen(arg);
}

static void accept_connections(struct desk *desk)
{
	for (int i = 0; i < ACCEPTS_PER_TURN && desk->listens; i++) {
		struct sockaddr_storage peer = {0};
		socklen_t length = sizeof(peer);
		int socket = accept4(desk->listen, (struct sockaddr *)&peer, &length,
				     SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (socket >= 0) {
			wire_open(desk, socket, (const struct sockaddr *)&peer);
			if (desk->count >= desk->served_max + desk->surplus_max)
				listen_no_more(desk);
		} else if (errno == EAGAIN || errno == EWOULDBLOCK) {
			return;
		} else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
			   errno == ENOMEM) {
			listen_no_more(desk);
			alarm_set(desk->accept_alarm, ACCEPT_PAUSE_MS);
		}
	}
}

/* Nothing but its own event closes a connection meanwhile: all that epoll tells of are there. */
static void desk_run(void *arg)
{
	struct desk *desk = arg;
	struct epoll_event events[EVENTS_PER_TURN];
	int count = desk->open ? epoll_wait(desk->epoll, events, EVENTS_PER_TURN, 0) : 0;

	for (int i = 0; i < count; i++) {
		if (events[i].data.ptr)
			wire_event(events[i].data.ptr, events[i].events);
		else
			accept_connections(desk);
	}
}

/* Connections whose fibers have ended in this turn are taken up together: at its end, or by an alarm
 * where a timer has woken them, for then the loop might wait before its turn ends. */
static void desk_go_on(void *arg)
{
	struct desk *desk = arg;

	if (desk->again)
		wires_go_on(desk);
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

/* --- opening --------------------------------------------------------------------------------- */

static void desk_open(struct server *server, size_t index)
{
	struct desk *desk = &server->desks[index];
	const struct server_options *options = desk->options;
	int watched;

	desk->listen = server->sockets[index];
	desk->served_max = served_of(options->connections_max, server->desk_count);
	desk->surplus_max = surplus_of(desk->served_max);
	desk->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (desk->epoll < 0) {
		close(desk->listen);
		return;
	}
	/* Of its own, because it is watched for longer than the desk keeps it. */
	watched = fcntl(desk->epoll, F_DUPFD_CLOEXEC, 0);
	assert(watched >= 0);

	desk->open = true;
	desk->date_s = -1;
	desk->alarm = alarm_new(desk_go_on, desk);
	desk->accept_alarm = alarm_new(accept_again, desk);
	visitors_init(&desk->visitors, options->request_timeout_s * SECOND_MS,
		      options->idle_timeout_s * SECOND_MS, options->crowded_timeout_s * SECOND_MS);
	linger_init(&desk->linger);
	worker_watch(watched, desk_run, desk);
	worker_after_turn(desk_go_on, desk);
	desk_listen(desk);
}

/* --- closing --------------------------------------------------------------------------------- */

static void desk_quiesce(struct server *server, size_t index)
{
	struct desk *desk = &server->desks[index];

	atomic_store(&desk->draining, true);
	if (!desk->open)
		return;
	listen_no_more(desk);
	close(desk->listen);
	desk->listen = -1;
}

static void desk_close(struct server *server, size_t index)
{
	struct desk *desk = &server->desks[index];

	if (!desk->open)
		return;
	desk->open = false; /* arenas are not kept from now on, and the loop leaves it alone */
	while (desk->wires)
		wire_close(desk->wires);
	close(desk->epoll);
	alarm_clear(desk->alarm);
	alarm_clear(desk->accept_alarm);
	alarm_clear(desk->linger.alarm);
	visitors_clear(&desk->visitors);
	linger_clear(&desk->linger);
	while (desk->arena_count > 0)
		arena_free(desk->arenas[--desk->arena_count]);
	while (desk->buffer_count > 0)
		free(desk->buffers[--desk->buffer_count]);
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
		server->desks[i].connection_count = connections;
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
		if (server->desks[i].open)
			continue;
		*ret_why = "No more descriptors can be had.";
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
