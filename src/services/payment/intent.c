/* Charges and refunds, before the provider is asked and after it has answered. */
#include "services/payment/intent.h"

#include <inttypes.h>
#include <string.h>

#include "base/config.h"
#include "base/log.h"
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

static enum err check_room(struct request *req, int64_t count)
{
	if (count < TRANSACTIONS_PER_ORDER_MAX)
		return OK;
	return refuse(req, ERR_CONFLICT, "The order has %d transactions, and can have no more.",
		      TRANSACTIONS_PER_ORDER_MAX);
}

static struct transaction new_charge(struct sql *sql, const struct request *req,
				     const struct charge_draft *draft, int64_t number)
{
	const struct payment_provider *provider = payment_provider_chosen();
	struct transaction charge = new_transaction(sql, req, KIND_CHARGE, &draft->order);
	const char *order = id_text(req->arena, &draft->order);

	charge.number = number;
	charge.amount = draft->amount;
	charge.user = draft->user;
	charge.order_number = draft->order_number;
	charge.payment_method = draft->payment_method;
	charge.provider = provider->name;
	charge.next_try_ms = charge.created_ms + provider->timeout_ms;
	/* The order's id, so that the provider itself would refuse to charge an order twice; behind a
	 * charge that failed, which has used up its key, with a number. */
	charge.provider_key =
		number == 1 ? order : arena_printf(req->arena, "%s-%" PRId64, order, number);
	return charge;
}

/* Behind `last`, which failed. */
static enum err add_another_charge(struct sql *sql, struct request *req,
				   const struct charge_draft *draft, const struct transaction *last,
				   struct transaction *ret_transaction, bool *ret_claimed)
{
	struct transaction charge = new_charge(sql, req, draft, last->number + 1);
	enum err err = check_room(req, last->number);

	if (!id_is_zero(&last->user))
		charge.user = last->user;
	if (last->order_number)
		charge.order_number = last->order_number;
	if (!err)
		err = transaction_add(sql, &charge, ret_claimed);
	if (err)
		return err;
	*ret_transaction = charge;
	return *ret_claimed ? OK : ERR_CONFLICT;
}

static enum err refuse_amount(struct request *req, const struct money *owed)
{
	struct out members = out_new(req->arena);

	out_open(&members, NULL);
	out_money(&members, "owed", owed);
	out_close(&members);
	return refuse_with(req, ERR_AMOUNT_MISMATCH, &members, "The order owes %s.",
			   money_text(req->arena, owed));
}

/* The order has charges, `last` being the latest. */
static enum err charge_again(struct sql *sql, struct request *req, const struct charge_draft *draft,
			     const struct transaction *last, struct transaction *ret_transaction,
			     bool *ret_claimed)
{
	enum charge_decision decision = charge_decide(last, draft);

	/* What was asked for before may be told again; more is not asked for. */
	if (draft->owed && (decision == CHARGE_CONFLICT || decision == CHARGE_NEW))
		return refuse_amount(req, draft->owed);
	switch (decision) {
	case CHARGE_GO_ON:
		*ret_transaction = *last;
		if (!id_is_zero(&last->user) || id_is_zero(&draft->user))
			return OK;
		return transaction_set_user(sql, last, &draft->user);
	case CHARGE_PAID:
		return refuse(req, ERR_ALREADY_PAID, "The order is paid, with %s.",
			      money_text(req->arena, &last->amount));
	case CHARGE_CONFLICT:
		return refuse(req, ERR_CONFLICT, "A charge of another amount is being processed.");
	case CHARGE_NEW:
	default:
		return add_another_charge(sql, req, draft, last, ret_transaction, ret_claimed);
	}
}

enum err intent_charge(struct sql *sql, struct request *req, const struct charge_draft *draft,
		       struct transaction *ret_transaction, bool *ret_claimed)
{
	struct transaction first = new_charge(sql, req, draft, 1), last;
	enum err err = OK;

	*ret_claimed = false;
	/* Nearly always it is the first: then nothing has to be read. */
	if (!draft->owed)
		err = transaction_add(sql, &first, ret_claimed);
	if (!err && *ret_claimed)
		*ret_transaction = first;
	if (err || *ret_claimed)
		return err;
	err = transaction_last_charge(sql, &draft->order, req->arena, &last);
	if (err == ERR_NOT_FOUND && draft->owed)
		return refuse_amount(req, draft->owed);
	return err ? err : charge_again(sql, req, draft, &last, ret_transaction, ret_claimed);
}

/* How much is asked for: what was said, or all that is left. */
static enum err refund_amount(struct request *req, const struct refund_draft *draft,
			      const struct transaction *charge, struct money *ret_amount)
{
	struct money left = charge_left(charge);

	if (draft->amount_given && !money_same_currency(&draft->amount, &left)) {
		req->faults.arena = req->arena;
		fault_add(&req->faults, "/amount/currency", "must be %s, as was paid",
			  left.currency);
		return ERR_INVALID;
	}
	if (left.amount == 0 || (draft->amount_given && draft->amount.amount > left.amount))
		return refuse(req, ERR_REFUND_EXCEEDS_PAYMENT,
			      "Of the payment %s is left to be refunded.",
			      money_text(req->arena, &left));
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
			   const char *request_key, const struct transaction *charge,
			   struct money amount, struct transaction *ret_transaction)
{
	struct transaction refund = new_transaction(sql, req, KIND_REFUND, &draft->order);
	int64_t count;
	bool added;
	enum err err;

	/* First, because it keeps others off the order. */
	err = transaction_hold(sql, charge, amount.amount);
	if (!err)
		err = transactions_count(sql, &draft->order, &count);
	if (!err)
		err = check_room(req, count);
	if (err)
		return err;

	refund.number = count + 1;
	refund.amount = amount;
	refund.request_key = request_key;
	refund.reason = draft->reason;
	refund.charge_reference = charge->provider_reference;
	refund.provider = charge->provider;
	refund.provider_key = id_text(req->arena, &refund.id);
	refund.next_try_ms = refund.created_ms + payment_provider_timeout_ms(charge->provider);
	err = transaction_add(sql, &refund, &added);
	if (err)
		return err;
	assert(added);
	*ret_transaction = refund;
	return OK;
}

enum err intent_refund(struct sql *sql, struct request *req, const struct refund_draft *draft,
		       const char *request_key, struct transaction *ret_transaction,
		       bool *ret_claimed)
{
	struct transaction charge;
	struct money amount;
	enum err err;

	*ret_claimed = false;
	if (request_key) {
		err = repeated_refund(sql, req, draft, request_key, ret_transaction);
		if (err != ERR_NOT_FOUND)
			return err;
	}
	err = transaction_last_charge(sql, &draft->order, req->arena, &charge);
	if (err == ERR_NOT_FOUND)
		return refuse(req, ERR_REFUND_EXCEEDS_PAYMENT, "Nothing was paid for the order.");
	if (!err)
		err = refund_amount(req, draft, &charge, &amount);
	if (!err)
		err = add_refund(sql, req, draft, request_key, &charge, amount, ret_transaction);
	*ret_claimed = !err;
	return err;
}

/* --- refused refunds ------------------------------------------------------------------------ */

bool intent_is_tried_again(const struct transaction *transaction, const struct answer *answer)
{
	return transaction->kind == KIND_REFUND && answer->kind == ANSWER_DECLINED &&
	       refund_may_retry(transaction->refusals + 1, config_int("refund-attempts"));
}

/* Under a new key: with the one that was refused the provider would only repeat its answer. It has
 * said that it did nothing under the old one, so nothing is given back twice. */
static enum err refuse_refund(struct sql *sql, struct arena *arena, struct transaction *refund,
			      const struct answer *answer)
{
	int64_t refusals = refund->refusals + 1;
	const char *id = id_text(arena, &refund->id);
	/* Not by chance, which would differ when the body runs again. */
	uint32_t spread = refund->id.bytes[15];

	log_warning("payment.refund-refused", "the provider refuses the refund %s: %s", id,
		    answer->code);
	return transaction_refuse(
		sql, refund, arena_printf(arena, "%s-%" PRId64, id, refusals + 1),
		refund_retry_delay_ms(refusals, config_int("refund-retry-ms"), spread), arena);
}

/* --- after ---------------------------------------------------------------------------------- */

static const char *event_type(const struct transaction *transaction)
{
	if (transaction->kind == KIND_CHARGE)
		return transaction->status == STATUS_SUCCEEDED ? "PaymentSucceeded"
							       : "PaymentFailed";
	return transaction->status == STATUS_SUCCEEDED ? "PaymentRefunded" : "RefundFailed";
}

/* Whom it concerns, as far as it was told. */
static void write_buyer(struct out *out, const struct transaction *charge)
{
	if (!id_is_zero(&charge->user))
		out_id(out, "userId", &charge->user);
	out_text(out, "number", charge->order_number);
}

/* `charge`: of a refund, what it gives back, the refund counted. */
static enum err publish(struct sql *sql, struct arena *arena, const struct transaction *transaction,
			const struct transaction *charge)
{
	struct out *out = event_data(sql, arena);

	out_open(out, NULL);
	out_id(out, "orderId", &transaction->order);
	out_id(out, "transactionId", &transaction->id);
	out_money(out, "amount", &transaction->amount);
	write_buyer(out, transaction->kind == KIND_REFUND ? charge : transaction);
	if (transaction->status == STATUS_FAILED) {
		out_text(out, "code", transaction->failure_code);
		out_text(out, "message", transaction->failure_message);
	} else if (transaction->kind == KIND_CHARGE) {
		out_text(out, "provider", transaction->provider);
	} else {
		struct money refunded = charge->amount;

		refunded.amount = charge->refunded;
		out_money(out, "refunded", &refunded);
		out_money(out, "paid", &charge->amount);
		out_text(out, "reason", transaction->reason);
	}
	out_close(out);
	return event_publish(sql, event_type(transaction), &transaction->order,
			     transaction->traceparent, out);
}

static enum err settle(struct sql *sql, struct arena *arena, struct transaction *transaction,
		       const struct answer *answer)
{
	struct transaction charge = {0};
	bool moved;
	enum err err;

	err = transaction_settle(sql, transaction, answer, arena, &moved);
	if (err || !moved)
		return err;
	if (transaction->kind == KIND_REFUND) {
		err = transaction_unhold(sql, transaction);
		if (!err)
			err = transaction_last_charge(sql, &transaction->order, arena, &charge);
		if (err)
			return err;
	}
	return publish(sql, arena, transaction, &charge);
}

enum err intent_settle(struct sql *sql, struct arena *arena, const struct transaction *asked,
		       const struct answer *answer, struct transaction *ret_transaction)
{
	struct transaction transaction = *asked;
	enum err err;

	if (intent_is_tried_again(asked, answer))
		err = refuse_refund(sql, arena, &transaction, answer);
	else
		err = settle(sql, arena, &transaction, answer);
	if (!err)
		*ret_transaction = transaction;
	return err;
}
