/*
 * Files of different moments.
 *
 * The services' files belong together: who has heard an event of another's file, or has called it,
 * relies on what is stored there. Where one of them is older than what another knows of it (it was
 * copied while the shop was open, or put back alone), the shop would tell things twice, lose events,
 * and give order numbers twice. So it does not start.
 *
 * A file knows of another by
 *  - `heard`: how far it has handled that one's events; their numbers are never given twice;
 *  - `moments`: each file has a number that grows when something is stored in it, and writes down the
 *    numbers of the others, every MOMENTS_EVERY_MS in which something has changed, and when all is
 *    closed.
 *
 * Invariant: a number is told to others only once it is on disk. So in files as a kill, a power cut,
 * or a copy at one moment leave them, nobody knows a greater number of a file than the file itself.
 */
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "platform/internal.h"

/* Of each running service, in their order. */
static struct {
	int64_t number;	 /* on disk; 0: not yet known */
	int64_t changes; /* of the database, that it covers */
} noted[SERVICES_MAX];

/* --- noting ----------------------------------------------------------------------------------- */

struct note {
	size_t own;
	int64_t number;
};

static enum err count_on(struct sql *sql, struct note *note)
{
	struct sql_rows *rows = sql_query(sql,
					  "INSERT INTO moments (service, number) VALUES ($1, 1)"
					  " ON CONFLICT (service) DO UPDATE SET"
					  " number = moments.number + 1 RETURNING number",
					  sql_text(sql_database_name(sql)));

	return SQL_TAKE(rows, &note->number, sql_get_int(rows, 0));
}

static enum err write_note(struct sql *sql, void *arg)
{
	struct note *note = arg;
	enum err err = count_on(sql, note);

	for (size_t i = 0; !err && i < platform_service_count(); i++)
		if (i != note->own && noted[i].number)
			err = sql_run(sql,
				      "INSERT INTO moments (service, number) VALUES ($1, $2)"
				      " ON CONFLICT (service) DO UPDATE SET"
				      " number = MAX(moments.number, excluded.number)",
				      sql_text(platform_service(i)->service->name),
				      sql_int(noted[i].number));
	return err;
}

void moments_begin(void)
{
	for (size_t i = 0; i < platform_service_count(); i++) {
		noted[i].number = 0;
		noted[i].changes = database_changes(platform_service(i)->database);
	}
}

static void note(size_t index)
{
	struct database *database = platform_service(index)->database;
	int64_t changes = database_changes(database);
	struct note note = {.own = index};
	enum err err = sql_transaction(database, write_note, &note);

	if (err) {
		log_warning("data.moments", "%s: %s", database_name(database), err_info(err)->slug);
		return;
	}
	noted[index].number = note.number;
	noted[index].changes = changes + 1; /* the note's own */
}

/* Twice, so that the first file knows what was noted of the last. */
void moments_note(void)
{
	bool changed = false;

	for (size_t i = 0; i < platform_service_count(); i++)
		changed |= database_changes(platform_service(i)->database) > noted[i].changes;
	for (int pass = 0; changed && pass < 2; pass++)
		for (size_t i = 0; i < platform_service_count(); i++)
			note(i);
}

/* --- checking --------------------------------------------------------------------------------- */

struct file {
	const char *name;
	const struct service *const *all;
	struct arena *arena;
	bool there, unread;
	int64_t told;		      /* its last event */
	int64_t number[SERVICES_MAX]; /* by service, as this file knows it */
	int64_t heard[SERVICES_MAX];  /* how far this file has heard each */
};

static void read_by_service(struct sql_rows *rows, const struct file *file, int64_t *numbers)
{
	while (sql_next(rows))
		for (size_t i = 0; file->all[i]; i++)
			if (strcmp(file->all[i]->name, sql_peek_text(rows, 0)) == 0)
				numbers[i] = sql_get_int(rows, 1);
}

static enum err has_table(struct sql *sql, const char *name, bool *ret_has)
{
	return sql_end_any(
		sql_query(sql, "SELECT 1 FROM sqlite_schema WHERE name = $1", sql_text(name)),
		ret_has);
}

/* A file of an earlier release may lack what it has not yet needed. */
static enum err read_file(struct sql *sql, void *arg)
{
	struct file *file = arg;
	struct sql_rows *rows;
	bool has;
	enum err err = has_table(sql, "moments", &has);

	if (!err && has) {
		rows = sql_query(sql, "SELECT service, number FROM moments");
		read_by_service(rows, file, file->number);
		err = sql_end(rows);
	}
	if (!err)
		err = has_table(sql, "outbox", &has);
	if (err || !has)
		return err;
	rows = sql_query(sql, "SELECT source, seq FROM heard");
	read_by_service(rows, file, file->heard);
	err = sql_end(rows);
	if (err)
		return err;
	rows = sql_query(sql, "SELECT COALESCE(MAX(seq), 0) FROM outbox");
	return SQL_TAKE(rows, &file->told, sql_get_int(rows, 0));
}

/* What is wrong with a file that cannot be read is for who opens it to say. */
static void read_one(const char *directory, struct file *file)
{
	const struct database_options options = {
		.directory = directory, .name = file->name, .read_only = true};
	struct database *database = NULL;
	const char *why;

	if (access(arena_printf(file->arena, "%s/%s.db", directory, file->name), F_OK))
		return;
	file->there = true;
	file->unread = database_open(&options, file->arena, &database, &why) ||
		       sql_read(database, read_file, file);
	database_close(database);
}

static bool knows_more(const struct file *files, size_t by, size_t of)
{
	return !files[by].unread && !files[of].unread &&
	       (files[by].number[of] > files[of].number[of] ||
		files[by].heard[of] > files[of].told);
}

static enum err refuse_files(const char *directory, const struct file *old, const struct file *by,
			     const char **ret_why)
{
	*ret_why = arena_printf(
		old->arena,
		"the files of %s are of different moments: %s.db %s, %s.db knows of what was"
		" stored there later. A shop on such files would lose orders and repeat itself."
		" Put the files back that belong together, or bring a backup back (souk restore)."
		" To copy a shop, open or not, use souk backup",
		directory, old->name, old->there ? "is older than the others" : "is missing",
		by->name);
	return ERR_CONFLICT;
}

enum err moments_check(const char *directory, const struct service *const *all, struct arena *arena,
		       const char **ret_why)
{
	struct file *files = ARENA_ARRAY(arena, struct file, SERVICES_MAX);
	size_t count = 0;
	enum err err = OK;

	for (; all[count]; count++) {
		assert(count < SERVICES_MAX);
		files[count] = (struct file){.name = all[count]->name, .all = all, .arena = arena};
		read_one(directory, &files[count]);
	}
	for (size_t i = 0; !err && i < count; i++)
		for (size_t j = 0; !err && j < count; j++)
			if (knows_more(files, i, j))
				err = refuse_files(directory, &files[j], &files[i], ret_why);
	return err;
}
