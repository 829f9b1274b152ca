/* The order's side of the saga: see saga.h; the way of a whole purchase is in docs/architecture.md. */
#include "services/order/saga.h"

#include "base/log.h"
#include "services/order/rules.h"
#include "services/order/service.h"
#include "services/order/store.h"
#include "services/order/stray.h"

/* ret_known false: not an order of ours, and so none of our affair. */
static enum err read_order(struct sql *sql, const struct news *news, struct order *ret_order,
			   bool *ret_known)
{
	enum err err = order_read_head(sql, news->arena, &news->order, ret_order);

	*ret_known = err == OK;
	return err == ERR_NOT_FOUND ? OK : err;
}

static enum err store_payment(struct sql *sql, struct order *order)
{
	enum err err = order_store_payment(sql, order);

	if (!err)
		order_step_follows(sql, order);
	return err;
}

static enum err move(struct sql *sql, const struct news *news, struct order *order,
		     enum order_status to, const char *reason)
{
	const struct order_move move = {
		.to = to,
		.by = MOVER_SYSTEM,
		.reason = reason,
		.traceparent = news->traceparent,
	};
	enum err err = order_move(sql, news->arena, order, &move);

	if (!err)
		order_step_follows(sql, order);
	return err;
}

/* It is charged as soon as this is on disk; where too many are waiting for that, by the job that
 * finds it due. */
static enum err reserve(struct sql *sql, const struct news *news, struct order *order)
{
	const struct order_move move = {
		.to = ORDER_RESERVED,
		.by = MOVER_SYSTEM,
		.traceparent = news->traceparent,
		.taken_ms = order_desk_has_room() ? order_settings.lease_ms : 0,
	};
	enum err err = order_move(sql, news->arena, order, &move);

	if (!err && move.taken_ms)
		order_charge_soon(sql, order);
	else if (!err)
		order_step_follows(sql, order);
	return err;
}

enum err saga_stock_reserved(struct sql *sql, const struct news *news, int64_t until_ms)
{
	struct order order;
	bool known;
	enum err err;

	err = read_order(sql, news, &order, &known);
	if (err || !known || order.status != ORDER_PENDING)
		return err;
	order.reserved_until_ms = until_ms;
	if (order.total.amount > 0 || order_is_paid_for(&order))
		return reserve(sql, news, &order);
	err = move(sql, news, &order, ORDER_RESERVED, NULL);
	if (err)
		return err;
	order.payment_status = PAYMENT_NONE;
	return move(sql, news, &order, ORDER_PAID, NULL);
}

enum err saga_stock_rejected(struct sql *sql, const struct news *news, struct shortage *shortages,
			     size_t count)
{
	struct order order;
	bool known;
	enum err err;

	err = read_order(sql, news, &order, &known);
	if (err || !known || order.status == ORDER_CANCELLED)
		return err;
	if (!order_mover(order.status, ORDER_CANCELLED, MOVER_SYSTEM)) {
		/* Somebody shipped what the stock does not know of: people have to look. */
		log_warning("order.stock-too-late",
			    "the stock of order %s is refused, but it is %s",
			    id_text(news->arena, &order.id), order_status_text(order.status));
		return OK;
	}
	order.shortages = shortages;
	order.shortage_count = count;
	err = order_store_failure(sql, news->arena, &order);
	return err ? err : move(sql, news, &order, ORDER_CANCELLED, REASON_OUT_OF_STOCK);
}

/* Money for what takes none: it goes back. Payment charges an order once, so one that is not paid
 * can never be, with its own sum. */
static enum err charged_wrongly(struct sql *sql, const struct news *news, struct order *order,
				const struct money *amount)
{
	char charged[40], total[40];
	enum err err;

	money_format(amount, charged, sizeof(charged));
	money_format(&order->total, total, sizeof(total));
	log_error("order.wrong-sum", "order %s comes to %s, charged are %s: it goes back",
		  id_text(news->arena, &order->id), total, charged);
	if (!order_is_settled(order->status))
		return move(sql, news, order, ORDER_CANCELLED, REASON_WRONG_SUM);
	err = order_owes_refund(order) ? OK : stray_note(sql, &order->id);
	return err ? err : store_payment(sql, order);
}

enum err saga_charged(struct sql *sql, const struct news *news, const struct id *transaction,
		      const struct money *amount)
{
	struct order order;
	bool known, is_told;
	enum err err;

	err = read_order(sql, news, &order, &known);
	if (err)
		return err;
	if (!known)
		return stray_note(sql, &news->order);
	/* What is paid, or was refunded since, has been told before. Where an admin had charged it by
	 * hand, and maybe given back a part, before it had its stock, it is paid now. */
	is_told = order_is_paid_for(&order) || order.payment_status == PAYMENT_REFUNDED;
	if (is_told && (order.status != ORDER_RESERVED || !order_is_paid_for(&order)))
		return OK;
	if (!is_told)
		order.payment_status = PAYMENT_PAID;
	order.transaction = *transaction;
	if (order_owes_refund(&order)) {
		order.due_ms = sql_now_ms(sql);
		order.attempts = 0;
	}
	if (amount->amount != order.total.amount || !money_same_currency(amount, &order.total))
		return charged_wrongly(sql, news, &order, amount);
	if (order.status == ORDER_RESERVED)
		return move(sql, news, &order, ORDER_PAID, NULL);
	return store_payment(sql, &order);
}

enum err saga_declined(struct sql *sql, const struct news *news, const char *code,
		       const char *message)
{
	struct order order;
	bool known;
	enum err err;

	err = read_order(sql, news, &order, &known);
	if (err || !known || order.status != ORDER_RESERVED)
		return err;
	order.payment_status = PAYMENT_FAILED;
	order.failure_code = code;
	order.failure_message = message;
	err = order_store_failure(sql, news->arena, &order);
	return err ? err : move(sql, news, &order, ORDER_CANCELLED, REASON_DECLINED);
}

enum err saga_expired(struct sql *sql, const struct news *news)
{
	struct order order;
	bool known;
	enum err err;

	err = read_order(sql, news, &order, &known);
	if (err || !known || order_is_settled(order.status))
		return err;
	return move(sql, news, &order, ORDER_CANCELLED, REASON_EXPIRED);
}

enum err saga_refunded(struct sql *sql, const struct news *news, const struct money *paid,
		       const struct money *refunded)
{
	bool in_full = refunded->amount >= paid->amount;
	struct order order;
	bool known;
	enum err err;

	err = read_order(sql, news, &order, &known);
	if (err || !known || order.payment_status == PAYMENT_REFUNDED)
		return err;
	order.payment_status = in_full ? PAYMENT_REFUNDED : PAYMENT_PARTIALLY_REFUNDED;
	if (in_full && !order_is_settled(order.status))
		return move(sql, news, &order, ORDER_CANCELLED, REASON_REFUNDED);
	if (!order_owes_refund(&order) && order_is_settled(order.status))
		order.due_ms = 0;
	return store_payment(sql, &order);
}
