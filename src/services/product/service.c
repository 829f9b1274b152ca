/* The Product service's descriptor. */
#include "services/product/service.h"

#include "services/product/api.h"

extern const struct migration product_migrations[];

const struct service product_service = {
	.name = "product",
	.routes = product_routes,
	.subscriptions = product_subscriptions,
	.migrations = product_migrations,
};
