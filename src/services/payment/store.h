/*
 * What Payment stores. All functions run within a transaction, or (those that only read) a
 * snapshot. Texts read are copied into the arena.
 */
#ifndef SERVICES_PAYMENT_STORE_H
#define SERVICES_PAYMENT_STORE_H

#include "services/payment/payment.h"
#include "services/payment/provider.h"

enum err transactions_of_order(struct sql *sql, const struct id *order, struct arena *arena,
			       struct transactions *ret_transactions) MUST_CHECK;

/* The latest of the order's charges; ERR_NOT_FOUND where there is none. */
enum err transaction_last_charge(struct sql *sql, const struct id *order, struct arena *arena,
				 struct transaction *ret_charge) MUST_CHECK;

/* How many transactions the order has. */
enum err transactions_count(struct sql *sql, const struct id *order, int64_t *ret_count) MUST_CHECK;

/* False in *ret_added: the order has one with that number. */
enum err transaction_add(struct sql *sql, const struct transaction *transaction, bool *ret_added)
	MUST_CHECK;

/* Who pays, of a charge that did not know it yet. */
enum err transaction_set_user(struct sql *sql, const struct transaction *charge,
			      const struct id *user) MUST_CHECK;

/* Holds the amount of the charge for a refund; ERR_REFUND_EXCEEDS_PAYMENT where not so much is
 * left. */
enum err transaction_hold(struct sql *sql, const struct transaction *charge, int64_t amount)
	MUST_CHECK;

/* The refund has its outcome: what was held for it is given back, or free again. */
enum err transaction_unhold(struct sql *sql, const struct transaction *refund) MUST_CHECK;

/* ERR_NOT_FOUND where there is none. */
enum err transaction_by_request(struct sql *sql, const char *request_key, struct arena *arena,
				struct transaction *ret_transaction) MUST_CHECK;

/* Reads the transaction again (its order and number are known), and has the provider to itself for
 * `lease_ms` (true in *ret_claimed) if it is processing and nobody else does. */
enum err transaction_claim(struct sql *sql, struct transaction *transaction, int64_t lease_ms,
			   struct arena *arena, bool *ret_claimed) MUST_CHECK;

/* Gives up the claim: nobody asks before `delay_ms` have passed. */
enum err transaction_postpone(struct sql *sql, struct transaction *transaction, int64_t delay_ms)
	MUST_CHECK;

/* The provider has refused the refund once more: it waits for `delay_ms`, and is then asked for
 * under `next_key`. Where it was settled or refused before only reads it again. */
enum err transaction_refuse(struct sql *sql, struct transaction *refund, const char *next_key,
			    int64_t delay_ms, struct arena *arena) MUST_CHECK;

/* Moves it to what was answered. Where it was settled before only reads it again: false in
 * *ret_moved. */
enum err transaction_settle(struct sql *sql, struct transaction *transaction,
			    const struct answer *answer, struct arena *arena, bool *ret_moved)
	MUST_CHECK;

struct transaction_filter {
	int kind, status; /* enum transaction_kind, transaction_status */
	bool has_kind, has_status;
};

/* The newest first; at most page->limit + 1. */
enum err transactions_list(struct sql *sql, const struct transaction_filter *filter,
			   const struct page *page, struct arena *arena,
			   struct transaction **ret_transactions, size_t *ret_count) MUST_CHECK;

/* Those processing that nobody asks about, the longest waiting first; at most `most`. */
enum err transactions_due(struct sql *sql, struct arena *arena, size_t most,
			  struct transaction *ret_transactions, size_t *ret_count) MUST_CHECK;

/* Has those processing that are not to be asked about for longer than `longest_ms` asked about in
 * `pause_ms`; at most MEND_ROWS_MAX. *ret_count grows by how many it were. */
enum err transactions_mend(struct sql *sql, int64_t longest_ms, int64_t pause_ms,
			   int64_t *ret_count) MUST_CHECK;

#endif
