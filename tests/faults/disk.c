/* What is written to files, and synced. */
#include "disk.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "faults.h"

#define DESCRIPTORS_MAX 65536

#define REAL(name, result, ...)                                      \
	static result (*real)(__VA_ARGS__);                          \
	do {                                                         \
		if (!real)                                           \
			*(void **)&real = dlsym(RTLD_NEXT, (#name)); \
	} while (0)

pthread_mutex_t disk_lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
_Thread_local bool disk_is_mine;
struct file *disk_files;

static struct file *open_files[DESCRIPTORS_MAX]; /* by descriptor; may be closed since */

int disk_fault(int64_t error)
{
	fault_happened();
	errno = (int)error;
	return -1;
}

/* --- files ------------------------------------------------------------------------------------ */

static struct file *file_find(const struct stat *state)
{
	struct file *file;

	for (file = disk_files; file; file = file->next)
		if (file->device == state->st_dev && file->inode == state->st_ino)
			return file;
	return NULL;
}

static struct file *file_of(int descriptor)
{
	struct file *file;
	struct stat state;

	if (descriptor < 0 || descriptor >= DESCRIPTORS_MAX || disk_is_mine)
		return NULL;
	file = open_files[descriptor];
	if (!file || fstat(descriptor, &state) || !S_ISREG(state.st_mode) ||
	    state.st_dev != file->device || state.st_ino != file->inode)
		return NULL;
	return file;
}

void disk_forget(struct file *file)
{
	size_t i;

	for (i = 0; i < SECTOR_BUCKETS; i++) {
		while (file->sectors[i]) {
			struct sector *sector = file->sectors[i];

			file->sectors[i] = sector->next;
			free(sector);
		}
	}
	file->dirty = false;
}

/* The file was opened, or made: a new file may have the number of one that is gone. */
static void file_opened(int descriptor, const char *path, bool is_new)
{
	struct stat state;
	struct file *file;

	if (descriptor < 0 || descriptor >= DESCRIPTORS_MAX)
		return;
	open_files[descriptor] = NULL;
	if (!path || fstat(descriptor, &state) || !S_ISREG(state.st_mode))
		return;
	file = file_find(&state);
	if (!file) {
		file = calloc(1, sizeof(*file));
		if (!file)
			abort();
		file->device = state.st_dev;
		file->inode = state.st_ino;
		file->next = disk_files;
		disk_files = file;
	} else if (is_new) {
		disk_forget(file);
	}
	snprintf(file->path, sizeof(file->path), "%s", path);
	open_files[descriptor] = file;
}

/* --- what was there before -------------------------------------------------------------------- */

static void read_before(int descriptor, const struct file *file, struct sector *sector)
{
	off_t at = sector->number * SECTOR;
	ssize_t length;
	int other;

	if (at >= file->size_before)
		return;
	length = pread(descriptor, sector->before, SECTOR, at);
	if (length >= 0 || errno != EBADF)
		return;
	/* It is open for writing alone. Never a database's: its closing would end SQLite's locks. */
	other = open(file->path, O_RDONLY | O_CLOEXEC);
	if (other < 0)
		return;
	length = pread(other, sector->before, SECTOR, at);
	close(other);
}

static off_t size_of(int descriptor)
{
	struct stat state;

	return fstat(descriptor, &state) ? 0 : state.st_size;
}

static void note_range(int descriptor, struct file *file, off_t from, off_t to)
{
	int64_t number;

	if (!file->dirty) {
		file->dirty = true;
		file->size_before = size_of(descriptor);
	}
	for (number = from / SECTOR; number * SECTOR < to; number++) {
		struct sector **bucket = &file->sectors[number % SECTOR_BUCKETS], *sector;

		for (sector = *bucket; sector; sector = sector->next)
			if (sector->number == number)
				break;
		if (sector)
			continue;
		sector = calloc(1, sizeof(*sector));
		if (!sector)
			abort();
		sector->number = number;
		read_before(descriptor, file, sector);
		sector->next = *bucket;
		*bucket = sector;
	}
}

/* --- opening ---------------------------------------------------------------------------------- */

static int open_watched(int directory, const char *path, int flags, mode_t mode,
			int (*real)(int directory, const char *path, int flags, ...))
{
	char whole[PATH_SIZE];
	bool watched = disk_path(directory, path, whole);
	bool writes = (flags & O_ACCMODE) != O_RDONLY || (flags & O_CREAT);
	int64_t error = watched && writes ? fault_word(FAULT_WRITE_ERROR) : 0;
	struct stat state;
	bool is_new;
	int descriptor;

	if (!watched) {
		descriptor = real(directory, path, flags, mode);
		pthread_mutex_lock(&disk_lock);
		file_opened(descriptor, NULL, false);
		pthread_mutex_unlock(&disk_lock);
		return descriptor;
	}
	pthread_mutex_lock(&disk_lock);
	is_new = stat(whole, &state) != 0;
	if (error && (is_new || error == EROFS)) {
		pthread_mutex_unlock(&disk_lock);
		return disk_fault(error);
	}
	descriptor = real(directory, path, flags & ~O_TRUNC, mode);
	file_opened(descriptor, whole, is_new);
	if (descriptor >= 0 && (flags & O_TRUNC) && writes && !is_new && open_files[descriptor]) {
		note_range(descriptor, open_files[descriptor], 0, size_of(descriptor));
		if (ftruncate(descriptor, 0))
			abort();
	}
	if (descriptor >= 0 && is_new)
		disk_note_made(NAME_MADE, whole);
	pthread_mutex_unlock(&disk_lock);
	return descriptor;
}

/* The mode, where the flags say that there is one. */
#define OPEN_MODE(flags)                                      \
	va_list arguments;                                    \
	mode_t mode = 0;                                      \
	va_start(arguments, flags);                           \
	if ((flags) & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))) \
		mode = va_arg(arguments, mode_t);             \
	va_end(arguments)

int open(const char *path, int flags, ...)
{
	REAL(openat, int, int, const char *, int, ...);
	OPEN_MODE(flags);
	return open_watched(AT_FDCWD, path, flags, mode, real);
}

int open64(const char *path, int flags, ...)
{
	REAL(openat64, int, int, const char *, int, ...);
	OPEN_MODE(flags);
	return open_watched(AT_FDCWD, path, flags, mode, real);
}

int openat(int directory, const char *path, int flags, ...)
{
	REAL(openat, int, int, const char *, int, ...);
	OPEN_MODE(flags);
	return open_watched(directory, path, flags, mode, real);
}

int openat64(int directory, const char *path, int flags, ...)
{
	REAL(openat64, int, int, const char *, int, ...);
	OPEN_MODE(flags);
	return open_watched(directory, path, flags, mode, real);
}

/* --- writing ---------------------------------------------------------------------------------- */

/* Before a change of what lies from `from` to `to`, the lock held: whether it may be made. */
static bool may_change(int descriptor, off_t from, off_t to)
{
	struct file *file = file_of(descriptor);
	int64_t error = file ? fault_word(FAULT_WRITE_ERROR) : 0;

	if (error)
		disk_fault(error);
	else if (file)
		note_range(descriptor, file, from, to);
	return !error;
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t length, off64_t offset)
{
	REAL(pwrite64, ssize_t, int, const void *, size_t, off64_t);
	ssize_t written = -1;

	pthread_mutex_lock(&disk_lock);
	if (may_change(descriptor, offset, offset + (off_t)length))
		written = real(descriptor, bytes, length, offset);
	pthread_mutex_unlock(&disk_lock);
	return written;
}

ssize_t pwrite(int descriptor, const void *bytes, size_t length, off_t offset)
{
	return pwrite64(descriptor, bytes, length, offset);
}

ssize_t write(int descriptor, const void *bytes, size_t length)
{
	REAL(write, ssize_t, int, const void *, size_t);
	ssize_t written = -1;
	off_t at;

	/* Mostly a pipe or an event descriptor, which need no lock. */
	if (descriptor < 0 || descriptor >= DESCRIPTORS_MAX || !open_files[descriptor])
		return real(descriptor, bytes, length);
	pthread_mutex_lock(&disk_lock);
	at = lseek(descriptor, 0, SEEK_CUR);
	if (may_change(descriptor, at, at + (off_t)length))
		written = real(descriptor, bytes, length);
	pthread_mutex_unlock(&disk_lock);
	return written;
}

int ftruncate64(int descriptor, off64_t size)
{
	REAL(ftruncate64, int, int, off64_t);
	int failed = -1;

	pthread_mutex_lock(&disk_lock);
	if (may_change(descriptor, size, size_of(descriptor)))
		failed = real(descriptor, size);
	pthread_mutex_unlock(&disk_lock);
	return failed;
}

/* --- reading ---------------------------------------------------------------------------------- */

/* Without the lock: a reader need not wait for the writers. */
static bool read_fails(int descriptor)
{
	int64_t error = fault_word(FAULT_READ_ERROR);

	if (!error || !file_of(descriptor))
		return false;
	disk_fault(error);
	return true;
}

ssize_t pread64(int descriptor, void *bytes, size_t length, off64_t offset)
{
	REAL(pread64, ssize_t, int, void *, size_t, off64_t);
	return read_fails(descriptor) ? -1 : real(descriptor, bytes, length, offset);
}

/* --- syncing ---------------------------------------------------------------------------------- */

static void hold_sandbox(int descriptor)
{
	struct file *file;

	while (fault_word(FAULT_HOLD_SANDBOX)) {
		file = file_of(descriptor);
		if (!file || !strstr(file->path, "/sandbox.db"))
			return;
		usleep(2000);
	}
}

/* Whether it is a directory, and where. */
static bool directory_path(int descriptor, char path[static PATH_SIZE])
{
	char link[64];
	struct stat state;
	ssize_t length;

	if (fstat(descriptor, &state) || !S_ISDIR(state.st_mode))
		return false;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", descriptor);
	length = readlink(link, path, PATH_SIZE - 1);
	path[length < 0 ? 0 : length] = '\0';
	return length > 0;
}

static bool is_log(const struct file *file)
{
	size_t length = file ? strlen(file->path) : 0;

	return length > 4 && strcmp(file->path + length - 4, "-wal") == 0;
}

static int sync_watched(int descriptor)
{
	static uint64_t delays;
	int64_t delay_us = fault_word(FAULT_SYNC_DELAY_US);
	char path[PATH_SIZE];
	struct file *file;
	int64_t error;

	hold_sandbox(descriptor);
	if (delay_us)
		usleep((useconds_t)(fault_random(&delays) % (uint64_t)delay_us));
	pthread_mutex_lock(&disk_lock);
	file = file_of(descriptor);
	error = fault_word(FAULT_SYNC_ERROR);
	if (fault_word(FAULT_SYNC_FILES) && is_log(file))
		error = 0;
	if (file && !error)
		disk_forget(file);
	if (!file && !error && directory_path(descriptor, path))
		disk_directory_synced(path);
	pthread_mutex_unlock(&disk_lock);
	return error ? disk_fault(error) : 0;
}

/* Whoever syncs a file system through a directory relies on the contents of its files alone. */
static void forget_inside(const char *directory)
{
	size_t length = strlen(directory);
	struct file *file;

	for (file = disk_files; file; file = file->next)
		if (strncmp(file->path, directory, length) == 0 && file->path[length] == '/')
			disk_forget(file);
}

int syncfs(int descriptor)
{
	int64_t error = fault_word(FAULT_SYNC_ERROR);
	char path[PATH_SIZE];

	if (error)
		return disk_fault(error);
	pthread_mutex_lock(&disk_lock);
	if (directory_path(descriptor, path))
		forget_inside(path);
	pthread_mutex_unlock(&disk_lock);
	return 0;
}

int fsync(int descriptor)
{
	return sync_watched(descriptor);
}

int fdatasync(int descriptor)
{
	return sync_watched(descriptor);
}
