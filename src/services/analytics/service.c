/* Analytics: what was sold, and what users do. */
#include "services/analytics/analytics.h"

extern const struct migration analytics_migrations[];

const struct service analytics_service = {
	.name = "analytics",
	.routes = analytics_routes,
	.subscriptions = analytics_subscriptions,
	.gather_ms = GATHER_MS,
	.migrations = analytics_migrations,
};
