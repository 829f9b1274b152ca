/*
 * Whose turn it is. A connection that was opened has a while to bring a whole request, and then a
 * while to take its answer; whoever is slower, byte by byte, is hung up on, and whoever is silent
 * for a shorter while too. While a request is being answered it is ours to be slow.
 *
 * Where all places are taken, who is silent makes way for who comes. Beyond the connections that are
 * served a few are only told so. One set per worker; private to
 * http/.
 */
#ifndef HTTP_VISITORS_H
#define HTTP_VISITORS_H

#include "base/base.h"

struct alarm;
struct metric;
struct visitor;

/* Visitors that wait for the same thing: who waits for the longest time is first. */
struct line {
	struct place *first, *last;
	int64_t patience_ms;
};

struct place {
	struct place *next, *before;
	struct line *line; /* NULL: in none */
	struct visitor *visitor;
	int64_t since_ms;
};

struct visitor {
	struct place turn, silence;
	int socket;
	bool surplus; /* too many are here: it gets 503, and no more */
};

struct visitors {
	struct line slow, silent, surplus;
	struct alarm *alarm;
	int64_t crowded_silence_ms; /* of who makes way; 0: nobody does */
	struct metric *slow_count, *crowded_count;
};

/* On its worker. */
void visitors_init(struct visitors *visitors, int64_t patience_ms, int64_t silence_ms,
		   int64_t crowded_silence_ms);

/* A connection was opened; it is its turn. The zeroed visitor is the caller's. */
void visitor_enter(struct visitors *visitors, struct visitor *visitor, int socket, bool surplus);

/* A newcomer finds no place: who has been silent for the longest time, and for a while, is hung up on.
 * False: all of them stir. */
bool visitors_make_way(struct visitors *visitors) MUST_CHECK;

/* It is the visitor's turn from now on, or ours. */
void visitor_turn(struct visitors *visitors, struct visitor *visitor);
void visitor_wait(struct visitor *visitor);

/* Something came from it, or was taken by it. */
void visitor_stirs(struct visitors *visitors, struct visitor *visitor);

void visitor_leave(struct visitor *visitor);

void visitors_clear(struct visitors *visitors);

#endif
