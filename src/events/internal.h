/* What the files of the local bus know of each other; for this folder alone. */
#ifndef EVENTS_INTERNAL_H
#define EVENTS_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/metrics.h"
#include "events/bus.h"
#include "runtime/fiber.h"

#define BUS_MEMBERS_MAX 16

/* Events of one service in memory, and what their data may take. */
#define RECENT_MAX 1024
#define RECENT_BYTES_MAX ((size_t)2 * 1024 * 1024)

struct bus;
struct told;

/* What a service told lately, in a ring; see recent.c. */
struct recent {
	pthread_mutex_t lock;
	struct told *events[RECENT_MAX];
	size_t first, count, bytes;
	struct metric *held; /* those bytes */
	int64_t last;	     /* seq of the last one that was told */
	bool known;	     /* `last` is, also where it was told before the start */
};

/* A service on the bus. */
struct member {
	struct bus *bus;
	const char *service;
	struct database *database;
	struct recent recent;
	const struct subscription *subscriptions;
	int64_t gather_ms;

	/* Its loop's: whether it hears each member's outbox at all, how far it has read it, and how far
	 * it says so in its own database: less, where what came last does not concern it. */
	bool hears[BUS_MEMBERS_MAX];
	atomic_int_fast64_t read_up_to[BUS_MEMBERS_MAX];
	atomic_int_fast64_t stored_up_to[BUS_MEMBERS_MAX];
	/* Whether `parked` may hold something to try again; looked at before the table is. */
	atomic_bool may_have_parked;
	atomic_bool parked_news; /* an admin wants something tried again */

	/* Waking the loop. */
	pthread_mutex_t lock;
	bool news, waiting;
	struct ticket ticket;

	struct metric *handled, *failed, *parked;
};

struct bus {
	struct member members[BUS_MEMBERS_MAX];
	size_t count;
	/* What those of the platform hear that do not run in this process. */
	const struct subscription *absent[BUS_MEMBERS_MAX];
	size_t absent_count;
};

void member_wake(struct member *member);

/* The handler for the type, or NULL. */
event_handler *member_handler(const struct member *member, const char *type);

/* An event that the running transaction is about to tell. Once that is on disk the event is among its
 * service's recent ones; where it is undone, or told nothing, it goes. */
struct told *told_new(struct sql *sql, struct arena *arena);

/* Where its data is written: the text into the arena that it was made with. */
struct out *told_data(struct told *told);

/* What was told with this data. The event's type and source live forever, its json is what `data`
 * keeps, the rest is copied. */
void told_fill(struct out *data, int64_t seq, const struct event *event);

/* Until it is given back. */
const struct event *told_event(const struct told *told);
void told_give_back(struct told *told);

void recent_open(struct recent *recent, struct metric *held);
void recent_close(struct recent *recent);

/* Takes over the caller's hold. */
void recent_add(struct recent *recent, struct told *told);

/* `last` has been told, or more. */
void recent_know(struct recent *recent, int64_t last);

/* Whether something was told behind `after`, in memory or not. */
bool recent_has_news(struct recent *recent, int64_t after);

/* The events next to `after`, in their order, each to be given back; 0 where the next one is not in
 * memory. */
size_t recent_take(struct recent *recent, int64_t after, struct told **told, size_t most);

/* All who hear them have handled them. */
void recent_forget(struct recent *recent, int64_t up_to);

/* Runs the handler of a parsed event. */
enum err event_handle(struct sql *sql, const struct member *member, const struct event *event);

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
