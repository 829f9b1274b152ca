/* The Auth service: what the platform knows of it. */
#include "base/config.h"
#include "base/env.h"
#include "base/log.h"
#include "base/time.h"
#include "services/auth/keys.h"
#include "services/auth/marks.h"
#include "services/auth/tokens.h"

#define LEAP_MS MINUTE_MS

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

/* The clock, but where it has leapt forth only once that has lasted for as long as tokens live: what is
 * forgotten for a clock that was ahead would let revoked tokens live again when it steps back. */
static int64_t time_to_forget_ms(void)
{
	static int64_t believed_ms,
		since_ms; /* ahead of the monotonic clock; when it leapt, or 0 */
	int64_t monotonic_ms = env_monotonic_ms(), ahead_ms = env_now_ms() - monotonic_ms;

	if (!believed_ms)
		believed_ms = ahead_ms;
	if (ahead_ms <= believed_ms + LEAP_MS) {
		believed_ms = ahead_ms;
		since_ms = 0;
	} else if (!since_ms) {
		since_ms = monotonic_ms;
	} else if (monotonic_ms - since_ms > tokens_access_life_ms()) {
		believed_ms = ahead_ms;
		since_ms = 0;
	}
	return monotonic_ms + believed_ms;
}

static void sweep(void)
{
	int64_t now_ms = time_to_forget_ms();
	enum err err = token_store_sweep(now_ms, tokens_access_life_ms());

	if (err)
		log_warning("auth.sweep", "what has expired is still there: %s",
			    err_info(err)->slug);
	marks_sweep(now_ms);
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
