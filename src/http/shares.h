/*
 * Shares: what one client may take of what all have together, connections and the memory of
 * bodies. A client is a network (request.h, client_network). One table for all workers; any thread.
 * Private to http/.
 */
#ifndef HTTP_SHARES_H
#define HTTP_SHARES_H

#include "base/base.h"

struct share;

/* The network's share, made where there is none; it is kept until as many have left as joined. NULL
 * where there are too many networks already. */
struct share *share_join(const char *network) MUST_CHECK;
void share_leave(struct share *share); /* accepts NULL */

/* One more connection, or so many bytes more of bodies; false where the network then has more than
 * `most`, and nothing was taken. */
bool share_add_connection(struct share *share, size_t most) MUST_CHECK;
void share_remove_connection(struct share *share);
bool share_add_bytes(struct share *share, size_t bytes, size_t most) MUST_CHECK;
void share_remove_bytes(struct share *share, size_t bytes);

#endif
