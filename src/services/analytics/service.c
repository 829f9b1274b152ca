/* Analytics: what was sold, and what users do. */
#include "base/config.h"
#include "base/log.h"
#include "base/time.h"
#include "runtime/worker.h"
#include "services/analytics/analytics.h"
#include "services/analytics/store.h"

extern const struct migration analytics_migrations[];

#define FORGET_EVERY_MS HOUR_MS
#define FORGET_MAX 500 /* in one transaction */

/* What events told of stays for as long as the events do: the audit compares the two. */
static enum err forget_some(struct sql *sql, void *arg)
{
	int64_t days = config_int("analytics-days");
	int64_t events_days = MAX(days, config_int("outbox-days") + 1);
	int64_t now_ms = sql_now_ms(sql);

	return activity_forget(sql, now_ms - days * DAY_MS, now_ms - events_days * DAY_MS,
			       FORGET_MAX, arg);
}

/* A little at a time: those who store something meanwhile wait for no more than that. */
static void forget(void)
{
	int64_t count;
	enum err err;

	do {
		count = 0;
		err = sql_transaction(service_database(&analytics_service), forget_some, &count);
	} while (!err && count == FORGET_MAX && !workers_stopping());
	if (err)
		log_warning("analytics.forget", "what is too old is still there: %s",
			    err_info(err)->slug);
}

static const struct job jobs[] = {
	{.name = "analytics-forget", .every_ms = FORGET_EVERY_MS, .run = forget},
	{.name = NULL},
};

const struct service analytics_service = {
	.name = "analytics",
	.routes = analytics_routes,
	.subscriptions = analytics_subscriptions,
	.gather_ms = GATHER_MS,
	.migrations = analytics_migrations,
	.jobs = jobs,
};
