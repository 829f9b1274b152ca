/* A database: its file, its writer, and a read connection for every thread that reads. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/env.h"
#include "store/sqlite_internal.h"

/* --- opening ---------------------------------------------------------------------------------- */

static void register_metrics(struct database *database)
{
	char labels[64];

	snprintf(labels, sizeof(labels), "database=\"%s\"", database->name);
	database->metric_waiting = metric_gauge("souk_database_waiting",
						"Transactions that wait for the writer.", labels);
	database->metric_commits =
		metric_counter("souk_database_commits_total", "Commits (group commits).", labels);
	database->metric_transactions = metric_counter("souk_database_transactions_total",
						       "Transactions in these commits.", labels);
	database->metric_again = metric_counter(
		"souk_database_batches_again_total",
		"Batches run a second time, because one of their transactions failed half-way.",
		labels);
	database->metric_ended = metric_counter(
		"souk_database_statements_ended_total",
		"Statements that were ended because they took more than their limit.", labels);
	database->metric_commit_time = metric_histogram(
		"souk_database_commit_seconds", "From a batch's begin to its commit.", labels);
}

static enum err migrate(struct database *database, const struct database_options *options,
			struct arena *arena, const char **ret_why)
{
	const struct migration_set *const *set;
	enum err err = OK;

	for (set = options->migration_sets; !err && set && *set; set++)
		err = connection_migrate(database->writer, *set, arena, ret_why);
	return err;
}

/* As it stands between the quotes of a text in SQL. */
static const char *quoted(struct arena *arena, const char *text)
{
	char *copy = ARENA_ARRAY(arena, char, 2 * strlen(text) + 1), *end = copy;

	for (; *text; text++) {
		*end++ = *text;
		if (*text == '\'')
			*end++ = '\'';
	}
	return copy;
}

char *database_attach_text(const struct database_options *options, struct arena *arena)
{
	const char *const *name;
	char *text = arena_copy_text(arena, "");

	assert(options->read_only);
	for (name = options->beside; *name; name++)
		text = arena_printf(arena, "%sATTACH DATABASE '%s/%s.db' AS \"%s\";", text,
				    quoted(arena, options->directory), *name, *name);
	return text;
}

/* What all of its connections have in common. */
static void take_on(const struct database *database, struct connection *connection)
{
	connection->metric_ended = database->metric_ended;
	connection->normal_limit_ms = database->statement_limit_ms;
}

enum err database_open(const struct database_options *options, struct arena *arena,
		       struct database **ret_database, const char **ret_why)
{
	struct database *database = must_alloc(sizeof(*database));
	enum err err = OK;
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s.db", options->directory, options->name);
	database->path = must_copy_text(path);
	database->name = must_copy_text(options->name);
	database->read_only = options->read_only;
	database->queue_max = options->queue_max;
	database->statement_limit_ms = options->statement_limit_ms;
	if (options->beside)
		database->beside = must_copy_text(database_attach_text(options, arena));
	pthread_mutex_init(&database->lock, NULL);
	pthread_mutex_init(&database->idle_lock, NULL);
	pthread_cond_init(&database->changed, NULL);
	register_metrics(database);
	if (options->read_only) {
		err = access(path, R_OK) ? ERR_NOT_FOUND : OK;
		*ret_why = "there is no such file";
	} else {
		err = connection_open(path, true, &database->writer, ret_why);
		if (!err)
			err = migrate(database, options, arena, ret_why);
	}
	if (err) {
		*ret_why =
			arena_printf(arena, "%s: %s", path, *ret_why ? *ret_why : "cannot be read");
		connection_close(database->writer);
		database->writer = NULL;
		database->read_only = true;
		database_close(database);
		return err;
	}
	if (!database->read_only) {
		take_on(database, database->writer);
		writer_start(database);
	}
	*ret_database = database;
	return OK;
}

void database_close(struct database *database)
{
	size_t i;

	if (!database)
		return;
	if (!database->read_only)
		writer_stop(database);
	for (i = 0; i < WORKERS_MAX; i++)
		connection_close(database->readers[i]);
	while (database->idle) {
		struct connection *connection = database->idle;

		database->idle = connection->next_idle;
		connection_close(connection);
	}
	/* The last to close: it checkpoints, and removes the log. Not another's, which has come to
	 * stand in the place of ours. */
	if (database->writer && !connection_files_are_there(database->writer))
		connection_write_no_more(database->writer);
	connection_close(database->writer);
	pthread_mutex_destroy(&database->lock);
	pthread_mutex_destroy(&database->idle_lock);
	pthread_cond_destroy(&database->changed);
	free(database->name);
	free(database->path);
	free(database->beside);
	free(database);
}

const char *database_name(const struct database *database)
{
	return database->name;
}

int64_t database_changes(const struct database *database)
{
	return atomic_load(&database->changes);
}

bool database_failed(const struct database *database)
{
	return database->failed;
}

void database_on_commit(struct database *database, void (*fn)(void *owner), void *owner)
{
	database->on_commit = fn;
	database->owner = owner;
}

/* --- reading ---------------------------------------------------------------------------------- */

static enum err reader_open(struct database *database, struct connection **ret_connection)
{
	const char *why;
	enum err err = connection_open(database->path, false, ret_connection, &why);

	if (!err)
		take_on(database, *ret_connection);
	if (!err && database->beside) {
		err = connection_script(*ret_connection, database->beside);
		if (!err)
			err = connection_add_sums(*ret_connection);
		if (err) {
			connection_close(*ret_connection);
			*ret_connection = NULL;
		}
	}
	return err;
}

static enum err read_with(struct database *database, struct connection *connection, sql_body *body,
			  void *arg)
{
	struct sql sql = {
		.connection = connection, .database = database->name, .now_ms = env_now_ms()};
	enum err err, end_err;

	err = connection_run(connection, "BEGIN");
	if (err)
		return err;
	connection_limit_anew(connection);
	err = body(&sql, arg);
	assert(!connection->busy);
	if (!connection_lost_transaction(connection))
		end_err = connection_run(connection, "COMMIT");
	else
		end_err = ERR_STORAGE;
	connection_give_up(connection);
	return err ? err : end_err;
}

/* A connection of its own for a thread that is no worker's, for one reading. */
static enum err read_elsewhere(struct database *database, sql_body *body, void *arg)
{
	struct connection *connection;
	enum err err = OK;

	pthread_mutex_lock(&database->idle_lock);
	connection = database->idle;
	if (connection)
		database->idle = connection->next_idle;
	pthread_mutex_unlock(&database->idle_lock);
	if (!connection)
		err = reader_open(database, &connection);
	if (err)
		return err;
	err = read_with(database, connection, body, arg);
	pthread_mutex_lock(&database->idle_lock);
	connection->next_idle = database->idle;
	database->idle = connection;
	pthread_mutex_unlock(&database->idle_lock);
	return err;
}

enum err sql_read(struct database *database, sql_body *body, void *arg)
{
	struct connection **reader;
	enum err err = OK;

	if (!worker_here())
		return read_elsewhere(database, body, arg);
	reader = &database->readers[worker_index()];
	if (!*reader)
		err = reader_open(database, reader);
	if (err)
		return err;
	fiber_forbid_parking(true);
	err = read_with(database, *reader, body, arg);
	fiber_forbid_parking(false);
	return err;
}
