/*
 * A desk is a worker's part of the server: its connections, and the requests it is at. Private to
 * http/. All of it is touched on its worker alone, but for `busy` and `draining`.
 *
 *	server.c             desks, their opening and closing, the listening socket
 *	server_wire.c  sockets: what is read from them and written to them
 *	server_incoming.c    requests: from bytes to the handler, and from its reply to bytes
 */
#ifndef HTTP_SERVER_DESK_H
#define HTTP_SERVER_DESK_H

#include <netinet/in.h>
#include <stdatomic.h>

#include "http/chunks.h"
#include "http/head.h"
#include "http/linger.h"
#include "http/server.h"
#include "http/shares.h"
#include "http/visitors.h"

#define DESK_ARENAS_KEPT 64
#define DESK_BUFFERS_KEPT 64
#define DATE_TEXT_SIZE 30 /* "Sun, 06 Nov 1994 08:49:37 GMT" and a NUL */

struct alarm;
struct metric;
struct wire;
struct incoming;

struct desk {
	const struct server_options *options;
	bool open;
	int epoll;  /* of its sockets; the loop watches it */
	int listen; /* -1: no longer */
	bool listens;
	size_t served_max, surplus_max;
	size_t count, surplus; /* connections, and those of them that are too many */
	struct wire *wires;
	struct wire *again;  /* what goes on at the end of this turn */
	struct alarm *alarm; /* for that, where nothing else happens in it */
	struct alarm *accept_alarm;
	atomic_bool draining; /* every answer is its connection's last */
	atomic_size_t busy;   /* requests whose headers are read */
	struct arena *arenas[DESK_ARENAS_KEPT];
	size_t arena_count;
	char *buffers[DESK_BUFFERS_KEPT];
	size_t buffer_count;
	struct linger_set linger;
	struct visitors visitors;
	int64_t date_s; /* of the text */
	char date[DATE_TEXT_SIZE];
	struct metric *connection_count, *bodies;
	struct metric *refused[GATE_REASON_COUNT];
};

/* Listens again where there is room for one more connection. */
void desk_listen(struct desk *desk);

/* The Date header's value: now. */
const char *desk_date(struct desk *desk);

/* --- connections ------------------------------------------------------------------------------ */

struct wire {
	struct desk *desk;
	struct wire *next, **link; /* of all */
	struct wire *again;	   /* the next in the desk's list */
	bool in_again;
	bool readable; /* there may be bytes in the socket */
	bool ended; /* no more will come than lies there: its client has hung up, or half of it */
	struct visitor visitor;
	struct share *share;
	struct incoming *incoming; /* NULL between requests */
	/* What came and is not used up, or used by the head: from `start` to `length`. */
	char *buffer; /* WIRE_BUFFER_BYTES, or NULL while there is nothing */
	size_t start, length;
	char address[INET6_ADDRSTRLEN];
};

/* Head, and some of what is behind it. */
#define WIRE_BUFFER_BYTES ((size_t)32 * 1024)

/* An accepted socket. */
void wire_open(struct desk *desk, int socket, const struct sockaddr *peer);

/* What epoll says of it. It may be freed. */
void wire_event(struct wire *wire, uint32_t events);

/* Goes on at the end of the loop's turn. */
void wire_later(struct wire *wire);

/* What wire_later has put off. */
void wires_go_on(struct desk *desk);

/* Closes it; a request that runs goes on, and answers nobody. */
void wire_close(struct wire *wire);

/* --- requests --------------------------------------------------------------------------------- */

/* Where a request is; the connection asks, and acts on it. */
enum stage {
	STAGE_HEAD,    /* takes bytes */
	STAGE_BODY,    /* takes bytes */
	STAGE_RUNNING, /* its fiber runs or waits */
	STAGE_DONE,    /* the reply is there */
	STAGE_WRITING,
};

struct incoming {
	struct desk *desk;
	struct wire *wire; /* NULL once it is gone */
	enum stage stage;
	bool counted;  /* in desk->busy */
	bool waits;    /* the fiber has parked at least once: its end is to be told of */
	bool close;    /* the wire, behind the answer */
	bool keep;     /* HTTP/1.0 asks for it */
	bool sends_on; /* the client may, behind the answer that ends the connection */
	struct head head;
	struct chunks chunks;
	size_t body_at;	       /* in the connection's buffer */
	int64_t body_expected; /* -1: chunked */
	char *body;
	size_t body_capacity;
	struct share *share; /* that counts the body */
	size_t shared_bytes;
	bool gone;	     /* its client has */
	const char *interim; /* what is left of a 100 that did not fit into the socket */
	size_t interim_length;
	const char *out; /* the answer's head */
	size_t out_length, body_out_length, sent;
	struct request req;
	struct reply reply;
};

/* The first bytes of a request are in the connection's buffer. */
struct incoming *incoming_begin(struct wire *wire);

/* Uses up what is in the buffer, as far as it belongs to the request. */
void incoming_feed(struct incoming *incoming);

/* Where more of a body of known length is to be read to, past the buffer; *ret_room is 0 where it is
 * not. */
char *incoming_room(const struct incoming *incoming, size_t *ret_room);
void incoming_filled(struct incoming *incoming, size_t length);

/* DONE -> WRITING */
void incoming_render(struct incoming *incoming);

/* The answer is sent, or the connection is gone. */
void incoming_end(struct incoming *incoming);

#endif
