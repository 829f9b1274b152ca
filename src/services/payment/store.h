/*
 * What Payment stores. All functions run within a transaction, or (those that only read) a
 * snapshot. Texts read are copied into the arena.
 */
#ifndef SERVICES_PAYMENT_STORE_H
#define SERVICES_PAYMENT_STORE_H

#include "services/payment/payment.h"
#include "services/payment/provider.h"

/* The order's payment, made where there is none yet. A payer that was not known is taken over from
 * `user` (zero: not told). In the transaction nobody else works on the order from here on. */
enum err payment_open(struct sql *sql, const struct id *order, const struct id *user,
		      const char *currency, struct payment *ret_payment) MUST_CHECK;

/* ERR_NOT_FOUND where the order has none. */
enum err payment_get(struct sql *sql, const struct id *order, struct payment *ret_payment)
	MUST_CHECK;

/* What is charged from now on is of this currency; asserts that nothing is paid yet. */
enum err payment_set_currency(struct sql *sql, const struct id *order, const char *currency)
	MUST_CHECK;

/* Holds the amount for a refund; ERR_REFUND_EXCEEDS_PAYMENT where not so much is left. */
enum err payment_hold(struct sql *sql, const struct id *order, int64_t amount) MUST_CHECK;

/* The order's transactions, oldest first. */
struct transactions {
	struct transaction items[TRANSACTIONS_PER_ORDER_MAX];
	size_t count;
};
enum err transactions_of_order(struct sql *sql, const struct id *order, struct arena *arena,
			       struct transactions *ret_transactions) MUST_CHECK;

/* The latest of the charges; NULL where there is none. */
const struct transaction *transactions_last_charge(const struct transactions *transactions);

enum err transaction_add(struct sql *sql, const struct transaction *transaction) MUST_CHECK;

/* ERR_NOT_FOUND where there is none. */
enum err transaction_by_request(struct sql *sql, const char *request_key, struct arena *arena,
				struct transaction *ret_transaction) MUST_CHECK;

/* Reads the transaction, and has the provider to itself for `lease_ms` (true in *ret_claimed) if it
 * is processing and nobody else does. */
enum err transaction_claim(struct sql *sql, const struct id *id, int64_t lease_ms,
			   struct arena *arena, struct transaction *ret_transaction,
			   bool *ret_claimed) MUST_CHECK;

/* Gives up the claim: nobody asks before `delay_ms` have passed. */
enum err transaction_postpone(struct sql *sql, struct transaction *transaction, int64_t delay_ms)
	MUST_CHECK;

/* Moves it to what was answered, together with the order's sums, and *ret_payment to these. Where
 * it was settled before only reads it again: false in *ret_moved. */
enum err transaction_settle(struct sql *sql, struct transaction *transaction,
			    const struct answer *answer, struct arena *arena,
			    struct payment *ret_payment, bool *ret_moved) MUST_CHECK;

/* Those processing that nobody asks about, the longest waiting first; at most `most`. */
enum err transactions_due(struct sql *sql, struct arena *arena, size_t most,
			  struct transaction *ret_transactions, size_t *ret_count) MUST_CHECK;

#endif
