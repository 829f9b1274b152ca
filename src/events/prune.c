/*
 * Forgetting what was told long ago, but for what somebody of the platform has yet to hear.
 */
#include <string.h>

#include "events/internal.h"
#include "runtime/worker.h"

#define PRUNE_ROWS_MAX 2000

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
	return OK;
}

static bool hears(const struct subscription *subscriptions, const char *source)
{
	for (; subscriptions->type; subscriptions++)
		if (strcmp(event_source(subscriptions->type), source) == 0)
			return true;
	return false;
}

struct hearing {
	const char *source;
	int64_t up_to;
};

static enum err read_mark(struct sql *sql, void *arg)
{
	struct hearing *hearing = arg;
	struct sql_rows *rows = sql_query(sql, "SELECT seq FROM heard WHERE source = $1",
					  sql_text(hearing->source));
	enum err err = SQL_TAKE(rows, &hearing->up_to, sql_get_int(rows, 0));

	return err == ERR_NOT_FOUND ? OK : err;
}

/* How far all of the platform who hear the source have heard it. How far one has that does not run
 * here is not known here: as if it had heard nothing. */
static enum err heard_by_all(struct bus *bus, size_t source_index, int64_t *ret_up_to)
{
	const char *source = bus->members[source_index].service;
	int64_t up_to = INT64_MAX;
	enum err err = OK;

	for (size_t i = 0; !err && i < bus->count; i++) {
		struct hearing hearing = {.source = source};

		if (!bus->members[i].hears[source_index])
			continue;
		err = sql_read(bus->members[i].database, read_mark, &hearing);
		up_to = MIN(up_to, hearing.up_to);
	}
	for (size_t i = 0; i < bus->absent_count; i++)
		if (hears(bus->absent[i], source))
			up_to = 0;
	*ret_up_to = up_to;
	return err;
}

enum err bus_prune(struct bus *bus, int64_t before_ms)
{
	enum err err = OK;
	size_t j;

	for (j = 0; !err && j < bus->count; j++) {
		struct pruning pruning = {.before_ms = before_ms};

		err = heard_by_all(bus, j, &pruning.up_to);
		if (err || pruning.up_to == 0)
			continue;
		do {
			err = sql_transaction(bus->members[j].database, prune_some, &pruning);
		} while (!err && pruning.removed >= PRUNE_ROWS_MAX && !workers_stopping());
	}
	return err;
}
