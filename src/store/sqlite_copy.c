/*
 * Copies of several databases as they are at one moment, while another process writes to them.
 *
 * One connection has them all side by side and begins to write in each: while it holds these locks
 * nobody commits. A second one opens its snapshots in that time, which is milliseconds; then the
 * locks are given back, and the snapshots are copied at leisure. The writers wait for so long, as
 * for each other's commits. They hold one lock at a time and wait for no other meanwhile, so that
 * nobody waits in a circle.
 *
 * Neither connection writes or checkpoints (see sqlite.c, invariant 1).
 */
#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/env.h"
#include "store/sqlite_internal.h"

#define PAGES_AT_A_TIME 256
#define LOCK_PATIENCE_MS 10000 /* for the writers' commits */
#define LOCK_PAUSE_US 200

struct moment {
	struct connection *view;
	int64_t taken_ms;
};

/* Between two commits the lock is free for microseconds: who sleeps long meets few of them. */
static int wait_for_lock(void *arg, int count)
{
	const int64_t *deadline_ms = arg;

	(void)count;
	if (env_monotonic_ms() >= *deadline_ms)
		return 0;
	usleep(LOCK_PAUSE_US);
	return 1;
}

static enum err open_beside(const struct database_options *options, struct arena *arena,
			    struct connection **ret_connection, const char **ret_why)
{
	const char *path = arena_printf(arena, "%s/%s.db", options->directory, options->name);
	enum err err = connection_open(path, false, ret_connection, ret_why);

	if (!err)
		err = connection_script(*ret_connection, database_attach_text(options, arena));
	return err;
}

static enum err look_at_all(struct connection *view, const struct database_options *options,
			    struct arena *arena)
{
	const char *const *name = options->beside;
	enum err err = connection_script(view, "BEGIN; SELECT count(*) FROM main.sqlite_schema");

	for (; !err && *name; name++)
		err = connection_script(
			view,
			arena_printf(arena, "SELECT count(*) FROM \"%s\".sqlite_schema", *name));
	return err;
}

static enum err take(struct moment *moment, struct connection *locks,
		     const struct database_options *options, struct arena *arena)
{
	int64_t deadline_ms = env_monotonic_ms() + LOCK_PATIENCE_MS;
	enum err err, end_err;

	sqlite3_busy_handler(locks->handle, wait_for_lock, &deadline_ms);
	err = connection_script(locks, "PRAGMA query_only = OFF; BEGIN IMMEDIATE");
	if (err)
		return err;
	moment->taken_ms = env_now_ms();
	err = look_at_all(moment->view, options, arena);
	end_err = connection_script(locks, "ROLLBACK");
	return err ? err : end_err;
}

enum err moment_open(const struct database_options *options, struct arena *arena,
		     struct moment **ret_moment, const char **ret_why)
{
	struct moment *moment = must_alloc(sizeof(*moment));
	struct connection *locks = NULL;
	enum err err;

	*ret_why = NULL;
	err = open_beside(options, arena, &locks, ret_why);
	if (!err)
		err = open_beside(options, arena, &moment->view, ret_why);
	if (!err)
		err = take(moment, locks, options, arena);
	connection_close(locks);
	if (!err) {
		*ret_moment = moment;
		return OK;
	}
	if (!*ret_why)
		*ret_why = err == ERR_OVERLOADED
				   ? "the shop writes so much that there was no moment between"
				   : err_info(err)->title;
	moment_close(moment);
	return err;
}

int64_t moment_taken_ms(const struct moment *moment)
{
	return moment->taken_ms;
}

static enum err copy_pages(sqlite3_backup *backup)
{
	int code;

	do
		code = sqlite3_backup_step(backup, PAGES_AT_A_TIME);
	while (code == SQLITE_OK);
	if (code == SQLITE_DONE)
		return OK;
	return (code & 0xff) == SQLITE_FULL ? ERR_STORAGE_FULL : ERR_STORAGE;
}

enum err moment_copy(struct moment *moment, const char *name, const char *path)
{
	const char *main_path = sqlite3_db_filename(moment->view->handle, name);
	sqlite3 *copy = NULL;
	sqlite3_backup *backup;
	enum err err = ERR_STORAGE;

	/* The one that the connection was opened on is "main" to it. */
	if (!main_path)
		name = "main";
	if (sqlite3_open_v2(path, &copy, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) ==
		    SQLITE_OK &&
	    sqlite3_exec(copy, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF", NULL, NULL,
			 NULL) == SQLITE_OK) {
		backup = sqlite3_backup_init(copy, "main", moment->view->handle, name);
		if (backup) {
			err = copy_pages(backup);
			sqlite3_backup_finish(backup);
		}
	}
	if (err)
		log_error("store.copy", "%s: %s", path, sqlite3_errmsg(copy));
	if (sqlite3_close(copy) != SQLITE_OK && !err)
		err = ERR_STORAGE;
	return err;
}

void moment_close(struct moment *moment)
{
	if (!moment)
		return;
	if (moment->view)
		connection_give_up(moment->view);
	connection_close(moment->view);
	free(moment);
}
