/* What the catalogue hears: stock from Inventory, ratings from Review, who may sell from
 * User. */
#include <math.h>
#include <string.h>

#include "services/product/api.h"
#include "services/product/store.h"
#include "services/product/vendor.h"

static enum err stock_changed(struct sql *sql, const struct event *event)
{
	const char *backorder = json_get_text(event->json, "backorder");
	/* Those of the first release say nothing of it: all was counted. */
	const struct stock stock = {
		.available = json_get_int(event->json, "available"),
		.status = stock_status_from_word(json_get_text(event->json, "status")),
		.uncounted = json_is_false(json_object_get(event->json, "tracked")),
		.backorder = backorder && strcmp(backorder, "allow") == 0,
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

static enum err user_status_changed(struct sql *sql, const struct event *event)
{
	const char *status = json_get_text(event->json, "status");

	return status ? vendor_note(sql, &event->subject, status) : ERR_INVALID;
}

const struct subscription product_subscriptions[] = {
	{"UserStatusChanged", user_status_changed},
	{"StockChanged", stock_changed},
	{"ReviewPublished", rating_changed},
	{"ReviewRemoved", rating_changed},
	{NULL, NULL},
};
