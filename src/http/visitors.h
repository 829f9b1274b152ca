/*
 * Whose turn it is. A connection that was opened has a while to bring a whole request, and then a
 * while to take its answer; whoever is slower, byte by byte, is hung up on. (The daemon's own
 * time-out only sees silence.) While a request is being answered it is ours to be slow.
 *
 * Beyond the connections that are served a few are only told so. One set per worker; private to
 * http/.
 */
#ifndef HTTP_VISITORS_H
#define HTTP_VISITORS_H

#include "base/base.h"

struct alarm;
struct metric;

struct visitor {
	struct visitor *next, *before; /* in the line, while it is the visitor's turn */
	bool in_line;
	int64_t since_ms;
	int socket;
	bool surplus; /* too many are here: it gets 503, and no more */
};

struct visitors {
	struct visitor *first, *last; /* who is slow: the longest first */
	struct alarm *alarm;
	int64_t patience_ms;
	size_t count, served_max;
	struct metric *slow;
};

/* On its worker. */
void visitors_init(struct visitors *visitors, int64_t patience_ms, size_t served_max);

/* A connection was opened; it is its turn. The caller keeps what is returned. */
struct visitor *visitor_new(struct visitors *visitors, int socket);

/* It is the visitor's turn from now on, or ours. */
void visitor_turn(struct visitors *visitors, struct visitor *visitor);
void visitor_wait(struct visitors *visitors, struct visitor *visitor);

void visitor_free(struct visitors *visitors, struct visitor *visitor);

void visitors_clear(struct visitors *visitors);

#endif
