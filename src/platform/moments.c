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
	int64_t number;	 /* on disk */
	int64_t changes; /* of the database, that it covers */
} noted[SERVICES_MAX];

/* The numbers that moments_check has read. */
static struct {
	const struct service *service;
	int64_t number;
} found[SERVICES_MAX];

/* --- noting ----------------------------------------------------------------------------------- */

static enum err write_number(struct sql *sql, const char *service, int64_t number)
{
	return sql_run(sql,
		       "INSERT INTO moments (service, number) VALUES ($1, $2)"
		       " ON CONFLICT (service) DO UPDATE SET number = excluded.number",
		       sql_text(service), sql_int(number));
}

static enum err write_numbers(struct sql *sql, void *arg)
{
	const size_t *own = arg;
	enum err err = OK;

	for (size_t i = 0; !err && i < platform_service_count(); i++)
		err = write_number(sql, platform_service(i)->service->name,
				   noted[i].number + (i == *own ? 1 : 0));
	return err;
}

void moments_begin(void)
{
	for (size_t i = 0; i < platform_service_count(); i++) {
		struct running_service *running = platform_service(i);

		noted[i].number = 0;
		noted[i].changes = database_changes(running->database);
		for (size_t j = 0; j < SERVICES_MAX && found[j].service; j++)
			if (found[j].service == running->service)
				noted[i].number = found[j].number;
	}
}

static void note(size_t index)
{
	struct database *database = platform_service(index)->database;
	int64_t changes = database_changes(database);
	enum err err = sql_transaction(database, write_numbers, &index);

	if (err) {
		log_warning("data.moments", "%s: %s", database_name(database), err_info(err)->slug);
		return;
	}
	noted[index].number++;
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
	bool there;
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

static enum err read_one(const char *directory, struct file *file, const char **ret_why)
{
	const struct database_options options = {
		.directory = directory, .name = file->name, .read_only = true};
	struct database *database = NULL;
	enum err err;

	if (access(arena_printf(file->arena, "%s/%s.db", directory, file->name), F_OK))
		return OK;
	file->there = true;
	err = database_open(&options, file->arena, &database, ret_why);
	if (!err)
		err = sql_read(database, read_file, file);
	database_close(database);
	if (err && !*ret_why)
		*ret_why =
			arena_printf(file->arena, "%s/%s.db cannot be read", directory, file->name);
	return err;
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

	for (; !err && all[count]; count++) {
		assert(count < SERVICES_MAX);
		files[count] = (struct file){.name = all[count]->name, .all = all, .arena = arena};
		err = read_one(directory, &files[count], ret_why);
	}
	for (size_t i = 0; !err && i < count; i++)
		for (size_t j = 0; !err && j < count; j++)
			if (files[i].number[j] > files[j].number[j] ||
			    files[i].heard[j] > files[j].told)
				err = refuse_files(directory, &files[j], &files[i], ret_why);
	memset(found, 0, sizeof(found));
	for (size_t i = 0; !err && i < count; i++) {
		found[i].service = all[i];
		found[i].number = files[i].number[i];
	}
	return err;
}
