/* What Payment decides, from what it is given alone. */
#ifndef SERVICES_PAYMENT_RULES_H
#define SERVICES_PAYMENT_RULES_H

#include "services/payment/payment.h"

bool transaction_may_move(enum transaction_status from, enum transaction_status to);

/* What to do about a charge, where `last` is the order's latest one: */
enum charge_decision {
	CHARGE_NEW,	 /* it failed, and another method or amount is offered */
	CHARGE_GO_ON,	 /* it is the same one: go on from where it stands */
	CHARGE_PAID,	 /* it succeeded with another amount */
	CHARGE_CONFLICT, /* it is processing with another amount */
};
enum charge_decision charge_decide(const struct transaction *last,
				   const struct charge_draft *draft);

/* What may still be given back of a charge, less what is held for refunds under way. */
struct money charge_left(const struct transaction *charge);

/* "none", "processing", "paid", "failed", "refunded" or "partially_refunded", by the order's latest
 * charge (or NULL). */
const char *payment_status(const struct transaction *last_charge);

/* The pause before a provider that gave no answer is asked again, behind the `attempts`-th time
 * (from 1): it doubles from 100 ms to a minute, and up to a quarter is taken off by `chance`. */
#define PAYMENT_RETRY_FIRST_MS 100
#define PAYMENT_RETRY_MOST_MS 60000
int64_t payment_retry_delay_ms(int64_t attempts, uint32_t chance);

/* A refund that the provider refuses is asked for again, so many times in all (`most`). The pause
 * behind the `refusals`-th time (from 1) begins at `first_ms` and is four times as long each time,
 * an hour at most; up to a quarter is taken off by `chance`. */
#define REFUND_RETRY_FACTOR 4
#define REFUND_RETRY_MOST_MS (60 * 60 * 1000)
bool refund_may_retry(int64_t refusals, int64_t most);
int64_t refund_retry_delay_ms(int64_t refusals, int64_t first_ms, uint32_t chance);

extern const char *const transaction_kind_words[];   /* by transaction_kind; ends with NULL */
extern const char *const transaction_status_words[]; /* by transaction_status; ends with NULL */
const char *transaction_kind_text(enum transaction_kind kind);
const char *transaction_status_text(enum transaction_status status);
enum transaction_kind transaction_kind_from_text(const char *text);
enum transaction_status transaction_status_from_text(const char *text);

#endif
