/* Listening sockets, one per worker, on one address. Private to http/. */
#ifndef HTTP_LISTEN_H
#define HTTP_LISTEN_H

#include "base/err.h"

/* Opens `count` sockets that share the address ("127.0.0.1:8080"); port 0 takes a free one, which
 * *ret_port names. ERR_CONFLICT: somebody listens there; ERR_BAD_REQUEST: it is not an address, or
 * not one of ours. *ret_why says it in a sentence, good until the thread's next call. */
enum err listen_open(const char *address, int *sockets, size_t count, int *ret_port,
		     const char **ret_why) MUST_CHECK;

#endif
