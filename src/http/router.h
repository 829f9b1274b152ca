/*
 * Routes: one static table per service, ended by a row without path. A row says all that is done
 * before the handler runs; the dispatcher does it.
 */
#ifndef HTTP_ROUTER_H
#define HTTP_ROUTER_H

#include "http/request.h"

enum route_flags {
	ROUTE_BODY = 1,	      /* takes a JSON body */
	ROUTE_FORM = 2,	      /* takes application/x-www-form-urlencoded too: the handler parses */
	ROUTE_IDEMPOTENT = 4, /* honours Idempotency-Key */
	ROUTE_OAUTH = 8,      /* errors as RFC 6749, section 5.2 */
	ROUTE_LOGIN = 16,     /* counts against the limit on log-in attempts, per address */
	ROUTE_INTERNAL = 32,  /* not for clients: only calls between services reach it */
	ROUTE_BODY_OPTIONAL = 64, /* with ROUTE_BODY: the handler looks whether there is one */
	ROUTE_NO_TOKEN = 128, /* the Authorization header is not looked at, or is the handler's */
	ROUTE_CLIENT = 256,   /* an OAuth client without a token is the handler's to know */
	ROUTE_GUEST_SECRET = 512, /* the answer holds a secret where the caller has no account: its
				   * Idempotency-Key then counts for nothing */
	ROUTE_PAGE = 1024,	  /* a list: limit and cursor in the query (request_page) */
	ROUTE_QUERY = 2048,	  /* reads its query by request_query_read; else it takes none */
	ROUTE_UNLIMITED = 4096,	  /* counts against no limit on requests */
	ROUTE_VERSIONED = 8192,	  /* the handler checks the preconditions: request_if_match */
};

/* Who may call: role bits, or one of these. Ownership is the handler's affair. */
#define ANYONE 0u
#define ANY_USER (ROLE_CUSTOMER | ROLE_VENDOR | ROLE_ADMIN)
#define ANY_CALLER (ROLES_ALL)

struct route {
	enum http_method method;
	const char *path; /* "/orders/:id/status": names in their place */
	enum err (*handler)(struct request *req, struct reply *reply);
	unsigned who;
	unsigned flags;
	size_t body_limit; /* bytes; 0: the general limit */
};

struct router;

struct router *router_new(void);
void router_free(struct router *router);

/* Adds a table; `owner` is given back with the match. Asserts that no row is there already and
 * that the names of a path's parameters agree. Static parts win over parameters. */
void router_add(struct router *router, const struct route *routes, void *owner);

struct match {
	const struct route *route;
	void *owner;
	const char *parameters[REQUEST_PARAMETERS_MAX]; /* decoded, in the arena */
};

/* OK; ERR_NOT_FOUND; or ERR_METHOD_NOT_ALLOWED with *ret_allow, the Allow header's value (HEAD
 * goes with GET; internal rows are not told). A parameter that does not decode, or is empty, is not
 * found. */
enum err router_find(const struct router *router, struct arena *arena, enum http_method method,
		     const char *path, struct match *ret_match, const char **ret_allow) MUST_CHECK;

/* Calls `visit` with every row, in the order they were added. */
void router_each(const struct router *router,
		 void (*visit)(const struct route *route, void *owner, void *arg), void *arg);

#endif
