/*
 * The writer of a database: group commit.
 *
 *   waiting --take_batch--> running --run_batch--> committed --> answered
 *                            |   ^
 *                            +---+ once more, each body in a savepoint
 *
 * Bodies rarely fail behind their first write, and savepoints are a fifth of the writer's work. So a
 * batch is run without them; where a body has failed and left something behind, all is undone and
 * the batch is run again with them, and only that body is undone.
 *
 * Invariants:
 *  1. One thread per database runs all bodies; they see each other's effects in order.
 *  2. A transaction is answered OK only when the commit that holds it has returned, with
 *     synchronous = FULL: it is on disk.
 *  3. Where the commit fails nobody of the batch is answered OK. After a failed fsync nothing is
 *     known of the file: nothing more is written and the program stops, to recover at its start.
 *     Where it was a checkpoint's the commits before it stand, and are answered so: they are in
 *     the log, which was synced with each of them and stays as it is.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "base/env.h"
#include "store/sqlite_internal.h"

#define THREAD_NAME_SIZE 16 /* the kernel's bound */

static _Thread_local bool in_body;
static atomic_bool any_failed;

bool databases_failed(void)
{
	return atomic_load(&any_failed);
}

/* --- running ---------------------------------------------------------------------------------- */

/* Ends all hooks behind `from`, which is the end of the list then. */
static void end_hooks(struct sql *sql, struct sql_hook **from, bool committed)
{
	struct sql_hook *hook = *from, *next;

	*from = NULL;
	sql->last_hook = from;
	for (; hook; hook = next) {
		next = hook->next;
		hook->end(hook, committed);
	}
}

enum err sql_nested(struct sql *sql, sql_body *body, void *arg)
{
	struct sql_hook **hooks_before = sql->last_hook;
	enum err err, undo_err = OK;

	assert(sql->writing);
	err = connection_run(sql->connection, "SAVEPOINT nested");
	if (!err) {
		err = body(sql, arg);
		if (err && connection_lost_transaction(sql->connection))
			undo_err = err;
		else if (err)
			undo_err = connection_run(sql->connection, "ROLLBACK TO nested");
		if (!undo_err)
			undo_err = connection_run(sql->connection, "RELEASE nested");
		/* What is left of the part would be taken for a part of the whole. */
		if (undo_err)
			sql->connection->spoilt = true;
	}
	if (err)
		end_hooks(sql, hooks_before, false);
	return undo_err ? undo_err : err;
}

/* *ret_left: it has failed, and what it wrote is still there. */
static enum err run_plain(struct sql *sql, struct transaction *transaction, bool *ret_left)
{
	int64_t written = connection_written(sql->connection);
	struct sql_hook **hooks_before = sql->last_hook;
	enum err err = transaction->body(sql, transaction->arg);

	*ret_left = err && connection_written(sql->connection) != written;
	if (err)
		end_hooks(sql, hooks_before, false);
	return err;
}

static void run_body(struct sql *sql, struct transaction *transaction, bool savepoints,
		     bool *ret_left)
{
	struct log_context log = log_set_context(transaction->log);

	*ret_left = false;
	connection_limit_anew(sql->connection);
	sql->now_ms = transaction->now_ms;
	in_body = true;
	if (savepoints)
		transaction->result = sql_nested(sql, transaction->body, transaction->arg);
	else
		transaction->result = run_plain(sql, transaction, ret_left);
	in_body = false;
	log_set_context(log);
	assert(!sql->connection->busy);
}

/* Answers that stand although nothing was stored for them; the others get `err`. */
static void fail_batch(struct transaction *first, enum err err)
{
	struct transaction *transaction;

	for (transaction = first; transaction; transaction = transaction->next)
		if (!transaction->result)
			transaction->result = err;
}

static void stop_program(struct database *database, const char *event, const char *why)
{
	database->failed = true;
	connection_write_no_more(database->writer);
	atomic_store(&any_failed, true);
	log_error(event, "%s: %s", database->path, why);
	kill(getpid(), SIGTERM);
}

static void stop_unconfirmed(struct database *database)
{
	stop_program(database, "store.sync-failed",
		     "the disk did not confirm a write; the program stops and recovers at its"
		     " start");
}

void writer_look(struct database *database)
{
	if (!database->failed && !connection_files_are_there(database->writer))
		stop_program(database, "store.files-gone",
			     "the file, or its log, was removed, renamed or replaced under the"
			     " running program, which stops; bring the data back (souk restore)"
			     " before it is started again");
}

/* `written`: what connection_written said when it began. */
static enum err commit(struct database *database, int64_t written)
{
	bool changed = connection_written(database->writer) != written;
	enum err err;

	writer_look(database);
	if (database->failed)
		return ERR_STORAGE;
	err = connection_run(database->writer, "COMMIT");
	if (!err && changed)
		atomic_fetch_add(&database->changes, 1);
	return err;
}

/* *ret_again: nothing was committed, because a body has left something behind. */
static enum err run_all(struct database *database, struct sql *sql, struct transaction *first,
			bool savepoints, bool *ret_again)
{
	struct connection *connection = database->writer;
	struct transaction *transaction;
	int64_t written;
	enum err err;

	*ret_again = false;
	err = connection_run(connection, "BEGIN IMMEDIATE");
	if (err)
		return err;
	written = connection_written(connection);
	for (transaction = first; transaction; transaction = transaction->next) {
		run_body(sql, transaction, savepoints, ret_again);
		if (connection_lost_transaction(connection))
			return transaction->result ? transaction->result : ERR_STORAGE;
		if (*ret_again)
			return OK;
	}
	return commit(database, written);
}

static void undo_all(struct database *database, struct sql *sql)
{
	connection_give_up(database->writer);
	end_hooks(sql, &sql->hooks, false);
}

static void forget_results(struct transaction *first)
{
	struct transaction *transaction;

	for (transaction = first; transaction; transaction = transaction->next)
		transaction->result = OK;
}

/* For tests (the build option batches_twice): a body that changes what is not undone with its
 * transaction finds it changed when it is run again. */
static void run_in_vain(struct database *database, struct sql *sql, struct transaction *first)
{
	struct transaction *transaction;
	bool left;

	if (connection_run(database->writer, "BEGIN IMMEDIATE"))
		return;
	for (transaction = first; transaction; transaction = transaction->next)
		if (!connection_lost_transaction(database->writer))
			run_body(sql, transaction, true, &left);
	undo_all(database, sql);
	forget_results(first);
}

/* Without savepoints first. What one that was alone in its batch has left is undone with it. */
static enum err try_all(struct database *database, struct sql *sql, struct transaction *first)
{
	bool again;
	enum err err;

	if (BATCHES_TWICE)
		run_in_vain(database, sql, first);
	err = run_all(database, sql, first, false, &again);
	if (err || !again)
		return err;
	undo_all(database, sql);
	if (!first->next)
		return database->writer->spoilt ? ERR_STORAGE : OK;
	metric_add(database->metric_again, 1);
	forget_results(first);
	return run_all(database, sql, first, true, &again);
}

static void run_batch(struct database *database, struct transaction *first)
{
	struct sql sql = {
		.connection = database->writer,
		.database = database->name,
		.owner = database->owner,
		.writing = true,
		.last_hook = &sql.hooks,
	};
	int64_t start_ns = env_monotonic_ns();
	bool told;
	enum err err;

	err = database->failed ? ERR_STORAGE : try_all(database, &sql, first);
	if (err) {
		if (connection_sync_failed(database->writer) && !database->failed)
			stop_unconfirmed(database);
		undo_all(database, &sql);
		fail_batch(first, err);
		return;
	}
	if (connection_sync_failed(database->writer))
		stop_unconfirmed(database);
	metric_add(database->metric_commits, 1);
	metric_observe_ns(database->metric_commit_time, env_monotonic_ns() - start_ns);
	told = sql.hooks != NULL;
	end_hooks(&sql, &sql.hooks, true);
	if (told && database->on_commit)
		database->on_commit(database->owner);
}

/* --- the thread ------------------------------------------------------------------------------- */

/* Everything that waits, up to WRITER_BATCH_MAX; NULL when the database closes. */
static struct transaction *take_batch(struct database *database)
{
	struct transaction *first, *transaction;
	size_t count = 0;

	pthread_mutex_lock(&database->lock);
	while (!database->first && !database->closing)
		pthread_cond_wait(&database->changed, &database->lock);
	first = transaction = database->first;
	if (first) {
		for (count = 1; transaction->next && count < WRITER_BATCH_MAX; count++)
			transaction = transaction->next;
		database->first = transaction->next;
		if (!database->first)
			database->last = &database->first;
		transaction->next = NULL;
		database->waiting -= count;
		metric_set(database->metric_waiting, (int64_t)database->waiting);
	}
	pthread_mutex_unlock(&database->lock);
	metric_add(database->metric_transactions, (int64_t)count);
	return first;
}

static void *writer_main(void *arg)
{
	struct database *database = arg;
	struct transaction *batch, *next;
	char name[THREAD_NAME_SIZE];

	/* For those who look at the process by thread. */
	snprintf(name, sizeof(name), "%s", database->name);
	pthread_setname_np(pthread_self(), name);
	while ((batch = take_batch(database))) {
		run_batch(database, batch);
		for (; batch; batch = next) {
			/* Once woken its owner may be gone, and it with it. */
			next = batch->next;
			fiber_wake(batch->ticket);
		}
	}
	return NULL;
}

void writer_start(struct database *database)
{
	int failed;

	database->last = &database->first;
	failed = pthread_create(&database->thread, NULL, writer_main, database);
	assert(!failed);
}

void writer_stop(struct database *database)
{
	pthread_mutex_lock(&database->lock);
	database->closing = true;
	pthread_cond_signal(&database->changed);
	pthread_mutex_unlock(&database->lock);
	pthread_join(database->thread, NULL);
}

enum err sql_transaction(struct database *database, sql_body *body, void *arg)
{
	struct transaction transaction = {.body = body, .arg = arg, .now_ms = env_now_ms()};
	enum err err = OK;

	assert(!in_body && !database->read_only);
	transaction.log = log_set_context((struct log_context){0});
	log_set_context(transaction.log);
	pthread_mutex_lock(&database->lock);
	if (database->waiting >= database->queue_max || database->closing) {
		err = ERR_OVERLOADED;
	} else {
		transaction.ticket = fiber_ticket();
		*database->last = &transaction;
		database->last = &transaction.next;
		database->waiting++;
		pthread_cond_signal(&database->changed);
	}
	pthread_mutex_unlock(&database->lock);
	if (err)
		return err;
	fiber_park(WAIT_FOREVER);
	return transaction.result;
}
