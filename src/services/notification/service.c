/* Notification: what happens reaches those whom it concerns, once. */
#include "base/time.h"
#include "services/notification/admins.h"
#include "services/notification/deliver.h"
#include "services/notification/forget.h"
#include "services/notification/provider.h"

extern const struct migration notification_migrations[];

static enum err start(struct database *database)
{
	(void)database;
	deliver_start();
	return message_providers_start();
}

static enum err mend_times(struct sql *sql, int64_t *ret_count)
{
	enum err err = deliver_mend_times(sql, ret_count);

	return err ? err : admins_mend_times(sql, ret_count);
}

const struct job notification_jobs[] = {
	[JOB_DELIVER] = {"notification-deliver", SECOND_MS, deliver_due},
	[JOB_ADMINS] = {"notification-admins", SECOND_MS, admins_tell},
	[JOB_FORGET] = {"notification-forget", HOUR_MS, messages_forget},
	{0},
};

const struct service notification_service = {
	.name = "notification",
	.routes = notification_routes,
	.subscriptions = notification_subscriptions,
	.gather_ms = GATHER_MS,
	.migrations = notification_migrations,
	.jobs = notification_jobs,
	.start = start,
	.mend_times = mend_times,
	.stop = deliver_stop,
};
