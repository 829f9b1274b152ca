/*
 * souk restore: brings a backup back.
 *
 *   DIR.restoring  --all read, whole and sound, synced-->  DIR
 *
 * The directory appears by one rename: killed before it, nothing is there but DIR.restoring, which
 * the next restore empties. An archive that was cut off or changed is refused by its sum, databases
 * that are not sound by their integrity check, and files that do not belong together as at a start.
 */
#include "cli/backup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/config.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/audit_snapshot.h"
#include "cli/data_directory.h"
#include "cli/program.h"
#include "cli/tar.h"
#include "platform/platform.h"
#include "store/sql.h"

struct restore {
	struct arena *arena;
	const char *source, *directory, *staging;
	int staging_descriptor; /* locked */
	struct tar tar;
	const json_t *databases;
	const char *taken_at;
	int64_t files;
	const char *why; /* what has failed, as a sentence */
};

static bool fail(struct restore *restore, const char *path)
{
	if (!restore->why)
		restore->why = arena_printf(restore->arena, "%s: %s", path, strerror(errno));
	return false;
}

static bool refuse_source(struct restore *restore, const char *what)
{
	if (!restore->why)
		restore->why = arena_printf(restore->arena, "%s %s; nothing was restored",
					    restore->source, what);
	return false;
}

/* --- the place -------------------------------------------------------------------------------- */

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* True where it is not there, too. */
static bool is_empty(struct restore *restore)
{
	DIR *entries = opendir(restore->directory);
	struct dirent *entry;
	bool empty = true;

	if (!entries)
		return errno == ENOENT || fail(restore, restore->directory);
	while (empty && (entry = readdir(entries)))
		empty = is_dots(entry->d_name);
	closedir(entries);
	if (!empty)
		restore->why = arena_printf(restore->arena,
					    "%s is not empty; a backup is brought back into a new"
					    " directory, and replaces nothing",
					    restore->directory);
	return empty;
}

/* What another restore has left: files, and directories of files. */
static bool empty_directory(int parent, const char *name, bool deeper)
{
	int directory = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *entries = directory < 0 ? NULL : fdopendir(directory);
	struct dirent *entry;
	bool good = entries;

	if (!entries && directory >= 0)
		close(directory);
	while (good && (entry = readdir(entries))) {
		if (is_dots(entry->d_name) || !unlinkat(directory, entry->d_name, 0))
			continue;
		good = deeper && errno == EISDIR &&
		       empty_directory(directory, entry->d_name, false) &&
		       !unlinkat(directory, entry->d_name, AT_REMOVEDIR);
	}
	if (entries)
		closedir(entries);
	return good;
}

static bool open_staging(struct restore *restore)
{
	if (mkdir(restore->staging, S_IRWXU) && errno != EEXIST)
		return fail(restore, restore->staging);
	restore->staging_descriptor =
		open(restore->staging, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (restore->staging_descriptor < 0)
		return fail(restore, restore->staging);
	if (flock(restore->staging_descriptor, LOCK_EX | LOCK_NB)) {
		restore->why = arena_printf(restore->arena, "another restore into %s is at work",
					    restore->directory);
		close(restore->staging_descriptor);
		restore->staging_descriptor = -1;
		return false;
	}
	if (fchmod(restore->staging_descriptor, S_IRWXU) ||
	    !empty_directory(AT_FDCWD, restore->staging, true))
		return fail(restore, restore->staging);
	return true;
}

/* --- reading ---------------------------------------------------------------------------------- */

static bool copy_member(struct restore *restore, int file, const char *name)
{
	static _Thread_local char piece[BACKUP_PIECE];
	ssize_t got;

	while ((got = tar_read(&restore->tar, piece, sizeof(piece))) > 0) {
		ssize_t done = 0, wrote;

		while (done < got) {
			wrote = write(file, piece + done, (size_t)(got - done));
			if (wrote < 0 && errno == EINTR)
				continue;
			if (wrote < 0)
				return fail(restore, name);
			done += wrote;
		}
	}
	return got == 0 || refuse_source(restore, "is cut off");
}

static bool write_member(struct restore *restore, const struct tar_member *member)
{
	int directory = restore->staging_descriptor;
	const char *slash = strchr(member->name, '/');
	char folder[TAR_NAME_MAX + 1];
	int file;
	bool good;

	if (!backup_holds_name(member->name))
		return refuse_source(restore, "holds what is no shop's");
	if (slash) {
		snprintf(folder, sizeof(folder), "%.*s", (int)(slash - member->name), member->name);
		if (mkdirat(directory, folder, S_IRWXU) && errno != EEXIST)
			return fail(restore, folder);
	}
	file = openat(directory, member->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
		      S_IRUSR | S_IWUSR);
	if (file < 0)
		return errno == EEXIST ? refuse_source(restore, "holds a file twice")
				       : fail(restore, member->name);
	good = copy_member(restore, file, member->name);
	if (close(file) && good)
		return fail(restore, member->name);
	restore->files++;
	return good;
}

/* A member of ours that is JSON. */
static bool read_json(struct restore *restore, const struct tar_member *member, json_t **ret_json)
{
	char text[BACKUP_HEAD_MAX];
	size_t length = 0;
	ssize_t got = 0;

	if (member->size > (int64_t)sizeof(text))
		return refuse_source(restore, "is no backup of souk's");
	while (length < (size_t)member->size &&
	       (got = tar_read(&restore->tar, text + length, sizeof(text) - length)) > 0)
		length += (size_t)got;
	if (length < (size_t)member->size)
		return refuse_source(restore, "is cut off");
	return !json_parse(restore->arena, text, length, ret_json, NULL) ||
	       refuse_source(restore, "is damaged");
}

static bool read_head(struct restore *restore)
{
	struct tar_member member;
	json_t *head = NULL;

	if (tar_read_member(&restore->tar, &member) != TAR_MEMBER ||
	    strcmp(member.name, BACKUP_HEAD) != 0)
		return refuse_source(restore, "is no backup of souk's");
	if (!read_json(restore, &member, &head))
		return false;
	if (json_get_int(head, "format") != BACKUP_FORMAT)
		return refuse_source(restore, "is a backup of a newer souk");
	restore->databases = json_object_get(head, "databases");
	restore->taken_at = json_get_text(head, "takenAt");
	return restore->taken_at || refuse_source(restore, "is no backup of souk's");
}

/* `before` is the archive up to the sum. */
static bool check_sum(struct restore *restore, const struct tar_member *member,
		      const struct tar *before)
{
	struct hash hash = tar_hash(before);
	const char *sum, *should = hex_encode(restore->arena, hash.bytes, HASH_SIZE);
	struct tar_member behind;
	json_t *json = NULL;

	if (!read_json(restore, member, &json))
		return false;
	sum = json_get_text(json, "sha256");
	if (!sum || strcmp(sum, should) != 0 || json_get_int(json, "bytes") != before->bytes)
		return refuse_source(restore, "was changed or is damaged: its sum is wrong");
	return tar_read_member(&restore->tar, &behind) == TAR_END ||
	       refuse_source(restore, "is cut off, or goes on behind its end");
}

static bool read_all(struct restore *restore)
{
	struct tar_member member;
	struct tar before;

	if (!read_head(restore))
		return false;
	for (;;) {
		before = restore->tar;
		switch (tar_read_member(&restore->tar, &member)) {
		case TAR_END:
			return refuse_source(restore, "has no sum at its end: it is not whole");
		case TAR_BROKEN:
			return refuse_source(restore, "is cut off or damaged");
		case TAR_MEMBER:
		default:
			break;
		}
		if (strcmp(member.name, BACKUP_SUM) == 0)
			return check_sum(restore, &member, &before);
		if (!write_member(restore, &member))
			return false;
	}
}

/* --- checking --------------------------------------------------------------------------------- */

static enum err check_integrity(struct sql *sql, void *arg)
{
	struct sql_rows *rows =
		sql_query(sql, "SELECT integrity_check FROM pragma_integrity_check");
	bool *ret_sound = arg;
	enum err err = sql_first(rows);

	if (err)
		return err;
	*ret_sound = strcmp(sql_peek_text(rows, 0), "ok") == 0;
	return sql_end(rows);
}

static bool check_database(struct restore *restore, const char *name)
{
	const struct database_options options = {
		.directory = restore->staging, .name = name, .read_only = true};
	struct database *database = NULL;
	bool sound = false;
	enum err err = database_open(&options, restore->arena, &database, &restore->why);

	if (!err)
		err = sql_read(database, check_integrity, &sound);
	database_close(database);
	if (!err && sound)
		return true;
	restore->why = NULL;
	return refuse_source(restore,
			     arena_printf(restore->arena, "holds a %s.db that is broken", name));
}

/* A log that a look at the copy has left; nothing was written, so there is nothing in it. */
static void remove_log(struct restore *restore, const char *name)
{
	unlinkat(restore->staging_descriptor, arena_printf(restore->arena, "%s.db-wal", name), 0);
	unlinkat(restore->staging_descriptor, arena_printf(restore->arena, "%s.db-shm", name), 0);
}

static bool check_all(struct restore *restore)
{
	const json_t *item;
	size_t i;

	json_array_foreach (restore->databases, i, item) {
		const char *name = json_string_value(item);

		if (!name || !backup_holds_name(name) || !check_database(restore, name))
			return refuse_source(restore, "lacks a database");
	}
	if (i == 0 || faccessat(restore->staging_descriptor, "souk.key", F_OK, 0))
		return refuse_source(restore, "lacks databases, or souk.key");
	if (moments_check(restore->staging, program_get()->services, restore->arena, &restore->why))
		return refuse_source(restore, "cannot be read");
	json_array_foreach (restore->databases, i, item)
		remove_log(restore, json_string_value(item));
	return true;
}

/* --- the whole -------------------------------------------------------------------------------- */

static bool put_in_place(struct restore *restore)
{
	if (syncfs(restore->staging_descriptor))
		return fail(restore, restore->staging);
	if (rename(restore->staging, restore->directory)) {
		if (errno == EBUSY || errno == EXDEV)
			restore->why = arena_printf(
				restore->arena,
				"%s cannot be replaced as a whole (a mount point?); restore into a"
				" directory within it",
				restore->directory);
		return fail(restore, restore->directory);
	}
	return data_directory_sync_parent(restore->arena, restore->directory) ||
	       fail(restore, restore->directory);
}

static bool bring_back(struct restore *restore)
{
	int source = open(restore->source, O_RDONLY | O_CLOEXEC);
	bool good, placed;

	if (source < 0)
		return fail(restore, restore->source);
	tar_begin(&restore->tar, source);
	good = open_staging(restore);
	placed = good && read_all(restore) && check_all(restore) && put_in_place(restore);
	/* What is another's is left alone. */
	if (good && !placed && empty_directory(AT_FDCWD, restore->staging, true))
		rmdir(restore->staging);
	if (restore->staging_descriptor >= 0)
		close(restore->staging_descriptor);
	close(source);
	return placed;
}

/* Without slashes at its end, so that what lies beside it can be named. */
static const char *without_slashes(struct arena *arena, const char *path)
{
	size_t length = strlen(path);

	while (length > 1 && path[length - 1] == '/')
		length--;
	return arena_copy_bytes(arena, path, length);
}

int cli_restore(int argc, char **argv)
{
	struct restore restore = {.staging_descriptor = -1};
	int left, code = 1;

	if (!program_load_config(argc, argv, &left))
		return 2;
	if (left != 2) {
		fputs("usage: souk restore FILE [settings]; see souk restore --help\n", stderr);
		return 2;
	}
	restore.arena = arena_new();
	restore.source = argv[1];
	restore.directory = without_slashes(restore.arena, config_text("data"));
	restore.staging = arena_printf(restore.arena, "%s.restoring", restore.directory);
	if (is_empty(&restore) && bring_back(&restore)) {
		printf("%s: %" PRId64
		       " files, as they were at %s; souk audit --data %s checks them\n",
		       restore.directory, restore.files, restore.taken_at, restore.directory);
		code = 0;
	} else {
		fprintf(stderr, "souk: %s\n", restore.why ? restore.why : "the restore has failed");
	}
	arena_free(restore.arena);
	return code;
}
