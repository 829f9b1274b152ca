/*
 * The local bus: events go from a service's outbox to its subscribers within one process, and
 * survive restarts through the outbox.
 *
 * Each subscribing service has one loop (a fiber). Woken by commits, it takes what is new in the
 * outboxes that it hears, in their order, up to EVENTS_BATCH_MAX, and handles it in one transaction
 * of its own. How far it has come in an outbox it keeps in its own database, in the same
 * transaction: commits of an outbox have one order, so nothing can appear behind that mark, and
 * what is before it is never handled again. A kill leaves both or neither.
 *
 * What was just told is handed over in memory (recent.c); what is not there any more, or was told
 * before the start, is read from the outbox.
 *
 * An event that fails is put into `parked` with the time of its next try, in the same transaction;
 * later events of the same subject line up behind it, others go on. After the last try it stays
 * there, until an admin has it tried again.
 */
#ifndef EVENTS_BUS_H
#define EVENTS_BUS_H

#include "events/event.h"

#define EVENTS_BATCH_MAX 512

struct bus;

struct bus *bus_new(void);
void bus_free(struct bus *bus);

/* A service that tells (types by contract/events.h) and hears; `subscriptions` ends with a row
 * without type, or is NULL. Between the beginnings of two of its transactions there are at least
 * `gather_ms`, in which events gather to be handled together. All are added before the start. */
void bus_add(struct bus *bus, const char *service, struct database *database,
	     const struct subscription *subscriptions, int64_t gather_ms);

/* A service of the platform that does not run in this process, by what it hears (or NULL): nothing
 * that it has yet to hear is forgotten. */
void bus_add_absent(struct bus *bus, const struct subscription *subscriptions);

/* Starts the loops, spread over the workers; they end when the workers stop. */
void bus_start(struct bus *bus);

/* Waits until everything told has been handled or parked for good; false where `patience_ms`
 * passed first. */
bool bus_drain(struct bus *bus, int64_t patience_ms) MUST_CHECK;

/* Forgets what was told before `before_ms`, but for what somebody of the platform has yet to hear. */
enum err bus_prune(struct bus *bus, int64_t before_ms) MUST_CHECK;

/* What could not be handled. */
struct parked_event {
	struct event event;
	int64_t seq; /* its place in the list */
	int64_t attempts;
	const char *last_error;
	int64_t next_try_ms; /* 0: no more tries */
	int64_t parked_ms;
};

/* Of one service, oldest first, behind the place `after` (0: from the start). */
enum err parked_list(struct database *database, struct arena *arena, int64_t after, int64_t limit,
		     struct parked_event **ret_events, size_t *ret_count) MUST_CHECK;

/* Has the event tried again by all services where it is parked; ERR_NOT_FOUND where none. */
enum err parked_retry(struct bus *bus, const struct id *event_id) MUST_CHECK;

#endif
