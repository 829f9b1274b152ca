/* See data_directory.h. */
#include "cli/data_directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"
#include "base/out.h"

#define HOLDER_SIZE 4096

#define TIGHTEN_MAX 2000 /* files of a directory that nobody else could enter anyway */

static int directory_descriptor = -1; /* what is locked */
static int lock_descriptor = -1;      /* of souk.lock */

bool data_directory_sync_parent(struct arena *arena, const char *path)
{
	const char *slash = strrchr(path, '/'), *parent = ".";
	int file;
	bool good;

	if (slash)
		parent =
			slash == path ? "/" : arena_copy_bytes(arena, path, (size_t)(slash - path));
	file = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (file < 0)
		return false;
	good = fsync(file) == 0;
	close(file);
	return good;
}

static bool make_one(struct arena *arena, const char *path)
{
	if (mkdir(path, 0700))
		return errno == EEXIST;
	return data_directory_sync_parent(arena, path);
}

/* As mkdir -p, for the owner alone. */
static bool make_directory(struct arena *arena, const char *directory)
{
	char *path = arena_copy_text(arena, directory), *slash;

	for (slash = path + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		if (!make_one(arena, path))
			return false;
		*slash = '/';
	}
	return make_one(arena, path);
}

/* --- for the owner alone ---------------------------------------------------------------------- */

static bool ends_with(const char *name, const char *ending)
{
	size_t length = strlen(name), ending_length = strlen(ending);

	return length > ending_length && strcmp(name + length - ending_length, ending) == 0;
}

static bool is_ours(const char *name)
{
	static const char *const endings[] = {".db", ".db-wal", ".db-shm", ".db-journal"};

	for (size_t i = 0; i < ARRAY_LENGTH(endings); i++)
		if (ends_with(name, endings[i]))
			return true;
	return strncmp(name, "souk.", strlen("souk.")) == 0 || strcmp(name, "keys") == 0 ||
	       strcmp(name, "outbox") == 0;
}

static bool open_to_others(const struct stat *state)
{
	return state->st_mode & (S_IRWXG | S_IRWXO);
}

static void tighten_files(DIR *entries, bool all_ours, size_t most)
{
	struct dirent *entry;
	struct stat state;

	while (most-- > 0 && (entry = readdir(entries))) {
		int directory = dirfd(entries);

		if (!all_ours && !is_ours(entry->d_name))
			continue;
		if (!fstatat(directory, entry->d_name, &state, AT_SYMLINK_NOFOLLOW) &&
		    S_ISREG(state.st_mode) && open_to_others(&state) &&
		    fchmodat(directory, entry->d_name, S_IRUSR | S_IWUSR, 0))
			log_warning("data.mode", "%s is open to others: %s", entry->d_name,
				    strerror(errno));
	}
}

/* Whether nothing but the shop's own lies in it: another's directory (/tmp) keeps its mode. */
static bool holds_ours_alone(DIR *entries)
{
	struct dirent *entry;
	bool ours = true;

	while (ours && (entry = readdir(entries)))
		ours = is_ours(entry->d_name) || strcmp(entry->d_name, ".") == 0 ||
		       strcmp(entry->d_name, "..") == 0;
	rewinddir(entries);
	return ours;
}

/* Takes from others what an earlier program, another umask or a copy has left to them. */
static void tighten(int parent, const char *name, bool all_ours, bool files)
{
	int directory = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *entries = directory < 0 ? NULL : fdopendir(directory);
	struct stat state;

	if (!entries || fstat(directory, &state)) {
		if (directory >= 0 && !entries)
			close(directory);
		return;
	}
	if (files)
		tighten_files(entries, all_ours, open_to_others(&state) ? SIZE_MAX : TIGHTEN_MAX);
	rewinddir(entries);
	if (open_to_others(&state) && (all_ours || holds_ours_alone(entries)) &&
	    fchmod(directory, S_IRWXU))
		log_warning("data.mode", "%s is open to others: %s", name, strerror(errno));
	closedir(entries);
}

/* --- the lock --------------------------------------------------------------------------------- */

static void read_holder(struct arena *arena, struct data_holder *ret_holder)
{
	char text[HOLDER_SIZE];
	ssize_t length = lock_descriptor < 0 ? -1 : pread(lock_descriptor, text, sizeof(text), 0);
	json_t *json;

	*ret_holder = (struct data_holder){0};
	if (length <= 0 || json_parse(arena, text, (size_t)length, &json, NULL))
		return;
	ret_holder->pid = json_get_int(json, "pid");
	ret_holder->address = arena_copy_text(arena, json_get_text(json, "address"));
	ret_holder->issuer = arena_copy_text(arena, json_get_text(json, "issuer"));
}

static void let_go(int *descriptor)
{
	if (*descriptor >= 0)
		close(*descriptor);
	*descriptor = -1;
}

/* The directory itself is locked: a file in it could be removed, and made anew beside the one that
 * is locked. souk.lock says who holds it, and keeps programs out that know of that file alone. */
static enum err take_lock(const char *directory, const char *path)
{
	bool held;

	directory_descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory_descriptor < 0)
		return ERR_STORAGE;
	held = flock(directory_descriptor, LOCK_EX | LOCK_NB) != 0;
	if (held && errno != EWOULDBLOCK)
		return ERR_STORAGE;
	lock_descriptor = open(path, O_RDWR | (held ? 0 : O_CREAT) | O_CLOEXEC, S_IRUSR | S_IWUSR);
	if (held)
		return ERR_CONFLICT;
	if (lock_descriptor < 0)
		return ERR_STORAGE;
	if (flock(lock_descriptor, LOCK_EX | LOCK_NB))
		return errno == EWOULDBLOCK ? ERR_CONFLICT : ERR_STORAGE;
	return OK;
}

enum err data_directory_lock(struct arena *arena, const char *directory,
			     struct data_holder *ret_holder, const char **ret_why)
{
	const char *path = arena_printf(arena, "%s/souk.lock", directory);
	enum err err = make_directory(arena, directory) ? take_lock(directory, path) : ERR_STORAGE;

	if (err == ERR_STORAGE)
		*ret_why = arena_printf(arena, "%s: %s", path, strerror(errno));
	if (err == ERR_CONFLICT)
		read_holder(arena, ret_holder);
	if (err) {
		data_directory_unlock();
		return err;
	}
	tighten(directory_descriptor, ".", false, true);
	/* Its files are closed, and told of, by Auth. */
	tighten(directory_descriptor, "keys", true, false);
	tighten(directory_descriptor, "outbox", true, true);
	data_directory_announce(NULL, NULL);
	return OK;
}

void data_directory_announce(const char *address, const char *issuer)
{
	struct arena *arena = arena_new();
	struct out out = out_new(arena);
	bool told;

	out_open(&out, NULL);
	out_int(&out, "pid", getpid());
	out_text(&out, "address", address);
	out_text(&out, "issuer", issuer);
	out_close(&out);
	out_bytes(&out, "\n", 1);
	/* Only a help for those who look: the lock is what counts. */
	told = ftruncate(lock_descriptor, 0) == 0 &&
	       pwrite(lock_descriptor, out.data, out.length, 0) == (ssize_t)out.length;
	(void)told;
	arena_free(arena);
}

void data_directory_unlock(void)
{
	let_go(&lock_descriptor);
	let_go(&directory_descriptor);
}
