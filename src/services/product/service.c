/* The Product service's descriptor. */
#include "services/product/service.h"

#include "base/log.h"
#include "base/unicode.h"
#include "services/product/api.h"
#include "services/product/rendered.h"
#include "services/product/store.h"
#include "services/product/vendor.h"

extern const struct migration product_migrations[];

struct text_check {
	struct arena *arena;
	bool current;
};

static enum err check_text(struct sql *sql, void *arg)
{
	struct text_check *check = arg;

	return store_text_is_current(sql, check->arena, &check->current);
}

static enum err renew_text(struct sql *sql, void *arg)
{
	struct text_check *check = arg;

	return store_renew_text(sql, check->arena);
}

/* After a migration, or under another ICU than before. */
static enum err keep_text_current(struct database *database)
{
	struct text_check check = {.arena = arena_new()};
	enum err err = sql_read(database, check_text, &check);

	if (!err && !check.current) {
		log_info("product.text-renewed", "names, tags and searches by %s",
			 unicode_edition(check.arena));
		err = sql_transaction(database, renew_text, &check);
	}
	arena_free(check.arena);
	return err;
}

static enum err start(struct database *database)
{
	enum err err;

	rendered_start();
	err = keep_text_current(database);
	return err ? err : sql_transaction(database, vendors_look_again, NULL);
}

const struct service product_service = {
	.name = "product",
	.routes = product_routes,
	.subscriptions = product_subscriptions,
	.gather_ms = GATHER_MS,
	.migrations = product_migrations,
	.jobs = product_jobs,
	.start = start,
	.stop = rendered_stop,
};
