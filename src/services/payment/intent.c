/* Charges and refunds, before the provider is asked and after it has answered. */
#include "services/payment/intent.h"

#include <inttypes.h>
#include <string.h>

#include "services/payment/rules.h"

/* --- before --------------------------------------------------------------------------------- */

/* A transaction that is about to be asked for, claimed by who makes it. */
static struct transaction new_transaction(struct sql *sql, const struct request *req,
					  enum transaction_kind kind, const struct id *order)
{
	return (struct transaction){
		.id = id_new(),
		.order = *order,
		.kind = kind,
		.status = STATUS_PROCESSING,
		.traceparent = req->traceparent,
		.attempts = 1,
		.created_ms = sql_now_ms(sql),
	};
}

static enum err check_room(struct request *req, const struct transactions *all)
{
	if (all->count < TRANSACTIONS_PER_ORDER_MAX)
		return OK;
	return refuse(req, ERR_CONFLICT, "The order has %d transactions, and can have no more.",
		      TRANSACTIONS_PER_ORDER_MAX);
}

static enum err add_charge(struct sql *sql, struct request *req, const struct charge_draft *draft,
			   const struct transactions *all, struct transaction *ret_transaction)
{
	const struct payment_provider *provider = payment_provider_chosen();
	struct transaction charge = new_transaction(sql, req, KIND_CHARGE, &draft->order);
	const char *order = id_text(req->arena, &draft->order);
	enum err err;

	charge.amount = draft->amount;
	charge.payment_method = draft->payment_method;
	charge.provider = provider->name;
	charge.next_try_ms = charge.created_ms + provider->timeout_ms;
	/* The order's id, so that the provider itself would refuse to charge an order twice; behind a
	 * charge that failed, which has used up its key, with a number. */
	charge.provider_key =
		all->count == 0 ? order : arena_printf(req->arena, "%s-%zu", order, all->count + 1);
	err = payment_set_currency(sql, &draft->order, draft->amount.currency);
	if (!err)
		err = transaction_add(sql, &charge);
	if (!err)
		*ret_transaction = charge;
	return err;
}

enum err intent_charge(struct sql *sql, struct request *req, const struct charge_draft *draft,
		       struct transaction *ret_transaction, bool *ret_claimed)
{
	struct transactions *all = ARENA_NEW(req->arena, struct transactions);
	const struct transaction *last;
	struct payment payment;
	enum err err;

	err = payment_open(sql, &draft->order, &draft->user, draft->amount.currency, &payment);
	if (!err)
		err = transactions_of_order(sql, &draft->order, req->arena, all);
	if (err)
		return err;

	last = transactions_last_charge(all);
	*ret_claimed = false;
	switch (charge_decide(last, draft)) {
	case CHARGE_GO_ON:
		*ret_transaction = *last;
		return OK;
	case CHARGE_PAID:
		return refuse(req, ERR_ALREADY_PAID, "The order is paid, with %" PRId64 " %s.",
			      payment.paid, payment.currency);
	case CHARGE_CONFLICT:
		return refuse(req, ERR_CONFLICT, "A charge of another amount is being processed.");
	case CHARGE_NEW:
	default:
		err = check_room(req, all);
		if (!err)
			err = add_charge(sql, req, draft, all, ret_transaction);
		*ret_claimed = !err;
		return err;
	}
}

/* How much is asked for: what was said, or all that is left. */
static enum err refund_amount(struct request *req, const struct refund_draft *draft,
			      const struct payment *payment, struct money *ret_amount)
{
	struct money left = {.amount = payment->paid - payment->refunded - payment->refunding};

	memcpy(left.currency, payment->currency, sizeof(left.currency));
	if (draft->amount_given && !money_same_currency(&draft->amount, &left)) {
		req->faults.arena = req->arena;
		fault_add(&req->faults, "/amount/currency", "must be %s, as was paid",
			  left.currency);
		return ERR_INVALID;
	}
	if (left.amount == 0 || (draft->amount_given && draft->amount.amount > left.amount))
		return refuse(req, ERR_REFUND_EXCEEDS_PAYMENT,
			      "Of the payment %" PRId64 " %s are left.", left.amount,
			      left.currency);
	*ret_amount = draft->amount_given ? draft->amount : left;
	return OK;
}

/* A refund that was asked for under this key before: it, or a refusal where it was another. */
static enum err repeated_refund(struct sql *sql, struct request *req,
				const struct refund_draft *draft, const char *request_key,
				struct transaction *ret_transaction)
{
	struct transaction refund;
	enum err err = transaction_by_request(sql, request_key, req->arena, &refund);

	if (err)
		return err;
	if (!id_equal(&refund.order, &draft->order) ||
	    (draft->amount_given && (draft->amount.amount != refund.amount.amount ||
				     !money_same_currency(&draft->amount, &refund.amount))))
		return ERR_IDEMPOTENCY_KEY_REUSED;
	*ret_transaction = refund;
	return OK;
}

static enum err add_refund(struct sql *sql, struct request *req, const struct refund_draft *draft,
			   const char *request_key, struct money amount,
			   struct transaction *ret_transaction)
{
	struct transactions *all = ARENA_NEW(req->arena, struct transactions);
	struct transaction refund = new_transaction(sql, req, KIND_REFUND, &draft->order);
	const struct transaction *charge;
	enum err err;

	err = transactions_of_order(sql, &draft->order, req->arena, all);
	if (!err)
		err = check_room(req, all);
	if (err)
		return err;
	charge = transactions_last_charge(all);
	assert(charge && charge->status == STATUS_SUCCEEDED);

	refund.amount = amount;
	refund.request_key = request_key;
	refund.reason = draft->reason;
	refund.charge_reference = charge->provider_reference;
	refund.provider = charge->provider;
	refund.provider_key = id_text(req->arena, &refund.id);
	refund.next_try_ms = refund.created_ms + payment_provider_timeout_ms(charge->provider);
	err = payment_hold(sql, &draft->order, amount.amount);
	if (!err)
		err = transaction_add(sql, &refund);
	if (!err)
		*ret_transaction = refund;
	return err;
}

enum err intent_refund(struct sql *sql, struct request *req, const struct refund_draft *draft,
		       const char *request_key, struct transaction *ret_transaction,
		       bool *ret_claimed)
{
	struct payment payment;
	struct money amount;
	enum err err;

	*ret_claimed = false;
	if (request_key) {
		err = repeated_refund(sql, req, draft, request_key, ret_transaction);
		if (err != ERR_NOT_FOUND)
			return err;
	}
	err = payment_get(sql, &draft->order, &payment);
	if (err == ERR_NOT_FOUND)
		return refuse(req, ERR_REFUND_EXCEEDS_PAYMENT, "Nothing was paid for the order.");
	if (!err)
		err = refund_amount(req, draft, &payment, &amount);
	if (!err)
		err = add_refund(sql, req, draft, request_key, amount, ret_transaction);
	*ret_claimed = !err;
	return err;
}

/* --- after ---------------------------------------------------------------------------------- */

static const char *event_type(const struct transaction *transaction)
{
	if (transaction->kind == KIND_CHARGE)
		return transaction->status == STATUS_SUCCEEDED ? "PaymentSucceeded"
							       : "PaymentFailed";
	/* Of a refund that was declined nobody but who asked for it has to know. */
	return transaction->status == STATUS_SUCCEEDED ? "PaymentRefunded" : NULL;
}

static enum err publish(struct sql *sql, struct arena *arena, const struct transaction *transaction,
			const struct payment *payment)
{
	const char *type = event_type(transaction);
	struct out out = out_new(arena);
	struct money paid = {.amount = payment->paid}, refunded = {.amount = payment->refunded};

	if (!type)
		return OK;
	memcpy(paid.currency, payment->currency, sizeof(paid.currency));
	memcpy(refunded.currency, payment->currency, sizeof(refunded.currency));
	out_open(&out, NULL);
	out_id(&out, "orderId", &transaction->order);
	out_id(&out, "transactionId", &transaction->id);
	out_money(&out, "amount", &transaction->amount);
	if (transaction->kind == KIND_REFUND) {
		out_money(&out, "refunded", &refunded);
		out_money(&out, "paid", &paid);
		out_text(&out, "reason", transaction->reason);
	} else if (transaction->status == STATUS_SUCCEEDED) {
		out_text(&out, "provider", transaction->provider);
	} else {
		out_text(&out, "code", transaction->failure_code);
		out_text(&out, "message", transaction->failure_message);
	}
	out_close(&out);
	return event_publish(sql, type, &transaction->order, transaction->traceparent, &out);
}

enum err intent_settle(struct sql *sql, struct arena *arena, struct transaction *transaction,
		       const struct answer *answer)
{
	struct payment payment;
	bool moved;
	enum err err;

	err = transaction_settle(sql, transaction, answer, arena, &payment, &moved);
	if (err || !moved)
		return err;
	return publish(sql, arena, transaction, &payment);
}
