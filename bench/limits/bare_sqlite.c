/*
 * The limit of what is stored: the rows that a shop wrote, written again by SQLite alone, in group
 * commits, WAL, synchronous = FULL, one thread per file.
 *
 *	bare_sqlite FROM TO PURCHASES CLIENTS <PLAN      prints {"purchases": n, "seconds": s, ...}
 *
 * FROM is the data directory of a stopped shop after a run, TO a copy of it from before. The
 * newest rows of FROM are read into memory; then the clock starts. Each file goes through
 * PURCHASES purchases in batches of CLIENTS, as if that many clients waited for every commit. The
 * plan says what of each file a purchase is:
 *
 *	database NAME COMMITS                the steps in which its writes become durable
 *	insert TABLE ROWS                    rows of a purchase (a decimal number)
 *	update TABLE ROWS KEY COLUMN,...     rows of a purchase that are changed where they are
 *
 * An update gives the columns the values that they have: SQLite writes row and indexes all the same.
 * Statements stay prepared, nothing is read but what a write must find.
 */
#include <assert.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CACHE_KIB 8192
#define COLUMNS_MAX 40
#define DATABASES_MAX 16
#define STEPS_MAX 16
#define TEXT_MAX 4096

/* One line of the plan. `values` holds `columns` of each of `count` rows. */
struct write {
	char table[64], key[64], changed[256];
	double rows;
	sqlite3_stmt *statement;
	sqlite3_value **values;
	int columns;
	size_t count, done;
};

struct database {
	char name[64];
	size_t commits;
	struct write writes[STEPS_MAX];
	size_t count;
	sqlite3 *handle;
	pthread_t thread;
};

static struct database databases[DATABASES_MAX];
static size_t database_count, purchases, clients;
static atomic_ulong rows_written, commits_made;

static void fail(const char *what, const char *why)
{
	fprintf(stderr, "bare_sqlite: %s: %s\n", what, why);
	exit(1);
}

static sqlite3 *open_file(const char *directory, const char *name, const char *pragmas)
{
	char path[TEXT_MAX];
	sqlite3 *handle;

	snprintf(path, sizeof(path), "%s/%s.db", directory, name);
	if (sqlite3_open_v2(path, &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) ||
	    sqlite3_exec(handle, pragmas, NULL, NULL, NULL))
		fail(path, sqlite3_errmsg(handle));
	return handle;
}

static sqlite3_stmt *prepare(sqlite3 *handle, const char *text)
{
	sqlite3_stmt *statement;

	if (sqlite3_prepare_v3(handle, text, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL))
		fail(text, sqlite3_errmsg(handle));
	return statement;
}

/* --- the plan --------------------------------------------------------------------------------- */

static double number(const char *text, const char *line)
{
	char *end = NULL;
	double value = text ? strtod(text, &end) : 0;

	if (!text || end == text || *end || value < 0)
		fail("plan: no number", line);
	return value;
}

static void read_write(struct database *database, const char *kind, char **rest)
{
	const char *table = strtok_r(NULL, " \n", rest);
	const char *rows = strtok_r(NULL, " \n", rest);
	const char *key = strtok_r(NULL, " \n", rest);
	const char *changed = strtok_r(NULL, " \n", rest);
	struct write *write = &database->writes[database->count++];

	if (!table || database->count > STEPS_MAX ||
	    strcmp(kind, changed ? "update" : "insert") != 0)
		fail("plan: not understood", table ? table : kind);
	snprintf(write->table, sizeof(write->table), "%s", table);
	snprintf(write->key, sizeof(write->key), "%s", key ? key : "");
	snprintf(write->changed, sizeof(write->changed), "%s", changed ? changed : "");
	write->rows = number(rows, table);
}

static void read_plan(FILE *file)
{
	struct database *database = NULL;
	char line[TEXT_MAX];

	while (fgets(line, sizeof(line), file)) {
		char *rest = line;
		const char *kind = strtok_r(NULL, " \n", &rest);

		if (!kind)
			continue;
		if (strcmp(kind, "database") == 0) {
			const char *name = strtok_r(NULL, " \n", &rest);

			assert(name && database_count < DATABASES_MAX);
			database = &databases[database_count++];
			snprintf(database->name, sizeof(database->name), "%s", name);
			database->commits =
				(size_t)number(strtok_r(NULL, " \n", &rest), database->name);
		} else if (database) {
			read_write(database, kind, &rest);
		} else {
			fail("plan: no database", kind);
		}
	}
}

/* "a, b" of the columns that can be written, and "?, ?". */
static void columns_of(sqlite3 *handle, const char *table, char *names, char *marks)
{
	sqlite3_stmt *statement = prepare(
		handle, "SELECT group_concat('\"' || name || '\"', ', '), group_concat('?', ', ')"
			" FROM pragma_table_xinfo(?1) WHERE hidden = 0");

	sqlite3_bind_text(statement, 1, table, -1, SQLITE_STATIC);
	if (sqlite3_step(statement) != SQLITE_ROW || !sqlite3_column_text(statement, 0))
		fail(table, "no such table");
	snprintf(names, TEXT_MAX / 4, "%s", sqlite3_column_text(statement, 0));
	snprintf(marks, TEXT_MAX / 4, "%s", sqlite3_column_text(statement, 1));
	sqlite3_finalize(statement);
}

/* "a = a, b = b" */
static void assignments(const char *changed, char *text)
{
	char copy[256], *rest = copy, *name;
	size_t length = 0;

	snprintf(copy, sizeof(copy), "%s", changed);
	text[0] = '\0';
	while ((name = strtok_r(rest, ",", &rest)))
		length += (size_t)snprintf(text + length, TEXT_MAX / 4 - length, "%s%s = %s",
					   length ? ", " : "", name, name);
}

/* --- what is written --------------------------------------------------------------------------- */

/* The newest `most` rows, the oldest of them first: keys grow. */
static void load_rows(sqlite3 *from, struct write *write, const char *columns, size_t most)
{
	sqlite3_stmt *statement;
	char text[TEXT_MAX];
	int i;

	snprintf(text, sizeof(text),
		 "SELECT * FROM (SELECT %s FROM %s ORDER BY 1 DESC LIMIT %zu) ORDER BY 1", columns,
		 write->table, most);
	statement = prepare(from, text);
	write->columns = sqlite3_column_count(statement);
	write->values = calloc(most * (size_t)write->columns, sizeof(sqlite3_value *));
	assert(write->values && write->columns <= COLUMNS_MAX);
	while (sqlite3_step(statement) == SQLITE_ROW) {
		for (i = 0; i < write->columns; i++)
			write->values[write->count * (size_t)write->columns + (size_t)i] =
				sqlite3_value_dup(sqlite3_column_value(statement, i));
		write->count++;
	}
	if (!write->count)
		fail(write->table, "the shop wrote no row of it");
	sqlite3_finalize(statement);
}

static void write_prepare(struct database *database, sqlite3 *from, struct write *write)
{
	char names[TEXT_MAX / 4], marks[TEXT_MAX / 4], text[TEXT_MAX];
	size_t most = (size_t)(write->rows * (double)purchases) + 1;

	if (write->key[0]) {
		assignments(write->changed, names);
		snprintf(text, sizeof(text), "UPDATE %s SET %s WHERE %s = ?", write->table, names,
			 write->key);
		load_rows(from, write, write->key, most < purchases ? most : purchases);
	} else {
		columns_of(from, write->table, names, marks);
		snprintf(text, sizeof(text), "INSERT INTO %s (%s) VALUES (%s)", write->table, names,
			 marks);
		load_rows(from, write, names, most);
	}
	write->statement = prepare(database->handle, text);
}

static void database_prepare(struct database *database, const char *from_directory,
			     const char *to_directory)
{
	sqlite3 *from = open_file(from_directory, database->name, "PRAGMA query_only = ON");
	char pragmas[256];
	size_t i;

	snprintf(pragmas, sizeof(pragmas),
		 "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -%d",
		 CACHE_KIB);
	database->handle = open_file(to_directory, database->name, pragmas);
	for (i = 0; i < database->count; i++)
		write_prepare(database, from, &database->writes[i]);
	sqlite3_close(from);
}

/* --- the loop ---------------------------------------------------------------------------------- */

static void run(struct database *database, const char *text)
{
	if (sqlite3_exec(database->handle, text, NULL, NULL, NULL))
		fail(database->name, sqlite3_errmsg(database->handle));
}

static void write_row(struct database *database, struct write *write)
{
	/* An update goes over the rows as often as it must. */
	size_t row = write->done % write->count;
	int i;

	for (i = 0; i < write->columns; i++)
		sqlite3_bind_value(write->statement, i + 1,
				   write->values[row * (size_t)write->columns + (size_t)i]);
	if (sqlite3_step(write->statement) != SQLITE_DONE)
		fail(write->table, sqlite3_errmsg(database->handle));
	sqlite3_reset(write->statement);
	write->done++;
}

/* The rows that are due when `share` of the purchases are done. */
static void write_up_to(struct database *database, double share)
{
	size_t i;

	for (i = 0; i < database->count; i++) {
		struct write *write = &database->writes[i];
		size_t due = (size_t)(write->rows * (double)purchases * share);

		if (!write->key[0] && due > write->count)
			due = write->count;
		while (write->done < due) {
			write_row(database, write);
			atomic_fetch_add_explicit(&rows_written, 1, memory_order_relaxed);
		}
	}
}

static void *write_all(void *arg)
{
	struct database *database = arg;
	size_t batches = (purchases + clients - 1) / clients * database->commits, i;

	for (i = 1; i <= batches; i++) {
		run(database, "BEGIN IMMEDIATE");
		write_up_to(database, (double)i / (double)batches);
		run(database, "COMMIT");
	}
	atomic_fetch_add(&commits_made, batches);
	return NULL;
}

static double now(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	double begun, cpu;
	size_t i;

	if (argc != 5) {
		fprintf(stderr, "usage: bare_sqlite FROM TO PURCHASES CLIENTS <PLAN\n");
		return 2;
	}
	purchases = strtoul(argv[3], NULL, 10);
	clients = strtoul(argv[4], NULL, 10);
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	read_plan(stdin);
	for (i = 0; i < database_count; i++)
		database_prepare(&databases[i], argv[1], argv[2]);
	begun = now(CLOCK_MONOTONIC);
	cpu = now(CLOCK_PROCESS_CPUTIME_ID);
	for (i = 0; i < database_count; i++)
		if (pthread_create(&databases[i].thread, NULL, write_all, &databases[i]))
			fail("thread", "cannot be started");
	for (i = 0; i < database_count; i++)
		pthread_join(databases[i].thread, NULL);
	printf("{\"purchases\": %zu, \"seconds\": %.3f, \"cpu_seconds\": %.3f, \"rows\": %lu,"
	       " \"commits\": %lu}\n",
	       purchases, now(CLOCK_MONOTONIC) - begun, now(CLOCK_PROCESS_CPUTIME_ID) - cpu,
	       atomic_load(&rows_written), atomic_load(&commits_made));
	return 0;
}
