/* What the files of the SQLite engine know of each other; for this folder alone. */
#ifndef STORE_SQLITE_INTERNAL_H
#define STORE_SQLITE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/log.h"
#include "base/metrics.h"
#include "runtime/fiber.h"
#include "runtime/worker.h"
#include "store/sql.h"

struct sqlite3;
struct sqlite3_stmt;

#define STATEMENT_BUCKETS 128
#define STATEMENTS_MAX 512 /* prepared and kept per connection */
#define WRITER_BATCH_MAX 512

/* A file by its name and number. */
struct file_mark {
	char *path;
	uint64_t number; /* 0: not known yet */
};

/* How much of a core the reading statements of one body may take together. */
struct statement_limit {
	int64_t limit_ns; /* 0: as much as they need */
	int64_t end_ns;	  /* of the thread's time; 0: the clock has not been looked at yet */
	enum err err;	  /* what a statement ends with that has taken more */
	bool reading;	  /* one runs now */
	bool passed;	  /* one was ended */
};

struct connection {
	struct sqlite3 *handle;
	struct sql_rows *statements[STATEMENT_BUCKETS];
	size_t statement_count;
	size_t busy;	  /* statements between query and end */
	bool spoilt;	  /* a part could not be undone: what was begun must not be committed */
	bool copies_late; /* the last checkpoint has failed */
	bool sync_failed; /* and that because the disk did not confirm it */
	struct statement_limit limit;
	int64_t normal_limit_ms;     /* of each body, see database_options */
	struct metric *metric_ended; /* statements that were ended; or NULL */
	struct file_mark file, log;  /* a writer's: which files it writes to */
	struct connection *next_idle;
};

/* A prepared statement; while it is busy also the rows of its query. */
struct sql_rows {
	struct sqlite3_stmt *statement;
	char *text;
	uint64_t hash;
	struct sql_rows *next;
	struct sql *sql; /* NULL: not busy */
	bool kept;	 /* in the connection's table; else for one use */
	bool reads;	 /* a query that writes nothing: it may be ended half-way */
	enum err err;
	uint8_t index_of[SQL_PARAMETERS_MAX + 1]; /* of $n among the engine's parameters */
	int parameters;
};

struct sql {
	struct connection *connection;
	const char *database;
	int64_t now_ms;
	int64_t changes;
	bool writing;
	void *owner;
	struct sql_hook *hooks, **last_hook;
};

/* One who waits for the writer; on the waiter's own stack. */
struct transaction {
	sql_body *body;
	void *arg;
	int64_t now_ms;
	struct log_context log;
	struct ticket ticket;
	enum err result;
	struct transaction *next;
};

struct database {
	char *name, *path;
	bool read_only;
	char *beside; /* the statements that attach the other databases; or NULL */

	struct connection *writer;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct transaction *first, **last;
	size_t waiting, queue_max;
	int64_t statement_limit_ms;
	bool closing, failed;
	atomic_int_fast64_t changes; /* commits that have changed rows */
	void (*on_commit)(void *owner);
	void *owner;

	struct connection *readers[WORKERS_MAX]; /* each worker's own */
	pthread_mutex_t idle_lock;
	struct connection *idle; /* for the other threads */

	struct metric *metric_waiting, *metric_commits, *metric_transactions, *metric_commit_time;
	struct metric *metric_again, *metric_ended;
};

/* Opens a connection; a reader's never writes and never checkpoints. */
enum err connection_open(const char *path, bool writer, struct connection **ret_connection,
			 const char **ret_why) MUST_CHECK;
/* Runs statements without rows, one after the other. */
enum err connection_script(struct connection *connection, const char *text) MUST_CHECK;

void connection_close(struct connection *connection);

/* The statements that attach the databases beside the one that is opened. */
char *database_attach_text(const struct database_options *options, struct arena *arena);

/* Its statements may use the aggregates of sqlite_sums.c. */
enum err connection_add_sums(struct connection *connection) MUST_CHECK;

/* A body begins: its reading statements may take what is normal of a core. */
void connection_limit_anew(struct connection *connection);

/* Has its reading statements looked after: those that pass their limit end, and on a pool's thread
 * those that nobody waits for any more. */
void connection_look_after(struct connection *connection);

/* Its full-text tables may be cut into words by sqlite_words.c. */
enum err connection_add_words(struct connection *connection) MUST_CHECK;

/* Runs a statement without values or rows, as often as asked. */
enum err connection_run(struct connection *connection, const char *text) MUST_CHECK;

/* What an engine's result code means; faults are logged. */
enum err connection_err(struct connection *connection, int code, const char *database,
			const char *text);

/* Rows that the connection has written since it was opened, undone ones among them. */
int64_t connection_written(const struct connection *connection);

/* Whether the running transaction cannot be committed any more: the engine has given it up by
 * itself, or a part of it could not be undone. Nothing more can be stored in it. */
bool connection_lost_transaction(const struct connection *connection);

/* Ends what was begun and is not committed, if anything is left of it. */
void connection_give_up(struct connection *connection);

/* Whether the last failure was one of fsync, or a checkpoint's was not confirmed: nothing is known
 * of what is on disk. */
bool connection_sync_failed(const struct connection *connection);

/* Whether the writer's files still are what their names stand for: where they were removed, or others
 * put in their place, what is written is lost. */
bool connection_files_are_there(struct connection *connection);

/* Its closing leaves the log as it is, instead of copying it into the file. */
void connection_write_no_more(struct connection *connection);

enum err connection_migrate(struct connection *connection, const struct migration_set *set,
			    struct arena *arena, const char **ret_why) MUST_CHECK;

void writer_start(struct database *database);
void writer_stop(struct database *database);

/* On the writer's thread: stops the program where the files have gone from under it. */
void writer_look(struct database *database);

#endif
