/* What Review hears: who had what delivered. */
#include "services/review/store.h"

/* A review may be there already: then it becomes that of a verified purchase. */
static enum err on_order_delivered(struct sql *sql, const struct event *event)
{
	const json_t *lines = json_object_get(event->json, "lines"), *line;
	struct id user, product;
	enum err err;
	size_t i;

	if (!json_get_id(event->json, "userId", &user))
		return ERR_INVALID;
	json_array_foreach (lines, i, line) {
		if (!json_get_id(line, "parentId", &product))
			return ERR_INVALID;
		err = purchases_add(sql, &user, &product, event->time_ms);
		if (err)
			return err;
	}
	return OK;
}

const struct subscription review_subscriptions[] = {
	{"OrderDelivered", on_order_delivered},
	{0},
};
