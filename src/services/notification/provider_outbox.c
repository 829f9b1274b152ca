/*
 * The provider `outbox`: every message becomes a file of the data directory, outbox/<id>.eml,
 * <id>.sms.json or <id>.push.json, for a mail transfer agent, another program or a developer to
 * take.
 *
 * A file appears whole or not at all, and under the message's id: sent again after a crash it
 * replaces itself. Its bytes are on the disk before it has its name. That takes two syncs for as
 * many messages as there are: one of the file system, once all bytes are written, which costs less
 * than one of every file; one of the directory, once all have their names.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/config.h"
#include "base/log.h"
#include "runtime/fiber.h"
#include "services/notification/mail.h"
#include "services/notification/provider.h"

static const char *directory(struct arena *arena)
{
	return arena_printf(arena, "%s/outbox", config_text("data"));
}

/* A new name is on the disk once its directory is. */
static bool sync_directory(const char *path)
{
	int file = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool good;

	if (file < 0)
		return false;
	good = fsync(file) == 0;
	close(file);
	return good;
}

/* Synced at every start: a start that was cut off may have made it, and not come so far. */
static enum err start(void)
{
	struct arena *arena = arena_new();
	const char *path = directory(arena);
	enum err err = OK;

	if ((mkdir(path, 0700) && errno != EEXIST) || !sync_directory(config_text("data"))) {
		log_error("notification.outbox", "%s cannot be made: %s", path, strerror(errno));
		err = ERR_STORAGE;
	}
	arena_free(arena);
	return err;
}

/* --- what is written -------------------------------------------------------------------------- */

static const char *const extensions[] = {
	[CHANNEL_EMAIL] = "eml",
	[CHANNEL_SMS] = "sms.json",
	[CHANNEL_PUSH] = "push.json",
};

static const char *name_of(struct arena *arena, const struct message *message)
{
	return arena_printf(arena, "%s.%s", id_text(arena, &message->id),
			    extensions[message->channel]);
}

static struct out content_of(struct arena *arena, const struct message *message)
{
	struct out out;

	if (message->channel == CHANNEL_EMAIL)
		return mail_write(arena, message, config_text("mail-from"));
	out = out_new(arena);
	out_open(&out, NULL);
	out_id(&out, "id", &message->id);
	out_text(&out, "to", message->to);
	out_text(&out, "title", message->subject);
	out_text(&out, "body", message->body);
	out_time(&out, "createdAt", message->created_ms);
	out_close(&out);
	out_bytes(&out, "\n", 1);
	return out;
}

/* --- writing it ------------------------------------------------------------------------------- */

struct file {
	const char *name, *temporary; /* in the directory */
	struct out content;
	const char *failed; /* the step that did not work; NULL: all did */
	int error;
};

struct delivery {
	const char *directory;
	struct file *files;
	size_t count;
};

static void fail(struct file *file, const char *step)
{
	if (file->failed)
		return;
	file->failed = step;
	file->error = errno;
}

static void fail_all(const struct delivery *delivery, const char *step)
{
	int error = errno;

	for (size_t i = 0; i < delivery->count; i++) {
		errno = error;
		fail(&delivery->files[i], step);
	}
}

static bool write_bytes(int file, const struct out *content)
{
	size_t done = 0;

	while (done < content->length) {
		ssize_t wrote = write(file, content->data + done, content->length - done);

		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote < 0)
			return false;
		done += (size_t)wrote;
	}
	return true;
}

static bool write_temporary(int directory, const struct file *written)
{
	int file = openat(directory, written->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
			  0600);
	bool good;
	int error;

	if (file < 0)
		return false;
	good = write_bytes(file, &written->content);
	error = errno;
	good = close(file) == 0 && good;
	if (!good)
		errno = error;
	return good;
}

static void write_into(int directory, const struct delivery *delivery)
{
	for (size_t i = 0; i < delivery->count; i++)
		if (!write_temporary(directory, &delivery->files[i]))
			fail(&delivery->files[i], "written");
	if (syncfs(directory))
		fail_all(delivery, "kept");
	for (size_t i = 0; i < delivery->count; i++) {
		struct file *file = &delivery->files[i];

		if (!file->failed && renameat(directory, file->temporary, directory, file->name))
			fail(file, "named");
	}
	if (fsync(directory))
		fail_all(delivery, "kept");
	for (size_t i = 0; i < delivery->count; i++)
		if (delivery->files[i].failed)
			unlinkat(directory, delivery->files[i].temporary, 0);
}

/* The directory is open before anything is written: syncfs tells of what went wrong since then. */
static void deliver(void *arg)
{
	const struct delivery *delivery = arg;
	int directory = open(delivery->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (directory < 0) {
		fail_all(delivery, "written");
		return;
	}
	write_into(directory, delivery);
	close(directory);
}

static void send_messages(struct arena *arena, struct parcel *const *parcels, size_t count)
{
	struct delivery delivery = {
		.directory = directory(arena),
		.files = ARENA_ARRAY(arena, struct file, count),
		.count = count,
	};

	for (size_t i = 0; i < count; i++) {
		const struct message *message = parcels[i]->message;
		struct file *file = &delivery.files[i];

		file->name = name_of(arena, message);
		file->temporary = arena_printf(arena, "%s.part", file->name);
		file->content = content_of(arena, message);
	}
	offload(deliver, &delivery);
	for (size_t i = 0; i < count; i++) {
		const struct file *file = &delivery.files[i];

		if (!file->failed)
			continue;
		parcels[i]->outcome = SEND_LATER;
		parcels[i]->why = arena_printf(arena, "The file cannot be %s: %s.", file->failed,
					       strerror(file->error));
	}
}

/* --- removing it ------------------------------------------------------------------------------ */

struct removal {
	const char *directory;
	const char **names;
	size_t count;
};

static void remove_files(void *arg)
{
	const struct removal *removal = arg;
	int directory = open(removal->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (size_t i = 0; directory >= 0 && i < removal->count; i++)
		if (unlinkat(directory, removal->names[i], 0) && errno != ENOENT)
			log_warning("notification.forget", "%s is still there: %s",
				    removal->names[i], strerror(errno));
	if (directory >= 0)
		close(directory);
}

static void forget_messages(struct arena *arena, const struct message *messages, size_t count)
{
	struct removal removal = {
		.directory = directory(arena),
		.names = ARENA_ARRAY(arena, const char *, count),
		.count = count,
	};

	for (size_t i = 0; i < count; i++)
		removal.names[i] = name_of(arena, &messages[i]);
	offload(remove_files, &removal);
}

const struct provider provider_outbox = {
	.name = "outbox",
	.channels = 1u << CHANNEL_EMAIL | 1u << CHANNEL_SMS | 1u << CHANNEL_PUSH,
	.start = start,
	.send = send_messages,
	.forget = forget_messages,
};
