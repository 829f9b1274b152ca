/* The Auth service: what the platform knows of it. */
#include "base/config.h"
#include "base/log.h"
#include "base/time.h"
#include "services/auth/keys.h"
#include "services/auth/marks.h"
#include "services/auth/tokens.h"

extern const struct migration auth_migrations[];

static enum err start(struct database *database)
{
	struct arena *arena = arena_new();
	const char *why = NULL;
	enum err err;

	token_store_open(database);
	err = keys_open(config_text("data"), arena, &why);
	if (err)
		log_error("auth.keys", "the signing keys cannot be had: %s", why);
	arena_free(arena);
	if (err)
		return err;
	return tokens_start();
}

/* --- jobs ------------------------------------------------------------------------------------- */

static void sweep(void)
{
	enum err err = token_store_sweep(tokens_access_life_ms());

	if (err)
		log_warning("auth.sweep", "what has expired is still there: %s",
			    err_info(err)->slug);
	marks_sweep();
	keys_prune(tokens_access_life_ms());
}

static const struct job jobs[] = {
	{.name = "auth.keys", .every_ms = 2 * SECOND_MS, .run = keys_reload},
	{.name = "auth.sweep", .every_ms = MINUTE_MS, .run = sweep},
	{.name = NULL},
};

/* --- the descriptor --------------------------------------------------------------------------- */

const struct service auth_service = {
	.name = "auth",
	.routes = auth_routes,
	.migrations = auth_migrations,
	.jobs = jobs,
	.start = start,
};
