/*
 * The platform's secret: <data>/souk.key, 32 random bytes for the owner's eyes alone, made at the
 * first start. The file is whole or absent: written aside, synced, renamed.
 *
 * It is never made anew beside data that were sealed with another: where the file is lost, or is not
 * the one that they were sealed with, the start is refused, and the owner decides. Each database
 * keeps a mark of the secret, by which the right one is known.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/env.h"
#include "platform/internal.h"

#define MARK_TEXT "the secret of this shop"

static struct secret the_secret;

const struct secret *platform_secret(void)
{
	return &the_secret;
}

struct hash service_fingerprint(const struct service *service, const char *purpose,
				const void *bytes, size_t length)
{
	struct hash parts[3] = {hash_of_text(service->name), hash_of_text(purpose),
				hash_of(bytes, length)};

	return secret_hash(&the_secret, parts, sizeof(parts));
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

/* Whether there are data that a lost secret may have sealed: a file of one of these services. */
static bool has_databases(int directory, const struct service *const *all, struct arena *arena)
{
	bool found = false;

	for (; *all && !found; all++)
		found = !faccessat(directory, arena_printf(arena, "%s.db", (*all)->name), F_OK, 0);
	return found;
}

static enum err refuse_secret(struct arena *arena, const char *what, const char *data_directory,
			      const char **ret_why)
{
	*ret_why = arena_printf(arena,
				"%s/souk.key %s. Put the one back that belongs to the data, or"
				" restore a backup (souk restore). Where it is lost for good, go on"
				" without it by: souk keys replace-secret --data %s",
				data_directory, what, data_directory);
	return ERR_CONFLICT;
}

static bool make_secret(int directory)
{
	env_random(the_secret.bytes, SECRET_SIZE);
	return write_secret(directory, &the_secret);
}

static enum err open_secret(int directory, const char *data_directory,
			    const struct service *const *all, bool replace, struct arena *arena,
			    const char **ret_why)
{
	bool known = directory >= 0 && !replace && read_secret(directory, &the_secret);

	if (!known && directory >= 0 && (replace || errno == ENOENT)) {
		if (!replace && has_databases(directory, all, arena))
			return refuse_secret(arena, "is missing", data_directory, ret_why);
		known = make_secret(directory);
	}
	if (known)
		return OK;
	if (errno == EINVAL)
		return refuse_secret(arena, "is damaged", data_directory, ret_why);
	*ret_why = arena_printf(arena, "%s/souk.key: %s", data_directory, strerror(errno));
	return ERR_STORAGE;
}

enum err platform_secret_open(const char *data_directory, const struct service *const *all,
			      bool replace, struct arena *arena, const char **ret_why)
{
	int directory = open(data_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum err err = open_secret(directory, data_directory, all, replace, arena, ret_why);

	if (directory >= 0)
		close(directory);
	return err;
}

/* --- marks ------------------------------------------------------------------------------------ */

struct marking {
	bool replace, strange;
};

static enum err write_mark(struct sql *sql, const struct hash *mark)
{
	enum err err = sql_run(sql, "DELETE FROM secret_mark");

	if (err)
		return err;
	return sql_run(sql, "INSERT INTO secret_mark (mark) VALUES ($1)",
		       sql_blob(mark->bytes, HASH_SIZE));
}

static enum err check_mark(struct sql *sql, void *arg)
{
	struct marking *marking = arg;
	struct hash mark = secret_hash(&the_secret, MARK_TEXT, strlen(MARK_TEXT));
	struct sql_rows *rows = sql_query(sql, "SELECT mark FROM secret_mark");
	const void *stored;
	size_t length;
	enum err err = sql_first(rows);

	if (err == ERR_NOT_FOUND)
		return write_mark(sql, &mark);
	if (err)
		return err;
	stored = sql_peek_blob(rows, 0, &length);
	marking->strange = length != HASH_SIZE || memcmp(stored, mark.bytes, HASH_SIZE) != 0;
	err = sql_end(rows);
	if (!err && marking->strange && marking->replace)
		err = write_mark(sql, &mark);
	return err;
}

enum err platform_secret_check(struct database *database, const char *data_directory, bool replace,
			       struct arena *arena, const char **ret_why)
{
	struct marking marking = {.replace = replace};
	enum err err = sql_transaction(database, check_mark, &marking);

	if (err) {
		*ret_why = arena_printf(arena, "%s.db: %s", database_name(database),
					err_info(err)->title);
		return err;
	}
	if (marking.strange && !replace)
		return refuse_secret(arena,
				     arena_printf(arena,
						  "is not the one that %s.db was sealed with",
						  database_name(database)),
				     data_directory, ret_why);
	return OK;
}
