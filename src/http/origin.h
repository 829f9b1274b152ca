/* Where a request comes from: its id, its trace, its client's address. Private to http/. */
#ifndef HTTP_ORIGIN_H
#define HTTP_ORIGIN_H

#include <netinet/in.h>

#include "http/request.h"

/* Sets id and traceparent from the headers where they are sane, else makes new ones. */
void origin_identify(struct request *req);

/* The address of a peer in its usual text; IPv4 within IPv6 is IPv4. */
void origin_peer_text(const struct sockaddr *peer, char text[static INET6_ADDRSTRLEN]);

/* The network that an address is counted by: itself or, of IPv6, its /64, of which one client has
 * all addresses ("2001:db8::/64"). */
const char *origin_network(struct arena *arena, const char *address);

/* Sets client_address and client_network: the peer's or, where a proxy is trusted and has written
 * one, of the last address of X-Forwarded-For. */
void origin_address(struct request *req, const char *peer, bool trust_proxy);

#endif
