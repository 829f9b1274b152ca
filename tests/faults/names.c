/* Names that come and go, and are on the disk only once their directory is synced. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disk.h"
#include "faults.h"

#define REAL(name, result, ...)                                      \
	static result (*real)(__VA_ARGS__);                          \
	do {                                                         \
		if (!real)                                           \
			*(void **)&real = dlsym(RTLD_NEXT, (#name)); \
	} while (0)

struct change *disk_changes;

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), end_length = strlen(end);

	return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

bool disk_path(int directory, const char *path, char whole[static PATH_SIZE])
{
	static const char *root;
	char link[64], at[PATH_SIZE / 2] = "";
	ssize_t length;
	size_t root_length;

	if (!root)
		root = getenv("FAULTS_DIRECTORY");
	if (!root || disk_is_mine)
		return false;
	if (path[0] != '/') {
		snprintf(link, sizeof(link),
			 directory == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", directory);
		length = readlink(link, at, sizeof(at) - 1);
		if (length < 0)
			return false;
		at[length] = '\0';
	}
	if (snprintf(whole, PATH_SIZE, "%s%s%s", at, *at ? "/" : "", path) >= PATH_SIZE)
		return false;
	root_length = strlen(root);
	return strncmp(whole, root, root_length) == 0 && whole[root_length] == '/' &&
	       !ends_with(whole, "-shm") && !ends_with(whole, "/souk.lock");
}

/* --- noting ----------------------------------------------------------------------------------- */

static struct change *change_new(enum name_change what, const char *path)
{
	struct change *change = calloc(1, sizeof(*change));

	if (!change)
		abort();
	change->what = what;
	snprintf(change->path, sizeof(change->path), "%s", path);
	change->earlier = disk_changes;
	disk_changes = change;
	return change;
}

/* What is at `path` now, because it will not be any more. */
static void keep_content(struct change *change, const char *path)
{
	int file = open(path, O_RDONLY | O_CLOEXEC);
	struct stat state;
	ssize_t length;

	if (file < 0)
		return;
	if (fstat(file, &state) == 0) {
		change->content = malloc((size_t)state.st_size + 1);
		length = change->content ? pread(file, change->content, (size_t)state.st_size, 0)
					 : -1;
		change->had_content = length >= 0;
		change->length = length < 0 ? 0 : (size_t)length;
	}
	close(file);
}

void disk_note_made(enum name_change what, const char *path)
{
	change_new(what, path);
}

void disk_note_moved(const char *path, const char *to)
{
	struct change *change = change_new(NAME_MOVED, path);
	struct file *file;

	snprintf(change->to, sizeof(change->to), "%s", to);
	for (file = disk_files; file; file = file->next)
		if (strcmp(file->path, path) == 0)
			snprintf(file->path, sizeof(file->path), "%s", to);
}

void disk_note_removed(const char *path)
{
	change_new(NAME_REMOVED, path);
}

static void change_free(struct change *change)
{
	free(change->content);
	free(change);
}

void disk_directory_synced(const char *path)
{
	struct change **link = &disk_changes;
	size_t length = strlen(path);

	while (*link) {
		struct change *change = *link;

		if (strncmp(change->path, path, length) == 0 && change->path[length] == '/' &&
		    !strchr(change->path + length + 1, '/')) {
			*link = change->earlier;
			change_free(change);
		} else {
			link = &change->earlier;
		}
	}
}

/* Takes the latest change back: it did not happen after all. */
static void forget_latest(void)
{
	struct change *change = disk_changes;

	disk_changes = change->earlier;
	change_free(change);
}

/* --- the calls -------------------------------------------------------------------------------- */

static int rename_watched(int from_directory, const char *from, int to_directory, const char *to,
			  int (*real)(int, const char *, int, const char *))
{
	char whole[PATH_SIZE], whole_to[PATH_SIZE];
	int64_t error = fault_word(FAULT_WRITE_ERROR);
	struct change *change;
	int failed;

	if (!disk_path(from_directory, from, whole) || !disk_path(to_directory, to, whole_to))
		return real(from_directory, from, to_directory, to);
	if (error)
		return disk_fault(error);
	change = calloc(1, sizeof(*change));
	if (!change)
		abort();
	keep_content(change, whole_to);
	pthread_mutex_lock(&disk_lock);
	failed = real(from_directory, from, to_directory, to);
	if (!failed) {
		disk_note_moved(whole, whole_to);
		disk_changes->had_content = change->had_content;
		disk_changes->content = change->content;
		disk_changes->length = change->length;
		change->content = NULL;
	}
	pthread_mutex_unlock(&disk_lock);
	change_free(change);
	return failed;
}

int renameat(int from_directory, const char *from, int to_directory, const char *to)
{
	REAL(renameat, int, int, const char *, int, const char *);
	return rename_watched(from_directory, from, to_directory, to, real);
}

int rename(const char *from, const char *to)
{
	REAL(renameat, int, int, const char *, int, const char *);
	return rename_watched(AT_FDCWD, from, AT_FDCWD, to, real);
}

static int unlink_watched(int directory, const char *path, int flags,
			  int (*real)(int, const char *, int))
{
	char whole[PATH_SIZE];
	int64_t error = fault_word(FAULT_WRITE_ERROR);
	struct change kept = {0};
	int failed;

	if (!disk_path(directory, path, whole))
		return real(directory, path, flags);
	if (error == EROFS)
		return disk_fault(error);
	keep_content(&kept, whole);
	pthread_mutex_lock(&disk_lock);
	disk_note_removed(whole);
	failed = real(directory, path, flags);
	if (failed) {
		int reason = errno;

		forget_latest();
		free(kept.content);
		errno = reason;
	} else {
		disk_changes->had_content = kept.had_content;
		disk_changes->content = kept.content;
		disk_changes->length = kept.length;
	}
	pthread_mutex_unlock(&disk_lock);
	return failed;
}

int unlinkat(int directory, const char *path, int flags)
{
	REAL(unlinkat, int, int, const char *, int);
	return unlink_watched(directory, path, flags, real);
}

int unlink(const char *path)
{
	REAL(unlinkat, int, int, const char *, int);
	return unlink_watched(AT_FDCWD, path, 0, real);
}

int mkdir(const char *path, mode_t mode)
{
	REAL(mkdir, int, const char *, mode_t);
	char whole[PATH_SIZE];
	int64_t error = fault_word(FAULT_WRITE_ERROR);
	struct stat state;
	int failed;

	if (!disk_path(AT_FDCWD, path, whole))
		return real(path, mode);
	if (error && stat(whole, &state))
		return disk_fault(error);
	pthread_mutex_lock(&disk_lock);
	failed = real(path, mode);
	if (!failed)
		disk_note_made(NAME_DIRECTORY, whole);
	pthread_mutex_unlock(&disk_lock);
	return failed;
}
