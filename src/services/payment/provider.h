/*
 * The port to payment providers: who moves the money. A provider is outside; it may be slow, away,
 * or have done what it was asked and lost its answer. So every request carries an idempotency key,
 * and asking again with the same key does nothing twice.
 *
 * The functions may park the fiber, answer within about `timeout_ms`, and never fail otherwise than
 * by ANSWER_NONE. Texts of an answer live in the arena, or forever.
 */
#ifndef SERVICES_PAYMENT_PROVIDER_H
#define SERVICES_PAYMENT_PROVIDER_H

#include "base/arena.h"
#include "services/payment/payment.h"

enum answer_kind {
	ANSWER_NONE,	  /* it did not say: it may have done it, or not */
	ANSWER_SUCCEEDED, /* done; `reference` */
	ANSWER_DECLINED,  /* not done, and will not be; `code`, `message` */
	ANSWER_UNKNOWN,	  /* of find: it has done nothing under that key */
};

struct answer {
	enum answer_kind kind;
	const char *reference;
	const char *code, *message;
};

struct payment_provider {
	const char *name;
	int64_t timeout_ms;
	enum err (*start)(void); /* before anything is asked */
	void (*stop)(void);
	/* Takes the amount by the payment method. */
	struct answer (*charge)(struct arena *arena, const struct transaction *transaction);
	/* Gives the amount back, of the charge that is referred to. */
	struct answer (*refund)(struct arena *arena, const struct transaction *transaction);
	/* What became of the charge or refund with the transaction's key. */
	struct answer (*find)(struct arena *arena, const struct transaction *transaction);
};

/* The one that new charges go to. */
const struct payment_provider *payment_provider_chosen(void);

/* NULL where the program knows none of that name: what it stored may be older than its setting. */
const struct payment_provider *payment_provider_by_name(const char *name);

/* How long one question may take; of an unknown provider a while. */
int64_t payment_provider_timeout_ms(const char *name);

enum err payment_providers_start(void) MUST_CHECK;
void payment_providers_stop(void);

extern const struct payment_provider sandbox_provider;

/* The sandbox's tables, for those who look at its books. */
extern const struct migration_set sandbox_migration_set;

#endif
