/*
 * One look at all files of a shop: the workers take one rule after the other, the large files first,
 * each with a connection and snapshots of its own (audit_snapshot.c).
 *
 * Beside them the files are read ahead, from the front to the back: a rule reads a table's pages as
 * the shop has scattered them, and from a disk each would come by itself. They are only asked for,
 * not mapped: a mapped file that another process changes or cuts short is not what SQLite expects.
 */
#include "cli/audit_look.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/env.h"
#include "base/out.h"
#include "cli/audit_file.h"
#include "cli/audit_snapshot.h"
#include "cli/program.h"
#include "runtime/fiber.h"
#include "runtime/worker.h"

#define FILES_MAX 16
#define AHEAD_BYTES (8 * 1024 * 1024)

/* A rule; or of a rule of files one file. */
struct audit_job {
	struct audit_finding *finding;
	const char *file;
	struct audit_job *with; /* another rule, that the same statement tells kept */
	struct audit_list list; /* in an arena of its own, and of those with it */
	int64_t took_ms;
};

struct looking {
	const char *directory;
	struct audit_look *look;
	struct database *database;
	struct audit_job *jobs;
	size_t count;
	atomic_size_t next;
	atomic_size_t at_work; /* workers that have not ended */
	atomic_bool ended;
	struct ticket ticket; /* of the one who waits for them */
	const char **ret_why;
	int descriptors[FILES_MAX];
};

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

static enum err run_for(struct sql *sql, struct audit_job *job, const char *service)
{
	const char *schema = audit_schema_of(service), *text = job->finding->rule->sql;
	struct arena *arena = job->list.arena;

	text = replace_all(arena, text, "{schema}", schema);
	return audit_list_query(&job->list, sql, replace_all(arena, text, "{name}", service));
}

static enum err ask_whether_kept(struct sql *sql, const char *text, bool *ret_kept)
{
	struct sql_rows *rows = sql_query(sql, text);
	enum err err = sql_first(rows);

	if (err)
		return err;
	*ret_kept = sql_get_bool(rows, 0);
	return sql_end(rows);
}

static enum err run_rules(struct sql *sql, struct audit_job *job)
{
	const struct service *const *service = program_get()->services;
	const struct audit_rule *rule = job->finding->rule;
	bool kept = false;
	enum err err = OK;

	if (rule->scope == AUDIT_SERVICE) {
		for (; !err && *service; service++)
			err = run_for(sql, job, (*service)->name);
		return err;
	}
	if (rule->kept)
		err = ask_whether_kept(sql, rule->kept, &kept);
	for (; !err && !kept && job; job = job->with)
		err = audit_list_query(&job->list, sql, job->finding->rule->sql);
	return err;
}

struct reading {
	struct looking *looking;
	struct audit_job *job;
};

static enum err job_body(struct sql *sql, void *arg)
{
	struct reading *reading = arg;
	struct audit_job *job = reading->job;
	enum err err;

	/* What is sorted is on disk where it is much; to be said before the connection sorts at all. */
	err = sql_run(sql, "PRAGMA temp_store = FILE");
	if (err)
		return err;
	if (job->file)
		return audit_check_file(sql, job->file, &job->list);
	err = audit_snapshot(sql, reading->looking->directory, job->list.arena);
	if (!err)
		err = run_rules(sql, job);
	return err;
}

static void run_job(struct looking *looking, struct audit_job *job)
{
	struct reading reading = {.looking = looking, .job = job};
	struct arena *arena = arena_new();
	int64_t begin_ms = env_monotonic_ms();
	struct audit_job *each = job;
	enum err err;

	do {
		each->list.arena = arena;
	} while ((each = each->with));
	err = sql_read(looking->database, job_body, &reading);
	job->took_ms = env_monotonic_ms() - begin_ms;
	for (each = job; err && each; each = each->with)
		audit_list_add(
			&each->list, each->file ? each->file : "-",
			arena_printf(arena, "it cannot be checked: %s", err_info(err)->title));
}

/* --- workers ---------------------------------------------------------------------------------- */

static void leave(struct looking *looking)
{
	if (atomic_fetch_sub(&looking->at_work, 1) == 1)
		fiber_wake(looking->ticket);
}

static void work(void *arg)
{
	struct looking *looking = arg;
	size_t i;

	while ((i = atomic_fetch_add(&looking->next, 1)) < looking->count)
		run_job(looking, &looking->jobs[i]);
	atomic_store(&looking->ended, true);
	leave(looking);
}

/* Reads the files into the system's cache, as far as half of the machine's memory has room. */
static void read_ahead(void *arg)
{
	struct looking *looking = arg;
	off_t room = (off_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE) / 2;
	struct stat status;

	for (size_t i = 0; i < looking->count && looking->jobs[i].file; i++) {
		int descriptor = looking->descriptors[i];

		if (descriptor < 0 || fstat(descriptor, &status) || status.st_size > room)
			continue;
		room -= status.st_size;
		for (off_t at = 0; at < status.st_size && !atomic_load(&looking->ended);
		     at += AHEAD_BYTES)
			(void)posix_fadvise(descriptor, at, AHEAD_BYTES, POSIX_FADV_WILLNEED);
	}
	leave(looking);
}

/* The files' descriptors are closed behind all connections: to close one gives back the locks that
 * SQLite holds on the file in this process (fcntl(2)). */
static void open_ahead(struct looking *looking)
{
	for (size_t i = 0; i < FILES_MAX; i++)
		looking->descriptors[i] = -1;
	for (size_t i = 0; i < looking->count && looking->jobs[i].file; i++)
		looking->descriptors[i] =
			open(arena_printf(looking->look->arena, "%s/%s.db", looking->directory,
					  looking->jobs[i].file),
			     O_RDONLY | O_CLOEXEC);
}

static void close_ahead(const struct looking *looking)
{
	for (size_t i = 0; i < FILES_MAX; i++)
		if (looking->descriptors[i] >= 0)
			close(looking->descriptors[i]);
}

/* The last worker reads ahead, the others take the jobs. */
static void run_jobs(struct looking *looking)
{
	size_t workers = worker_count();

	assert(workers >= 2);
	atomic_store(&looking->at_work, workers);
	looking->ticket = fiber_ticket();
	for (size_t i = 0; i < workers; i++)
		worker_post(i, i == workers - 1 ? read_ahead : work, looking);
	(void)fiber_park(WAIT_FOREVER);
}

/* --- a look ----------------------------------------------------------------------------------- */

static off_t size_of(const struct looking *looking, const char *file)
{
	const char *path = arena_printf(looking->look->arena, "%s/%s.db", looking->directory, file);
	struct stat status;

	return stat(path, &status) ? 0 : status.st_size;
}

/* The largest files first: whoever begins them last ends last. */
static void add_files(struct looking *looking, struct audit_finding *finding)
{
	size_t first = looking->count;

	for (size_t i = 0; audit_files[i]; i++) {
		off_t size = size_of(looking, audit_files[i]);
		size_t at = looking->count++;

		while (at > first && size_of(looking, looking->jobs[at - 1].file) < size) {
			looking->jobs[at] = looking->jobs[at - 1];
			at--;
		}
		looking->jobs[at] = (struct audit_job){.finding = finding, .file = audit_files[i]};
	}
	assert(looking->count - first <= FILES_MAX);
}

/* The job of a rule that the same statement tells kept. */
static struct audit_job *find_alike(const struct looking *looking, const struct audit_rule *rule)
{
	for (size_t i = 0; rule->kept && i < looking->count; i++) {
		const char *kept = looking->jobs[i].finding->rule->kept;

		if (kept && strcmp(kept, rule->kept) == 0)
			return &looking->jobs[i];
	}
	return NULL;
}

static void add_rule(struct looking *looking, struct audit_finding *finding)
{
	struct audit_job *alike = find_alike(looking, finding->rule), *job;

	if (!alike) {
		looking->jobs[looking->count++].finding = finding;
		return;
	}
	job = ARENA_ARRAY(looking->look->arena, struct audit_job, 1);
	*job = (struct audit_job){.finding = finding, .with = alike->with};
	alike->with = job;
}

static int compare_jobs(const void *a, const void *b)
{
	const struct audit_job *first = a, *second = b;

	return (second->with != NULL) - (first->with != NULL);
}

/* The files first, and behind them what tells of several rules, since it reads the most. */
static void plan(struct looking *looking)
{
	struct audit_look *look = looking->look;
	size_t files;

	looking->jobs = ARENA_ARRAY(look->arena, struct audit_job, look->count + FILES_MAX);
	for (size_t i = 0; i < look->count; i++)
		if (look->findings[i].rule->scope == AUDIT_FILE)
			add_files(looking, &look->findings[i]);
	files = looking->count;
	for (size_t i = 0; i < look->count; i++)
		if (look->findings[i].rule->scope != AUDIT_FILE)
			add_rule(looking, &look->findings[i]);
	qsort(looking->jobs + files, looking->count - files, sizeof(*looking->jobs), compare_jobs);
}

static void gather_list(const struct looking *looking, const struct audit_job *job)
{
	struct audit_finding *finding = job->finding;

	finding->list.arena = looking->look->arena;
	finding->took_ms += job->took_ms;
	for (size_t i = 0; i < job->list.count; i++)
		audit_list_add(&finding->list, job->list.violations[i].id,
			       job->list.violations[i].detail);
}

static void gather(struct looking *looking)
{
	for (size_t i = 0; i < looking->count; i++) {
		const struct audit_job *job = &looking->jobs[i];

		do {
			gather_list(looking, job);
		} while ((job = job->with));
		arena_free(looking->jobs[i].list.arena);
	}
}

static enum err first_body(struct sql *sql, void *arg)
{
	struct looking *looking = arg;
	struct audit_look *look = looking->look;
	enum err err;

	look->at_ms = sql_now_ms(sql);
	err = audit_check_versions(sql, looking->directory, look->arena, looking->ret_why);
	if (!err)
		err = audit_snapshot(sql, looking->directory, look->arena);
	return err ? err : audit_count_under_way(sql, &look->under_way);
}

struct file_alone {
	const char *file;
	struct audit_list *list;
};

static enum err check_pages(struct sql *sql, void *arg)
{
	struct file_alone *alone = arg;

	return audit_list_query(alone->list, sql,
				arena_printf(alone->list->arena,
					     "SELECT '%s', quick_check FROM pragma_quick_check"
					     " WHERE quick_check <> 'ok' LIMIT 20",
					     alone->file));
}

/* The connection cannot even take or read all files beside each other: which is it? */
static void check_alone(const char *directory, const char *file, struct audit_list *list)
{
	const struct database_options options = {
		.directory = directory, .name = file, .read_only = true};
	struct file_alone alone = {.file = file, .list = list};
	struct database *database = NULL;
	const char *why = NULL;
	enum err err = database_open(&options, list->arena, &database, &why);

	if (!err)
		err = sql_read(database, check_pages, &alone);
	database_close(database);
	if (err)
		audit_list_add(list, file, "it cannot be read");
}

/* Nothing can be checked: that is no shop which keeps its promises. */
static void give_up(const char *directory, struct audit_look *look)
{
	for (size_t i = 0; i < look->count; i++) {
		struct audit_finding *finding = &look->findings[i];

		finding->list = (struct audit_list){.arena = look->arena};
		if (finding->rule->scope != AUDIT_FILE) {
			audit_list_add(&finding->list, "-", "it cannot be checked");
			continue;
		}
		for (size_t j = 0; audit_files[j]; j++)
			check_alone(directory, audit_files[j], &finding->list);
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

/* The files but the one that the connection is on; NULL, with a sentence, where one is missing. */
static const char *const *files_beside(const struct looking *looking)
{
	struct arena *arena = looking->look->arena;
	const char **beside = ARENA_ARRAY(arena, const char *, FILES_MAX);
	size_t count = 0;

	for (size_t i = 0; audit_files[i]; i++) {
		const char *path =
			arena_printf(arena, "%s/%s.db", looking->directory, audit_files[i]);

		if (access(path, R_OK)) {
			*looking->ret_why = arena_printf(
				arena, "%s is no data directory of a shop: %s is missing",
				looking->directory, path);
			return NULL;
		}
		if (strcmp(audit_files[i], AUDIT_MAIN_FILE) != 0)
			beside[count++] = audit_files[i];
	}
	return beside;
}

enum err audit_look(const char *directory, struct audit_look *look, const char **ret_why)
{
	struct looking looking = {.directory = directory, .look = look, .ret_why = ret_why};
	struct database_options options = {
		.directory = directory, .name = AUDIT_MAIN_FILE, .read_only = true};
	enum err err;

	options.beside = files_beside(&looking);
	if (!options.beside)
		return ERR_NOT_FOUND;
	if (!look->findings)
		choose_all(look);
	err = database_open(&options, look->arena, &looking.database, ret_why);
	if (!err)
		err = sql_read(looking.database, first_body, &looking);
	if (!err) {
		plan(&looking);
		open_ahead(&looking);
		run_jobs(&looking);
		gather(&looking);
	}
	database_close(looking.database);
	if (!err)
		close_ahead(&looking);
	if (!err || err == ERR_CONFLICT)
		return err;
	give_up(directory, look);
	return OK;
}
