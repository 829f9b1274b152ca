/* Payment: takes an order's money, once, and gives it back. */
#include "services/payment/provider.h"
#include "services/payment/settle.h"

extern const struct migration payment_migrations[];
extern const struct route payment_routes[];

static enum err start(struct database *database)
{
	(void)database;
	return payment_providers_start();
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
	.stop = payment_providers_stop,
};
