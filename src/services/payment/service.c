/* Payment: takes an order's money, once, and gives it back. */
#include "services/payment/counts.h"
#include "services/payment/provider.h"
#include "services/payment/rules.h"
#include "services/payment/settle.h"
#include "services/payment/store.h"

extern const struct migration payment_migrations[];
extern const struct route payment_routes[];

static enum err start(struct database *database)
{
	(void)database;
	payment_counts_start();
	return payment_providers_start();
}

static enum err mend_times(struct sql *sql, int64_t *ret_count)
{
	int64_t lease_ms = payment_provider_chosen()->timeout_ms;
	int64_t longest_ms =
		MAX(MAX(lease_ms, PAYMENT_RETRY_MOST_MS), REFUND_RETRY_MOST_MS) + TIME_SLACK_MS;

	/* Whoever has claimed one may be asking still. */
	return transactions_mend(sql, longest_ms, lease_ms, ret_count);
}

static const struct job jobs[] = {
	{"payment-settle", SETTLE_EVERY_MS, settle_due},
	{0},
};

const struct service payment_service = {
	.name = "payment",
	.routes = payment_routes,
	.migrations = payment_migrations,
	.jobs = jobs,
	.start = start,
	.mend_times = mend_times,
	.stop = payment_providers_stop,
};
