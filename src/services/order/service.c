/* The Order service. */
#include "services/order/service.h"

#include "base/config.h"
#include "base/time.h"
#include "services/order/counts.h"
#include "services/order/store.h"

#define CALL_PATIENCE_MS (30 * SECOND_MS) /* a call's, beyond what a provider may take */

extern const struct migration order_migrations[];

struct order_settings order_settings;

static enum err release_due(struct sql *sql, void *arg)
{
	return order_release_due(sql);
}

static enum err start(struct database *database)
{
	order_settings = (struct order_settings){
		.wait_ms = config_int("order-wait-ms"),
		.patience_ms = config_int("reservation-minutes") * MINUTE_MS,
		.lease_ms = config_int("provider-timeout-ms") + CALL_PATIENCE_MS,
		.charges_parallel = config_int("charge-parallel"),
	};
	order_counts_start();
	order_jobs_start();
	return sql_transaction(database, release_due, NULL);
}

const struct service order_service = {
	.name = "order",
	.routes = order_routes,
	.subscriptions = order_subscriptions,
	.migrations = order_migrations,
	.jobs = order_jobs,
	.start = start,
	.mend_times = order_mend_times,
	.stop = order_jobs_stop,
};
