/*
 * Limits of statements: the engine asks every LOOK_STEPS of its steps whether it is to go on. Only
 * statements that read are ended, since the engine undoes the whole transaction, which is many
 * callers', where it ends one that writes.
 *
 * Time is that of the thread on a core, so that a busy machine ends nothing that would not be ended
 * on an idle one. Within full-text search the steps are those of its reading pages.
 */
#include <sqlite3.h>

#include "base/env.h"
#include "runtime/pool.h"
#include "store/sqlite_internal.h"

#define LOOK_STEPS 300

static void set_limit(struct connection *connection, int64_t limit_ms, enum err err)
{
	connection->limit = (struct statement_limit){.limit_ns = limit_ms * 1000000, .err = err};
}

void connection_limit_anew(struct connection *connection)
{
	set_limit(connection, connection->normal_limit_ms, ERR_OVERLOADED);
}

/* The clock is first looked at here: what takes fewer steps costs nothing. */
static bool has_passed(struct statement_limit *limit)
{
	int64_t now_ns;

	if (!limit->reading || !limit->limit_ns)
		return false;
	now_ns = env_thread_cpu_ns();
	if (!limit->end_ns)
		limit->end_ns = now_ns + limit->limit_ns;
	return now_ns > limit->end_ns;
}

static int look(void *arg)
{
	struct connection *connection = arg;

	if (connection->limit.reading && pool_work_is_abandoned())
		return 1;
	connection->limit.passed = has_passed(&connection->limit);
	return connection->limit.passed;
}

void connection_look_after(struct connection *connection)
{
	sqlite3_progress_handler(connection->handle, LOOK_STEPS, look, connection);
}

void sql_limit(struct sql *sql, int64_t limit_ms, enum err err)
{
	set_limit(sql->connection, limit_ms, err);
}
