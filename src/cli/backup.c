/*
 * souk backup: one consistent copy of everything, while the shop is open or not.
 *
 *   FILE.part  --all written, synced-->  FILE
 *
 * The databases are copied as they were at one moment (store/sqlite_copy.c), one behind the other
 * through FILE.copy. What lies in files of its own is read behind that moment: keys are only added,
 * and messages that were written since are left out, since Notification would not know of them.
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
#include "base/out.h"
#include "base/text.h"
#include "base/time.h"
#include "cli/audit_snapshot.h"
#include "cli/data_directory.h"
#include "cli/program.h"
#include "cli/tar.h"
#include "store/sql.h"

#define DATABASES_MAX 16

struct backup {
	struct arena *arena;
	const char *directory, *target, *part, *copy;
	const char *databases[DATABASES_MAX + 1]; /* those that are there; ends with NULL */
	struct moment *moment;
	struct tar tar;
	int64_t files;
	const char *why; /* what has failed, as a sentence */
};

static bool fail(struct backup *backup, const char *path)
{
	if (!backup->why)
		backup->why = arena_printf(backup->arena, "%s: %s", path, strerror(errno));
	return false;
}

bool backup_holds_name(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-.";
	const char *slash = strchr(name, '/'), *base = slash ? slash + 1 : name;

	if (slash && strncmp(name, "keys/", 5) != 0 && strncmp(name, "outbox/", 7) != 0)
		return false;
	return strlen(name) <= TAR_NAME_MAX && *base && *base != '.' &&
	       strspn(base, letters) == strlen(base);
}

/* --- members ---------------------------------------------------------------------------------- */

static int64_t changed_ms(const struct stat *state)
{
	return state->st_mtim.tv_sec * SECOND_MS + state->st_mtim.tv_nsec / 1000000;
}

/* A file has the size that it had when it was opened: what is shorter by then is no copy. */
static bool add_bytes(struct backup *backup, int file, const char *path, int64_t size)
{
	char *piece = ARENA_ARRAY(backup->arena, char, BACKUP_PIECE);
	int64_t left = size;

	while (left > 0) {
		ssize_t got = read(file, piece, (size_t)MIN(left, (int64_t)BACKUP_PIECE));

		if (got < 0 && errno == EINTR)
			continue;
		if (got == 0)
			errno = EIO;
		if (got <= 0)
			return fail(backup, path);
		if (!tar_write(&backup->tar, piece, (size_t)got))
			return fail(backup, backup->part);
		left -= got;
	}
	return true;
}

/* Adds the file unless it has gone, is a link, or was written behind `until_ms`. */
static bool add_file(struct backup *backup, const char *path, const char *name, int64_t until_ms)
{
	int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat state;
	bool good = true;

	if (file < 0)
		return errno == ENOENT || errno == ELOOP || fail(backup, path);
	if (fstat(file, &state))
		good = fail(backup, path);
	else if (S_ISREG(state.st_mode) && changed_ms(&state) <= until_ms) {
		good = tar_write_member(&backup->tar, name, state.st_size, changed_ms(&state)) ||
		       fail(backup, backup->part);
		good = good && add_bytes(backup, file, path, state.st_size);
		backup->files++;
	}
	close(file);
	return good;
}

static bool add_text(struct backup *backup, const char *name, const struct out *out)
{
	if (tar_write_member(&backup->tar, name, (int64_t)out->length,
			     moment_taken_ms(backup->moment)) &&
	    tar_write(&backup->tar, out->data, out->length))
		return true;
	return fail(backup, backup->part);
}

static bool add_head(struct backup *backup)
{
	struct out out = out_new(backup->arena);

	out_open(&out, NULL);
	out_int(&out, "format", BACKUP_FORMAT);
	out_text(&out, "souk", SOUK_VERSION);
	out_time(&out, "takenAt", moment_taken_ms(backup->moment));
	out_open_list(&out, "databases");
	for (const char *const *name = backup->databases; *name; name++)
		out_text(&out, NULL, *name);
	out_close_list(&out);
	out_close(&out);
	out_bytes(&out, "\n", 1);
	return add_text(backup, BACKUP_HEAD, &out);
}

static bool add_sum(struct backup *backup)
{
	struct hash hash = tar_hash(&backup->tar);
	struct out out = out_new(backup->arena);

	out_open(&out, NULL);
	out_int(&out, "bytes", backup->tar.bytes);
	out_text(&out, "sha256", hex_encode(backup->arena, hash.bytes, HASH_SIZE));
	out_close(&out);
	out_bytes(&out, "\n", 1);
	return add_text(backup, BACKUP_SUM, &out);
}

static bool add_database(struct backup *backup, const char *name)
{
	enum err err;
	bool good;

	if (unlink(backup->copy) && errno != ENOENT)
		return fail(backup, backup->copy);
	err = moment_copy(backup->moment, name, backup->copy);
	if (err)
		backup->why =
			arena_printf(backup->arena, "%s/%s.db cannot be copied to %s: %s",
				     backup->directory, name, backup->copy, err_info(err)->title);
	good = !err && add_file(backup, backup->copy, arena_printf(backup->arena, "%s.db", name),
				INT64_MAX);
	unlink(backup->copy);
	return good;
}

static bool ends_with(const char *name, const char *ending)
{
	size_t length = strlen(name), ending_length = strlen(ending);

	return length > ending_length && strcmp(name + length - ending_length, ending) == 0;
}

/* The files of one of the directory's own directories; what is being written has another ending, and
 * what somebody else has put there another name. */
static bool add_directory(struct backup *backup, const char *name, const char *const *endings,
			  int64_t until_ms)
{
	const char *path = arena_printf(backup->arena, "%s/%s", backup->directory, name);
	DIR *entries = opendir(path);
	struct arena *arena = arena_new();
	struct arena *of_backup = backup->arena;
	struct dirent *entry;
	bool good = true;

	if (!entries)
		good = errno == ENOENT || fail(backup, path);
	backup->arena = arena;
	while (entries && good && (entry = readdir(entries))) {
		const char *member = arena_printf(arena, "%s/%s", name, entry->d_name);
		const char *const *ending = endings;

		while (*ending && !ends_with(entry->d_name, *ending))
			ending++;
		if (*ending && backup_holds_name(member))
			good = add_file(backup, arena_printf(arena, "%s/%s", path, entry->d_name),
					member, until_ms);
		if (good)
			arena_reset(arena);
	}
	backup->arena = of_backup;
	if (backup->why)
		backup->why = arena_copy_text(of_backup, backup->why);
	arena_free(arena);
	if (entries)
		closedir(entries);
	return good;
}

/* A shop does not start without it, so a copy that lacks it is none. */
static bool add_secret(struct backup *backup)
{
	const char *path = arena_printf(backup->arena, "%s/souk.key", backup->directory);
	int64_t before = backup->files;

	if (!add_file(backup, path, "souk.key", INT64_MAX))
		return false;
	if (backup->files == before)
		backup->why = arena_printf(
			backup->arena,
			"%s is missing, and nothing could be brought back without it", path);
	return backup->files > before;
}

/* --- the whole -------------------------------------------------------------------------------- */

static bool write_all(struct backup *backup)
{
	static const char *const keys[] = {".key", NULL};
	static const char *const messages[] = {".eml", ".json", NULL};
	bool good = add_head(backup);

	for (const char *const *name = backup->databases; good && *name; name++)
		good = add_database(backup, *name);
	return good && add_secret(backup) && add_directory(backup, "keys", keys, INT64_MAX) &&
	       add_directory(backup, "outbox", messages, moment_taken_ms(backup->moment)) &&
	       add_sum(backup) && (tar_write_end(&backup->tar) || fail(backup, backup->part));
}

/* What another backup has left half done is written over; one that is at work is not. */
static bool open_part(struct backup *backup)
{
	int file =
		open(backup->part, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);

	if (file < 0)
		return fail(backup, backup->part);
	if (flock(file, LOCK_EX | LOCK_NB)) {
		backup->why = arena_printf(backup->arena, "%s: another backup is writing there",
					   backup->target);
		close(file);
		return false;
	}
	if (ftruncate(file, 0) || fchmod(file, S_IRUSR | S_IWUSR)) {
		close(file);
		return fail(backup, backup->part);
	}
	tar_begin(&backup->tar, file);
	return true;
}

/* Under its name only once it is whole, and on the disk. link() never replaces another file. */
static bool keep(struct backup *backup)
{
	if (fsync(backup->tar.file) || link(backup->part, backup->target))
		return fail(backup, backup->target);
	if (unlink(backup->part) || !data_directory_sync_parent(backup->arena, backup->target))
		return fail(backup, backup->target);
	return true;
}

static bool take(struct backup *backup)
{
	struct database_options options = {
		.directory = backup->directory,
		.name = backup->databases[0],
		.read_only = true,
		.beside = backup->databases + 1,
	};
	bool good;

	if (!open_part(backup))
		return false;
	good = !moment_open(&options, backup->arena, &backup->moment, &backup->why) &&
	       write_all(backup) && keep(backup);
	if (!good)
		unlink(backup->part);
	moment_close(backup->moment);
	close(backup->tar.file);
	return good;
}

static bool find_databases(struct backup *backup)
{
	size_t count = 0;

	for (size_t i = 0; audit_files[i]; i++) {
		const char *path =
			arena_printf(backup->arena, "%s/%s.db", backup->directory, audit_files[i]);

		assert(count < DATABASES_MAX);
		if (access(path, F_OK) == 0)
			backup->databases[count++] = audit_files[i];
	}
	if (count == 0)
		backup->why = arena_printf(backup->arena, "%s is no data directory of a shop",
					   backup->directory);
	return count > 0;
}

static bool check_target(struct backup *backup)
{
	struct stat state;

	if (lstat(backup->target, &state) && errno == ENOENT)
		return true;
	backup->why =
		arena_printf(backup->arena, "%s is there already; a backup replaces no other file",
			     backup->target);
	return false;
}

int cli_backup(int argc, char **argv)
{
	struct backup backup = {.arena = NULL};
	const char *target = NULL;
	struct hash hash;
	int left, code = 1;

	if (!program_take_option(&argc, argv, "--to", &target) ||
	    !program_load_config(argc, argv, &left))
		return 2;
	if (left != 1 || !target || !*target) {
		fputs("usage: souk backup --to FILE [settings]; see souk backup --help\n", stderr);
		return 2;
	}
	backup.arena = arena_new();
	backup.directory = config_text("data");
	backup.target = target;
	backup.part = arena_printf(backup.arena, "%s.part", target);
	backup.copy = arena_printf(backup.arena, "%s.copy", target);
	if (find_databases(&backup) && check_target(&backup) && take(&backup)) {
		hash = tar_hash(&backup.tar);
		printf("%s: %" PRId64 " files, %" PRId64 " bytes\nSHA-256: %s\n", target,
		       backup.files, backup.tar.bytes,
		       hex_encode(backup.arena, hash.bytes, HASH_SIZE));
		code = fflush(stdout) ? 1 : 0;
	} else {
		fprintf(stderr, "souk: %s\n", backup.why ? backup.why : "the backup has failed");
	}
	arena_free(backup.arena);
	return code;
}
