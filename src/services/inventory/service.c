/* Inventory: what there is of every product, and what of it is kept for whom. */
#include "base/config.h"
#include "base/log.h"
#include "base/time.h"
#include "services/inventory/api.h"
#include "services/inventory/reserve.h"
#include "services/inventory/store.h"

#define EXPIRE_EVERY_MS SECOND_MS
#define EXPIRE_MAX 200 /* reservations in one transaction, so that others get their turn */

extern const struct migration inventory_migrations[];
extern const struct subscription inventory_subscriptions[];

struct expiry {
	struct arena *arena;
	size_t count;
};

static enum err expire_body(struct sql *sql, void *arg)
{
	struct expiry *expiry = arg;
	struct scope scope = {sql, expiry->arena, NULL};
	struct id orders[EXPIRE_MAX];
	enum err err = reservations_due(sql, EXPIRE_MAX, orders, &expiry->count);

	for (size_t i = 0; i < expiry->count && !err; i++)
		err = expire_order(&scope, &orders[i]);
	return err;
}

/* Job: frees what is kept for orders that nobody has paid in time. */
static void expire(void)
{
	struct expiry expiry = {.arena = arena_new()};
	enum err err;

	do {
		arena_reset(expiry.arena);
		err = sql_transaction(service_database(&inventory_service), expire_body, &expiry);
	} while (!err && expiry.count == EXPIRE_MAX);
	if (err)
		log_error("inventory.expire", "%s", err_info(err)->title);
	arena_free(expiry.arena);
}

/* The longest that an order's is kept; those asked for by hand may be kept for longer. */
static enum err mend_times(struct sql *sql, int64_t *ret_count)
{
	int64_t longest_ms = config_int("reservation-minutes") * MINUTE_MS + TIME_SLACK_MS;

	return reservations_mend(sql, longest_ms, ret_count);
}

static const struct job jobs[] = {
	{"inventory-expire", EXPIRE_EVERY_MS, expire},
	{0},
};

const struct service inventory_service = {
	.name = "inventory",
	.routes = inventory_routes,
	.subscriptions = inventory_subscriptions,
	.migrations = inventory_migrations,
	.jobs = jobs,
	.mend_times = mend_times,
};
