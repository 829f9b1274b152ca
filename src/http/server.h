/*
 * The HTTP/1.1 server: a fiber per request, the connections of each worker on sockets of its own
 * that share the port (SO_REUSEPORT).
 *
 * It is our own, because no library in reach gives all of this: every refusal in one form, whoever
 * finds the fault; the same bytes read the same way on every system, strictly; work in proportion to
 * what came; and a word when a client hangs up while its request runs.
 *
 * A gate stands before every handler: headers beyond REQUEST_HEADER_BYTES_MAX are 431; Host,
 * Content-Length or Transfer-Encoding twice, or the last two together, 400; a body beyond the limit
 * 413; each closes the connection. Connections, their share for one client, idle time and fibers are
 * bounded.
 */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include "http/request.h"

/* Fills the reply; runs in a fiber. */
typedef void http_handler(struct request *req, struct reply *reply);

struct server_options {
	const char *listen; /* "127.0.0.1:8080", "[::1]:8080"; port 0 takes a free one */
	size_t body_limit_bytes;
	size_t connections_max;		    /* of all workers together */
	size_t connections_per_address_max; /* one client's; where no proxy is trusted */
	int64_t idle_timeout_s;
	int64_t crowded_timeout_s; /* the same of who makes way for a newcomer; 0: nobody does */
	int64_t request_timeout_s; /* for a request to arrive, and for its answer to be taken */
	size_t bodies_max_bytes;   /* of all requests at once; further ones get 503 */
	size_t bodies_per_address_max_bytes; /* one client's, beyond a little of each */
	bool trust_proxy; /* the last address of X-Forwarded-For is the client's */
	http_handler *handler;
	void (*bound)(int port); /* called before anybody is answered; or NULL */
};

struct server;

/* Listens on every worker. A port that somebody listens on is refused with ERR_CONFLICT, an
 * address that cannot be had with ERR_BAD_REQUEST; *ret_why says it in a sentence. */
enum err server_start(const struct server_options *options, struct server **ret_server,
		      const char **ret_why) MUST_CHECK;

/* How many sockets so many connections may take: a few more are told that there are too many. */
size_t server_descriptors(size_t connections, size_t workers);

int server_port(const struct server *server);

/* No new connections; running requests finish, at most `patience_ms`; then all are closed. From a
 * thread that is no worker's. */
void server_stop(struct server *server, int64_t patience_ms);

#endif
