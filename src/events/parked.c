/*
 * Parked events.
 *
 *   failed --parked_put--> waiting --parked_try--> handled (the row goes)
 *                             ^  |
 *                             |  +-- last try failed --> for good (next_try_at is NULL)
 *                             +-------- parked_retry ---------+
 *
 * A time beyond the longest pause was set by a clock that was ahead: it counts as come.
 * Of one subject only the oldest is tried: the others line up behind it.
 */
#include <string.h>

#include "base/config.h"
#include "base/env.h"
#include "base/log.h"
#include "base/time.h"
#include "events/internal.h"

#define FIRST_PAUSE_MS 200
#define LONGEST_PAUSE_MS (5 * MINUTE_MS)

#define PARKED_COLUMNS                                                                      \
	"seq, id, source, type, subject, told_at, traceparent, data, attempts, last_error," \
	" next_try_at, parked_at"

/* Exponential, with up to half of it taken off by chance. */
static int64_t pause_ms(int64_t attempts)
{
	int64_t pause = FIRST_PAUSE_MS << MIN(attempts - 1, 20);

	pause = MIN(pause, LONGEST_PAUSE_MS);
	return pause - env_random_below((uint32_t)pause / 2 + 1);
}

enum err parked_put(struct sql *sql, const struct event *event, enum err err)
{
	int64_t now_ms = sql_now_ms(sql);
	const char *data = event->data ? event->data : json_text(event->arena, event->json);

	return sql_run(sql,
		       "INSERT INTO parked (id, source, type, subject, told_at, traceparent, data,"
		       " attempts, last_error, next_try_at, parked_at)"
		       " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
		       " ON CONFLICT (id) DO NOTHING",
		       sql_id(&event->id), sql_text(event->source), sql_text(event->type),
		       sql_id(&event->subject), sql_int(event->time_ms),
		       sql_text(event->traceparent), sql_text(data), sql_int(err ? 1 : 0),
		       sql_text(err ? err_info(err)->slug : "waits for an earlier event"),
		       sql_int(err ? now_ms + pause_ms(1) : now_ms), sql_int(now_ms));
}

bool parked_before(struct sql *sql, const struct event *event)
{
	struct sql_rows *rows =
		sql_query(sql,
			  "SELECT 1 FROM parked WHERE source = $1 AND subject = $2"
			  " AND id <> $3 LIMIT 1",
			  sql_text(event->source), sql_id(&event->subject), sql_id(&event->id));
	bool found = sql_next(rows);

	return !sql_end(rows) && found;
}

/* --- reading ---------------------------------------------------------------------------------- */

static struct parked_event read_row(struct sql_rows *rows, struct arena *arena)
{
	return (struct parked_event){
		.seq = sql_get_int(rows, 0),
		.event =
			{
				.id = sql_get_id(rows, 1),
				.source = sql_get_text(rows, 2, arena),
				.type = sql_get_text(rows, 3, arena),
				.subject = sql_get_id(rows, 4),
				.time_ms = sql_get_int(rows, 5),
				.traceparent = sql_get_text(rows, 6, arena),
				.data = sql_get_text(rows, 7, arena),
				.arena = arena,
			},
		.attempts = sql_get_int(rows, 8),
		.last_error = sql_get_text(rows, 9, arena),
		.next_try_ms = sql_get_int(rows, 10),
		.parked_ms = sql_get_int(rows, 11),
	};
}

struct listing {
	struct arena *arena;
	int64_t after, limit;
	bool due_only;
	struct parked_event *events;
	size_t count;
	int64_t waiting; /* with due_only: rows that have a try before them */
};

static enum err list_rows(struct sql *sql, void *arg)
{
	struct listing *listing = arg;
	struct sql_rows *rows;

	listing->count = 0;
	listing->events = ARENA_ARRAY(listing->arena, struct parked_event, (size_t)listing->limit);
	if (listing->due_only)
		rows = sql_query(sql,
				 "SELECT " PARKED_COLUMNS " FROM parked AS this"
				 " WHERE (next_try_at <= $1 OR next_try_at > $3) AND NOT EXISTS"
				 " (SELECT 1 FROM parked AS earlier WHERE earlier.source ="
				 " this.source AND earlier.subject = this.subject"
				 " AND earlier.seq < this.seq) ORDER BY seq LIMIT $2",
				 sql_int(sql_now_ms(sql)), sql_int(listing->limit),
				 sql_int(sql_now_ms(sql) + LONGEST_PAUSE_MS));
	else
		rows = sql_query(sql,
				 "SELECT " PARKED_COLUMNS " FROM parked WHERE seq > $1"
				 " ORDER BY seq LIMIT $2",
				 sql_int(listing->after), sql_int(listing->limit));
	while (sql_next(rows))
		listing->events[listing->count++] = read_row(rows, listing->arena);
	return sql_end(rows);
}

static enum err list_due(struct sql *sql, void *arg)
{
	struct listing *listing = arg;
	struct sql_rows *rows;
	enum err err;

	rows = sql_query(sql, "SELECT COUNT(*) FROM parked WHERE next_try_at IS NOT NULL");
	err = SQL_TAKE(rows, &listing->waiting, sql_get_int(rows, 0));
	return err ? err : list_rows(sql, listing);
}

enum err parked_list(struct database *database, struct arena *arena, int64_t after, int64_t limit,
		     struct parked_event **ret_events, size_t *ret_count)
{
	struct listing listing = {.arena = arena, .after = after, .limit = limit};
	enum err err = sql_read(database, list_rows, &listing);

	if (err)
		return err;
	*ret_events = listing.events;
	*ret_count = listing.count;
	return OK;
}

/* --- trying again ----------------------------------------------------------------------------- */

struct trial {
	const struct member *member;
	const struct parked_event *parked;
	bool failed, for_good;
};

static enum err handle(struct sql *sql, void *arg)
{
	const struct trial *trial = arg;

	return event_handle(sql, trial->member, &trial->parked->event);
}

static enum err try_one(struct sql *sql, void *arg)
{
	struct trial *trial = arg;
	const struct parked_event *parked = trial->parked;
	int64_t attempts = parked->attempts + 1;
	enum err err = sql_nested(sql, handle, trial);

	trial->failed = err != OK;
	trial->for_good = false;
	if (!err)
		return sql_run(sql, "DELETE FROM parked WHERE seq = $1", sql_int(parked->seq));
	if (err_is_of_store(err))
		return err;
	trial->for_good = attempts >= config_int("event-attempts");
	return sql_run(sql,
		       "UPDATE parked SET attempts = $2, last_error = $3, next_try_at = $4"
		       " WHERE seq = $1",
		       sql_int(parked->seq), sql_int(attempts), sql_text(err_info(err)->slug),
		       trial->for_good ? sql_null()
				       : sql_int(sql_now_ms(sql) + pause_ms(attempts)));
}

enum err parked_try(struct member *member, bool *ret_waiting)
{
	struct arena *arena = arena_new();
	struct listing listing = {.arena = arena, .limit = EVENTS_BATCH_MAX, .due_only = true};
	enum err err;
	size_t i;

	err = sql_read(member->database, list_due, &listing);
	for (i = 0; !err && i < listing.count; i++) {
		struct trial trial = {.member = member, .parked = &listing.events[i]};

		event_parse(&listing.events[i].event, arena);
		err = sql_transaction(member->database, try_one, &trial);
		if (!err && !trial.failed)
			metric_add(member->handled, 1);
		if (!err && trial.for_good)
			log_error("events.parked", "%s gives up on %s of %s", member->service,
				  trial.parked->event.type,
				  id_text(arena, &trial.parked->event.subject));
	}
	*ret_waiting = listing.waiting > 0;
	metric_set(member->parked, listing.waiting);
	arena_free(arena);
	return err;
}

struct retry {
	const struct id *id;
	bool found;
};

static enum err set_due(struct sql *sql, void *arg)
{
	struct retry *retry = arg;
	struct sql_rows *rows = sql_query(sql,
					  "UPDATE parked SET next_try_at = $2, attempts = 0"
					  " WHERE id = $1 RETURNING seq",
					  sql_id(retry->id), sql_int(sql_now_ms(sql)));

	return sql_end_any(rows, &retry->found);
}

enum err parked_retry(struct bus *bus, const struct id *event_id)
{
	bool found = false;
	size_t i;

	for (i = 0; i < bus->count; i++) {
		struct retry retry = {.id = event_id};
		enum err err = sql_transaction(bus->members[i].database, set_due, &retry);

		if (err)
			return err;
		if (!retry.found)
			continue;
		found = true;
		atomic_store(&bus->members[i].parked_news, true);
		member_wake(&bus->members[i]);
	}
	return found ? OK : ERR_NOT_FOUND;
}
