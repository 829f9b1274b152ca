/* See data_directory.h. */
#include "cli/data_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/out.h"

#define HOLDER_SIZE 4096

static int lock_descriptor = -1;

/* A name that was made is on the disk once the directory it is in is. */
static bool sync_parent(struct arena *arena, const char *path)
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
	return sync_parent(arena, path);
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

static void read_holder(struct arena *arena, struct data_holder *ret_holder)
{
	char text[HOLDER_SIZE];
	ssize_t length = pread(lock_descriptor, text, sizeof(text), 0);
	json_t *json;

	*ret_holder = (struct data_holder){0};
	if (length <= 0 || json_parse(arena, text, (size_t)length, &json, NULL))
		return;
	ret_holder->pid = json_get_int(json, "pid");
	ret_holder->address = arena_copy_text(arena, json_get_text(json, "address"));
	ret_holder->issuer = arena_copy_text(arena, json_get_text(json, "issuer"));
}

enum err data_directory_lock(struct arena *arena, const char *directory,
			     struct data_holder *ret_holder, const char **ret_why)
{
	const char *path = arena_printf(arena, "%s/souk.lock", directory);

	if (make_directory(arena, directory))
		lock_descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (lock_descriptor < 0) {
		*ret_why = arena_printf(arena, "%s: %s", path, strerror(errno));
		return ERR_STORAGE;
	}
	if (flock(lock_descriptor, LOCK_EX | LOCK_NB)) {
		read_holder(arena, ret_holder);
		close(lock_descriptor);
		lock_descriptor = -1;
		return ERR_CONFLICT;
	}
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
	if (lock_descriptor >= 0)
		close(lock_descriptor);
	lock_descriptor = -1;
}
