/* What Inventory decides, from what it is given alone. */
#ifndef SERVICES_INVENTORY_RULES_H
#define SERVICES_INVENTORY_RULES_H

#include "services/inventory/inventory.h"

/* Lower-case letters, digits and single hyphens. */
bool warehouse_is_name(const char *text);
#define WAREHOUSE_EXPECTED "must be of lower-case letters, digits and single hyphens"

/* Sorts by product and adds up what is there twice; gives back how many are left. One order for
 * all is what keeps two of them from waiting for each other. */
size_t wanted_merge(struct wanted *wanted, size_t count);

/* Whether the lines keep just this; `wanted` is merged. */
bool reservation_keeps(const struct reservation *reservation, const struct wanted *wanted,
		       size_t count);

bool reservation_may_move(enum reservation_status from, enum reservation_status to);

/* Whether no more may be promised than there is. */
bool item_must_cover(const struct item *item);

/* How much is free: below 0 only where more may be promised. It says nothing of what is not tracked. */
int64_t item_available(const struct item *item);

/* Whether so many can be had. */
bool item_has(const struct item *item, int64_t quantity);

/* "allow" or "deny". */
const char *item_backorder_word(const struct item *item);

/* What is said of it. */
const char *item_status(const struct item *item);

/* Whether few are left now and were not before. */
bool item_fell_low(const struct item *before, const struct item *now);

/* Whether another stock is to be told of than before. */
bool item_differs(const struct item *before, const struct item *now);

/* Where to take `quantity` from: `main` if it has them, else the warehouse with the most, and from
 * more than one only where none has all; what none has, `main` owes. Writes at most stocks->count
 * lines; gives back how many. */
size_t allocate(const struct stocks *stocks, const struct id *product, int64_t quantity,
		struct kept *ret_lines);

/* Which warehouse is meant where none is named: the only one that has any, or `main` where none
 * has; NULL where several have. */
const char *warehouse_meant(const struct stocks *stocks);

const char *reservation_status_text(enum reservation_status status);
enum reservation_status reservation_status_from_text(const char *text);

#endif
