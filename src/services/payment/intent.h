/*
 * What Payment does within a transaction: noting what is to be asked of the provider, and what it
 * answered, with the events that tell of it.
 */
#ifndef SERVICES_PAYMENT_INTENT_H
#define SERVICES_PAYMENT_INTENT_H

#include "services/payment/provider.h"
#include "services/payment/store.h"

/* Notes a charge, or finds the one that this is a repetition of. True in *ret_claimed: the provider
 * has to be asked, by the caller. ERR_ALREADY_PAID, ERR_CONFLICT, ERR_AMOUNT_MISMATCH, with words
 * in `req`. */
enum err intent_charge(struct sql *sql, struct request *req, const struct charge_draft *draft,
		       struct transaction *ret_transaction, bool *ret_claimed) MUST_CHECK;

/* As intent_charge, of a refund; `request_key` (or NULL) tells a repetition from another refund.
 * ERR_REFUND_EXCEEDS_PAYMENT; ERR_INVALID for another currency than was paid in;
 * ERR_IDEMPOTENCY_KEY_REUSED. */
enum err intent_refund(struct sql *sql, struct request *req, const struct refund_draft *draft,
		       const char *request_key, struct transaction *ret_transaction,
		       bool *ret_claimed) MUST_CHECK;

/* Stores the provider's answer to the transaction as it was asked for, and the event that tells of it; once: where another has stored it
 * before, the transaction is only read again. A refund that is refused and may be tried again stays
 * as it is, and nobody is told (intent_is_tried_again). */
enum err intent_settle(struct sql *sql, struct arena *arena, const struct transaction *asked,
		       const struct answer *answer, struct transaction *ret_transaction) MUST_CHECK;

/* Whether the answer is a refusal that is not the last word. */
bool intent_is_tried_again(const struct transaction *transaction, const struct answer *answer);

#endif
