/* Where a request comes from: its id, its trace, its client's address. Private to http/. */
#ifndef HTTP_ORIGIN_H
#define HTTP_ORIGIN_H

#include <sys/socket.h>

#include "http/request.h"

/* Sets id and traceparent from the headers where they are sane, else makes new ones. */
void origin_identify(struct request *req);

/* Sets client_address: the peer's or, where a proxy is trusted and has written one, the last
 * address of X-Forwarded-For. */
void origin_address(struct request *req, const struct sockaddr *peer, bool trust_proxy);

#endif
