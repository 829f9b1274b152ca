/*
 * What Notification hears, and whom it tells of it. A handler queues a message in the transaction
 * that notes the event, one per event, user and template (message_id_of). It is claimed and handed
 * over at once where there is room for it, so that nobody needs to look for it.
 *
 * Nobody is told the same thing twice: of what was paid the receipt tells (PaymentSucceeded) and not
 * OrderPaid, of a charge that was declined PaymentFailed and not OrderCancelled.
 */
#include <string.h>

#include "services/notification/admins.h"
#include "services/notification/store.h"
#include "services/notification/tell.h"

static struct news news_of(const struct event *event)
{
	return (struct news){
		.arena = event->arena,
		.event = event->id,
		.traceparent = event->traceparent,
		.data = event->json,
	};
}

/* --- accounts and stock ----------------------------------------------------------------------- */

static enum err tell_member(struct sql *sql, const struct event *event, const char *name,
			    const char *member)
{
	struct news news = news_of(event);
	struct id user;

	if (!json_get_id(event->json, member, &user))
		return ERR_INVALID;
	return tell(sql, &news, name, &user, true);
}

static enum err on_user_registered(struct sql *sql, const struct event *event)
{
	return tell_member(sql, event, "welcome", "userId");
}

/* What an import brought may belong to nobody yet. */
static enum err on_stock_low(struct sql *sql, const struct event *event)
{
	if (!json_object_get(event->json, "vendorId"))
		return OK;
	return tell_member(sql, event, "low_stock", "vendorId");
}

/* --- payments --------------------------------------------------------------------------------- */

/* The receipt, and why there is none. Of a charge that names nobody nobody is told. */
static enum err tell_payer(struct sql *sql, const struct event *event, const char *name)
{
	if (!json_object_get(event->json, "userId"))
		return OK;
	return tell_member(sql, event, name, "userId");
}

static enum err on_payment_succeeded(struct sql *sql, const struct event *event)
{
	return tell_payer(sql, event, "receipt");
}

static enum err on_payment_failed(struct sql *sql, const struct event *event)
{
	return tell_payer(sql, event, "payment_declined");
}

static enum err on_refund_failed(struct sql *sql, const struct event *event)
{
	return admins_note(sql, event, "refund_failed");
}

/* --- refunds ---------------------------------------------------------------------------------- */

/* PaymentRefunded names the order only: its buyer and number are from the order's own events. */
static enum err tell_refund(struct sql *sql, struct arena *arena,
			    const struct waiting_refund *refund, const struct known_order *known)
{
	struct out data = out_new(arena);
	struct news news = {
		.arena = arena,
		.event = refund->event,
		.traceparent = refund->traceparent,
	};
	json_t *json;
	enum err err;

	out_open(&data, NULL);
	out_text(&data, "number", known->number);
	out_money(&data, "amount", &refund->amount);
	out_close(&data);
	err = json_parse(arena, data.data, data.length, &json, NULL);
	if (err)
		return err;
	news.data = json;
	return tell(sql, &news, "refund", &known->user, true);
}

static enum err on_payment_refunded(struct sql *sql, const struct event *event)
{
	struct waiting_refund refund = {.event = event->id, .traceparent = event->traceparent};
	struct known_order known;
	enum err err;

	if (!json_get_id(event->json, "orderId", &refund.order) ||
	    !json_get_money(event->json, "amount", &refund.amount))
		return ERR_INVALID;
	err = known_orders_find(sql, &refund.order, event->arena, &known);
	if (err == ERR_NOT_FOUND)
		return refunds_wait(sql, &refund);
	if (err)
		return err;
	return tell_refund(sql, event->arena, &refund, &known);
}

/* --- orders ----------------------------------------------------------------------------------- */

/* Notes whose the order is. A refund may have been heard of before: events of two services have no
 * common order. */
static enum err know_order(struct sql *sql, const struct event *event)
{
	struct known_order known = {.number = json_get_text(event->json, "number")};
	struct waiting_refund refund;
	struct id order;
	enum err err;

	if (!json_get_id(event->json, "orderId", &order) || !known.number ||
	    !json_get_id(event->json, "userId", &known.user))
		return ERR_INVALID;
	err = known_orders_note(sql, &order, &known);
	if (err || sql_changes(sql) == 0)
		return err;
	while (!err) {
		err = refunds_take(sql, &order, event->arena, &refund);
		if (!err)
			err = tell_refund(sql, event->arena, &refund, &known);
	}
	return err == ERR_NOT_FOUND ? OK : err;
}

/* Of what was paid the receipt tells; what costs nothing has none, nor has what the release before
 * told of, which is known by saying nothing of who moved the order: its payments named nobody. */
static enum err on_order_paid(struct sql *sql, const struct event *event)
{
	enum err err = know_order(sql, event);
	struct money total;

	if (err)
		return err;
	if (!json_get_money(event->json, "total", &total))
		return ERR_INVALID;
	if (total.amount > 0 && json_get_text(event->json, "by"))
		return OK;
	return tell_member(sql, event, "order_paid", "userId");
}

/* Whether it is for a charge that was declined, of which PaymentFailed tells. People may give any
 * reason. */
static bool is_declined(const struct event *event)
{
	const char *reason = json_get_text(event->json, "reason");
	const char *by = json_get_text(event->json, "by");

	return reason && strcmp(reason, "payment-declined") == 0 && by && strcmp(by, "system") == 0;
}

static enum err on_order_cancelled(struct sql *sql, const struct event *event)
{
	enum err err = know_order(sql, event);

	if (err || is_declined(event))
		return err;
	return tell_member(sql, event, "order_cancelled", "userId");
}

static enum err on_order_shipped(struct sql *sql, const struct event *event)
{
	return tell_member(sql, event, "order_shipped", "userId");
}

static enum err on_order_delivered(struct sql *sql, const struct event *event)
{
	return tell_member(sql, event, "order_delivered", "userId");
}

static enum err on_order_returned(struct sql *sql, const struct event *event)
{
	return tell_member(sql, event, "order_returned", "userId");
}

const struct subscription notification_subscriptions[] = {
	{"UserRegistered", on_user_registered},
	{"OrderPaid", on_order_paid},
	{"OrderCancelled", on_order_cancelled},
	{"OrderShipped", on_order_shipped},
	{"OrderDelivered", on_order_delivered},
	{"OrderReturned", on_order_returned},
	{"PaymentSucceeded", on_payment_succeeded},
	{"PaymentFailed", on_payment_failed},
	{"PaymentRefunded", on_payment_refunded},
	{"RefundFailed", on_refund_failed},
	{"StockLow", on_stock_low},
	{0},
};
