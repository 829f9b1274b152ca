/*
 * One view of all files of a shop, through one connection that has them side by side.
 *
 * Each file is read in a snapshot of its own, and they are taken one behind the other: while the
 * shop runs, a little happens in between. The order in which they are taken makes that harmless. An
 * event is stored where it is told before it has an effect where it is heard. So where the hearer's
 * snapshot is the earlier one, every effect in it has its cause in the teller's, and every event of
 * the teller's that it does not show is one that it has not yet heard: its number is beyond `heard`,
 * or it is parked. Those are in the table `waiting`, and rules leave out what they are about; all
 * else must agree. Hence: first those who only hear, then those whom they hear, and so on:
 *
 *	notification, analytics   hear of nearly all, and nobody of them
 *	product                   hears Inventory and Review
 *	review, inventory         hear Order
 *	order                     hears Payment, and moves on by what Payment answers it
 *	payment                   settles by what the provider answers
 *	sandbox                   the provider
 *	auth, user                User tells Auth; accounts are there before their sessions
 *
 * Three ways lead against that order: Inventory hears of new products, Order of reservations, and
 * the provider is asked before it has something in its books. Of reservations it needs no care:
 * whatever Inventory did for an order between the two snapshots was caused by an event that Order
 * had told and Inventory's snapshot does not show, so the order is left out. What is left is a new
 * product, or a charge, that falls exactly between two snapshots; a second look clears it up (see
 * audit.c).
 *
 * What is due at some time is broken where it is long overdue, but a shop that stood still could
 * not do it. The file souk.lock was written when the shop was started last, and the youngest event
 * is a sign of life: between the two it ran, and had the time for what was due.
 *
 * A rule has a view of its own, taken when it begins and given back when it ends: the files' logs are
 * held back for the seconds of one rule, not for all of the audit.
 *
 * Nothing is written to the files: the tables are temporary, and while a rule runs the connection is
 * told to refuse writing.
 */
#include "cli/audit_snapshot.h"

#include <string.h>
#include <sys/stat.h>

#include "base/time.h"
#include "cli/program.h"

#define OVERDUE_MS HOUR_MS

/* In the order of the snapshots. */
const char *const audit_files[] = {
	"notification", "analytics", "product", "review", "inventory", "order",
	"payment",	"sandbox",   "auth",	"user",	  NULL,
};

const char *audit_schema_of(const char *file)
{
	return strcmp(file, AUDIT_MAIN_FILE) == 0 ? "main" : file;
}

static enum err query_int(struct sql *sql, const char *text, int64_t *ret_number)
{
	struct sql_rows *rows = sql_query(sql, text);

	return SQL_TAKE(rows, ret_number, sql_get_int(rows, 0));
}

static int newest_version(const struct migration *migrations)
{
	int version = 0;

	for (; migrations->version; migrations++)
		version = migrations->version;
	return version;
}

/* --- versions --------------------------------------------------------------------------------- */

static enum err check_version(struct sql *sql, const struct service *service, const char *directory,
			      struct arena *arena, const char **ret_why)
{
	const char *schema = audit_schema_of(service->name);
	int64_t version = 0;
	enum err err;

	err = query_int(sql,
			arena_printf(arena,
				     "SELECT count(*) FROM %s.sqlite_schema"
				     " WHERE name = 'schema_version'",
				     schema),
			&version);
	if (!err && version)
		err = query_int(sql,
				arena_printf(arena,
					     "SELECT COALESCE(max(version), 0) FROM"
					     " %s.schema_version WHERE name = '%s'",
					     schema, service->name),
				&version);
	if (err || version == newest_version(service->migrations))
		return err;
	*ret_why = arena_printf(arena,
				"%s/%s.db is of another version of souk: start that, or"
				" start this one once",
				directory, service->name);
	return ERR_CONFLICT;
}

enum err audit_check_versions(struct sql *sql, const char *directory, struct arena *arena,
			      const char **ret_why)
{
	const struct service *const *service = program_get()->services;
	enum err err = OK;

	for (; !err && *service; service++)
		err = check_version(sql, *service, directory, arena, ret_why);
	return err;
}

/* --- what is under way ------------------------------------------------------------------------ */

/* A file's snapshot is that of the first statement which reads it. */
static enum err take_snapshots(struct sql *sql, struct arena *arena)
{
	enum err err = OK;
	int64_t tables;

	for (size_t i = 0; !err && audit_files[i]; i++)
		err = query_int(sql,
				arena_printf(arena, "SELECT count(*) FROM %s.sqlite_schema",
					     audit_schema_of(audit_files[i])),
				&tables);
	return err;
}

/* 'OrderPlaced', 'OrderPaid': what the service hears of the source, or NULL. */
static const char *types_heard(struct arena *arena, const struct service *service,
			       const char *source)
{
	const struct subscription *row = service->subscriptions;
	const char *types = NULL;

	for (; row && row->type; row++)
		if (strcmp(event_source(row->type), source) == 0)
			types = arena_printf(arena, "%s%s'%s'", types ? types : "",
					     types ? ", " : "", row->type);
	return types;
}

/* How far the hearer has read the source's outbox, and how far that goes. */
static enum err read_marks(struct sql *sql, struct arena *arena, const char *hearer,
			   const char *source, int64_t *ret_heard, int64_t *ret_told)
{
	enum err err;

	err = query_int(
		sql,
		arena_printf(arena,
			     "SELECT COALESCE((SELECT seq FROM %s.heard WHERE source = '%s'), 0)",
			     audit_schema_of(hearer), source),
		ret_heard);
	if (err)
		return err;
	return query_int(sql,
			 arena_printf(arena, "SELECT COALESCE(max(seq), 0) FROM %s.outbox",
				      audit_schema_of(source)),
			 ret_told);
}

/* Events that are still to be heard, and are not there any more. Who has no mark yet has just begun
 * to hear: what had gone before is none of its business. */
static enum err note_lost(struct sql *sql, struct arena *arena, const char *hearer,
			  const char *source, int64_t heard, int64_t told)
{
	const char *text = arena_printf(arena,
					"INSERT INTO lost SELECT $1, $2, $4 - $3 - COUNT(*)"
					" FROM %s.outbox WHERE seq > $3 AND seq <= $4"
					" HAVING COUNT(*) < $4 - $3",
					audit_schema_of(source));

	if (heard == 0)
		return OK;
	return sql_run(sql, text, sql_text(hearer), sql_text(source), sql_int(heard),
		       sql_int(told));
}

static enum err note_hearing(struct sql *sql, struct arena *arena, const struct service *service,
			     const char *source)
{
	const char *types = types_heard(arena, service, source), *hearer = service->name;
	int64_t heard, told;
	enum err err;

	if (!types)
		return OK;
	err = read_marks(sql, arena, hearer, source, &heard, &told);
	if (!err)
		err = sql_run(sql, "INSERT INTO heard VALUES ($1, $2, $3, $4)", sql_text(hearer),
			      sql_text(source), sql_int(heard), sql_int(told));
	if (!err)
		err = sql_run(sql,
			      arena_printf(arena,
					   "INSERT OR IGNORE INTO waiting SELECT $1, subject, type"
					   " FROM %s.outbox WHERE seq > $2 AND type IN (%s)",
					   audit_schema_of(source), types),
			      sql_text(hearer), sql_int(heard));
	return err ? err : note_lost(sql, arena, hearer, source, heard, told);
}

/* What was put aside is on its way, too. */
static enum err note_parked(struct sql *sql, struct arena *arena, const char *hearer)
{
	return sql_run(sql,
		       arena_printf(arena,
				    "INSERT OR IGNORE INTO waiting SELECT $1, subject, type"
				    " FROM %s.parked",
				    audit_schema_of(hearer)),
		       sql_text(hearer));
}

static enum err note_events(struct sql *sql, struct arena *arena)
{
	const struct service *const *services = program_get()->services;
	const struct service *const *hearer, *const *source;
	enum err err = OK;

	for (hearer = services; !err && *hearer; hearer++) {
		for (source = services; !err && *source; source++)
			err = note_hearing(sql, arena, *hearer, (*source)->name);
		if (!err)
			err = note_parked(sql, arena, (*hearer)->name);
	}
	return err;
}

/* When the shop was started last; now, where that is not known. */
static int64_t start_ms(const char *directory, struct arena *arena, int64_t now_ms)
{
	const char *path = arena_printf(arena, "%s/souk.lock", directory);
	struct stat status;

	if (stat(path, &status))
		return now_ms;
	return status.st_mtim.tv_sec * SECOND_MS + status.st_mtim.tv_nsec / 1000000;
}

static enum err note_times(struct sql *sql, const char *directory, struct arena *arena)
{
	const struct service *const *service = program_get()->services;
	int64_t now_ms = sql_now_ms(sql), alive_ms = 0, before_ms, told_ms;
	enum err err = OK;

	for (; !err && *service; service++) {
		err = query_int(sql,
				arena_printf(arena,
					     "SELECT COALESCE((SELECT told_at FROM %s.outbox"
					     " ORDER BY seq DESC LIMIT 1), 0)",
					     audit_schema_of((*service)->name)),
				&told_ms);
		if (!err)
			alive_ms = MAX(alive_ms, told_ms);
	}
	before_ms = MIN(alive_ms, now_ms) - OVERDUE_MS;
	if (err)
		return err;
	return sql_run(sql, "INSERT INTO look VALUES ($1, $2)",
		       sql_int(start_ms(directory, arena, now_ms) < before_ms ? before_ms : 0),
		       sql_int(now_ms));
}

/* A connection's tables stay with it, and are filled anew for every rule. */
static enum err clear_tables(struct sql *sql)
{
	static const char *const statements[] = {
		"PRAGMA query_only = OFF",
		("CREATE TEMP TABLE IF NOT EXISTS waiting"
		 " (hearer, subject, type, UNIQUE (hearer, subject, type))"),
		"CREATE TEMP TABLE IF NOT EXISTS heard (hearer, source, seq, told)",
		"CREATE TEMP TABLE IF NOT EXISTS lost (hearer, source, events)",
		"CREATE TEMP TABLE IF NOT EXISTS look (overdue_before, began_at)",
		"DELETE FROM waiting",
		"DELETE FROM heard",
		"DELETE FROM lost",
		"DELETE FROM look",
	};
	enum err err = OK;

	for (size_t i = 0; !err && i < ARRAY_LENGTH(statements); i++)
		err = sql_run(sql, statements[i]);
	return err;
}

enum err audit_snapshot(struct sql *sql, const char *directory, struct arena *arena)
{
	enum err err = clear_tables(sql);

	if (!err)
		err = take_snapshots(sql, arena);
	if (!err)
		err = note_times(sql, directory, arena);
	if (!err)
		err = note_events(sql, arena);
	if (!err)
		err = sql_run(sql, "PRAGMA query_only = ON");
	return err;
}

enum err audit_count_under_way(struct sql *sql, int64_t *ret_count)
{
	return query_int(sql,
			 "SELECT count(*) FROM (SELECT id FROM main.orders WHERE status IN"
			 " ('pending', 'reserved') OR (due_at IS NOT NULL AND status IN"
			 " ('cancelled', 'returned')) UNION SELECT order_id FROM"
			 " payment.transactions WHERE status = 'processing' UNION SELECT o.id"
			 " FROM waiting w JOIN main.orders o ON o.id = w.subject)",
			 ret_count);
}
