/*
 * One look at all files of a shop, through one connection that has them side by side.
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
 * Nothing is written to the files: the tables that a look makes are temporary, in memory, and
 * before the first rule runs the connection is told to refuse writing.
 */
#include "cli/audit_look.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/out.h"
#include "base/time.h"
#include "cli/program.h"
#include "store/sql.h"

#define MAIN_FILE "order"
#define CACHE_KIB "16384" /* per file */
#define OVERDUE_MS HOUR_MS

/* In the order of the snapshots. */
static const char *const files[] = {
	"notification", "analytics", "product", "review", "inventory",
	"order",	"payment",   "sandbox", "auth",	  "user",
};

/* How statements name a file. */
static const char *schema_of(const char *file)
{
	return strcmp(file, MAIN_FILE) == 0 ? "main" : file;
}

struct looking {
	const char *directory;
	struct audit_look *look;
	struct arena *arena;
	enum err err; /* of what the rules stand on */
	const char **ret_why;
};

/* --- what the rules stand on ------------------------------------------------------------------ */

static enum err query_int(struct sql *sql, const char *text, int64_t *ret_number)
{
	struct sql_rows *rows = sql_query(sql, text);
	enum err err = sql_first(rows);
	int64_t number;

	if (err)
		return err;
	number = sql_get_int(rows, 0);
	err = sql_end(rows);
	if (!err)
		*ret_number = number;
	return err;
}

static enum err count_tables(struct sql *sql, void *arg)
{
	return query_int(sql, "SELECT count(*) FROM sqlite_schema", arg);
}

static int newest_version(const struct migration *migrations)
{
	int version = 0;

	for (; migrations->version; migrations++)
		version = migrations->version;
	return version;
}

static enum err check_version(struct sql *sql, const struct looking *looking,
			      const struct service *service)
{
	const char *schema = schema_of(service->name);
	int64_t version = 0;
	enum err err;

	err = query_int(sql,
			arena_printf(looking->arena,
				     "SELECT count(*) FROM %s.sqlite_schema"
				     " WHERE name = 'schema_version'",
				     schema),
			&version);
	if (!err && version)
		err = query_int(sql,
				arena_printf(looking->arena,
					     "SELECT COALESCE(max(version), 0) FROM"
					     " %s.schema_version WHERE name = '%s'",
					     schema, service->name),
				&version);
	if (err || version == newest_version(service->migrations))
		return err;
	*looking->ret_why = arena_printf(looking->arena,
					 "%s/%s.db is of another version of souk: start that, or"
					 " start this one once",
					 looking->directory, service->name);
	return ERR_CONFLICT;
}

/* Takes the snapshots, in their order: a file's is that of the first statement which reads it. */
static enum err take_snapshots(struct sql *sql, struct arena *arena)
{
	enum err err = OK;
	int64_t tables;

	for (size_t i = 0; !err && i < ARRAY_LENGTH(files); i++)
		err = query_int(sql,
				arena_printf(arena, "SELECT count(*) FROM %s.sqlite_schema",
					     schema_of(files[i])),
				&tables);
	for (size_t i = 0; !err && i < ARRAY_LENGTH(files); i++)
		err = sql_run(sql, arena_printf(arena, "PRAGMA %s.cache_size = -" CACHE_KIB,
						schema_of(files[i])));
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
			     schema_of(hearer), source),
		ret_heard);
	if (err)
		return err;
	return query_int(sql,
			 arena_printf(arena, "SELECT COALESCE(max(seq), 0) FROM %s.outbox",
				      schema_of(source)),
			 ret_told);
}

/* Events that are still to be heard, and are not there any more. */
static enum err note_lost(struct sql *sql, struct arena *arena, const char *hearer,
			  const char *source, int64_t heard, int64_t told)
{
	const char *text = arena_printf(arena,
					"INSERT INTO lost SELECT $1, $2, $4 - $3 - COUNT(*)"
					" FROM %s.outbox WHERE seq > $3 AND seq <= $4"
					" HAVING COUNT(*) < $4 - $3",
					schema_of(source));

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
					   schema_of(source), types),
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
				    schema_of(hearer)),
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
static int64_t start_ms(const struct looking *looking, int64_t now_ms)
{
	const char *path = arena_printf(looking->arena, "%s/souk.lock", looking->directory);
	struct stat status;

	if (stat(path, &status))
		return now_ms;
	return status.st_mtim.tv_sec * SECOND_MS + status.st_mtim.tv_nsec / 1000000;
}

static enum err note_times(struct sql *sql, const struct looking *looking)
{
	const struct service *const *service = program_get()->services;
	int64_t now_ms = sql_now_ms(sql), alive_ms = 0, before_ms, told_ms;
	enum err err = OK;

	for (; !err && *service; service++) {
		err = query_int(sql,
				arena_printf(looking->arena,
					     "SELECT COALESCE((SELECT told_at FROM %s.outbox"
					     " ORDER BY seq DESC LIMIT 1), 0)",
					     schema_of((*service)->name)),
				&told_ms);
		if (!err)
			alive_ms = MAX(alive_ms, told_ms);
	}
	before_ms = MIN(alive_ms, now_ms) - OVERDUE_MS;
	if (err)
		return err;
	return sql_run(sql, "INSERT INTO look (overdue_before) VALUES ($1)",
		       sql_int(start_ms(looking, now_ms) < before_ms ? before_ms : 0));
}

static enum err count_under_way(struct sql *sql, int64_t *ret_count)
{
	return query_int(sql,
			 "SELECT count(*) FROM (SELECT id FROM main.orders WHERE status IN"
			 " ('pending', 'reserved') OR (due_at IS NOT NULL AND status IN"
			 " ('cancelled', 'returned')) UNION SELECT order_id FROM"
			 " payment.transactions WHERE status = 'processing' UNION SELECT o.id"
			 " FROM waiting w JOIN main.orders o ON o.id = w.subject)",
			 ret_count);
}

static enum err prepare(struct sql *sql, struct looking *looking)
{
	static const char *const tables[] = {
		"PRAGMA query_only = OFF",
		"CREATE TEMP TABLE waiting (hearer, subject, type, UNIQUE (hearer, subject, type))",
		"CREATE TEMP TABLE heard (hearer, source, seq, told)",
		"CREATE TEMP TABLE lost (hearer, source, events)",
		"CREATE TEMP TABLE look (overdue_before)",
	};
	enum err err = OK;

	for (size_t i = 0; !err && i < ARRAY_LENGTH(tables); i++)
		err = sql_run(sql, tables[i]);
	if (!err)
		err = note_times(sql, looking);
	if (!err)
		err = note_events(sql, looking->arena);
	if (!err)
		err = sql_run(sql, "PRAGMA query_only = ON");
	if (!err)
		err = count_under_way(sql, &looking->look->under_way);
	return err;
}

/* --- rules ------------------------------------------------------------------------------------ */

static const char *replace_all(struct arena *arena, const char *text, const char *word,
			       const char *by)
{
	struct out out = out_new(arena);
	const char *at;

	while ((at = strstr(text, word))) {
		out_bytes(&out, text, (size_t)(at - text));
		out_bytes(&out, by, strlen(by));
		text = at + strlen(word);
	}
	out_bytes(&out, text, strlen(text));
	return out.data;
}

/* Ids are blobs of 16 bytes, of which the variant (RFC 9562, section 4.1) tells them from text. */
static const char *thing_text(struct sql_rows *rows, struct arena *arena)
{
	size_t length;
	const uint8_t *bytes = sql_peek_blob(rows, 0, &length);
	struct id id;

	if (bytes && length == sizeof(id.bytes) && (bytes[8] & 0xc0) == 0x80) {
		id = sql_get_id(rows, 0);
		return id_text(arena, &id);
	}
	return sql_is_null(rows, 0) ? "-" : sql_get_text(rows, 0, arena);
}

static void add_violation(struct audit_finding *finding, struct arena *arena, const char *id,
			  const char *detail)
{
	if (!finding->violations)
		finding->violations =
			ARENA_ARRAY(arena, struct audit_violation, AUDIT_VIOLATIONS_MAX);
	finding->violations[finding->count++] = (struct audit_violation){
		.id = id,
		.detail = detail ? detail : "-",
	};
}

static void run_statement(struct sql *sql, struct audit_finding *finding, const char *text,
			  struct arena *arena)
{
	struct sql_rows *rows = sql_query(sql, text);
	enum err err;

	while (finding->count < AUDIT_VIOLATIONS_MAX && sql_next(rows)) {
		const char *id = thing_text(rows, arena);

		add_violation(finding, arena, id, sql_get_text(rows, 1, arena));
	}
	err = sql_end(rows);
	if (err && finding->count < AUDIT_VIOLATIONS_MAX)
		add_violation(
			finding, arena, "-",
			arena_printf(arena, "it cannot be checked: %s", err_info(err)->title));
}

static void run_for(struct sql *sql, struct audit_finding *finding, const char *file,
		    struct arena *arena)
{
	const char *text = replace_all(arena, finding->rule->sql, "{schema}", schema_of(file));

	run_statement(sql, finding, replace_all(arena, text, "{name}", file), arena);
}

static void run_rule(struct sql *sql, struct audit_finding *finding, struct arena *arena)
{
	const struct service *const *service = program_get()->services;

	switch (finding->rule->scope) {
	case AUDIT_FILE:
		for (size_t i = 0; i < ARRAY_LENGTH(files); i++)
			run_for(sql, finding, files[i], arena);
		break;
	case AUDIT_SERVICE:
		for (; *service; service++)
			run_for(sql, finding, (*service)->name, arena);
		break;
	case AUDIT_SHOP:
	default:
		run_statement(sql, finding, finding->rule->sql, arena);
	}
}

/* --- a look ----------------------------------------------------------------------------------- */

static enum err look_body(struct sql *sql, void *arg)
{
	struct looking *looking = arg;
	struct audit_look *look = looking->look;
	const struct service *const *service = program_get()->services;
	enum err err;

	look->at_ms = sql_now_ms(sql);
	err = take_snapshots(sql, looking->arena);
	for (; !err && *service; service++)
		err = check_version(sql, looking, *service);
	if (err == ERR_CONFLICT)
		return err;
	if (!err)
		err = prepare(sql, looking);
	for (size_t i = 0; i < look->count; i++) {
		struct audit_finding *finding = &look->findings[i];

		if (err && finding->rule->scope != AUDIT_FILE)
			add_violation(finding, look->arena, "-",
				      arena_printf(look->arena, "it cannot be checked: %s",
						   err_info(err)->title));
		else
			run_rule(sql, finding, look->arena);
	}
	return OK;
}

/* A file that the connection cannot even take beside the others: which is it? */
static bool is_readable(const char *directory, const char *file, struct arena *arena)
{
	const struct database_options options = {
		.directory = directory, .name = file, .read_only = true};
	struct database *database = NULL;
	const char *why = NULL;
	int64_t tables;
	enum err err = database_open(&options, arena, &database, &why);

	if (!err)
		err = sql_read(database, count_tables, &tables);
	database_close(database);
	return !err;
}

/* Nothing can be checked: that is no shop which keeps its promises. */
static void give_up(const char *directory, struct audit_look *look)
{
	for (size_t i = 0; i < look->count; i++) {
		struct audit_finding *finding = &look->findings[i];

		finding->count = 0;
		if (finding->rule->scope != AUDIT_FILE) {
			add_violation(finding, look->arena, "-", "it cannot be checked");
			continue;
		}
		for (size_t j = 0; j < ARRAY_LENGTH(files); j++)
			if (!is_readable(directory, files[j], look->arena))
				add_violation(finding, look->arena, files[j], "it cannot be read");
	}
}

static void choose_all(struct audit_look *look)
{
	static const struct audit_rule *const tables[] = {audit_rules_of_files, audit_rules_within,
							  audit_rules_between};
	size_t room = 0;

	for (size_t i = 0; i < ARRAY_LENGTH(tables); i++)
		for (const struct audit_rule *rule = tables[i]; rule->name; rule++)
			room++;
	look->findings = ARENA_ARRAY(look->arena, struct audit_finding, room);
	look->count = 0;
	for (size_t i = 0; i < ARRAY_LENGTH(tables); i++)
		for (const struct audit_rule *rule = tables[i]; rule->name; rule++)
			look->findings[look->count++].rule = rule;
}

enum err audit_look(const char *directory, struct audit_look *look, const char **ret_why)
{
	const char *beside[ARRAY_LENGTH(files)] = {NULL};
	const struct database_options options = {
		.directory = directory, .name = MAIN_FILE, .read_only = true, .beside = beside};
	struct looking looking = {
		.directory = directory, .look = look, .arena = look->arena, .ret_why = ret_why};
	struct database *database = NULL;
	size_t count = 0;
	enum err err = OK;

	for (size_t i = 0; !err && i < ARRAY_LENGTH(files); i++) {
		const char *path = arena_printf(look->arena, "%s/%s.db", directory, files[i]);

		if (access(path, R_OK)) {
			*ret_why = arena_printf(look->arena,
						"%s is no data directory of a shop: %s is missing",
						directory, path);
			return ERR_NOT_FOUND;
		}
		if (strcmp(files[i], MAIN_FILE) != 0)
			beside[count++] = files[i];
	}
	if (!look->findings)
		choose_all(look);
	err = database_open(&options, look->arena, &database, ret_why);
	if (!err)
		err = sql_read(database, look_body, &looking);
	database_close(database);
	if (!err || err == ERR_CONFLICT)
		return err;
	give_up(directory, look);
	return OK;
}
