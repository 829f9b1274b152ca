/* Notification: what happens reaches those whom it concerns, once. */
#include "base/time.h"
#include "services/notification/deliver.h"
#include "services/notification/provider.h"

extern const struct migration notification_migrations[];

static enum err start(struct database *database)
{
	(void)database;
	deliver_start();
	return message_providers_start();
}

const struct job notification_jobs[] = {
	{"notification-deliver", SECOND_MS, deliver_due},
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
	.mend_times = deliver_mend_times,
	.stop = deliver_stop,
};
