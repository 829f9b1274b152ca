/* The nouns of Payment. */
#ifndef SERVICES_PAYMENT_PAYMENT_H
#define SERVICES_PAYMENT_PAYMENT_H

#include "base/id.h"
#include "base/money.h"
#include "platform/service.h"

#define TRANSACTIONS_PER_ORDER_MAX 100

enum transaction_kind { KIND_CHARGE, KIND_REFUND };
enum transaction_status { STATUS_PROCESSING, STATUS_SUCCEEDED, STATUS_FAILED };

/* What is asked of a provider, once, and what became of it. */
struct transaction {
	struct id order;
	int64_t number; /* among the order's, from 1 */
	struct id id;
	enum transaction_kind kind;
	enum transaction_status status;
	struct money amount;
	struct id user;		     /* of a charge: who pays; zero where it was not told */
	int64_t refunded, refunding; /* of a charge: given back, and held for refunds under way */
	const char *provider;
	const char *provider_key;	/* the idempotency key that the provider knows it by */
	const char *provider_reference; /* of one that succeeded */
	const char *payment_method;	/* of a charge: the provider's token */
	const char *charge_reference;	/* of a refund: what the provider calls the charge */
	const char *request_key; /* of a refund, or NULL: who asked, by which Idempotency-Key */
	const char *reason;	 /* of a refund, or NULL */
	const char *failure_code, *failure_message; /* of one that failed */
	const char *traceparent;		    /* or NULL */
	const char *order_number; /* of a charge: what the buyer calls the order; or NULL */
	int64_t refusals;	  /* of a refund: how often the provider has refused it */
	int64_t attempts;
	int64_t next_try_ms; /* while processing: until then somebody is asking, or has paused */
	int64_t created_ms;
};

/* An order's transactions, oldest first. */
struct transactions {
	struct transaction items[TRANSACTIONS_PER_ORDER_MAX];
	size_t count;
};

struct charge_draft {
	struct id order, user; /* user: zero where it is not told */
	struct money amount;
	char *payment_method;
	/* What the order owes, where that is another amount: nothing new is charged then. Or NULL. */
	const struct money *owed;
	const char *order_number; /* or NULL */
};

struct refund_draft {
	struct id order;
	struct money amount;
	bool amount_given; /* else all that is left */
	char *reason;
};

extern const struct service payment_service;

#endif
