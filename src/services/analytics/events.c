/*
 * What Analytics hears: sales and refunds become facts, what users do becomes activity. Events of
 * two services have no common order: a refund may come before its order.
 */
#include <string.h>

#include "services/analytics/store.h"

/* What the event's user did, under the event's own id and type. */
static enum err note(struct sql *sql, const struct event *event)
{
	struct activity activity = {
		.id = event->id,
		.type = event->type,
		.at_ms = event->time_ms,
	};

	if (!json_get_id(event->json, "userId", &activity.user))
		return ERR_INVALID;
	return activity_insert(sql, &activity);
}

/* What happened to a thing, rather than what a user did: it makes nobody active. */
static enum err note_thing(struct sql *sql, const struct event *event)
{
	const struct activity activity = {
		.id = event->id,
		.type = event->type,
		.at_ms = event->time_ms,
	};

	return activity_insert(sql, &activity);
}

/* --- sales ------------------------------------------------------------------------------------ */

static const char *text_or_empty(const json_t *object, const char *name)
{
	const char *text = json_get_text(object, name);

	return text ? text : "";
}

static bool read_line(const json_t *json, struct sale_line *ret_line)
{
	struct money total;

	/* A product may belong to nobody; the zero id stands for that. */
	(void)json_get_id(json, "vendorId", &ret_line->vendor);
	if (!json_get_id(json, "parentId", &ret_line->product) ||
	    !json_get_money(json, "lineTotal", &total))
		return false;
	ret_line->category = text_or_empty(json, "category");
	ret_line->units = json_get_int(json, "quantity");
	ret_line->revenue = total.amount;
	return true;
}

static bool read_sale(const struct event *event, struct sale *ret_sale)
{
	const json_t *lines = json_object_get(event->json, "lines"), *line;
	struct sale sale = {
		.paid_ms = event->time_ms,
		.country = text_or_empty(event->json, "country"),
		.line_count = json_array_size(lines),
	};
	struct money total = {0};
	size_t i;

	if (!json_get_id(event->json, "orderId", &sale.order) ||
	    !json_get_money(event->json, "total", &total))
		return false;
	sale.revenue = total.amount;
	memcpy(sale.currency, total.currency, sizeof(sale.currency));
	sale.lines = ARENA_ARRAY(event->arena, struct sale_line, sale.line_count + 1);
	json_array_foreach (lines, i, line) {
		if (!read_line(line, &sale.lines[i]))
			return false;
		sale.units += sale.lines[i].units;
	}
	*ret_sale = sale;
	return true;
}

static enum err on_order_paid(struct sql *sql, const struct event *event)
{
	struct sale sale;
	enum err err;

	if (!read_sale(event, &sale))
		return ERR_INVALID;
	err = sales_insert(sql, &sale);
	if (!err)
		err = refunds_share_out(sql, &sale.order, event->arena);
	if (!err)
		err = note(sql, event);
	return err;
}

static enum err on_payment_refunded(struct sql *sql, const struct event *event)
{
	struct refund refund = {.at_ms = event->time_ms};
	enum err err;

	if (!json_get_id(event->json, "transactionId", &refund.id) ||
	    !json_get_id(event->json, "orderId", &refund.order) ||
	    !json_get_money(event->json, "amount", &refund.amount))
		return ERR_INVALID;
	err = refunds_insert(sql, &refund);
	if (err)
		return err;
	return refunds_share_out(sql, &refund.order, event->arena);
}

/* --- products --------------------------------------------------------------------------------- */

/* Deleted ones keep their names: reports go back in time. */
static enum err on_product(struct sql *sql, const struct event *event)
{
	const char *name = json_get_text(event->json, "name");
	struct id product;

	if (!json_get_id(event->json, "productId", &product) || !name)
		return ERR_INVALID;
	return products_set_name(sql, &product, name);
}

const struct subscription analytics_subscriptions[] = {
	{"UserRegistered", note},	{"OrderPlaced", note},
	{"OrderPaid", on_order_paid},	{"OrderCancelled", note_thing},
	{"OrderShipped", note_thing},	{"OrderDelivered", note_thing},
	{"OrderReturned", note_thing},	{"PaymentSucceeded", note_thing},
	{"PaymentFailed", note_thing},	{"PaymentRefunded", on_payment_refunded},
	{"ReviewPublished", note},	{"ReviewRemoved", note_thing},
	{"ProductCreated", on_product}, {"ProductUpdated", on_product},
	{"ProductDeleted", note_thing}, {0},
};
