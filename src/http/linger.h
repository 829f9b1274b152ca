/*
 * Closing without losing the answer: when a connection is closed while the client still sends, the
 * kernel answers what comes with a reset, and the client may never see what we had sent. So the
 * socket stays open a while, and what comes is thrown away (RFC 9112, section 9.6). One per
 * worker; private to http/.
 */
#ifndef HTTP_LINGER_H
#define HTTP_LINGER_H

#include "base/base.h"

#define LINGER_MAX 64 /* sockets at once; further ones are closed at once */
#define LINGER_MS 2000

struct alarm;

struct linger_set {
	int sockets[LINGER_MAX];
	int64_t until_ms[LINGER_MAX];
	size_t count;
	struct alarm *alarm;
};

/* On its worker. */
void linger_init(struct linger_set *linger);

/* Takes the socket over, and shuts its sending side. */
void linger_add(struct linger_set *linger, int socket);

/* Closes all. */
void linger_clear(struct linger_set *linger);

#endif
