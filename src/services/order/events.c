/*
 * What Order hears: news of an order's stock and of its payment. Each handler is a step of the saga,
 * in the transaction that also notes the event.
 */
#include "events/event.h"
#include "services/order/saga.h"
#include "services/order/service.h"

static struct news news_of(const struct event *event)
{
	return (struct news){
		.arena = event->arena,
		.order = event->subject,
		.traceparent = event->traceparent,
	};
}

/* --- handlers --------------------------------------------------------------------------------- */

static enum err on_stock_reserved(struct sql *sql, const struct event *event)
{
	struct news news = news_of(event);
	int64_t until_ms;

	if (!json_get_time(event->json, "expiresAt", &until_ms))
		return ERR_INVALID;
	return saga_stock_reserved(sql, &news, until_ms);
}

static enum err on_stock_rejected(struct sql *sql, const struct event *event)
{
	const json_t *items = json_object_get(event->json, "items"), *item;
	struct shortage *shortages =
		ARENA_ARRAY(event->arena, struct shortage, json_array_size(items));
	struct news news = news_of(event);
	size_t i, count = 0;

	json_array_foreach (items, i, item) {
		shortages[count].requested = json_get_int(item, "requested");
		shortages[count].available = json_get_int(item, "available");
		count += json_get_id(item, "productId", &shortages[count].product);
	}
	return saga_stock_rejected(sql, &news, shortages, count);
}

static enum err on_payment_succeeded(struct sql *sql, const struct event *event)
{
	struct news news = news_of(event);
	struct id transaction;
	struct money amount;

	if (!json_get_id(event->json, "transactionId", &transaction) ||
	    !json_get_money(event->json, "amount", &amount))
		return ERR_INVALID;
	return saga_charged(sql, &news, &transaction, &amount);
}

static enum err on_payment_failed(struct sql *sql, const struct event *event)
{
	struct news news = news_of(event);

	return saga_declined(sql, &news, json_get_text(event->json, "code"),
			     json_get_text(event->json, "message"));
}

static enum err on_payment_refunded(struct sql *sql, const struct event *event)
{
	struct news news = news_of(event);
	struct money paid, refunded;

	if (!json_get_money(event->json, "paid", &paid) ||
	    !json_get_money(event->json, "refunded", &refunded))
		return ERR_INVALID;
	return saga_refunded(sql, &news, &paid, &refunded);
}

const struct subscription order_subscriptions[] = {
	{"StockReserved", on_stock_reserved},	    {"StockRejected", on_stock_rejected},
	{"PaymentSucceeded", on_payment_succeeded}, {"PaymentFailed", on_payment_failed},
	{"PaymentRefunded", on_payment_refunded},   {0},
};
