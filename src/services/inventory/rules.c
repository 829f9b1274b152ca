/* Inventory's decisions: no I/O, no clock, no database. */
#include "services/inventory/rules.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static const char *const statuses[] = {
	[RESERVATION_ACTIVE] = "active",       [RESERVATION_COMMITTED] = "committed",
	[RESERVATION_RELEASED] = "released",   [RESERVATION_EXPIRED] = "expired",
	[RESERVATION_RESTOCKED] = "restocked",
};

/* Back to active: it was paid for nevertheless, and what it kept is still there. */
static const bool may_move[RESERVATION_STATUSES][RESERVATION_STATUSES] = {
	[RESERVATION_ACTIVE] = {[RESERVATION_COMMITTED] = true,
				[RESERVATION_RELEASED] = true,
				[RESERVATION_EXPIRED] = true},
	[RESERVATION_EXPIRED] = {[RESERVATION_ACTIVE] = true},
	[RESERVATION_RELEASED] = {[RESERVATION_ACTIVE] = true},
	[RESERVATION_COMMITTED] = {[RESERVATION_RESTOCKED] = true},
};

bool warehouse_is_name(const char *text)
{
	return text_is_slug(text);
}

static int compare_wanted(const void *a, const void *b)
{
	return id_compare(&((const struct wanted *)a)->product,
			  &((const struct wanted *)b)->product);
}

size_t wanted_merge(struct wanted *wanted, size_t count)
{
	size_t kept = 0;

	qsort(wanted, count, sizeof(*wanted), compare_wanted);
	for (size_t i = 0; i < count; i++) {
		if (kept > 0 && id_equal(&wanted[kept - 1].product, &wanted[i].product))
			wanted[kept - 1].quantity += wanted[i].quantity;
		else
			wanted[kept++] = wanted[i];
	}
	return kept;
}

bool reservation_keeps(const struct reservation *reservation, const struct wanted *wanted,
		       size_t count)
{
	size_t line = 0;

	for (size_t i = 0; i < count; i++) {
		int64_t quantity = 0;

		while (line < reservation->count &&
		       id_equal(&reservation->lines[line].product, &wanted[i].product))
			quantity += reservation->lines[line++].quantity;
		if (quantity != wanted[i].quantity)
			return false;
	}
	return line == reservation->count;
}

bool reservation_may_move(enum reservation_status from, enum reservation_status to)
{
	return may_move[from][to];
}

bool item_must_cover(const struct item *item)
{
	return item->tracked && !item->backorder;
}

int64_t item_available(const struct item *item)
{
	assert(item->reserved >= 0);
	assert(item->on_hand >= item->reserved || !item_must_cover(item));
	return item->on_hand - item->reserved;
}

bool item_has(const struct item *item, int64_t quantity)
{
	return !item_must_cover(item) || item_available(item) >= quantity;
}

const char *item_backorder_word(const struct item *item)
{
	return item->backorder ? "allow" : "deny";
}

const char *item_status(const struct item *item)
{
	int64_t available = item_available(item);

	if (!item->tracked)
		return "in_stock";
	if (available <= 0)
		return item->backorder ? "backorder" : "out_of_stock";
	return available <= item->threshold ? "low_stock" : "in_stock";
}

bool item_fell_low(const struct item *before, const struct item *now)
{
	return before->tracked && now->tracked && item_available(before) > before->threshold &&
	       item_available(now) <= now->threshold;
}

bool item_differs(const struct item *before, const struct item *now)
{
	if (before->tracked != now->tracked || before->backorder != now->backorder)
		return true;
	return now->tracked && (item_available(before) != item_available(now) ||
				before->threshold != now->threshold);
}

/* The index of the warehouse to take from next, or count. */
static size_t next_warehouse(const struct stocks *stocks, const bool *used, int64_t quantity)
{
	size_t best = stocks->count;
	int64_t most = 0;

	for (size_t i = 0; i < stocks->count; i++) {
		int64_t available = stocks->items[i].on_hand - stocks->items[i].reserved;

		if (used[i] || available <= 0)
			continue;
		if (available >= quantity &&
		    strcmp(stocks->items[i].warehouse, WAREHOUSE_DEFAULT) == 0)
			return i;
		if (available > most) {
			most = available;
			best = i;
		}
	}
	return best;
}

/* Adds what no warehouse has to the lines of `main`, or of the first one where there is no such. */
static size_t owe(const struct stocks *stocks, const struct id *product, int64_t quantity,
		  struct kept *lines, size_t count)
{
	const char *warehouse = stocks->items[0].warehouse;

	for (size_t i = 0; i < stocks->count; i++)
		if (strcmp(stocks->items[i].warehouse, WAREHOUSE_DEFAULT) == 0)
			warehouse = WAREHOUSE_DEFAULT;
	for (size_t i = 0; i < count; i++) {
		if (strcmp(lines[i].warehouse, warehouse) != 0)
			continue;
		lines[i].quantity += quantity;
		return count;
	}
	lines[count] = (struct kept){
		.product = *product,
		.warehouse = warehouse,
		.quantity = quantity,
	};
	return count + 1;
}

size_t allocate(const struct stocks *stocks, const struct id *product, int64_t quantity,
		struct kept *ret_lines)
{
	bool used[WAREHOUSES_MAX] = {false};
	size_t count = 0;

	assert(quantity > 0 && stocks->count >= 1 && stocks->count <= WAREHOUSES_MAX);
	while (quantity > 0) {
		size_t i = next_warehouse(stocks, used, quantity);
		int64_t taken;

		if (i == stocks->count)
			return owe(stocks, product, quantity, ret_lines, count);
		used[i] = true;
		taken = MIN(stocks->items[i].on_hand - stocks->items[i].reserved, quantity);
		ret_lines[count++] = (struct kept){
			.product = *product,
			.warehouse = stocks->items[i].warehouse,
			.quantity = taken,
		};
		quantity -= taken;
	}
	return count;
}

const char *warehouse_meant(const struct stocks *stocks)
{
	const char *only = NULL;

	for (size_t i = 0; i < stocks->count; i++) {
		if (stocks->items[i].on_hand == 0)
			continue;
		if (only)
			return NULL;
		only = stocks->items[i].warehouse;
	}
	return only ? only : WAREHOUSE_DEFAULT;
}

const char *reservation_status_text(enum reservation_status status)
{
	assert((size_t)status < ARRAY_LENGTH(statuses));
	return statuses[status];
}

enum reservation_status reservation_status_from_text(const char *text)
{
	for (size_t i = 0; i < ARRAY_LENGTH(statuses); i++) {
		if (text && strcmp(text, statuses[i]) == 0)
			return (enum reservation_status)i;
	}
	assert(!"the schema allows no other status");
	return RESERVATION_RELEASED;
}
