/* What Inventory tells the others, out of the transaction in which it happens. */
#ifndef SERVICES_INVENTORY_TELL_H
#define SERVICES_INVENTORY_TELL_H

#include "services/inventory/inventory.h"

/* A running transaction, and whose it is. */
struct scope {
	struct sql *sql;
	struct arena *arena;
	const char *traceparent; /* or NULL */
};

/* StockChanged, where what is free or what counts as few is not what it was; and StockLow, where
 * few are left and were not before. `before` is NULL of an item that was just added. */
enum err tell_changed(const struct scope *scope, const struct item *before, const struct item *now)
	MUST_CHECK;

enum err tell_reserved(const struct scope *scope, const struct reservation *reservation) MUST_CHECK;
enum err tell_rejected(const struct scope *scope, const struct id *order,
		       const struct shortages *shortages) MUST_CHECK;

/* As members of events and answers alike. */
void write_available(struct out *out, const struct item *item);
void write_kept(struct out *out, const struct reservation *reservation);
void write_shortages(struct out *out, const struct shortages *shortages);

#endif
