/* Programs that log in for themselves: their data, as verbs, and how they say who they are. */
#ifndef SERVICES_AUTH_CLIENTS_H
#define SERVICES_AUTH_CLIENTS_H

#include "services/auth/parameters.h"
#include "services/auth/rules.h"

/* --- data; within a transaction or a snapshot of auth.db ---------------------------------------- */

/* Stores a new one, made now. */
enum err clients_insert(struct sql *sql, struct client *client) MUST_CHECK;

/* ERR_NOT_FOUND, here and in removing. */
enum err clients_find(struct sql *sql, const struct id *id, struct arena *arena,
		      struct client *ret_client) MUST_CHECK;
enum err clients_remove(struct sql *sql, const struct id *id) MUST_CHECK;

/* The newest first, at most page->limit + 1 of them. */
enum err clients_list(struct sql *sql, const struct page *page, struct arena *arena,
		      struct client **ret_clients, size_t *ret_count) MUST_CHECK;

/* --- authentication ------------------------------------------------------------------------------ */

/* What a client shows of itself in the body: client_id and client_secret; NULL where it does not. */
struct client_proof {
	const char *id, *secret;
};

/* Who asks, by HTTP Basic or by the body (RFC 6749, section 2.3.1). *ret_client is NULL for who names
 * no client, or the first party. ERR_INVALID_CREDENTIALS; ERR_BAD_REQUEST where both ways are used at
 * once. */
enum err client_authenticate(struct request *req, const struct client_proof *body,
			     const struct client **ret_client) MUST_CHECK;

#endif
