/*
 * The platform's secret: <data>/souk.key, 32 random bytes for the owner's eyes alone, made at the
 * first start. The file is whole or absent: written aside, synced, renamed.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/env.h"
#include "platform/internal.h"

static struct secret the_secret;

const struct secret *platform_secret(void)
{
	return &the_secret;
}

/* False with errno set; a file of another length is none of ours (EINVAL). */
static bool read_secret(int directory, struct secret *ret_secret)
{
	int file = openat(directory, "souk.key", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t length;

	if (file < 0)
		return false;
	length = read(file, ret_secret->bytes, SECRET_SIZE);
	close(file);
	if (length >= 0 && length != SECRET_SIZE)
		errno = EINVAL;
	return length == SECRET_SIZE;
}

static bool write_secret(int directory, const struct secret *secret)
{
	int file = openat(directory, "souk.key.new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
			  S_IRUSR | S_IWUSR);
	bool written;

	if (file < 0)
		return false;
	written = write(file, secret->bytes, SECRET_SIZE) == SECRET_SIZE && !fsync(file);
	return !close(file) && written &&
	       !renameat(directory, "souk.key.new", directory, "souk.key") && !fsync(directory);
}

enum err platform_secret_open(const char *data_directory, struct arena *arena, const char **ret_why)
{
	int directory = open(data_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool known = directory >= 0 && read_secret(directory, &the_secret);

	if (!known && directory >= 0 && errno == ENOENT) {
		env_random(the_secret.bytes, SECRET_SIZE);
		known = write_secret(directory, &the_secret);
	}
	if (!known)
		*ret_why = arena_printf(arena, "%s/souk.key: %s", data_directory, strerror(errno));
	if (directory >= 0)
		close(directory);
	return known ? OK : ERR_STORAGE;
}
