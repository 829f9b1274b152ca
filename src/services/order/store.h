/*
 * What the Order service keeps of orders, as verbs. All run within a transaction or a snapshot of
 * the caller's; texts that they give out are in the arena that they are given.
 */
#ifndef SERVICES_ORDER_STORE_H
#define SERVICES_ORDER_STORE_H

#include "http/request.h"
#include "services/order/order.h"
#include "store/sql.h"

/* Stores a new order, pending, and tells OrderPlaced. Sets number, version and times; it expires
 * `patience_ms` from now unless it is reserved before. */
enum err order_insert(struct sql *sql, struct arena *arena, struct order *order,
		      int64_t patience_ms) MUST_CHECK;

/* The order without its lines; ERR_NOT_FOUND. */
enum err order_read_head(struct sql *sql, struct arena *arena, const struct id *id,
			 struct order *ret_order) MUST_CHECK;

/* The order with its lines; ERR_NOT_FOUND. */
enum err order_read(struct sql *sql, struct arena *arena, const struct id *id,
		    struct order *ret_order) MUST_CHECK;

enum err order_read_history(struct sql *sql, struct arena *arena, struct order *order) MUST_CHECK;

struct order_move {
	enum order_status to;
	enum mover by;
	const struct id *by_user; /* or NULL */
	const char *reason;	  /* or NULL */
	const char *traceparent;  /* or NULL */
	int64_t taken_ms;	  /* to reserved: who moves it charges it, for so long; or 0 */
};

/*
 * The one function that moves an order: new status, history, event and what becomes due, in the
 * running transaction. `order` was read in it; where its event tells of lines, and it has none yet,
 * they are read. What the caller changed of its payment is stored along. The cart that it was ordered
 * from is freed where it is cancelled, and its lines taken out where it is paid. ERR_ILLEGAL_TRANSITION where rules.c does not let `by` move it so.
 */
enum err order_move(struct sql *sql, struct arena *arena, struct order *order,
		    const struct order_move *move) MUST_CHECK;

/* Stores why an order is about to be cancelled: what was short, and what the provider said. */
enum err order_store_failure(struct sql *sql, struct arena *arena, const struct order *order)
	MUST_CHECK;

/* Stores what the caller changed of the order's payment, and what is due, without a move. */
enum err order_store_payment(struct sql *sql, struct order *order) MUST_CHECK;

/* --- lists ------------------------------------------------------------------------------------ */

struct order_filter {
	const struct id *user;	 /* or NULL: anybody's */
	const struct id *vendor; /* orders with a line of this vendor's; or NULL */
	int status;		 /* or -1 */
	int64_t number;		 /* this one alone; or 0 */
	int64_t from_ms, to_ms;	 /* placed from ... until before ...; 0: whenever */
	int64_t before_number;	 /* 0: from the newest */
	int64_t limit;
};

/* Newest first, with lines and history. */
enum err order_list(struct sql *sql, struct arena *arena, const struct order_filter *filter,
		    struct order **ret_orders, size_t *ret_count) MUST_CHECK;

/* --- what is due ------------------------------------------------------------------------------ */

/* Whether an order of that status is due. */
enum err order_any_due(struct sql *sql, enum order_status status, bool *ret_any) MUST_CHECK;

struct order_taking {
	enum order_status status;
	int64_t limit, lease_ms;
	int64_t keep_ms; /* how long a stock is kept */
};

/*
 * Takes up to `limit` orders of that status that are due, the longest waiting first, counts the
 * attempt and makes them due again at now + `lease_ms`: nobody else takes them meanwhile, and
 * whoever took them may die. Without lines and history. What a clock that was ahead has reserved
 * ends within `keep_ms`, as it does at Inventory.
 */
enum err order_take_due(struct sql *sql, struct arena *arena, const struct order_taking *taking,
			struct order **ret_orders, size_t *ret_count) MUST_CHECK;

/* Sets when it is due next (0: never) if it still has that status and is still due at all. */
enum err order_set_due(struct sql *sql, const struct id *id, enum order_status status,
		       int64_t due_ms) MUST_CHECK;

/* Has what is due later than `longest_ms` from now, of that status, be due in `pause_ms`; at most
 * MEND_ROWS_MAX orders. *ret_count grows by how many it were. */
enum err order_mend_due(struct sql *sql, enum order_status status, int64_t longest_ms,
			int64_t pause_ms, int64_t *ret_count) MUST_CHECK;

/* At the start nobody works at anything: what is to be charged or refunded is due at once. */
enum err order_release_due(struct sql *sql) MUST_CHECK;

#endif
