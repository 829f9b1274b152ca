/* What the tests of the server share: a server, and raw sockets to speak to it. */
#ifndef HTTP_TEST_TALK_H
#define HTTP_TEST_TALK_H

#include <stdatomic.h>

#include "http/server.h"

#define BODY_LIMIT 100000
#define FIBERS_MAX 8 /* of each worker */
#define WORKERS 2

extern struct server *server;
extern atomic_int handled; /* calls of the handler */
extern atomic_int held;	   /* calls that keep their worker until `let_go` */
extern atomic_bool let_go;

struct talk {
	int socket;
	char bytes[1 << 21]; /* heard, not yet taken for an answer */
	size_t length;
};

/* The answer last heard. */
extern struct answer_heard {
	int status;
	char head[16384];
	char body[1 << 21];
	size_t length;
} answer;

/* The handler. */
void handle(struct request *req, struct reply *reply);

/* For cmocka's groups and tests. */
int start_workers(void **state);
int stop_workers(void **state);
int start_server(void **state);
int stop_server(void **state);

/* A server with these options; those that every test shares are filled in. */
void start(struct server_options options);

struct talk *talk_open(void);
void talk_close(struct talk *talk);

/* False where the server has closed meanwhile. */
bool say_bytes(struct talk *talk, const char *bytes, size_t length);
void say(struct talk *talk, const char *text);

/* Reads more; false at the end of the connection. */
bool hear_more(struct talk *talk);

/* Reads one answer; the status, or 0 where the connection ended first. */
int hear(struct talk *talk, const char *method);

/* Whether the server has closed, and said nothing more. */
bool is_over(struct talk *talk);

/* One request on a connection of its own. */
int ask(const char *request);

const char *answer_header(const char *name);
void assert_problem(int status, const char *slug);
void assert_alive(void);

#endif
