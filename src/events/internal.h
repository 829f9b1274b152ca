/* What the files of the local bus know of each other; for this folder alone. */
#ifndef EVENTS_INTERNAL_H
#define EVENTS_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/metrics.h"
#include "events/bus.h"
#include "runtime/fiber.h"

#define BUS_MEMBERS_MAX 16

struct bus;

/* A service on the bus. */
struct member {
	struct bus *bus;
	const char *service;
	struct database *database;
	const struct subscription *subscriptions;
	void (*after_batch)(void);

	/* Its loop's: how far it has read each member's outbox, and whether it hears it at all. */
	bool hears[BUS_MEMBERS_MAX];
	atomic_int_fast64_t read_up_to[BUS_MEMBERS_MAX];
	/* Whether `parked` may hold something to try again; looked at before the table is. */
	atomic_bool may_have_parked;
	atomic_bool parked_news; /* an admin wants something tried again */

	/* Waking the loop. */
	pthread_mutex_t lock;
	bool news, waiting;
	struct ticket ticket;

	struct metric *handled, *repeated, *failed, *parked;
};

struct bus {
	struct member members[BUS_MEMBERS_MAX];
	size_t count;
};

void member_wake(struct member *member);

/* The handler for the type, or NULL. */
event_handler *member_handler(const struct member *member, const char *type);

/* Runs the handler and notes the id in the inbox, in a part of the transaction of its own; an id
 * that is there already is OK at once. */
enum err event_handle_once(struct sql *sql, const struct member *member, const struct event *event);

/* Puts an event that failed with `err` aside, to be tried again. */
enum err parked_put(struct sql *sql, const struct event *event, enum err err);

/* Whether an earlier event of the same subject is parked. */
bool parked_before(struct sql *sql, const struct event *event);

/* Tries again what is due. *ret_waiting: something will be due later. */
enum err parked_try(struct member *member, bool *ret_waiting) MUST_CHECK;

/* Reads `data` into event->json; an event that is no JSON is handled as one that fails. */
void event_parse(struct event *event, struct arena *arena);

/* Errors that say nothing of the event: the whole batch is tried again. */
bool err_is_of_store(enum err err);

#endif
