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

int64_t item_available(const struct item *item)
{
	assert(item->reserved >= 0 && item->on_hand >= item->reserved);
	return item->on_hand - item->reserved;
}

const char *item_status(const struct item *item)
{
	int64_t available = item_available(item);

	if (available <= 0)
		return "out_of_stock";
	return available <= item->threshold ? "low_stock" : "in_stock";
}

bool item_fell_low(int64_t available_before, int64_t threshold_before, const struct item *now)
{
	return available_before > threshold_before && item_available(now) <= now->threshold;
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

size_t allocate(const struct stocks *stocks, const struct id *product, int64_t quantity,
		struct kept *ret_lines)
{
	bool used[WAREHOUSES_MAX] = {false};
	size_t count = 0;

	assert(quantity > 0 && stocks->count <= WAREHOUSES_MAX);
	while (quantity > 0) {
		size_t i = next_warehouse(stocks, used, quantity);
		int64_t taken;

		if (i == stocks->count)
			return 0;
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
