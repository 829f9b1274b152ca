/*
 * SQLite: connections, statements, rows, migrations. The writer is in sqlite_writer.c, the
 * database with its readers in sqlite_database.c.
 *
 * Invariants:
 *  1. One connection per file writes and checkpoints: the writer's. Readers have no automatic
 *     checkpoint and do not checkpoint when they close; nothing is memory-mapped.
 *  2. A statement that is busy belongs to one query; a second query with the same text gets a
 *     statement of its own.
 */
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/hash.h"
#include "base/text.h"
#include "runtime/pool.h"
#include "store/sqlite_internal.h"

#define BUSY_TIMEOUT_MS 5000
/* Of each connection; there are some thirty, and behind them is the system's cache of the files. */
#define WRITER_CACHE_KIB 1024
#define READER_CACHE_KIB 256
/* Pages in the log before they are copied into the file: a page that many batches change is copied
 * once for all of them. */
#define CHECKPOINT_PAGES 4000

/* --- connections ------------------------------------------------------------------------------ */

static pthread_once_t engine_once = PTHREAD_ONCE_INIT;

/* Before the first connection. SQLite's count of its memory is kept under one lock, for which all
 * threads would wait at every allocation; nobody reads it. */
static void engine_prepare(void)
{
	int code = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);

	assert(code == SQLITE_OK);
}

static bool is_sync_failure(int code)
{
	return code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC;
}

/* Called behind each commit, which stands whatever becomes of this: copies the log into the file
 * once it is long. Where that fails the log stays as it is, and so all that was committed; SQLite's
 * own automatic checkpoint does the same, but tells nobody. */
static int checkpoint(void *arg, sqlite3 *handle, const char *name, int pages)
{
	struct connection *connection = arg;
	int code;

	if (pages < CHECKPOINT_PAGES)
		return SQLITE_OK;
	code = sqlite3_wal_checkpoint_v2(handle, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	if (code != SQLITE_OK && !connection->copies_late)
		log_warning("store.checkpoint", "%s: %s (%d)", sqlite3_db_filename(handle, name),
			    sqlite3_errstr(code), code);
	connection->copies_late = code != SQLITE_OK;
	connection->sync_failed = is_sync_failure(code);
	return SQLITE_OK;
}

enum err connection_open(const char *path, bool writer, struct connection **ret_connection,
			 const char **ret_why)
{
	struct connection *connection = must_alloc(sizeof(*connection));
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
	char pragmas[256], log_path[PATH_MAX];
	int code;

	pthread_once(&engine_once, engine_prepare);
	code = sqlite3_open_v2(path, &connection->handle, flags | (writer ? SQLITE_OPEN_CREATE : 0),
			       NULL);
	if (code == SQLITE_OK) {
		sqlite3_extended_result_codes(connection->handle, 1);
		sqlite3_busy_timeout(connection->handle, BUSY_TIMEOUT_MS);
		sqlite3_db_config(connection->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, !writer,
				  NULL);
		snprintf(pragmas, sizeof(pragmas),
			 "PRAGMA mmap_size = 0; PRAGMA cache_size = -%d;"
			 " PRAGMA temp_store = MEMORY; PRAGMA foreign_keys = ON;"
			 " PRAGMA wal_autocheckpoint = 0; %s",
			 writer ? WRITER_CACHE_KIB : READER_CACHE_KIB,
			 writer ? "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL"
				: "PRAGMA query_only = ON");
		code = sqlite3_exec(connection->handle, pragmas, NULL, NULL, NULL);
	}
	if (code != SQLITE_OK) {
		*ret_why = sqlite3_errstr(code);
		log_error("store.no-open", "%s: %s", path, sqlite3_errmsg(connection->handle));
		connection_close(connection);
		return code == SQLITE_FULL ? ERR_STORAGE_FULL : ERR_STORAGE;
	}
	if (connection_add_words(connection)) {
		*ret_why = "full-text search is missing";
		connection_close(connection);
		return ERR_STORAGE;
	}
	if (writer) {
		sqlite3_wal_hook(connection->handle, checkpoint, connection);
		connection->file.path = must_copy_text(path);
		snprintf(log_path, sizeof(log_path), "%s-wal", path);
		connection->log.path = must_copy_text(log_path);
	}
	connection_look_after(connection);
	*ret_connection = connection;
	return OK;
}

static void statement_free(struct sql_rows *rows)
{
	sqlite3_finalize(rows->statement);
	free(rows->text);
	free(rows);
}

static void forget_statements(struct connection *connection)
{
	size_t i;

	for (i = 0; i < STATEMENT_BUCKETS; i++) {
		struct sql_rows **link = &connection->statements[i];

		while (*link) {
			struct sql_rows *rows = *link;

			if (rows->sql) {
				link = &rows->next;
				continue;
			}
			*link = rows->next;
			statement_free(rows);
			connection->statement_count--;
		}
	}
}

void connection_close(struct connection *connection)
{
	if (!connection)
		return;
	assert(!connection->busy);
	forget_statements(connection);
	sqlite3_close(connection->handle);
	free(connection->file.path);
	free(connection->log.path);
	free(connection);
}

enum err connection_err(struct connection *connection, int code, const char *database,
			const char *text)
{
	switch (code & 0xff) {
	case SQLITE_OK:
	case SQLITE_DONE:
	case SQLITE_ROW:
		return OK;
	case SQLITE_CONSTRAINT:
		log_debug("store.constraint", "%s: %s in: %s", database,
			  sqlite3_errmsg(connection->handle), text);
		return ERR_CONFLICT;
	case SQLITE_INTERRUPT:
		if (!connection->limit.passed)
			return ERR_ABANDONED;
		if (connection->metric_ended)
			metric_add(connection->metric_ended, 1);
		log_warning("store.costly", "%s: took more than %lld ms: %s", database,
			    (long long)(connection->limit.limit_ns / 1000000), text);
		return connection->limit.err;
	case SQLITE_FULL:
		log_error("store.full", "%s: no room left", database);
		return ERR_STORAGE_FULL;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		log_error("store.busy", "%s: another process writes to it", database);
		return ERR_OVERLOADED;
	case SQLITE_IOERR:
	case SQLITE_READONLY:
	case SQLITE_CANTOPEN:
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		log_error("store.failed", "%s: %s (%d)", database,
			  sqlite3_errmsg(connection->handle), code);
		return ERR_STORAGE;
	default:
		log_error("store.statement", "%s: %s (%d) in: %s", database,
			  sqlite3_errmsg(connection->handle), code, text);
		return ERR_INTERNAL;
	}
}

int64_t connection_written(const struct connection *connection)
{
	return sqlite3_total_changes64(connection->handle);
}

bool connection_lost_transaction(const struct connection *connection)
{
	return connection->spoilt || sqlite3_get_autocommit(connection->handle);
}

void connection_give_up(struct connection *connection)
{
	if (!sqlite3_get_autocommit(connection->handle) && connection_run(connection, "ROLLBACK"))
		log_error("store.no-rollback", "%s", sqlite3_errmsg(connection->handle));
	/* Where even that fails it is tried again before the next BEGIN succeeds. */
	connection->spoilt = !sqlite3_get_autocommit(connection->handle);
}

bool connection_sync_failed(const struct connection *connection)
{
	return connection->sync_failed ||
	       is_sync_failure(sqlite3_extended_errcode(connection->handle));
}

static bool is_there(struct file_mark *mark)
{
	struct stat state;

	if (stat(mark->path, &state))
		return false;
	if (!mark->number)
		mark->number = state.st_ino;
	return mark->number == state.st_ino;
}

bool connection_files_are_there(struct connection *connection)
{
	return is_there(&connection->file) && is_there(&connection->log);
}

void connection_write_no_more(struct connection *connection)
{
	sqlite3_db_config(connection->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
}

/* --- statements ------------------------------------------------------------------------------- */

/* $n are names to SQLite, numbered as they appear: here is which is which. */
static void number_parameters(struct sql_rows *rows)
{
	int i;

	rows->parameters = sqlite3_bind_parameter_count(rows->statement);
	for (i = 1; i <= rows->parameters; i++) {
		const char *name = sqlite3_bind_parameter_name(rows->statement, i);
		int64_t number = 0;

		assert(name && name[0] == '$');
		assert(text_to_int(name + 1, &number));
		assert(number >= 1 && number <= SQL_PARAMETERS_MAX);
		rows->index_of[number] = (uint8_t)i;
	}
}

static struct sql_rows *statement_prepare(struct sql *sql, const char *text, uint64_t hash)
{
	struct connection *connection = sql->connection;
	struct sql_rows *rows = must_alloc(sizeof(*rows));
	int code;

	rows->hash = hash;
	rows->text = must_copy_text(text);
	code = sqlite3_prepare_v3(connection->handle, text, -1, SQLITE_PREPARE_PERSISTENT,
				  &rows->statement, NULL);
	rows->err = connection_err(connection, code, sql->database, text);
	if (!rows->err) {
		number_parameters(rows);
		rows->reads = sqlite3_stmt_readonly(rows->statement) &&
			      sqlite3_column_count(rows->statement) > 0;
	}
	return rows;
}

/* The statement with this text that is not busy: kept, or made. */
static struct sql_rows *statement_take(struct sql *sql, const char *text)
{
	struct connection *connection = sql->connection;
	uint64_t hash = hash_short(text, strlen(text));
	struct sql_rows **bucket = &connection->statements[hash % STATEMENT_BUCKETS];
	struct sql_rows *rows;
	bool busy = false;

	for (rows = *bucket; rows; rows = rows->next) {
		if (rows->hash != hash || strcmp(rows->text, text) != 0)
			continue;
		if (!rows->sql)
			return rows;
		busy = true;
	}
	rows = statement_prepare(sql, text, hash);
	if (rows->err || busy)
		return rows;
	if (connection->statement_count >= STATEMENTS_MAX)
		forget_statements(connection);
	rows->kept = true;
	rows->next = *bucket;
	*bucket = rows;
	connection->statement_count++;
	return rows;
}

static int bind(struct sql_rows *rows, int index, const struct sql_value *value)
{
	switch (value->type) {
	case SQL_INT:
		return sqlite3_bind_int64(rows->statement, index, value->number);
	case SQL_TEXT:
		return sqlite3_bind_text64(rows->statement, index, value->bytes, value->length,
					   SQLITE_STATIC, SQLITE_UTF8);
	case SQL_BLOB:
		return sqlite3_bind_blob64(rows->statement, index, value->bytes, value->length,
					   SQLITE_STATIC);
	case SQL_NULL:
	default:
		return sqlite3_bind_null(rows->statement, index);
	}
}

struct sql_rows *sql_query_values(struct sql *sql, const char *text, const struct sql_value *values,
				  size_t count)
{
	struct sql_rows *rows = statement_take(sql, text);
	size_t i;

	rows->sql = sql;
	sql->connection->busy++;
	/* Behind a transaction that is lost the engine would commit every statement by itself. */
	if (!rows->err && sql->writing && connection_lost_transaction(sql->connection))
		rows->err = ERR_STORAGE;
	if (rows->err)
		return rows;
	assert((size_t)rows->parameters <= count && count <= SQL_PARAMETERS_MAX);
	for (i = 0; i < count; i++) {
		int index = rows->index_of[i + 1];
		int code = index ? bind(rows, index, &values[i]) : SQLITE_OK;

		assert(code == SQLITE_OK);
	}
	return rows;
}

bool sql_next(struct sql_rows *rows)
{
	int code;

	if (rows->err)
		return false;
	rows->sql->connection->limit.reading = rows->reads;
	code = sqlite3_step(rows->statement);
	rows->sql->connection->limit.reading = false;
	if (code == SQLITE_ROW)
		return true;
	rows->err = connection_err(rows->sql->connection, code, rows->sql->database, rows->text);
	return false;
}

enum err sql_end(struct sql_rows *rows)
{
	struct sql *sql = rows->sql;
	enum err err = rows->err;

	sql->connection->busy--;
	rows->sql = NULL;
	rows->err = OK;
	if (rows->statement) {
		sql->changes = sqlite3_changes64(sql->connection->handle);
		sqlite3_reset(rows->statement);
		sqlite3_clear_bindings(rows->statement);
	}
	if (!rows->kept)
		statement_free(rows);
	return err;
}

enum err connection_run(struct connection *connection, const char *text)
{
	struct sql sql = {.connection = connection, .database = ""};

	return sql_run(&sql, text);
}

enum err connection_script(struct connection *connection, const char *text)
{
	int code = sqlite3_exec(connection->handle, text, NULL, NULL, NULL);

	return connection_err(connection, code, "", text);
}

int64_t sql_changes(const struct sql *sql)
{
	return sql->changes;
}

int64_t sql_now_ms(const struct sql *sql)
{
	return sql->now_ms;
}

const char *sql_database_name(const struct sql *sql)
{
	return sql->database;
}

void *sql_owner(const struct sql *sql)
{
	return sql->owner;
}

void sql_on_end(struct sql *sql, struct sql_hook *hook)
{
	assert(sql->writing);
	hook->next = NULL;
	*sql->last_hook = hook;
	sql->last_hook = &hook->next;
}

int64_t sql_last_number(const struct sql *sql)
{
	return sqlite3_last_insert_rowid(sql->connection->handle);
}

/* --- columns ---------------------------------------------------------------------------------- */

bool sql_is_null(struct sql_rows *rows, int column)
{
	return sqlite3_column_type(rows->statement, column) == SQLITE_NULL;
}

int64_t sql_get_int(struct sql_rows *rows, int column)
{
	return sqlite3_column_int64(rows->statement, column);
}

bool sql_get_bool(struct sql_rows *rows, int column)
{
	return sql_get_int(rows, column) != 0;
}

const char *sql_peek_text(struct sql_rows *rows, int column)
{
	const unsigned char *text = sqlite3_column_text(rows->statement, column);

	/* NULL is also what the engine gives where memory lacks, and would be taken for the value. */
	assert(text || sql_is_null(rows, column));
	return (const char *)text;
}

char *sql_get_text(struct sql_rows *rows, int column, struct arena *arena)
{
	return arena_copy_text(arena, sql_peek_text(rows, column));
}

const void *sql_peek_blob(struct sql_rows *rows, int column, size_t *ret_length)
{
	const void *bytes = sqlite3_column_blob(rows->statement, column);

	*ret_length = (size_t)sqlite3_column_bytes(rows->statement, column);
	assert(bytes || *ret_length == 0);
	return bytes;
}

struct id sql_get_id(struct sql_rows *rows, int column)
{
	struct id id = {0};
	size_t length;
	const void *bytes = sql_peek_blob(rows, column, &length);

	if (bytes && length == sizeof(id.bytes))
		memcpy(id.bytes, bytes, length);
	return id;
}

void sql_get_currency(struct sql_rows *rows, int column, char currency[static 4])
{
	const char *text = sql_peek_text(rows, column);

	snprintf(currency, 4, "%s", text ? text : "");
}

/* --- migrations ------------------------------------------------------------------------------- */

/* What stands within a comment that begins with "sqlite" is for this engine: the marks go. */
static char *engine_text(struct arena *arena, const char *text)
{
	char *copy = arena_copy_text(arena, text);
	char *mark = copy;

	while ((mark = strstr(mark, "/*sqlite "))) {
		char *end = strstr(mark, "*/");

		assert(end);
		memset(mark, ' ', strlen("/*sqlite "));
		memset(end, ' ', strlen("*/"));
	}
	return copy;
}

static enum err schema_version(struct sql *sql, const char *set, int64_t *ret_version)
{
	struct sql_rows *rows;
	enum err err;

	err = sql_run(sql, "CREATE TABLE IF NOT EXISTS schema_version"
			   " (name TEXT PRIMARY KEY, version BIGINT NOT NULL)");
	if (err)
		return err;
	rows = sql_query(sql, "SELECT version FROM schema_version WHERE name = $1", sql_text(set));
	*ret_version = 0;
	err = SQL_TAKE(rows, ret_version, sql_get_int(rows, 0));
	return err == ERR_NOT_FOUND ? OK : err;
}

static enum err migrate_once(struct sql *sql, const struct migration_set *set,
			     const struct migration *migration, struct arena *arena,
			     const char **ret_why)
{
	struct connection *connection = sql->connection;
	char *message = NULL;
	enum err err = OK;
	int code;

	code = sqlite3_exec(connection->handle, engine_text(arena, migration->sql), NULL, NULL,
			    &message);
	if (code != SQLITE_OK) {
		*ret_why = arena_printf(arena, "schema %s %d: %s", set->name, migration->version,
					message ? message : sqlite3_errstr(code));
		sqlite3_free(message);
		return connection_err(connection, code, set->name, "migration");
	}
	err = sql_run(sql,
		      "INSERT INTO schema_version (name, version) VALUES ($1, $2)"
		      " ON CONFLICT (name) DO UPDATE SET version = excluded.version",
		      sql_text(set->name), sql_int(migration->version));
	return err;
}

enum err connection_migrate(struct connection *connection, const struct migration_set *set,
			    struct arena *arena, const char **ret_why)
{
	struct sql sql = {.connection = connection, .database = set->name, .writing = true};
	const struct migration *migration;
	int64_t version = 0;
	enum err err, undo_err;

	err = connection_run(connection, "BEGIN IMMEDIATE");
	if (err)
		return err;
	err = schema_version(&sql, set->name, &version);
	for (migration = set->migrations; !err && migration->version; migration++) {
		if (migration->version <= version)
			continue;
		err = migrate_once(&sql, set, migration, arena, ret_why);
		version = migration->version;
	}
	if (!err && migration != set->migrations && version > migration[-1].version) {
		*ret_why = arena_printf(arena, "its schema %s %d is of a newer program", set->name,
					(int)version);
		err = ERR_CONFLICT;
	}
	if (!err)
		return connection_run(connection, "COMMIT");
	undo_err = connection_run(connection, "ROLLBACK");
	return undo_err ? undo_err : err;
}
