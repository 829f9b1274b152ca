/*
 * A desk is a worker's part of the server: its daemon, and the requests it is at. Private to
 * http/. All of it is touched on its worker alone, but for `busy` and `connections`.
 */
#ifndef HTTP_SERVER_DESK_H
#define HTTP_SERVER_DESK_H

#include <microhttpd.h>
#include <stdatomic.h>

#include "http/gate.h"
#include "http/linger.h"
#include "http/server.h"
#include "http/visitors.h"

#define DESK_ARENAS_KEPT 64

struct alarm;
struct metric;
struct incoming;

struct desk {
	const struct server_options *options;
	struct MHD_Daemon *daemon; /* NULL before it opens and once it is closed */
	struct alarm *alarm;	   /* for the next time-out of the daemon's */
	int64_t alarm_at_ms;	   /* 0: not set */
	bool resumed;		   /* a connection was, since the daemon ran last */
	atomic_bool draining;	   /* every answer is its connection's last */
	struct incoming *incoming;
	atomic_size_t busy; /* requests whose headers are read */
	struct arena *arenas[DESK_ARENAS_KEPT];
	size_t arena_count;
	struct linger_set linger;
	struct visitors visitors;
	struct metric *connections, *bodies;
	struct metric *refused[GATE_REASON_COUNT];
};

/* The visitor of the connection. */
struct visitor *desk_visitor(struct MHD_Connection *connection);

/* The daemon's callbacks (server_incoming.c); their closure is the desk. */
void *incoming_begin(void *desk, const char *uri, struct MHD_Connection *connection);
enum MHD_Result incoming_go_on(void *desk, struct MHD_Connection *connection, const char *url,
			       const char *method, const char *version, const char *data,
			       size_t *data_size, void **context);
void incoming_end(void *desk, struct MHD_Connection *connection, void **context,
		  enum MHD_RequestTerminationCode code);

/* Resumes the connection; the daemon runs soon, once for all that are resumed in one turn. */
void desk_resume(struct desk *desk, struct MHD_Connection *connection);

/* Wakes every connection that waits for its fiber, so that the daemon can be closed: their fibers
 * go on, and answer nobody. */
void incoming_abandon_all(struct desk *desk);

#endif
