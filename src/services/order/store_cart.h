/*
 * What the Order service keeps of carts, as verbs. A cart is opened with the key to it, and then
 * changed as it was read: in the same transaction.
 */
#ifndef SERVICES_ORDER_STORE_CART_H
#define SERVICES_ORDER_STORE_CART_H

#include "base/hash.h"
#include "services/order/order.h"
#include "store/sql.h"

/* What opens a cart: being its user, or knowing a guest cart's secret. */
struct cart_key {
	struct id user; /* zero: nobody */
	bool has_secret;
	struct hash secret;
};

/* A new cart, the key's user's, or else a guest's whom the secret opens it. Sets version and times;
 * without lines. */
enum err cart_insert(struct sql *sql, struct cart *cart, const struct cart_key *key) MUST_CHECK;

/* The cart with its lines, oldest first; ERR_NOT_FOUND where there is none or the key is wrong. */
enum err cart_open(struct sql *sql, struct arena *arena, const struct id *id,
		   const struct cart_key *key, struct cart *ret_cart) MUST_CHECK;

/* The user's newest cart; ERR_NOT_FOUND. */
enum err cart_open_newest(struct sql *sql, struct arena *arena, const struct id *user,
			  struct cart *ret_cart) MUST_CHECK;

/* Puts so many more of the product in, and notes what it was then; cart_room_for must have said that
 * they fit. */
enum err cart_put(struct sql *sql, struct cart *cart, const struct cart_line *added) MUST_CHECK;

/* Sets a line's quantity, 0 takes it out; ERR_NOT_FOUND where the cart has no such line. */
enum err cart_set(struct sql *sql, struct cart *cart, const struct id *line, int64_t quantity)
	MUST_CHECK;

/* A guest's cart becomes the user's; its secret opens nothing any more. */
enum err cart_give(struct sql *sql, struct cart *cart, const struct id *user) MUST_CHECK;

/* The order is under way for the cart now; ERR_NOT_FOUND where there is none of that version (any
 * more), or another order is. */
enum err cart_begin_order(struct sql *sql, const struct id *id, int64_t version,
			  const struct id *order) MUST_CHECK;

/* The order is under way for its cart no more. Where it is paid its lines are taken out of the cart:
 * what was put in meanwhile stays. */
enum err cart_end_order(struct sql *sql, const struct order *order) MUST_CHECK;

/* Takes the cart away, with its lines; ERR_NOT_FOUND where there is none of that version (any
 * more). */
enum err cart_remove(struct sql *sql, const struct id *id, int64_t version) MUST_CHECK;

/* Removes up to `limit` carts that were not changed since `before_ms`. */
enum err cart_remove_old(struct sql *sql, int64_t before_ms, int64_t limit, int64_t *ret_count)
	MUST_CHECK;

#endif
