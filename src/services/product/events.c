/* What the catalogue hears: stock from Inventory, ratings from Review. */
#include <math.h>

#include "services/product/api.h"
#include "services/product/store.h"

static enum err stock_changed(struct sql *sql, const struct event *event)
{
	struct stock stock = {
		.available = json_get_int(event->json, "available"),
		.status = stock_status_from_word(json_get_text(event->json, "status")),
	};

	return store_set_stock(sql, &event->subject, &stock, json_get_int(event->json, "version"));
}

/* ReviewPublished and ReviewRemoved both tell how the product stands now. */
static enum err rating_changed(struct sql *sql, const struct event *event)
{
	double average = json_number_value(json_object_get(event->json, "average"));

	return store_set_rating(sql, &event->subject, lround(average * 100),
				json_get_int(event->json, "count"),
				json_get_int(event->json, "version"));
}

const struct subscription product_subscriptions[] = {
	{"StockChanged", stock_changed},
	{"ReviewPublished", rating_changed},
	{"ReviewRemoved", rating_changed},
	{NULL, NULL},
};
