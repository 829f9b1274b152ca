/*
 * Payment's SQL.
 *
 * Invariants, held by the schema and by the guards of the statements:
 *  1. An order has one charge that may succeed or has (the primary key, see the schema).
 *  2. Refunds, known and possible ones together, never come to more than was paid (a CHECK).
 *  3. What has an outcome keeps it: a transaction moves once, out of `processing`.
 */
#include "services/payment/store.h"

#include "services/payment/counts.h"
#include "services/payment/rules.h"

#define TRANSACTION_COLUMNS                                                                   \
	"order_id, number, id, kind, status, amount, currency, user_id, refunded, refunding," \
	" provider, provider_key, provider_reference, payment_method, charge_reference,"      \
	" request_key, reason, failure_code, failure_message, traceparent, attempts,"         \
	" next_try_at, created_at, order_number, refusals"

/* --- reading -------------------------------------------------------------------------------- */

static struct transaction read_transaction(struct sql_rows *rows, struct arena *arena)
{
	struct transaction transaction = {
		.order = sql_get_id(rows, 0),
		.number = sql_get_int(rows, 1),
		.id = sql_get_id(rows, 2),
		.kind = transaction_kind_from_text(sql_peek_text(rows, 3)),
		.status = transaction_status_from_text(sql_peek_text(rows, 4)),
		.amount.amount = sql_get_int(rows, 5),
		.user = sql_get_id(rows, 7),
		.refunded = sql_get_int(rows, 8),
		.refunding = sql_get_int(rows, 9),
		.provider = sql_get_text(rows, 10, arena),
		.provider_key = sql_get_text(rows, 11, arena),
		.provider_reference = sql_get_text(rows, 12, arena),
		.payment_method = sql_get_text(rows, 13, arena),
		.charge_reference = sql_get_text(rows, 14, arena),
		.request_key = sql_get_text(rows, 15, arena),
		.reason = sql_get_text(rows, 16, arena),
		.failure_code = sql_get_text(rows, 17, arena),
		.failure_message = sql_get_text(rows, 18, arena),
		.traceparent = sql_get_text(rows, 19, arena),
		.attempts = sql_get_int(rows, 20),
		.next_try_ms = sql_get_int(rows, 21),
		.created_ms = sql_get_int(rows, 22),
		.order_number = sql_get_text(rows, 23, arena),
		.refusals = sql_get_int(rows, 24),
	};

	sql_get_currency(rows, 6, transaction.amount.currency);
	return transaction;
}

/* Ends a query that answers one transaction. */
static enum err take_transaction(struct sql_rows *rows, struct arena *arena,
				 struct transaction *ret_transaction)
{
	return SQL_TAKE(rows, ret_transaction, read_transaction(rows, arena));
}

static enum err transaction_read_again(struct sql *sql, struct transaction *transaction,
				       struct arena *arena)
{
	return take_transaction(sql_query(sql,
					  "SELECT " TRANSACTION_COLUMNS
					  " FROM transactions WHERE order_id = $1 AND number = $2",
					  sql_id(&transaction->order),
					  sql_int(transaction->number)),
				arena, transaction);
}

enum err transactions_of_order(struct sql *sql, const struct id *order, struct arena *arena,
			       struct transactions *ret_transactions)
{
	struct sql_rows *rows;

	rows = sql_query(sql,
			 "SELECT " TRANSACTION_COLUMNS " FROM transactions WHERE order_id = $1"
			 " ORDER BY number",
			 sql_id(order));
	ret_transactions->count = 0;
	while (sql_next(rows)) {
		assert(ret_transactions->count < TRANSACTIONS_PER_ORDER_MAX);
		ret_transactions->items[ret_transactions->count++] = read_transaction(rows, arena);
	}
	return sql_end(rows);
}

enum err transaction_last_charge(struct sql *sql, const struct id *order, struct arena *arena,
				 struct transaction *ret_charge)
{
	return take_transaction(sql_query(sql,
					  "SELECT " TRANSACTION_COLUMNS
					  " FROM transactions WHERE order_id = $1"
					  " AND kind = 'charge' ORDER BY number DESC LIMIT 1",
					  sql_id(order)),
				arena, ret_charge);
}

enum err transactions_count(struct sql *sql, const struct id *order, int64_t *ret_count)
{
	struct sql_rows *rows = sql_query(
		sql, "SELECT COUNT(*) FROM transactions WHERE order_id = $1", sql_id(order));

	return SQL_TAKE(rows, ret_count, sql_get_int(rows, 0));
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

/* --- asking for it -------------------------------------------------------------------------- */

enum err transaction_add(struct sql *sql, const struct transaction *transaction, bool *ret_added)
{
	const struct id *user = &transaction->user;
	enum err err;

	err = sql_run(
		sql,
		"INSERT INTO transactions (order_id, number, id, kind, status, amount,"
		" currency, user_id, provider, provider_key, payment_method,"
		" charge_reference, request_key, reason, traceparent, attempts, next_try_at,"
		" created_at, updated_at, order_number) VALUES ($1, $2, $3, $4, $5, $6, $7, $8,"
		" $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $18, $19)"
		" ON CONFLICT (order_id, number) DO NOTHING",
		sql_id(&transaction->order), sql_int(transaction->number), sql_id(&transaction->id),
		sql_text(transaction_kind_text(transaction->kind)),
		sql_text(transaction_status_text(transaction->status)),
		sql_int(transaction->amount.amount), sql_text(transaction->amount.currency),
		sql_id(id_is_zero(user) ? NULL : user), sql_text(transaction->provider),
		sql_text(transaction->provider_key), sql_text(transaction->payment_method),
		sql_text(transaction->charge_reference), sql_text(transaction->request_key),
		sql_text(transaction->reason), sql_text(transaction->traceparent),
		sql_int(transaction->attempts), sql_int(transaction->next_try_ms),
		sql_int(transaction->created_ms), sql_text(transaction->order_number));
	if (!err)
		*ret_added = sql_changes(sql) == 1;
	return err;
}

enum err transaction_set_user(struct sql *sql, const struct transaction *charge,
			      const struct id *user)
{
	return sql_run(sql,
		       "UPDATE transactions SET user_id = $3 WHERE order_id = $1 AND number = $2"
		       " AND user_id IS NULL",
		       sql_id(&charge->order), sql_int(charge->number), sql_id(user));
}

enum err transaction_hold(struct sql *sql, const struct transaction *charge, int64_t amount)
{
	enum err err = sql_run(sql,
			       "UPDATE transactions SET refunding = refunding + $3"
			       " WHERE order_id = $1 AND number = $2 AND status = 'succeeded'"
			       " AND amount - refunded - refunding >= $3",
			       sql_id(&charge->order), sql_int(charge->number), sql_int(amount));

	if (err)
		return err;
	return sql_changes(sql) == 1 ? OK : ERR_REFUND_EXCEEDS_PAYMENT;
}

enum err transaction_unhold(struct sql *sql, const struct transaction *refund)
{
	int64_t held = refund->amount.amount;
	int64_t given = refund->status == STATUS_SUCCEEDED ? held : 0;
	enum err err;

	assert(refund->kind == KIND_REFUND);
	err = sql_run(sql,
		      "UPDATE transactions SET refunded = refunded + $2, refunding = refunding - $3"
		      " WHERE order_id = $1 AND kind = 'charge' AND status = 'succeeded'",
		      sql_id(&refund->order), sql_int(given), sql_int(held));
	assert(err || sql_changes(sql) == 1);
	return err;
}

/* --- asking, and the answer ----------------------------------------------------------------- */

enum err transaction_claim(struct sql *sql, struct transaction *transaction, int64_t lease_ms,
			   struct arena *arena, bool *ret_claimed)
{
	int64_t now_ms = sql_now_ms(sql);
	enum err err;

	err = sql_run(sql,
		      "UPDATE transactions SET attempts = attempts + 1, next_try_at = $4"
		      " WHERE order_id = $1 AND number = $2 AND status = 'processing'"
		      " AND next_try_at <= $3",
		      sql_id(&transaction->order), sql_int(transaction->number), sql_int(now_ms),
		      sql_int(now_ms + lease_ms));
	if (err)
		return err;
	*ret_claimed = sql_changes(sql) == 1;
	return transaction_read_again(sql, transaction, arena);
}

enum err transaction_postpone(struct sql *sql, struct transaction *transaction, int64_t delay_ms)
{
	int64_t next_try_ms = sql_now_ms(sql) + delay_ms;
	enum err err;

	/* Where another has claimed it since, because our time was over, it is that one's. */
	err = sql_run(sql,
		      "UPDATE transactions SET next_try_at = $4 WHERE order_id = $1 AND number = $2"
		      " AND attempts = $3 AND status = 'processing'",
		      sql_id(&transaction->order), sql_int(transaction->number),
		      sql_int(transaction->attempts), sql_int(next_try_ms));
	if (!err)
		transaction->next_try_ms = next_try_ms;
	return err;
}

enum err transaction_refuse(struct sql *sql, struct transaction *refund, const char *next_key,
			    int64_t delay_ms, struct arena *arena)
{
	enum err err;

	assert(refund->kind == KIND_REFUND);
	err = sql_run(sql,
		      "UPDATE transactions SET refusals = refusals + 1, provider_key = $4,"
		      " attempts = 0, next_try_at = $5, updated_at = $6 WHERE order_id = $1"
		      " AND number = $2 AND refusals = $3 AND status = 'processing'",
		      sql_id(&refund->order), sql_int(refund->number), sql_int(refund->refusals),
		      sql_text(next_key), sql_int(sql_now_ms(sql) + delay_ms),
		      sql_int(sql_now_ms(sql)));
	return err ? err : transaction_read_again(sql, refund, arena);
}

enum err transaction_settle(struct sql *sql, struct transaction *transaction,
			    const struct answer *answer, struct arena *arena, bool *ret_moved)
{
	bool succeeded = answer->kind == ANSWER_SUCCEEDED;
	struct transaction settled = *transaction;
	enum err err;

	assert(succeeded || answer->kind == ANSWER_DECLINED);
	settled.status = succeeded ? STATUS_SUCCEEDED : STATUS_FAILED;
	settled.provider_reference = succeeded ? answer->reference : NULL;
	settled.failure_code = succeeded ? NULL : answer->code;
	settled.failure_message = succeeded ? NULL : answer->message;
	assert(transaction_may_move(STATUS_PROCESSING, settled.status));

	err = sql_run(sql,
		      "UPDATE transactions SET status = $3, provider_reference = $4,"
		      " failure_code = $5, failure_message = $6, updated_at = $7"
		      " WHERE order_id = $1 AND number = $2 AND status = 'processing'",
		      sql_id(&settled.order), sql_int(settled.number),
		      sql_text(transaction_status_text(settled.status)),
		      sql_text(settled.provider_reference), sql_text(settled.failure_code),
		      sql_text(settled.failure_message), sql_int(sql_now_ms(sql)));
	if (err)
		return err;
	*ret_moved = sql_changes(sql) == 1;
	if (!*ret_moved)
		return transaction_read_again(sql, transaction, arena);
	*transaction = settled;
	payment_count(sql, transaction);
	return OK;
}

/* Every list is found along an index that has its order. */
static void add_filter(struct sql_builder *query, const struct transaction_filter *filter)
{
	if (filter->has_kind && filter->kind == KIND_REFUND)
		sql_add(query, " AND kind = 'refund'"); /* as the index names it */
	else if (filter->has_kind)
		sql_add(query, " AND kind = ?", sql_text(transaction_kind_words[filter->kind]));
	if (!filter->has_status)
		return;
	if (filter->status == STATUS_FAILED)
		sql_add(query, " AND status = 'failed'");
	else if (filter->status == STATUS_PROCESSING)
		sql_add(query, " AND status = 'processing'");
	else
		sql_add(query, " AND status = ?",
			sql_text(transaction_status_words[filter->status]));
}

enum err transactions_list(struct sql *sql, const struct transaction_filter *filter,
			   const struct page *page, struct arena *arena,
			   struct transaction **ret_transactions, size_t *ret_count)
{
	struct sql_builder query = sql_builder_new(arena);
	struct transaction *transactions =
		ARENA_ARRAY(arena, struct transaction, (size_t)page->limit + 1);
	struct sql_rows *rows;
	size_t count = 0;
	enum err err;

	sql_add(&query, "SELECT " TRANSACTION_COLUMNS " FROM transactions WHERE 1 = 1");
	add_filter(&query, filter);
	if (page->has_after)
		sql_add(&query, " AND id < ?", sql_id(&page->after.id));
	sql_add(&query, " ORDER BY id DESC LIMIT ?", sql_int(page->limit + 1));
	rows = sql_query_built(sql, &query);
	while (sql_next(rows))
		transactions[count++] = read_transaction(rows, arena);
	err = sql_end(rows);
	if (err)
		return err;
	*ret_transactions = transactions;
	*ret_count = count;
	return OK;
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

enum err transactions_mend(struct sql *sql, int64_t longest_ms, int64_t pause_ms,
			   int64_t *ret_count)
{
	int64_t now_ms = sql_now_ms(sql);
	enum err err;

	err = sql_run(
		sql,
		"UPDATE transactions SET next_try_at = $1 WHERE (order_id, number) IN (SELECT order_id,"
		" number FROM transactions WHERE status = 'processing' AND next_try_at > $2 LIMIT $3)",
		sql_int(now_ms + pause_ms), sql_int(now_ms + longest_ms), sql_int(MEND_ROWS_MAX));
	if (!err)
		*ret_count += sql_changes(sql);
	return err;
}
