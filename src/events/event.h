/*
 * Events: told in the transaction that they tell of, heard at least once, effective once.
 *
 * A service's database holds three tables of this layer's: `outbox` (what it told, in order),
 * `heard` (how far it has handled the outbox of each service that it hears) and `parked` (what it
 * could not handle, waiting for its next try or for an admin). See bus.h for how events travel.
 *
 * Envelope: CloudEvents 1.0, JSON format.
 */
#ifndef EVENTS_EVENT_H
#define EVENTS_EVENT_H

#include "base/json.h"
#include "base/out.h"
#include "store/sql.h"

struct event {
	struct id id;
	const char *type;   /* "OrderPlaced" */
	const char *source; /* "order": the service; /services/order on the wire */
	struct id subject;  /* of the thing */
	int64_t time_ms;
	const char *traceparent; /* or NULL */
	const json_t *json;	 /* its data, an object; others may be reading it too */
	const char *data;	 /* the same as text; NULL where it was handed over in memory */
	struct arena *arena;	 /* of the delivery */
};

/* Where the data of an event is written before it is published: one object. Its text goes into the
 * arena; its value stays for those who hear the event in this process. */
struct out *event_data(struct sql *sql, struct arena *arena);

/* Puts an event into the outbox of the running transaction. `type` is one of contract/events.h and
 * told by this service: asserted. `data` is from event_data, and published once. */
enum err event_publish(struct sql *sql, const char *type, const struct id *subject,
		       const char *traceparent, struct out *data) MUST_CHECK;

/* Handles one event within the transaction that also moves the mark behind it; returns OK where
 * there is nothing (more) to do for it. An error undoes the handler's work; transient ones (see
 * contract/errors.def) and faults are tried again with backoff, and parked after the last try. */
typedef enum err event_handler(struct sql *sql, const struct event *event);

struct subscription {
	const char *type;
	event_handler *handle;
};

/* The service that tells events of this type; NULL where nobody does. */
const char *event_source(const char *type);

/* Calls `visit` with every type of contract/events.h. */
void events_each(void (*visit)(const char *type, const char *source, void *arg), void *arg);

/* The envelope, as it travels and as admins see it. */
void event_write(struct out *out, const char *name, const struct event *event);

extern const struct migration_set events_migration_set;

#endif
