/* What the files of the Order service know of it as a whole. */
#ifndef SERVICES_ORDER_SERVICE_H
#define SERVICES_ORDER_SERVICE_H

#include "platform/service.h"
#include "services/order/order.h"
#include "services/order/store_cart.h"

extern const struct service order_service;

/* Read once, at the start. */
struct order_settings {
	int64_t wait_ms;	  /* how long placing an order waits for its outcome */
	int64_t patience_ms;	  /* how long an order may wait for its stock */
	int64_t lease_ms;	  /* longer than any charge or refund can take */
	int64_t charges_parallel; /* and refunds */
};
extern struct order_settings order_settings;

/* api.c, api_cart.c */
extern const struct route order_routes[];
enum err post_cart(struct request *req, struct reply *reply);
enum err get_cart(struct request *req, struct reply *reply);
enum err get_current_cart(struct request *req, struct reply *reply);
enum err post_cart_item(struct request *req, struct reply *reply);
enum err put_cart_item(struct request *req, struct reply *reply);
enum err delete_cart_item(struct request *req, struct reply *reply);
enum err post_cart_claim(struct request *req, struct reply *reply);

/* api_cart.c: the key to carts that a request brings: the caller itself, and Cart-Secret. */
struct cart_key cart_key_of(const struct request *req);

/* An order is under way for the cart. */
enum err cart_refuse_ordered(struct request *req, const struct cart *cart) MUST_CHECK;

/* The cart's products and their prices at that moment, as the upper half of the revision in its entity
 * tag: another price makes another one, a product's stock does not. Who sets prices does not know
 * the cart's id, and so cannot look for one that makes the same. */
uint32_t cart_prices_mark(struct arena *arena, const struct id *cart,
			  const struct order_item *items, const struct quote *quotes, size_t count);

/* draft.c: a POST /orders up to the point where it can be stored. */
struct order_draft {
	struct order order;   /* priced */
	int64_t cart_version; /* of what it is ordered from, if that is a cart */
};
extern const struct field order_item_fields[]; /* of a struct order_item */
enum err order_draft_read(struct request *req, struct order_draft *draft) MUST_CHECK;

/* quote.c: what Product says of these products now, in their order. */
enum err order_quote(struct request *req, const struct order_item *items, size_t count,
		     struct quote **ret_quotes) MUST_CHECK;

/* events.c */
extern const struct subscription order_subscriptions[];

/* jobs.c */
extern const struct job order_jobs[];
void order_jobs_start(void);
void order_jobs_stop(void);
enum err order_mend_times(struct sql *sql, int64_t *ret_count) MUST_CHECK;
/* Something may have become due: to be charged, or to be refunded. */
void order_jobs_poke(void);

/* Once the step that the transaction made of the order is on disk, those are told who wait for its
 * outcome, and the jobs if it is due. */
void order_step_follows(struct sql *sql, const struct order *order);

/* Has the order charged as soon as the transaction that moves it to reserved is on disk. It must be
 * taken (order_move.taken_ms), and there must be room: else a job finds it due. */
bool order_desk_has_room(void);
void order_charge_soon(struct sql *sql, const struct order *order);

#endif
