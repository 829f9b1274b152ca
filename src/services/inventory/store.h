/*
 * What Inventory stores. All functions run within a transaction, or (those that only read) a
 * snapshot. Texts read are copied into the arena.
 */
#ifndef SERVICES_INVENTORY_STORE_H
#define SERVICES_INVENTORY_STORE_H

#include "services/inventory/inventory.h"

/* --- items ---------------------------------------------------------------------------------- */

/* ERR_NOT_FOUND where there is none, or its product is gone. */
enum err item_get(struct sql *sql, const struct id *id, struct arena *arena, struct item *ret_item)
	MUST_CHECK;

/* The same, also where its product is gone: what was kept for orders is still there. */
enum err item_find(struct sql *sql, const struct id *id, struct arena *arena, struct item *ret_item)
	MUST_CHECK;

/* Adds it, with what is on hand in the default warehouse; or, where it is known, takes over what
 * its product says of it, and brings it back if it was removed. *ret_appeared: it was not there. */
enum err item_put(struct sql *sql, const struct item *item, bool *ret_appeared) MUST_CHECK;

/* It is not sold any more; what is kept for orders stays. */
enum err item_remove(struct sql *sql, const struct id *id) MUST_CHECK;
enum err items_remove_of_parent(struct sql *sql, const struct id *parent) MUST_CHECK;

/* The ids of a product's items that are not removed; *ret_ids in the arena. */
enum err items_of_parent(struct sql *sql, const struct id *parent, struct arena *arena,
			 struct id **ret_ids, size_t *ret_count) MUST_CHECK;

struct item_filter {
	const char *status;	 /* or NULL */
	const struct id *vendor; /* or NULL */
	const struct id *after;	 /* or NULL */
	size_t limit;
};

/* By id; at most filter->limit, which is the room in ret_items. */
enum err items_list(struct sql *sql, const struct item_filter *filter, struct arena *arena,
		    struct item *ret_items, size_t *ret_count) MUST_CHECK;

/* Adds to the sums of an item that was read in this transaction; fewer than none may not be free
 * then, unless it may be promised, and what is reserved not less than none: asserted. */
enum err item_change(struct sql *sql, struct item *item, int64_t on_hand, int64_t reserved)
	MUST_CHECK;

/* What its vendor says: threshold, tracked and backorder as `now` has them, and a change of what is on
 * hand. A new version. ERR_BELOW_RESERVED. */
enum err item_set(struct sql *sql, const struct item *now, int64_t on_hand, struct arena *arena,
		  struct item *ret_item) MUST_CHECK;

/* How many there are of what nobody has counted yet: an import's word, where its vendor has said
 * nothing, and nothing has happened to what is tracked. From then on it is tracked. */
enum err item_assume(struct sql *sql, const struct id *id, int64_t on_hand, bool *ret_changed)
	MUST_CHECK;

/* --- warehouses ------------------------------------------------------------------------------- */

/* The sums of an item that is not spread are its default warehouse's: who changes them has changed
 * that, and these verbs are for the others. */

enum err stocks_get(struct sql *sql, const struct id *product, struct arena *arena,
		    struct stocks *ret_stocks) MUST_CHECK;

/* Adds to what one warehouse has; ERR_OUT_OF_STOCK, and nothing is changed, where it never had any, or
 * fewer than none would be free and must not. */
enum err stock_change(struct sql *sql, const struct item *item, const char *warehouse,
		      int64_t on_hand, int64_t reserved) MUST_CHECK;

/* Makes a warehouse's row, with nothing, where there is none. With the first one that is not the
 * default one the item is spread. */
enum err stock_open(struct sql *sql, struct item *item, const char *warehouse) MUST_CHECK;

struct movement {
	struct id product;
	const char *warehouse;
	int64_t delta;
	const char *kind;   /* "initial", "count", "adjustment", "sale", "cancellation", "return" */
	const char *reason; /* or NULL */
	const struct id *order; /* or NULL */
	const struct id *by;	/* or NULL */
};

/* Writes into the journal what has come (delta > 0) or gone. */
enum err movement_add(struct sql *sql, const struct movement *movement) MUST_CHECK;

/* --- reservations ----------------------------------------------------------------------------- */

/* ERR_CONFLICT where the order has one. */
enum err reservation_add(struct sql *sql, const struct reservation *reservation) MUST_CHECK;
enum err reservation_add_line(struct sql *sql, const struct id *order, const struct kept *line)
	MUST_CHECK;
enum err reservation_remove_lines(struct sql *sql, const struct id *order) MUST_CHECK;

/* Notes that nothing went out for the line: nobody counts what it keeps. */
enum err reservation_line_uncounted(struct sql *sql, const struct id *order,
				    const struct kept *line) MUST_CHECK;

/* With its lines; ERR_NOT_FOUND where the order has none. */
enum err reservation_get(struct sql *sql, const struct id *order, struct arena *arena,
			 struct reservation *ret_reservation) MUST_CHECK;

/* Moves it, where it stands as it was read; else ERR_CONFLICT. */
enum err reservation_move(struct sql *sql, struct reservation *reservation,
			  enum reservation_status to) MUST_CHECK;

/* The orders whose time is over, the longest ago first; at most `most`. */
enum err reservations_due(struct sql *sql, size_t most, struct id *ret_orders, size_t *ret_count)
	MUST_CHECK;

/* Where a reservation that was made in the future would end more than `longest_ms` from now it keeps
 * for as long as it was made for, from now on; at most MEND_ROWS_MAX. *ret_count grows by how many
 * it were. */
enum err reservations_mend(struct sql *sql, int64_t longest_ms, int64_t *ret_count) MUST_CHECK;

#endif
