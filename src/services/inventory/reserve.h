/*
 * Keeping stock for orders. Every verb runs within a transaction, changes all or nothing, may be
 * repeated without doing anything twice, and tells of what it changed.
 */
#ifndef SERVICES_INVENTORY_RESERVE_H
#define SERVICES_INVENTORY_RESERVE_H

#include "services/inventory/tell.h"

/* Keeps what an order wants (`wanted` is merged) until `expires_ms`, once per order.
 * ERR_OUT_OF_STOCK with *ret_shortages, and then nothing is kept but the transaction may go on;
 * ERR_CONFLICT where the order has kept something else, or not any more. */
enum err reserve_order(const struct scope *scope, const struct id *order,
		       const struct wanted *wanted, size_t count, int64_t expires_ms,
		       struct reservation *ret_reservation, struct shortages *ret_shortages)
	MUST_CHECK;

/* It is sold: what was kept goes out. Where its time was over it is taken anew if it is still
 * there, and where somebody released it too if the order is `paid`: ERR_OUT_OF_STOCK as above.
 * ERR_NOT_FOUND; else ERR_CONFLICT where it was released. */
enum err commit_order(const struct scope *scope, const struct id *order, bool paid,
		      struct reservation *ret_reservation, struct shortages *ret_shortages)
	MUST_CHECK;

/* It is off: what was kept is free again. ERR_NOT_FOUND; ERR_CONFLICT where it was sold. */
enum err release_order(const struct scope *scope, const struct id *order,
		       struct reservation *ret_reservation) MUST_CHECK;

/* What was sold comes back to where it was; `kind` is the journal's: "cancellation" or "return".
 * ERR_NOT_FOUND; ERR_CONFLICT where it was not sold. */
enum err restock_order(const struct scope *scope, const struct id *order, const char *kind,
		       struct reservation *ret_reservation) MUST_CHECK;

/* Frees what is kept beyond its time, of one order. */
enum err expire_order(const struct scope *scope, const struct id *order) MUST_CHECK;

#endif
