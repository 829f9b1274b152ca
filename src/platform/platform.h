/*
 * The platform: the services that run in this process, on their databases, under one router and
 * one bus. main.c opens it, the gateway hands it requests.
 */
#ifndef PLATFORM_PLATFORM_H
#define PLATFORM_PLATFORM_H

#include "platform/service.h"

#define SERVICES_MAX 12

struct platform_options {
	const char *directory;		       /* of the data */
	const struct service *const *services; /* that run here; ends with NULL */
	const struct service *const *all;      /* of the platform; ends with NULL; NULL: no more */
	bool replace_secret; /* souk.key is lost: make it anew, whatever was sealed with it */
};

/* Opens the services' databases, starts them and fills the router; nothing runs yet. Routes that
 * belong to no service (ended by a row without path; or NULL) come along. *ret_why lives in
 * `arena`. */
enum err platform_open(const struct platform_options *options, const struct route *edge_routes,
		       struct arena *arena, const char **ret_why) MUST_CHECK;

/* Whether the files of these services (ended by NULL) in the directory are of one moment; it makes none.
 * ERR_CONFLICT where they are not: *ret_why, in `arena`, says what to do. */
enum err moments_check(const char *directory, const struct service *const *all, struct arena *arena,
		       const char **ret_why) MUST_CHECK;

/* Starts the bus and the jobs; the workers run already. */
void platform_start(void);

/* After the workers have stopped. */
void platform_close(void);

/* Waits until all events are handled; false where `patience_ms` passed first. */
bool platform_drain(int64_t patience_ms) MUST_CHECK;

struct router *platform_router(void);

/* The platform's own rows, which platform_open adds. */
const struct route *platform_routes(void);
struct bus *platform_bus(void);

/* How many threads beside the workers may read a database at once. */
size_t work_readers(void);

/* Calls `visit` with every running service's name, and OK where its database answers. */
void platform_check(void (*visit)(const char *service, enum err err, void *arg), void *arg);

/* --- dispatching ------------------------------------------------------------------------------ */

/* Finds the request's route: sets route, parameters and service. ERR_NOT_FOUND, or
 * ERR_METHOD_NOT_ALLOWED with the reply's Allow header set. Rows for calls between services are
 * found only where `internal`. */
enum err dispatch_find(struct request *req, struct reply *reply, bool internal) MUST_CHECK;

/* Runs the request on its route: roles, body, idempotency, handler; errors become problems. */
void dispatch_run(struct request *req, struct reply *reply);

#endif
