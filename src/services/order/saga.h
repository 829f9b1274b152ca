/*
 * What an order does when news of its stock or its payment comes, each as one step within a
 * transaction: read the order, decide, move. News comes twice, late, and from two sides (a job's
 * answer and the event of the same thing): a step that was done already, or that an order no longer
 * needs, is OK and does nothing; so is news of an order that we do not have, but for its charge.
 */
#ifndef SERVICES_ORDER_SAGA_H
#define SERVICES_ORDER_SAGA_H

#include "services/order/order.h"
#include "store/sql.h"

/* Whom the news is for, and where it comes from. */
struct news {
	struct arena *arena;
	struct id order;
	const char *traceparent; /* or NULL */
};

/* pending: reserved, and to be charged: by us, if there is room (order_desk_has_room). What costs
 * nothing is paid at once. */
enum err saga_stock_reserved(struct sql *sql, const struct news *news, int64_t until_ms) MUST_CHECK;

/* There is not enough, or not any more: cancelled. */
enum err saga_stock_rejected(struct sql *sql, const struct news *news, struct shortage *shortages,
			     size_t count) MUST_CHECK;

/* reserved: paid, if that is what it comes to. cancelled before: the money goes back; so it does
 * where another sum was charged, which cancels what is not paid, or was charged for what costs
 * nothing, or for an order that we do not have (stray.c). */
enum err saga_charged(struct sql *sql, const struct news *news, const struct id *transaction,
		      const struct money *amount) MUST_CHECK;

/* reserved: cancelled; `code` and `message` say why, in the provider's words. */
enum err saga_declined(struct sql *sql, const struct news *news, const char *code,
		       const char *message) MUST_CHECK;

/* Its time is over, and it is not paid: cancelled. */
enum err saga_expired(struct sql *sql, const struct news *news) MUST_CHECK;

/* So much was given back of what was paid, in all. Where it is all of it, and the order is not paid
 * yet, it will not be: cancelled. */
enum err saga_refunded(struct sql *sql, const struct news *news, const struct money *paid,
		       const struct money *refunded) MUST_CHECK;

#endif
