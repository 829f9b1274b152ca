/*
 * The local bus: one loop per service that hears something.
 *
 * Invariants:
 *  1. `heard` is written in the transaction that handles the batch up to it, so it never runs ahead
 *     of what was handled or parked.
 *  2. An outbox grows at its end only, in the order of its commits (one writer): behind a mark
 *     nothing can appear later.
 *  3. An event's handler and its row in the inbox are one; a second delivery does nothing.
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
#define PRUNE_ROWS_MAX 2000

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
	for (i = 0; i < bus->count; i++)
		pthread_mutex_destroy(&bus->members[i].lock);
	free(bus);
}

void bus_add(struct bus *bus, const char *service, struct database *database,
	     const struct subscription *subscriptions, void (*after_batch)(void))
{
	struct member *member = &bus->members[bus->count++];
	char labels[64];

	assert(bus->count <= BUS_MEMBERS_MAX);
	member->bus = bus;
	member->service = service;
	member->database = database;
	member->subscriptions = subscriptions;
	member->after_batch = after_batch;
	atomic_store(&member->may_have_parked, subscriptions != NULL);
	pthread_mutex_init(&member->lock, NULL);
	snprintf(labels, sizeof(labels), "service=\"%s\"", service);
	member->handled = metric_counter("souk_events_handled_total", "Events handled.", labels);
	member->repeated = metric_counter("souk_events_repeated_total",
					  "Events that came again and had no effect.", labels);
	member->failed =
		metric_counter("souk_events_failed_total",
			       "Events whose handler failed, and that were put aside.", labels);
	member->parked =
		metric_gauge("souk_events_parked", "Events that wait to be tried again.", labels);
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

struct batch {
	struct member *member;
	struct member *source;
	struct arena *arena;
	int64_t from, up_to;
	struct event *events; /* those with a handler */
	size_t count, read;
	size_t repeated, failed;
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
		batch->up_to = sql_get_int(rows, 0);
		batch->read++;
		if (!member_handler(batch->member, sql_peek_text(rows, 2)))
			continue;
		if (!batch->events)
			batch->events = ARENA_ARRAY(batch->arena, struct event, EVENTS_BATCH_MAX);
		batch->events[batch->count++] = (struct event){
			.id = sql_get_id(rows, 1),
			.type = sql_get_text(rows, 2, batch->arena),
			.source = batch->source->service,
			.subject = sql_get_id(rows, 3),
			.time_ms = sql_get_int(rows, 4),
			.traceparent = sql_get_text(rows, 5, batch->arena),
			.data = sql_get_text(rows, 6, batch->arena),
			.arena = batch->arena,
		};
	}
	return sql_end(rows);
}

void event_parse(struct event *event, struct arena *arena)
{
	json_t *json;

	if (json_parse(arena, event->data, strlen(event->data), &json, NULL))
		json = NULL;
	event->json = json;
}

/* --- handling --------------------------------------------------------------------------------- */

bool err_is_of_store(enum err err)
{
	return err == ERR_STORAGE || err == ERR_STORAGE_FULL || err == ERR_OVERLOADED;
}

struct delivery {
	const struct member *member;
	const struct event *event;
	bool repeated;
};

static enum err deliver(struct sql *sql, void *arg)
{
	struct delivery *delivery = arg;
	const struct event *event = delivery->event;
	enum err err;

	err = sql_run(sql,
		      "INSERT INTO inbox (id, heard_at) VALUES ($1, $2)"
		      " ON CONFLICT (id) DO NOTHING",
		      sql_id(&event->id), sql_int(sql_now_ms(sql)));
	if (err)
		return err;
	delivery->repeated = sql_changes(sql) == 0;
	if (delivery->repeated)
		return OK;
	if (!event->json)
		return ERR_BAD_JSON;
	return member_handler(delivery->member, event->type)(sql, event);
}

enum err event_handle_once(struct sql *sql, const struct member *member, const struct event *event)
{
	struct delivery delivery = {.member = member, .event = event};
	enum err err = sql_nested(sql, deliver, &delivery);

	if (!err)
		metric_add(delivery.repeated ? member->repeated : member->handled, 1);
	return err;
}

static enum err handle_batch(struct sql *sql, void *arg)
{
	struct batch *batch = arg;
	struct member *member = batch->member;
	bool may_wait = atomic_load(&member->may_have_parked);
	enum err err = OK;
	size_t i;

	batch->failed = 0;
	for (i = 0; !err && i < batch->count; i++) {
		const struct event *event = &batch->events[i];
		bool waits = (may_wait || batch->failed) && parked_before(sql, event);

		if (!waits) {
			err = event_handle_once(sql, member, event);
			if (!err)
				continue;
			if (err_is_of_store(err))
				return err;
			log_warning("events.failed", "%s cannot handle %s: %s", member->service,
				    event->type, err_info(err)->slug);
		}
		err = parked_put(sql, event, err);
		batch->failed++;
	}
	if (err)
		return err;
	return sql_run(sql,
		       "INSERT INTO heard (source, seq) VALUES ($1, $2)"
		       " ON CONFLICT (source) DO UPDATE SET seq = excluded.seq",
		       sql_text(batch->source->service), sql_int(batch->up_to));
}

/* One batch of one outbox. *ret_more: there was something. */
static enum err hear(struct member *member, size_t source_index, bool *ret_more)
{
	struct member *source = &member->bus->members[source_index];
	struct batch batch = {.member = member, .source = source, .arena = arena_new()};
	enum err err;
	size_t i;

	batch.from = batch.up_to = atomic_load(&member->read_up_to[source_index]);
	err = sql_read(source->database, read_outbox, &batch);
	for (i = 0; !err && i < batch.count; i++)
		event_parse(&batch.events[i], batch.arena);
	/* The mark of what does not concern the service is kept now and then, too. */
	if (!err && (batch.count || batch.read == EVENTS_BATCH_MAX))
		err = sql_transaction(member->database, handle_batch, &batch);
	if (!err) {
		if (batch.failed)
			atomic_store(&member->may_have_parked, true);
		metric_add(member->failed, (int64_t)batch.failed);
		if (batch.count && member->after_batch)
			member->after_batch();
		atomic_store(&member->read_up_to[source_index], batch.up_to);
		*ret_more |= batch.read > 0;
	}
	arena_free(batch.arena);
	return err;
}

/* --- the loop --------------------------------------------------------------------------------- */

static enum err load_marks(struct sql *sql, void *arg)
{
	struct member *member = arg;
	struct sql_rows *rows = sql_query(sql, "SELECT source, seq FROM heard");
	size_t i;

	while (sql_next(rows))
		for (i = 0; i < member->bus->count; i++)
			if (strcmp(member->bus->members[i].service, sql_peek_text(rows, 0)) == 0)
				atomic_store(&member->read_up_to[i], sql_get_int(rows, 1));
	return sql_end(rows);
}

static bool may_have_parked(struct member *member)
{
	return atomic_load(&member->may_have_parked) || atomic_load(&member->parked_news);
}

/* One round over everything that the service hears; false: nothing was there. */
static bool round_of(struct member *member, bool *ret_waiting, enum err *ret_err)
{
	bool more = false;
	enum err err = OK;
	size_t i;

	for (i = 0; !err && i < member->bus->count; i++)
		if (member->hears[i])
			err = hear(member, i, &more);
	*ret_waiting = false;
	if (!err && may_have_parked(member)) {
		/* In this order: at no moment does the service look idle while it tries. */
		atomic_store(&member->may_have_parked, true);
		atomic_store(&member->parked_news, false);
		err = parked_try(member, ret_waiting);
		atomic_store(&member->may_have_parked, *ret_waiting || err);
		if (!err && member->after_batch)
			member->after_batch();
	}
	*ret_err = err;
	return more;
}

static void member_loop(void *arg)
{
	struct member *member = arg;
	bool waiting;
	enum err err;

	while (sql_read(member->database, load_marks, member) && !workers_stopping())
		fiber_sleep(RETRY_PAUSE_MS);
	while (!workers_stopping()) {
		bool more = round_of(member, &waiting, &err);

		if (err) {
			log_error("events.loop", "%s: %s", member->service, err_info(err)->slug);
			fiber_sleep(RETRY_PAUSE_MS);
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

/* --- draining and pruning --------------------------------------------------------------------- */

static enum err last_told(struct sql *sql, void *arg)
{
	struct sql_rows *rows = sql_query(sql, "SELECT COALESCE(MAX(seq), 0) FROM outbox");
	enum err err = sql_first(rows);

	if (err)
		return err;
	*(int64_t *)arg = sql_get_int(rows, 0);
	return sql_end(rows);
}

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

struct pruning {
	int64_t before_ms, up_to;
	int64_t removed;
};

static enum err prune_some(struct sql *sql, void *arg)
{
	struct pruning *pruning = arg;
	enum err err;

	err = sql_run(sql,
		      /* The last row stays, so that numbers never start again. */
		      "DELETE FROM outbox WHERE seq IN (SELECT seq FROM outbox WHERE seq <= $1"
		      " AND told_at < $2 AND seq < (SELECT MAX(seq) FROM outbox)"
		      " ORDER BY seq LIMIT $3)",
		      sql_int(pruning->up_to), sql_int(pruning->before_ms),
		      sql_int(PRUNE_ROWS_MAX));
	if (err)
		return err;
	pruning->removed = sql_changes(sql);
	/* Ids are UUIDv7: the oldest come first. */
	err = sql_run(sql,
		      "DELETE FROM inbox WHERE id IN (SELECT id FROM inbox WHERE id < $1"
		      " AND heard_at < $2 ORDER BY id LIMIT $3)",
		      sql_id(&(struct id){.bytes = {(uint8_t)(pruning->before_ms >> 40),
						    (uint8_t)(pruning->before_ms >> 32),
						    (uint8_t)(pruning->before_ms >> 24),
						    (uint8_t)(pruning->before_ms >> 16),
						    (uint8_t)(pruning->before_ms >> 8),
						    (uint8_t)pruning->before_ms}}),
		      sql_int(pruning->before_ms), sql_int(PRUNE_ROWS_MAX));
	pruning->removed += sql_changes(sql);
	return err;
}

enum err bus_prune(struct bus *bus, int64_t before_ms)
{
	enum err err = OK;
	size_t i, j;

	for (j = 0; !err && j < bus->count; j++) {
		struct pruning pruning = {.before_ms = before_ms, .up_to = INT64_MAX};

		for (i = 0; i < bus->count; i++)
			if (bus->members[i].hears[j])
				pruning.up_to = MIN(pruning.up_to,
						    atomic_load(&bus->members[i].read_up_to[j]));
		do {
			err = sql_transaction(bus->members[j].database, prune_some, &pruning);
		} while (!err && pruning.removed >= PRUNE_ROWS_MAX && !workers_stopping());
	}
	return err;
}
