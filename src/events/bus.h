/*
 * The local bus: events go from a service's outbox to its subscribers within one process, and
 * survive restarts through the outbox.
 *
 * Each subscribing service has one loop (a fiber). Woken by commits, it reads what is new in the
 * outboxes that it hears, in their order, up to EVENTS_BATCH_MAX, and handles it in one
 * transaction of its own: for every event its id goes into the inbox and the handler runs, both
 * undone together where it fails. How far it has read an outbox it keeps in its own database, in
 * the same transaction: commits of an outbox have one order, so nothing can appear behind that
 * mark. The inbox makes it right even where the mark is lost or set back.
 *
 * An event that fails is put into `parked` with the time of its next try, in the same transaction;
 * later events of the same subject line up behind it, others go on. After the last try it stays
 * there, until an admin has it tried again.
 */
#ifndef EVENTS_BUS_H
#define EVENTS_BUS_H

#include "events/event.h"

#define EVENTS_BATCH_MAX 256

struct bus;

struct bus *bus_new(void);

/* A service that tells (types by contract/events.h) and hears. All are added before the start. */
void bus_add(struct bus *bus, const char *service, struct database *database,
	     const struct subscription *subscriptions, void (*after_batch)(void *arg), void *arg);

/* Starts the loops, spread over the workers. */
void bus_start(struct bus *bus);

/* Whether everything told has been handled or parked for good. */
bool bus_idle(struct bus *bus);

/* Waits for bus_idle, at most `patience_ms`. */
bool bus_drain(struct bus *bus, int64_t patience_ms);

void bus_free(struct bus *bus);

/* What could not be handled: see platform's /events/parked. */
struct parked_event {
	struct event event;
	int64_t attempts;
	const char *last_error;
	int64_t next_try_ms; /* 0: no more tries */
	int64_t parked_ms;
};

/* Oldest first, behind `after` (zero: from the start), at most `limit`. */
enum err parked_list(struct database *database, struct arena *arena, const struct id *after,
		     int64_t limit, struct parked_event **ret_events, size_t *ret_count) MUST_CHECK;

/* Has it tried again at once; ERR_NOT_FOUND where it is not parked. */
enum err parked_retry(struct bus *bus, const char *service, const struct id *event_id) MUST_CHECK;

#endif
