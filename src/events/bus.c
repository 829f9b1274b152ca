/*
 * The local bus: one loop per service that hears something.
 *
 * Invariants:
 *  1. `heard` is written in the transaction that handles the batch up to it, so it never runs ahead
 *     of what was handled or parked, nor behind it: no event is handled twice.
 *  2. An outbox grows at its end only, in the order of its commits (one writer): behind a mark
 *     nothing can appear later.
 */
#include "events/bus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/env.h"
#include "base/log.h"
#include "base/time.h"
#include "events/internal.h"
#include "runtime/worker.h"

#define RETRY_PAUSE_MS 100 /* between looks at what is parked, and after the store failed */

/* --- members ---------------------------------------------------------------------------------- */

struct bus *bus_new(void)
{
	return must_alloc(sizeof(struct bus));
}

void bus_free(struct bus *bus)
{
	size_t i;

	if (!bus)
		return;
	for (i = 0; i < bus->count; i++) {
		recent_close(&bus->members[i].recent);
		pthread_mutex_destroy(&bus->members[i].lock);
	}
	free(bus);
}

void bus_add(struct bus *bus, const char *service, struct database *database,
	     const struct subscription *subscriptions, int64_t gather_ms)
{
	struct member *member = &bus->members[bus->count++];
	char labels[64];

	assert(bus->count <= BUS_MEMBERS_MAX);
	member->bus = bus;
	member->service = service;
	member->database = database;
	member->subscriptions = subscriptions;
	member->gather_ms = gather_ms;
	atomic_store(&member->may_have_parked, subscriptions != NULL);
	pthread_mutex_init(&member->lock, NULL);
	snprintf(labels, sizeof(labels), "service=\"%s\"", service);
	recent_open(&member->recent,
		    metric_gauge("souk_events_recent_bytes",
				 "Memory of events that somebody has yet to hear.", labels));
	member->handled = metric_counter("souk_events_handled_total", "Events handled.", labels);
	member->failed =
		metric_counter("souk_events_failed_total",
			       "Events whose handler failed, and that were put aside.", labels);
	member->parked =
		metric_gauge("souk_events_parked", "Events that wait to be tried again.", labels);
}

void bus_add_absent(struct bus *bus, const struct subscription *subscriptions)
{
	assert(bus->absent_count < BUS_MEMBERS_MAX);
	if (subscriptions)
		bus->absent[bus->absent_count++] = subscriptions;
}

event_handler *member_handler(const struct member *member, const char *type)
{
	const struct subscription *subscription = member->subscriptions;

	for (; subscription && subscription->type; subscription++)
		if (strcmp(subscription->type, type) == 0)
			return subscription->handle;
	return NULL;
}

void member_wake(struct member *member)
{
	pthread_mutex_lock(&member->lock);
	member->news = true;
	if (member->waiting)
		fiber_wake(member->ticket);
	member->waiting = false;
	pthread_mutex_unlock(&member->lock);
}

/* On the writer's thread of `arg`'s database: those who hear it have something to read. */
static void on_told(void *arg)
{
	struct member *source = arg;
	struct bus *bus = source->bus;
	size_t index = (size_t)(source - bus->members), i;

	for (i = 0; i < bus->count; i++)
		if (bus->members[i].hears[index])
			member_wake(&bus->members[i]);
}

static void wait_for_news(struct member *member, int64_t timeout_ms)
{
	bool wait;

	pthread_mutex_lock(&member->lock);
	wait = !member->news;
	if (wait)
		member->ticket = fiber_ticket();
	member->waiting = wait;
	member->news = false;
	pthread_mutex_unlock(&member->lock);
	if (!wait)
		return;
	fiber_wait(timeout_ms);
	pthread_mutex_lock(&member->lock);
	member->waiting = member->news = false;
	pthread_mutex_unlock(&member->lock);
}

/* --- reading an outbox ------------------------------------------------------------------------ */

/* What is new in one outbox. */
struct batch {
	struct round *round;
	struct member *source;
	size_t source_index; /* of `source`, on the bus */
	int64_t from, up_to;
	struct event *events; /* those with a handler */
	struct told **told;   /* what was taken from memory */
	size_t count, read, told_count, failed;
};

/* What is new in all outboxes that a service hears: one transaction of its own. */
struct round {
	struct member *member;
	struct arena *arena;
	struct batch batches[BUS_MEMBERS_MAX];
	size_t count;
	bool careful; /* one has failed: each in a part of the transaction of its own */
};

static enum err read_outbox(struct sql *sql, void *arg)
{
	struct batch *batch = arg;
	struct sql_rows *rows;

	rows = sql_query(sql,
			 "SELECT seq, id, type, subject, told_at, traceparent, data FROM outbox"
			 " WHERE seq > $1 ORDER BY seq LIMIT $2",
			 sql_int(batch->from), sql_int(EVENTS_BATCH_MAX));
	while (sql_next(rows)) {
		struct event *event = &batch->events[batch->count];

		batch->up_to = sql_get_int(rows, 0);
		batch->read++;
		if (!member_handler(batch->round->member, sql_peek_text(rows, 2)))
			continue;
		*event = (struct event){
			.id = sql_get_id(rows, 1),
			.type = sql_get_text(rows, 2, batch->round->arena),
			.source = batch->source->service,
			.subject = sql_get_id(rows, 3),
			.time_ms = sql_get_int(rows, 4),
			.traceparent = sql_get_text(rows, 5, batch->round->arena),
			.data = sql_get_text(rows, 6, batch->round->arena),
			.arena = batch->round->arena,
		};
		event_parse(event, batch->round->arena);
		batch->count++;
	}
	return sql_end(rows);
}

static void take_recent(struct batch *batch)
{
	size_t count;

	batch->told = ARENA_ARRAY(batch->round->arena, struct told *, RECENT_MAX);
	count = recent_take(&batch->source->recent, batch->from, batch->told, RECENT_MAX);
	batch->events = ARENA_ARRAY(batch->round->arena, struct event, count);
	batch->told_count = batch->read = count;
	batch->up_to = batch->from + (int64_t)count;
	for (size_t i = 0; i < count; i++) {
		const struct event *event = told_event(batch->told[i]);

		if (!member_handler(batch->round->member, event->type))
			continue;
		batch->events[batch->count] = *event;
		batch->events[batch->count++].arena = batch->round->arena;
	}
}

static enum err read_batch(struct batch *batch)
{
	take_recent(batch);
	if (batch->read)
		return OK;
	batch->events = ARENA_ARRAY(batch->round->arena, struct event, EVENTS_BATCH_MAX);
	return sql_read(batch->source->database, read_outbox, batch);
}

/* Puts what is new in the outbox into the round. */
static enum err round_read(struct round *round, size_t source_index)
{
	struct member *member = round->member;
	struct batch *batch = &round->batches[round->count];
	enum err err;

	*batch = (struct batch){
		.round = round,
		.source = &member->bus->members[source_index],
		.source_index = source_index,
		.from = atomic_load(&member->read_up_to[source_index]),
	};
	if (!recent_has_news(&batch->source->recent, batch->from))
		return OK;
	batch->up_to = batch->from;
	err = read_batch(batch);
	if (!err)
		round->count++;
	return err;
}

static void round_end(struct round *round)
{
	for (size_t i = 0; i < round->count; i++)
		for (size_t j = 0; j < round->batches[i].told_count; j++)
			told_give_back(round->batches[i].told[j]);
	arena_free(round->arena);
}

void event_parse(struct event *event, struct arena *arena)
{
	json_t *json;

	if (json_parse_own(arena, event->data, strlen(event->data), &json))
		json = NULL;
	event->json = json;
}

/* --- handling --------------------------------------------------------------------------------- */

bool err_is_of_store(enum err err)
{
	return err == ERR_STORAGE || err == ERR_STORAGE_FULL || err == ERR_OVERLOADED;
}

enum err event_handle(struct sql *sql, const struct member *member, const struct event *event)
{
	if (!event->json)
		return ERR_BAD_JSON;
	return member_handler(member, event->type)(sql, event);
}

struct delivery {
	const struct member *member;
	const struct event *event;
};

static enum err deliver(struct sql *sql, void *arg)
{
	const struct delivery *delivery = arg;

	return event_handle(sql, delivery->member, delivery->event);
}

/* Puts aside an event that fails, or waits behind one that did. Other errors are of the store. */
static enum err deliver_or_park(struct sql *sql, struct batch *batch, const struct event *event)
{
	const struct member *member = batch->round->member;
	struct delivery delivery = {.member = member, .event = event};
	bool may_wait = atomic_load(&member->may_have_parked) || batch->failed;
	enum err err = OK;

	if (!may_wait || !parked_before(sql, event)) {
		err = sql_nested(sql, deliver, &delivery);
		if (!err || err_is_of_store(err))
			return err;
		log_warning("events.failed", "%s cannot handle %s: %s", member->service,
			    event->type, err_info(err)->slug);
	}
	batch->failed++;
	return parked_put(sql, event, err);
}

/* The mark of what does not concern the service is stored now and then, too. */
static bool is_stored(const struct batch *batch)
{
	struct member *member = batch->round->member;
	int64_t stored = atomic_load(&member->stored_up_to[batch->source_index]);

	return batch->count || batch->up_to - stored >= EVENTS_BATCH_MAX;
}

static enum err handle_batch(struct sql *sql, struct batch *batch)
{
	enum err err = OK;

	batch->failed = 0;
	for (size_t i = 0; !err && i < batch->count; i++) {
		if (batch->round->careful)
			err = deliver_or_park(sql, batch, &batch->events[i]);
		else
			err = event_handle(sql, batch->round->member, &batch->events[i]);
	}
	if (err)
		return err;
	return sql_run(sql,
		       "INSERT INTO heard (source, seq) VALUES ($1, $2)"
		       " ON CONFLICT (source) DO UPDATE SET seq = excluded.seq",
		       sql_text(batch->source->service), sql_int(batch->up_to));
}

static enum err handle_round(struct sql *sql, void *arg)
{
	struct round *round = arg;
	enum err err = OK;

	for (size_t i = 0; !err && i < round->count; i++)
		if (is_stored(&round->batches[i]))
			err = handle_batch(sql, &round->batches[i]);
	if (err)
		round->careful = true;
	return err;
}

/* Most events succeed, and where all do none needs a part of its own. */
static enum err handle(struct round *round)
{
	struct database *database = round->member->database;
	bool any = false;
	enum err err;

	for (size_t i = 0; i < round->count; i++)
		any |= is_stored(&round->batches[i]);
	if (!any)
		return OK;
	round->careful = atomic_load(&round->member->may_have_parked);
	err = sql_transaction(database, handle_round, round);
	if (err && !err_is_of_store(err))
		err = sql_transaction(database, handle_round, round);
	return err;
}

static void note_heard(struct member *member, size_t source_index, int64_t up_to)
{
	struct bus *bus = member->bus;
	int64_t least = up_to;

	atomic_store(&member->read_up_to[source_index], up_to);
	for (size_t i = 0; i < bus->count; i++)
		if (bus->members[i].hears[source_index])
			least = MIN(least, atomic_load(&bus->members[i].read_up_to[source_index]));
	recent_forget(&bus->members[source_index].recent, least);
}

static void note_handled(const struct batch *batch)
{
	struct member *member = batch->round->member;

	if (is_stored(batch))
		atomic_store(&member->stored_up_to[batch->source_index], batch->up_to);
	if (batch->failed)
		atomic_store(&member->may_have_parked, true);
	metric_add(member->failed, (int64_t)batch->failed);
	metric_add(member->handled, (int64_t)(batch->count - batch->failed));
	note_heard(member, batch->source_index, batch->up_to);
}

/* What is new in all outboxes. *ret_more: there was something. One that cannot be read does not
 * keep the others waiting. */
static enum err hear(struct member *member, bool *ret_more)
{
	struct round round = {.member = member, .arena = arena_new()};
	enum err err, read_err = OK;

	for (size_t i = 0; i < member->bus->count; i++) {
		err = member->hears[i] ? round_read(&round, i) : OK;
		read_err = err ? err : read_err;
	}
	err = handle(&round);
	for (size_t i = 0; !err && i < round.count; i++) {
		note_handled(&round.batches[i]);
		*ret_more |= round.batches[i].read > 0;
	}
	round_end(&round);
	return err ? err : read_err;
}

/* --- the loop --------------------------------------------------------------------------------- */

static enum err load_marks(struct sql *sql, void *arg)
{
	struct member *member = arg;
	struct sql_rows *rows = sql_query(sql, "SELECT source, seq FROM heard");
	size_t i;

	while (sql_next(rows))
		for (i = 0; i < member->bus->count; i++)
			if (strcmp(member->bus->members[i].service, sql_peek_text(rows, 0)) == 0) {
				atomic_store(&member->read_up_to[i], sql_get_int(rows, 1));
				atomic_store(&member->stored_up_to[i], sql_get_int(rows, 1));
			}
	return sql_end(rows);
}

static enum err last_told(struct sql *sql, void *arg)
{
	struct sql_rows *rows = sql_query(sql, "SELECT COALESCE(MAX(seq), 0) FROM outbox");
	int64_t *ret_last = arg;

	return SQL_TAKE(rows, ret_last, sql_get_int(rows, 0));
}

/* From where the loop goes on. */
static enum err load(struct member *member)
{
	struct bus *bus = member->bus;
	enum err err = sql_read(member->database, load_marks, member);

	for (size_t i = 0; !err && i < bus->count; i++) {
		int64_t last;

		if (!member->hears[i])
			continue;
		err = sql_read(bus->members[i].database, last_told, &last);
		if (!err)
			recent_know(&bus->members[i].recent, last);
	}
	return err;
}

static bool may_have_parked(struct member *member)
{
	return atomic_load(&member->may_have_parked) || atomic_load(&member->parked_news);
}

/* One round over everything that the service hears; false: nothing was there. */
static bool round_of(struct member *member, bool *ret_waiting, enum err *ret_err)
{
	bool more = false;
	enum err err = hear(member, &more);

	*ret_waiting = false;
	if (!err && may_have_parked(member)) {
		/* In this order: at no moment does the service look idle while it tries. */
		atomic_store(&member->may_have_parked, true);
		atomic_store(&member->parked_news, false);
		err = parked_try(member, ret_waiting);
		atomic_store(&member->may_have_parked, *ret_waiting || err);
	}
	*ret_err = err;
	return more;
}

static void member_loop(void *arg)
{
	struct member *member = arg;
	bool waiting;
	enum err err;

	while (load(member) && !workers_stopping())
		fiber_sleep(RETRY_PAUSE_MS);
	while (!workers_stopping()) {
		int64_t next_ms = env_monotonic_ms() + member->gather_ms;
		bool more = round_of(member, &waiting, &err);

		if (err) {
			log_error("events.loop", "%s: %s", member->service, err_info(err)->slug);
			fiber_sleep(RETRY_PAUSE_MS);
		} else if (more && next_ms > env_monotonic_ms()) {
			fiber_sleep(next_ms - env_monotonic_ms());
		} else if (!more) {
			wait_for_news(member, waiting ? RETRY_PAUSE_MS : WAIT_FOREVER);
		}
	}
}

void bus_start(struct bus *bus)
{
	size_t i, j;

	for (i = 0; i < bus->count; i++) {
		const struct subscription *subscription = bus->members[i].subscriptions;

		for (; subscription && subscription->type; subscription++) {
			const char *source = event_source(subscription->type);

			assert(source);
			for (j = 0; j < bus->count; j++)
				if (strcmp(bus->members[j].service, source) == 0)
					bus->members[i].hears[j] = true;
		}
	}
	for (i = 0; i < bus->count; i++)
		database_on_commit(bus->members[i].database, on_told, &bus->members[i]);
	for (i = 0; i < bus->count; i++)
		if (bus->members[i].subscriptions)
			fiber_start_on(i % worker_count(), member_loop, &bus->members[i]);
}

/* --- draining --------------------------------------------------------------------------------- */

static bool idle(struct bus *bus)
{
	size_t i, j;

	for (j = 0; j < bus->count; j++) {
		int64_t last = 0;

		if (sql_read(bus->members[j].database, last_told, &last))
			return false;
		for (i = 0; i < bus->count; i++)
			if (bus->members[i].hears[j] &&
			    atomic_load(&bus->members[i].read_up_to[j]) < last)
				return false;
	}
	for (i = 0; i < bus->count; i++)
		if (may_have_parked(&bus->members[i]))
			return false;
	return true;
}

bool bus_drain(struct bus *bus, int64_t patience_ms)
{
	int64_t deadline_ms = env_monotonic_ms() + patience_ms;

	while (!idle(bus)) {
		(void)fiber_ticket();
		fiber_park(5);
		if (env_monotonic_ms() >= deadline_ms)
			return false;
	}
	return true;
}
