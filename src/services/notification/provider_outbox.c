/*
 * The provider `outbox`: every message becomes a file of the data directory, outbox/<id>.eml,
 * <id>.sms.json or <id>.push.json, for a mail transfer agent, another program or a developer to
 * take.
 *
 * A file appears whole or not at all, and under the message's id: sent again after a crash it
 * replaces itself. Its bytes are on the disk before it has its name; the names of many get there
 * together, with the directory.
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

struct delivery {
	const char *path, *temporary;
	const struct out *content;
	const char *failed; /* the step that did not work; NULL: all did */
	int error;
};

/* Whether all of it was written, and is on the disk. */
static bool write_whole(int file, const struct out *content)
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
	return fsync(file) == 0;
}

static bool write_temporary(const struct delivery *delivery)
{
	int file = open(delivery->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	bool good;
	int error;

	if (file < 0)
		return false;
	good = write_whole(file, delivery->content);
	error = errno;
	good = close(file) == 0 && good;
	if (!good)
		errno = error;
	return good;
}

static void deliver(void *arg)
{
	struct delivery *delivery = arg;

	if (!write_temporary(delivery))
		delivery->failed = "written";
	else if (rename(delivery->temporary, delivery->path))
		delivery->failed = "named";
	if (delivery->failed) {
		delivery->error = errno;
		unlink(delivery->temporary);
	}
}

static enum outcome send_message(struct arena *arena, const struct message *message,
				 const char **ret_why)
{
	struct out content = content_of(arena, message);
	struct delivery delivery = {.content = &content};

	delivery.path = arena_printf(arena, "%s/%s.%s", directory(arena),
				     id_text(arena, &message->id), extensions[message->channel]);
	delivery.temporary = arena_printf(arena, "%s.part", delivery.path);
	offload(deliver, &delivery);
	if (!delivery.failed)
		return SENT;
	*ret_why = arena_printf(arena, "The file cannot be %s: %s.", delivery.failed,
				strerror(delivery.error));
	return SEND_LATER;
}

/* --- keeping the names ------------------------------------------------------------------------ */

struct keeping {
	const char *directory;
	bool kept;
	int error;
};

static void keep_names(void *arg)
{
	struct keeping *keeping = arg;

	keeping->kept = sync_directory(keeping->directory);
	keeping->error = errno;
}

static enum outcome finish(struct arena *arena, const char **ret_why)
{
	struct keeping keeping = {.directory = directory(arena)};

	offload(keep_names, &keeping);
	if (keeping.kept)
		return SENT;
	*ret_why =
		arena_printf(arena, "The file's name cannot be kept: %s.", strerror(keeping.error));
	return SEND_LATER;
}

const struct provider provider_outbox = {
	.name = "outbox",
	.channels = 1u << CHANNEL_EMAIL | 1u << CHANNEL_SMS | 1u << CHANNEL_PUSH,
	.start = start,
	.send = send_message,
	.finish = finish,
};
