/*
 * Payment's SQL.
 *
 * Invariants, held by the schema and by the guards of the statements:
 *  1. An order has one charge that may succeed or has (transactions_one_charge).
 *  2. Refunds, known and possible ones together, never come to more than was paid (payments).
 *  3. What has an outcome keeps it: a transaction moves once, out of `processing`.
 */
#include "services/payment/store.h"

#include "services/payment/rules.h"

#define PAYMENT_COLUMNS "order_id, user_id, currency, paid, refunded, refunding"

#define TRANSACTION_COLUMNS                                                           \
	"id, order_id, kind, status, amount, currency, provider, provider_key,"       \
	" provider_reference, payment_method, charge_reference, request_key, reason," \
	" failure_code, failure_message, traceparent, attempts, next_try_at, created_at"

/* --- what an order's payments come to ------------------------------------------------------- */

static struct payment read_payment(struct sql_rows *rows)
{
	struct payment payment = {
		.order = sql_get_id(rows, 0),
		.user = sql_get_id(rows, 1),
		.paid = sql_get_int(rows, 3),
		.refunded = sql_get_int(rows, 4),
		.refunding = sql_get_int(rows, 5),
	};

	sql_get_currency(rows, 2, payment.currency);
	assert(payment.refunded + payment.refunding <= payment.paid);
	return payment;
}

/* Ends a query that answers one payment. */
static enum err take_payment(struct sql_rows *rows, struct payment *ret_payment)
{
	struct payment payment;
	enum err err = sql_first(rows);

	if (err)
		return err;
	payment = read_payment(rows);
	err = sql_end(rows);
	if (!err)
		*ret_payment = payment;
	return err;
}

enum err payment_open(struct sql *sql, const struct id *order, const struct id *user,
		      const char *currency, struct payment *ret_payment)
{
	return take_payment(
		sql_query(sql,
			  "INSERT INTO payments (order_id, user_id, currency) VALUES ($1, $2, $3)"
			  " ON CONFLICT (order_id) DO UPDATE"
			  " SET user_id = COALESCE(payments.user_id, excluded.user_id)"
			  " RETURNING " PAYMENT_COLUMNS,
			  sql_id(order), sql_id(id_is_zero(user) ? NULL : user),
			  sql_text(currency)),
		ret_payment);
}

enum err payment_get(struct sql *sql, const struct id *order, struct payment *ret_payment)
{
	return take_payment(
		sql_query(sql, "SELECT " PAYMENT_COLUMNS " FROM payments WHERE order_id = $1",
			  sql_id(order)),
		ret_payment);
}

enum err payment_set_currency(struct sql *sql, const struct id *order, const char *currency)
{
	enum err err =
		sql_run(sql, "UPDATE payments SET currency = $2 WHERE order_id = $1 AND paid = 0",
			sql_id(order), sql_text(currency));

	assert(err || sql_changes(sql) == 1);
	return err;
}

enum err payment_hold(struct sql *sql, const struct id *order, int64_t amount)
{
	enum err err = sql_run(sql,
			       "UPDATE payments SET refunding = refunding + $2 WHERE order_id = $1"
			       " AND paid - refunded - refunding >= $2",
			       sql_id(order), sql_int(amount));

	if (err)
		return err;
	return sql_changes(sql) == 1 ? OK : ERR_REFUND_EXCEEDS_PAYMENT;
}

/* Adds what a transaction that succeeded, or a refund that has its outcome, changes. */
static enum err payment_add(struct sql *sql, const struct transaction *transaction,
			    struct payment *ret_payment)
{
	bool succeeded = transaction->status == STATUS_SUCCEEDED;
	int64_t amount = transaction->amount.amount;
	int64_t paid = 0, refunded = 0, refunding = 0;

	if (transaction->kind == KIND_CHARGE) {
		paid = succeeded ? amount : 0;
	} else {
		refunded = succeeded ? amount : 0;
		refunding = amount;
	}
	return take_payment(
		sql_query(sql,
			  "UPDATE payments SET paid = paid + $2, refunded = refunded + $3,"
			  " refunding = refunding - $4 WHERE order_id = $1"
			  " RETURNING " PAYMENT_COLUMNS,
			  sql_id(&transaction->order), sql_int(paid), sql_int(refunded),
			  sql_int(refunding)),
		ret_payment);
}

/* --- transactions --------------------------------------------------------------------------- */

static struct transaction read_transaction(struct sql_rows *rows, struct arena *arena)
{
	struct transaction transaction = {
		.id = sql_get_id(rows, 0),
		.order = sql_get_id(rows, 1),
		.kind = transaction_kind_from_text(sql_peek_text(rows, 2)),
		.status = transaction_status_from_text(sql_peek_text(rows, 3)),
		.amount.amount = sql_get_int(rows, 4),
		.provider = sql_get_text(rows, 6, arena),
		.provider_key = sql_get_text(rows, 7, arena),
		.provider_reference = sql_get_text(rows, 8, arena),
		.payment_method = sql_get_text(rows, 9, arena),
		.charge_reference = sql_get_text(rows, 10, arena),
		.request_key = sql_get_text(rows, 11, arena),
		.reason = sql_get_text(rows, 12, arena),
		.failure_code = sql_get_text(rows, 13, arena),
		.failure_message = sql_get_text(rows, 14, arena),
		.traceparent = sql_get_text(rows, 15, arena),
		.attempts = sql_get_int(rows, 16),
		.next_try_ms = sql_get_int(rows, 17),
		.created_ms = sql_get_int(rows, 18),
	};

	sql_get_currency(rows, 5, transaction.amount.currency);
	return transaction;
}

/* Ends a query that answers one transaction. */
static enum err take_transaction(struct sql_rows *rows, struct arena *arena,
				 struct transaction *ret_transaction)
{
	struct transaction transaction;
	enum err err = sql_first(rows);

	if (err)
		return err;
	transaction = read_transaction(rows, arena);
	err = sql_end(rows);
	if (!err)
		*ret_transaction = transaction;
	return err;
}

static enum err transaction_get(struct sql *sql, const struct id *id, struct arena *arena,
				struct transaction *ret_transaction)
{
	return take_transaction(
		sql_query(sql, "SELECT " TRANSACTION_COLUMNS " FROM transactions WHERE id = $1",
			  sql_id(id)),
		arena, ret_transaction);
}

enum err transactions_of_order(struct sql *sql, const struct id *order, struct arena *arena,
			       struct transactions *ret_transactions)
{
	struct sql_rows *rows;

	rows = sql_query(sql,
			 "SELECT " TRANSACTION_COLUMNS " FROM transactions WHERE order_id = $1"
			 " ORDER BY created_at, id",
			 sql_id(order));
	ret_transactions->count = 0;
	while (sql_next(rows)) {
		assert(ret_transactions->count < TRANSACTIONS_PER_ORDER_MAX);
		ret_transactions->items[ret_transactions->count++] = read_transaction(rows, arena);
	}
	return sql_end(rows);
}

const struct transaction *transactions_last_charge(const struct transactions *transactions)
{
	for (size_t i = transactions->count; i > 0; i--) {
		if (transactions->items[i - 1].kind == KIND_CHARGE)
			return &transactions->items[i - 1];
	}
	return NULL;
}

enum err transaction_add(struct sql *sql, const struct transaction *transaction)
{
	return sql_run(sql,
		       "INSERT INTO transactions (id, order_id, kind, status, amount, currency,"
		       " provider, provider_key, payment_method, charge_reference, request_key,"
		       " reason, traceparent, attempts, next_try_at, created_at, updated_at)"
		       " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15,"
		       " $16, $16)",
		       sql_id(&transaction->id), sql_id(&transaction->order),
		       sql_text(transaction_kind_text(transaction->kind)),
		       sql_text(transaction_status_text(transaction->status)),
		       sql_int(transaction->amount.amount), sql_text(transaction->amount.currency),
		       sql_text(transaction->provider), sql_text(transaction->provider_key),
		       sql_text(transaction->payment_method),
		       sql_text(transaction->charge_reference), sql_text(transaction->request_key),
		       sql_text(transaction->reason), sql_text(transaction->traceparent),
		       sql_int(transaction->attempts), sql_int(transaction->next_try_ms),
		       sql_int(transaction->created_ms));
}

enum err transaction_by_request(struct sql *sql, const char *request_key, struct arena *arena,
				struct transaction *ret_transaction)
{
	return take_transaction(sql_query(sql,
					  "SELECT " TRANSACTION_COLUMNS
					  " FROM transactions WHERE request_key = $1",
					  sql_text(request_key)),
				arena, ret_transaction);
}

enum err transaction_claim(struct sql *sql, const struct id *id, int64_t lease_ms,
			   struct arena *arena, struct transaction *ret_transaction,
			   bool *ret_claimed)
{
	int64_t now_ms = sql_now_ms(sql);
	enum err err;

	err = take_transaction(
		sql_query(sql,
			  "UPDATE transactions SET attempts = attempts + 1, next_try_at = $3"
			  " WHERE id = $1 AND status = 'processing' AND next_try_at <= $2"
			  " RETURNING " TRANSACTION_COLUMNS,
			  sql_id(id), sql_int(now_ms), sql_int(now_ms + lease_ms)),
		arena, ret_transaction);
	if (err && err != ERR_NOT_FOUND)
		return err;
	*ret_claimed = !err;
	return err ? transaction_get(sql, id, arena, ret_transaction) : OK;
}

enum err transaction_postpone(struct sql *sql, struct transaction *transaction, int64_t delay_ms)
{
	int64_t next_try_ms = sql_now_ms(sql) + delay_ms;
	enum err err;

	/* Where another has claimed it since, because our time was over, it is that one's. */
	err = sql_run(sql,
		      "UPDATE transactions SET next_try_at = $3 WHERE id = $1 AND attempts = $2"
		      " AND status = 'processing'",
		      sql_id(&transaction->id), sql_int(transaction->attempts),
		      sql_int(next_try_ms));
	if (!err)
		transaction->next_try_ms = next_try_ms;
	return err;
}

enum err transaction_settle(struct sql *sql, struct transaction *transaction,
			    const struct answer *answer, struct arena *arena,
			    struct payment *ret_payment, bool *ret_moved)
{
	bool succeeded = answer->kind == ANSWER_SUCCEEDED;
	enum transaction_status status = succeeded ? STATUS_SUCCEEDED : STATUS_FAILED;
	enum err err;

	assert(succeeded || answer->kind == ANSWER_DECLINED);
	assert(transaction_may_move(STATUS_PROCESSING, status));
	err = take_transaction(
		sql_query(sql,
			  "UPDATE transactions SET status = $2, provider_reference = $3,"
			  " failure_code = $4, failure_message = $5, updated_at = $6"
			  " WHERE id = $1 AND status = 'processing'"
			  " RETURNING " TRANSACTION_COLUMNS,
			  sql_id(&transaction->id), sql_text(transaction_status_text(status)),
			  sql_text(succeeded ? answer->reference : NULL),
			  sql_text(succeeded ? NULL : answer->code),
			  sql_text(succeeded ? NULL : answer->message), sql_int(sql_now_ms(sql))),
		arena, transaction);
	if (err && err != ERR_NOT_FOUND)
		return err;
	*ret_moved = !err;
	if (!err)
		return payment_add(sql, transaction, ret_payment);
	err = transaction_get(sql, &transaction->id, arena, transaction);
	return err ? err : payment_get(sql, &transaction->order, ret_payment);
}

enum err transactions_due(struct sql *sql, struct arena *arena, size_t most,
			  struct transaction *ret_transactions, size_t *ret_count)
{
	struct sql_rows *rows;
	size_t count = 0;
	enum err err;

	rows = sql_query(sql,
			 "SELECT " TRANSACTION_COLUMNS " FROM transactions"
			 " WHERE status = 'processing' AND next_try_at <= $1"
			 " ORDER BY next_try_at LIMIT $2",
			 sql_int(sql_now_ms(sql)), sql_int((int64_t)most));
	while (sql_next(rows)) {
		assert(count < most);
		ret_transactions[count++] = read_transaction(rows, arena);
	}
	err = sql_end(rows);
	if (!err)
		*ret_count = count;
	return err;
}
