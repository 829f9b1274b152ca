/* The signing keys on disk. */
#include "services/auth/key_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/env.h"
#include "base/log.h"
#include "base/text.h"
#include "base/time.h"

#define SEED_SIZE 32
#define FILE_SIZE_MAX 64
#define NAME_SIZE 32
#define ENDING ".key"
#define ASIDE ".new" /* a key that is being written, under the lock */
#define PRUNE_MARGIN_MS MINUTE_MS

/* --- deciding --------------------------------------------------------------------------------- */

const struct jwt_key *key_that_signs(const struct jwt_keys *keys, int64_t now_ms)
{
	size_t i = 0;

	assert(keys->count > 0);
	while (i + 1 < keys->count && keys->keys[i].created_ms + KEY_SETTLE_MS > now_ms)
		i++;
	return &keys->keys[i];
}

bool key_is_needless(const struct jwt_keys *keys, size_t index, int64_t life_ms, int64_t now_ms)
{
	if (index == 0)
		return false;
	return keys->keys[index - 1].created_ms + KEY_SETTLE_MS + life_ms + PRUNE_MARGIN_MS <
	       now_ms;
}

/* --- reading ---------------------------------------------------------------------------------- */

static enum err fail(struct arena *arena, const char **ret_why, const char *what, const char *name)
{
	int error = errno;

	*ret_why = arena_printf(arena, "%s %s: %s", what, name, strerrordesc_np(error));
	return error == ENOSPC || error == EDQUOT ? ERR_STORAGE_FULL : ERR_STORAGE;
}

static char *directory_of(struct arena *arena, const char *data_directory)
{
	return arena_printf(arena, "%s/keys", data_directory);
}

/* "1763817360000.key" */
static bool parse_name(const char *name, int64_t *ret_created_ms)
{
	size_t length = strlen(name), ending = strlen(ENDING);
	char digits[NAME_SIZE];

	if (length <= ending || length >= NAME_SIZE || strcmp(name + length - ending, ENDING) != 0)
		return false;
	memcpy(digits, name, length - ending);
	digits[length - ending] = '\0';
	return text_to_int(digits, ret_created_ms) && *ret_created_ms >= 0;
}

static void write_name(int64_t created_ms, char name[static NAME_SIZE])
{
	snprintf(name, NAME_SIZE, "%013" PRId64 ENDING, created_ms);
}

static void close_to_others(int file, const char *name)
{
	struct stat state;

	if (fstat(file, &state) || !(state.st_mode & (S_IRWXG | S_IRWXO)))
		return;
	log_warning("auth.key-mode", "keys/%s %s; souk keys rotate makes another", name,
		    fchmod(file, S_IRUSR | S_IWUSR) ? "is open to others: chmod 600 it"
						    : "was open to others until now");
}

static enum err read_key(int directory, const char *name, int64_t created_ms, struct arena *arena,
			 struct jwt_key *ret_key, const char **ret_why)
{
	int file = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	char text[FILE_SIZE_MAX + 1];
	uint8_t *seed;
	size_t seed_length;
	ssize_t length;

	if (file < 0)
		return fail(arena, ret_why, "cannot open key", name);
	close_to_others(file, name);
	length = read(file, text, FILE_SIZE_MAX);
	close(file);
	if (length < 0)
		return fail(arena, ret_why, "cannot read key", name);
	text[length] = '\0';
	text[strcspn(text, "\n")] = '\0';
	if (!base64url_decode(arena, text, &seed, &seed_length) || seed_length != SEED_SIZE) {
		*ret_why = arena_printf(arena, "key %s is damaged", name);
		return ERR_STORAGE;
	}
	jwt_key_from_seed(seed, ret_key);
	ret_key->created_ms = created_ms;
	explicit_bzero(seed, seed_length);
	explicit_bzero(text, sizeof(text));
	return OK;
}

/* Puts it where it belongs, the newest first; the oldest falls off the end. */
static void insert_key(struct jwt_keys *keys, const struct jwt_key *key)
{
	size_t at = keys->count;

	while (at > 0 && keys->keys[at - 1].created_ms < key->created_ms)
		at--;
	if (at == JWT_KEYS_MAX)
		return;
	if (keys->count < JWT_KEYS_MAX)
		keys->count++;
	memmove(&keys->keys[at + 1], &keys->keys[at],
		(keys->count - at - 1) * sizeof(keys->keys[0]));
	keys->keys[at] = *key;
}

static enum err read_all(int directory, struct arena *arena, struct jwt_keys *ret_keys,
			 const char **ret_why)
{
	int copy = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *entries = copy < 0 ? NULL : fdopendir(copy);
	struct jwt_keys keys = {.count = 0};
	struct jwt_key key;
	struct dirent *entry;
	int64_t created_ms;
	enum err err = OK;

	if (!entries) {
		err = fail(arena, ret_why, "cannot list", "keys");
		if (copy >= 0)
			close(copy);
		return err;
	}
	while (!err && (entry = readdir(entries))) {
		if (!parse_name(entry->d_name, &created_ms))
			continue;
		err = read_key(directory, entry->d_name, created_ms, arena, &key, ret_why);
		if (!err)
			insert_key(&keys, &key);
	}
	closedir(entries);
	if (!err)
		*ret_keys = keys;
	explicit_bzero(&keys, sizeof(keys));
	explicit_bzero(&key, sizeof(key));
	return err;
}

enum err key_files_read(const char *data_directory, struct arena *arena, struct jwt_keys *ret_keys,
			const char **ret_why)
{
	const char *path = directory_of(arena, data_directory);
	int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum err err;

	if (directory < 0 && errno == ENOENT) {
		ret_keys->count = 0;
		return OK;
	}
	if (directory < 0)
		return fail(arena, ret_why, "cannot open", path);
	err = read_all(directory, arena, ret_keys, ret_why);
	close(directory);
	return err;
}

/* --- changing --------------------------------------------------------------------------------- */

static enum err sync_path(const char *path, struct arena *arena, const char **ret_why)
{
	int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum err err = OK;

	if (directory < 0 || fsync(directory))
		err = fail(arena, ret_why, "cannot sync", path);
	if (directory >= 0)
		close(directory);
	return err;
}

/* Opens the directory, made where there is none, and locks it; the lock ends with its closing. */
static enum err open_locked(const char *data_directory, struct arena *arena, int *ret_directory,
			    const char **ret_why)
{
	const char *path = directory_of(arena, data_directory);
	int directory;
	enum err err;

	if (mkdir(path, S_IRWXU) == 0) {
		err = sync_path(data_directory, arena, ret_why);
		if (err)
			return err;
	} else if (errno != EEXIST) {
		return fail(arena, ret_why, "cannot make", path);
	}
	directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		return fail(arena, ret_why, "cannot open", path);
	if (flock(directory, LOCK_EX)) {
		err = fail(arena, ret_why, "cannot lock", path);
		close(directory);
		return err;
	}
	*ret_directory = directory;
	return OK;
}

static bool write_aside(int directory, const char *text)
{
	int file = openat(directory, ASIDE, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
			  S_IRUSR | S_IWUSR);
	size_t length = strlen(text);
	bool written;

	if (file < 0)
		return false;
	written = write(file, text, length) == (ssize_t)length && fsync(file) == 0;
	return close(file) == 0 && written;
}

static enum err write_key(int directory, int64_t created_ms, struct arena *arena,
			  const char **ret_why)
{
	uint8_t seed[SEED_SIZE];
	char name[NAME_SIZE];
	char *text;
	bool written;

	env_random(seed, sizeof(seed));
	text = arena_printf(arena, "%s\n", base64url_encode(arena, seed, sizeof(seed)));
	written = write_aside(directory, text);
	explicit_bzero(seed, sizeof(seed));
	explicit_bzero(text, strlen(text));
	write_name(created_ms, name);
	if (!written || renameat(directory, ASIDE, directory, name) || fsync(directory))
		return fail(arena, ret_why, "cannot write key", name);
	return OK;
}

static enum err write_another(int directory, size_t count, int64_t created_ms, struct arena *arena,
			      const char **ret_why)
{
	if (count < JWT_KEYS_MAX)
		return write_key(directory, created_ms, arena, ret_why);
	*ret_why = "as many keys as there may be are still needed; try again tomorrow";
	return ERR_CONFLICT;
}

enum err key_files_add(const char *data_directory, bool only_first, struct arena *arena,
		       const char **ret_why)
{
	struct jwt_keys keys;
	int64_t created_ms = env_now_ms();
	int directory;
	enum err err;

	err = open_locked(data_directory, arena, &directory, ret_why);
	if (err)
		return err;
	err = read_all(directory, arena, &keys, ret_why);
	if (!err && (keys.count == 0 || !only_first)) {
		/* Also where the clock was set back: the newest is the last that was made. */
		if (keys.count > 0)
			created_ms = MAX(created_ms, keys.keys[0].created_ms + 1);
		err = write_another(directory, keys.count, created_ms, arena, ret_why);
	}
	explicit_bzero(&keys, sizeof(keys));
	close(directory);
	return err;
}

enum err key_files_prune(const char *data_directory, int64_t life_ms, struct arena *arena,
			 size_t *ret_removed, const char **ret_why)
{
	int64_t now_ms = env_now_ms();
	char name[NAME_SIZE];
	struct jwt_keys keys;
	size_t removed = 0;
	int directory;
	enum err err;

	err = open_locked(data_directory, arena, &directory, ret_why);
	if (err)
		return err;
	err = read_all(directory, arena, &keys, ret_why);
	for (size_t i = 0; !err && i < keys.count; i++) {
		if (!key_is_needless(&keys, i, life_ms, now_ms))
			continue;
		write_name(keys.keys[i].created_ms, name);
		if (unlinkat(directory, name, 0))
			err = fail(arena, ret_why, "cannot remove key", name);
		else
			removed++;
	}
	if (!err && removed > 0 && fsync(directory))
		err = fail(arena, ret_why, "cannot sync", "keys");
	explicit_bzero(&keys, sizeof(keys));
	close(directory);
	if (!err)
		*ret_removed = removed;
	return err;
}
