/* The Product service's descriptor. */
#include "services/product/service.h"

#include "services/product/api.h"
#include "services/product/rendered.h"

extern const struct migration product_migrations[];

static enum err start(struct database *database)
{
	rendered_start();
	return OK;
}

const struct service product_service = {
	.name = "product",
	.routes = product_routes,
	.subscriptions = product_subscriptions,
	.gather_ms = GATHER_MS,
	.migrations = product_migrations,
	.start = start,
	.stop = rendered_stop,
};
