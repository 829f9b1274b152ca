/*
 * What Notification hears, and whom it tells of it. A handler queues a message in the transaction
 * that notes the event, one per event, user and template (message_id_of). It is claimed and handed
 * over at once where there is room for it, so that nobody needs to look for it.
 */
#include "services/notification/deliver.h"
#include "services/notification/handover.h"
#include "services/notification/provider.h"
#include "services/notification/rules.h"
#include "services/notification/store.h"
#include "services/notification/templates.h"

/* What a message tells of. */
struct news {
	struct arena *arena;
	struct id event;
	const char *traceparent;
	const json_t *data;
};

static struct news news_of(const struct event *event)
{
	return (struct news){
		.arena = event->arena,
		.event = event->id,
		.traceparent = event->traceparent,
		.data = event->json,
	};
}

static enum err tell(struct sql *sql, const struct news *news, const char *name,
		     const struct id *user)
{
	const struct template *template = template_find(name);
	struct faults faults = {.arena = news->arena};
	struct message message = {
		.id = message_id_of(&news->event, user, name),
		.channel = CHANNEL_EMAIL,
		.user = *user,
		.event = news->event,
		.provider = message_provider_of(CHANNEL_EMAIL)->name,
		.traceparent = news->traceparent,
		.due_ms = sql_now_ms(sql),
		.version = 1,
		.created_ms = sql_now_ms(sql),
	};
	bool hand_over = handover_has_room();
	enum err err;

	assert(template);
	template_check(template, news->data, false, "", &faults);
	err = faults_err(&faults);
	if (err)
		return err;
	template_fill(template, news->data, news->arena, &message);
	if (hand_over) {
		message.attempts = 1;
		message.due_ms += deliver_lease_ms();
	}
	err = messages_insert(sql, &message);
	if (!err && hand_over && sql_changes(sql) == 1)
		handover_offer(sql, &message.id);
	return err;
}

/* --- accounts and stock ----------------------------------------------------------------------- */

static enum err tell_member(struct sql *sql, const struct event *event, const char *name,
			    const char *member)
{
	struct news news = news_of(event);
	struct id user;

	if (!json_get_id(event->json, member, &user))
		return ERR_INVALID;
	return tell(sql, &news, name, &user);
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
	return tell(sql, &news, "refund", &known->user);
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

static enum err on_order_paid(struct sql *sql, const struct event *event)
{
	enum err err = know_order(sql, event);

	return err ? err : tell_member(sql, event, "order_paid", "userId");
}

static enum err on_order_cancelled(struct sql *sql, const struct event *event)
{
	enum err err = know_order(sql, event);

	return err ? err : tell_member(sql, event, "order_cancelled", "userId");
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
	{"PaymentRefunded", on_payment_refunded},
	{"StockLow", on_stock_low},
	{0},
};
