/*
 * SQL: one interface for the engines. A service has one database; what it stores is said in SQL
 * that both engines accept, with $1 placeholders.
 *
 * Writing. sql_transaction(db, body, arg) runs body(sql, arg) in a transaction: where it returns
 * OK all of it is on disk when sql_transaction returns, where it returns an error nothing is
 * stored. The body is plain C that may run more than once (the first time undone): it sends
 * nothing, publishes only with event_publish, calls nobody, reads no clock but sql_now_ms, never
 * parks; it may run on another thread, while the caller is parked, so it may use the caller's
 * arena and nothing of the caller's worker.
 *
 * Reading. sql_read(db, body, arg) runs the body at once on the running worker's own read
 * connection, in one snapshot: for what takes well under a millisecond. On a thread that is no
 * worker's it has a connection of that thread's for the time: for searches, reports and long lists,
 * which a pool's threads run (runtime/pool.h). There it ends with ERR_ABANDONED where nobody waits
 * for it any more.
 *
 * Values are bound with constructors and read by column:
 *
 *	struct sql_rows *rows = sql_query(sql, "SELECT id, name FROM users WHERE email = $1",
 *					  sql_text(email));
 *	while (sql_next(rows)) {
 *		user->id = sql_get_id(rows, 0);
 *		user->name = sql_get_text(rows, 1, arena);
 *	}
 *	return sql_end(rows);
 *
 * A failing step is remembered: sql_next answers false and sql_end the error.
 */
#ifndef STORE_SQL_H
#define STORE_SQL_H

#include "base/arena.h"
#include "base/err.h"
#include "base/id.h"
#include "base/money.h"

struct database;
struct sql; /* a transaction or a snapshot, for the body's time */
struct sql_rows;

typedef enum err sql_body(struct sql *sql, void *arg);

/* --- databases ------------------------------------------------------------------------------ */

struct migration {
	int version; /* from 1, without gaps */
	const char *sql;
};

struct database_options {
	const char *directory; /* of the data */
	const char *name;      /* "order": order.db, and the label of its metrics */
	/* Lists of migrations, each under a name of its own ("order", "events"), NULL-ended. */
	const struct migration_set {
		const char *name;
		const struct migration *migrations; /* ends with version 0 */
	} *const *migration_sets;
	size_t queue_max; /* transactions waiting; beyond it ERR_OVERLOADED */
	/* Of a core, that the reading statements of one body may take together; beyond it the one
	 * that runs ends with ERR_OVERLOADED. 0: no limit. */
	int64_t statement_limit_ms;
	bool read_only; /* for looking at a shop that another process runs */
	/* With read_only: other databases of the directory that its statements may name too
	 * ("payment.transactions"), and they may use the aggregates of sqlite_sums.c; ends with
	 * NULL; or NULL. */
	const char *const *beside;
};

/* Opens, or makes, a database and brings its schema up to date. *ret_why (a sentence) lives in
 * `arena`. */
enum err database_open(const struct database_options *options, struct arena *arena,
		       struct database **ret_database, const char **ret_why) MUST_CHECK;

/* Finishes what waits. Accepts NULL. */
void database_close(struct database *database);

const char *database_name(const struct database *database);

/* Whether a write was not confirmed by the disk: nothing more is written, the program stops. */
bool database_failed(const struct database *database);

/* The same of any database of the process: its exit code says so. */
bool databases_failed(void);

/* Commits of this process that have changed rows. */
int64_t database_changes(const struct database *database);

/* The database's owner: `fn` is called on the writer's thread after every commit with which hooks
 * have ended (see sql_on_end), before the waiting callers go on. One per database. */
void database_on_commit(struct database *database, void (*fn)(void *owner), void *owner);

/* --- copies ------------------------------------------------------------------------------------ */

/* Several databases as they are at one moment, whoever writes to them. */
struct moment;

/* Of options->name and those `beside` it, in options->directory. Commits wait meanwhile, for
 * milliseconds. *ret_why lives in `arena`. */
enum err moment_open(const struct database_options *options, struct arena *arena,
		     struct moment **ret_moment, const char **ret_why) MUST_CHECK;
void moment_close(struct moment *moment);

int64_t moment_taken_ms(const struct moment *moment);

/* Copies one of them, page by page, into a new file. */
enum err moment_copy(struct moment *moment, const char *name, const char *path) MUST_CHECK;

/* --- transactions --------------------------------------------------------------------------- */

enum err sql_transaction(struct database *database, sql_body *body, void *arg) MUST_CHECK;
enum err sql_read(struct database *database, sql_body *body, void *arg) MUST_CHECK;

/* Runs `body` as part of the running transaction, so that its error undoes what it did and no
 * more. Returns that error; a broken connection or a full disk comes again from the outer body's
 * next statement. */
enum err sql_nested(struct sql *sql, sql_body *body, void *arg) MUST_CHECK;

/* Another limit for the reading statements that follow in this body, which begin anew: what passes it
 * ends with `err`. */
void sql_limit(struct sql *sql, int64_t limit_ms, enum err err);

/* The wall clock when the transaction was asked for; the same in every run of the body. */
int64_t sql_now_ms(const struct sql *sql);

/* Of the database that the transaction or the snapshot is on. */
const char *sql_database_name(const struct sql *sql);

/* The owner of the database, or NULL; see database_on_commit. */
void *sql_owner(const struct sql *sql);

/* Something that is to happen once it is known what became of the transaction. `end` is called
 * exactly once, on the writer's thread, in the order of the hooks: committed, what was written is on
 * disk and the transaction's caller does not know yet; else it was undone, alone or with all. It
 * must be quick, and owns the hook. */
struct sql_hook {
	struct sql_hook *next;
	void (*end)(struct sql_hook *hook, bool committed);
};
void sql_on_end(struct sql *sql, struct sql_hook *hook);

struct metric;

/* Adds `n` to the metric once the transaction is committed. */
void sql_count(struct sql *sql, struct metric *metric, int64_t n);

/* --- statements ----------------------------------------------------------------------------- */

enum sql_type { SQL_NULL, SQL_INT, SQL_TEXT, SQL_BLOB };

struct sql_value {
	enum sql_type type;
	int64_t number;
	const void *bytes; /* borrowed until the statement has ended */
	size_t length;
};

struct sql_value sql_int(int64_t number);
struct sql_value sql_bool(bool value);
struct sql_value sql_text(const char *text);  /* NULL gives NULL */
struct sql_value sql_id(const struct id *id); /* NULL gives NULL */
struct sql_value sql_blob(const void *bytes, size_t length);
struct sql_value sql_null(void);

#define SQL_PARAMETERS_MAX 64

/* The statement is prepared once per connection and text. Values: sql_int(...), ... */
#define sql_query(sql, text, ...)                                                           \
	sql_query_values(                                                                   \
		(sql), (text),                                                              \
		(const struct sql_value[]){{SQL_NULL, 0, NULL, 0}, ##__VA_ARGS__} + 1,      \
		sizeof((const struct sql_value[]){{SQL_NULL, 0, NULL, 0}, ##__VA_ARGS__}) / \
				sizeof(struct sql_value) -                                  \
			1)
/* Runs a statement that answers no rows. */
#define sql_run(sql, text, ...) sql_end_run(sql_query(sql, text, ##__VA_ARGS__))

/* With values collected in an array, for statements built of parts (filters). */
struct sql_rows *sql_query_values(struct sql *sql, const char *text, const struct sql_value *values,
				  size_t count);

bool sql_next(struct sql_rows *rows);
enum err sql_end(struct sql_rows *rows) MUST_CHECK;

/* For a query of one row: steps once; ERR_NOT_FOUND, ended, where there is none. On OK the columns
 * can be read until sql_end. */
enum err sql_first(struct sql_rows *rows) MUST_CHECK;

/* Ends a query of one row: what is read from `rows` by the expression at the end goes to *ret, where
 * nothing fails; ERR_NOT_FOUND where there is no row.
 *
 *	return SQL_TAKE(rows, ret_user, read_user(rows, arena));
 */
#define SQL_TAKE(rows, ret, ...)                                    \
	({                                                          \
		enum err sql_take_err = sql_first(rows);            \
		if (!sql_take_err) {                                \
			__typeof__(*(ret)) sql_taken = __VA_ARGS__; \
			sql_take_err = sql_end(rows);               \
			if (!sql_take_err)                          \
				*(ret) = sql_taken;                 \
		}                                                   \
		sql_take_err;                                       \
	})

/* Ends a query: whether it answers any row. */
enum err sql_end_any(struct sql_rows *rows, bool *ret_any) MUST_CHECK;

enum err sql_end_run(struct sql_rows *rows) MUST_CHECK;

/* The number that the last INSERT gave a row whose key is an INTEGER PRIMARY KEY. */
int64_t sql_last_number(const struct sql *sql);

/* Rows that the last sql_run, or the last ended query, changed. */
int64_t sql_changes(const struct sql *sql);

/* Columns from 0. NULL reads as 0, NULL, or a zero id. */
bool sql_is_null(struct sql_rows *rows, int column);
int64_t sql_get_int(struct sql_rows *rows, int column);
bool sql_get_bool(struct sql_rows *rows, int column);
char *sql_get_text(struct sql_rows *rows, int column, struct arena *arena);
/* Borrowed until the next step. */
const char *sql_peek_text(struct sql_rows *rows, int column);
struct id sql_get_id(struct sql_rows *rows, int column);
const void *sql_peek_blob(struct sql_rows *rows, int column, size_t *ret_length);
void sql_get_currency(struct sql_rows *rows, int column, char currency[static 4]);

/* --- building statements -------------------------------------------------------------------- */

/* Text and values that grow together: sql_add(&query, " AND price >= ?", sql_int(100)) - each `?`
 * becomes the next $n. */
struct sql_builder {
	struct arena *arena;
	char *text;
	size_t length, capacity;
	struct sql_value values[SQL_PARAMETERS_MAX];
	size_t count;
};

struct sql_builder sql_builder_new(struct arena *arena);
#define sql_add(builder, part, ...)       \
	sql_add_values((builder), (part), \
		       (const struct sql_value[]){{SQL_NULL, 0, NULL, 0}, ##__VA_ARGS__} + 1)
void sql_add_values(struct sql_builder *builder, const char *part, const struct sql_value *values);
struct sql_rows *sql_query_built(struct sql *sql, struct sql_builder *builder);

#endif
