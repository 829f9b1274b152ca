/*
 * Asking the provider until its answer is known. One asks at a time: who holds the claim on the
 * transaction's row (see transaction_claim), for as long as the provider may take. The others wait
 * for what it learns. A claim whose holder was killed runs out, and the job takes over.
 */
#ifndef SERVICES_PAYMENT_SETTLE_H
#define SERVICES_PAYMENT_SETTLE_H

#include "services/payment/provider.h"

#define SETTLE_EVERY_MS 1000

struct settlement {
	struct arena *arena;
	struct transaction transaction; /* as it was last seen */
	struct transaction asked;	/* as it was when the answer came */
	bool claimed;			/* by us */
	struct answer answer;		/* the provider's */
};

/* Asks, or waits for who asks, until the answer is known, or the monotonic clock reaches
 * `deadline_ms` (at least once is asked where the transaction is claimed): ERR_UNAVAILABLE. So is a
 * refund that was refused and waits for its next time (settle_is_waiting), at once. Stores nothing
 * of the answer. */
enum err settle_ask(struct settlement *settlement, int64_t deadline_ms) MUST_CHECK;

/* Whether it is a refund that was refused, and is asked for again later. */
bool settle_is_waiting(const struct settlement *settlement);

/* Stores the answer in a transaction of its own, and tells those who wait. */
enum err settle_store(struct settlement *settlement) MUST_CHECK;

/* Tells those who wait that the outcome is stored. */
void settle_tell(const struct settlement *settlement);

/* Asks about everything that is processing and that nobody asks about: the job. */
void settle_due(void);

#endif
