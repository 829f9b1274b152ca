/*
 * Old messages. First what the provider keeps goes, then the row: a kill between the two leaves a row,
 * and the next run finds it.
 */
#include "services/notification/forget.h"

#include "base/config.h"
#include "base/env.h"
#include "base/log.h"
#include "base/time.h"
#include "runtime/worker.h"
#include "services/notification/provider.h"
#include "services/notification/store.h"

#define FORGET_MAX 200 /* in one transaction */

struct old {
	struct arena *arena;
	int64_t before_ms;
	struct message *messages;
	size_t count;
};

static enum err find(struct sql *sql, void *arg)
{
	struct old *old = arg;

	return messages_find_old(sql, old->before_ms, FORGET_MAX, old->arena, &old->messages,
				 &old->count);
}

static enum err delete (struct sql *sql, void *arg) {
	const struct old *old = arg; enum err err = OK;

	for (size_t i = 0; !err && i < old->count; i++)
		err = messages_delete(sql, &old->messages[i].id);
	return err;
}

static enum err forget_some(struct old *old)
{
	struct database *database = service_database(&notification_service);
	enum err err = sql_read(database, find, old);

	if (err || old->count == 0)
		return err;
	for (size_t i = 0; i < old->count; i++) {
		const struct provider *provider = message_provider_find(old->messages[i].provider);

		if (provider && provider->forget)
			provider->forget(old->arena, &old->messages[i], 1);
	}
	return sql_transaction(database, delete, old);
}

/* For as long as the events that they tell of at least: nobody is told of one again. */
void messages_forget(void)
{
	int64_t days = MAX(config_int("message-days"), config_int("outbox-days") + 1);
	struct old old = {.arena = arena_new(), .before_ms = env_now_ms() - days * DAY_MS};
	enum err err;

	do {
		arena_reset(old.arena);
		old.count = 0;
		err = forget_some(&old);
	} while (!err && old.count == FORGET_MAX && !workers_stopping());
	if (err)
		log_warning("notification.forget", "old messages are still there: %s",
			    err_info(err)->slug);
	arena_free(old.arena);
}
