/* Review: what users say of products, moderated, and the ratings that it adds up to. */
#include "services/review/review.h"

extern const struct migration review_migrations[];

const struct service review_service = {
	.name = "review",
	.routes = review_routes,
	.subscriptions = review_subscriptions,
	.migrations = review_migrations,
};
