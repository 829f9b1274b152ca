/* The User service: what the platform knows of it, and the first administrator. */
#include "base/config.h"
#include "base/log.h"
#include "base/time.h"
#include "services/user/credentials.h"
#include "services/user/sessions.h"
#include "services/user/store.h"

extern const struct migration user_migrations[];

/* --- the first administrator ------------------------------------------------------------------ */

struct admin {
	struct arena *arena;
	struct user user;
	bool exists;
};

static enum err look_for_admin(struct sql *sql, void *arg)
{
	struct admin *admin = arg;
	struct user found;
	enum err err = users_find_by_email(sql, admin->user.email, admin->arena, &found);

	admin->exists = !err;
	return err == ERR_NOT_FOUND ? OK : err;
}

static enum err insert_admin(struct sql *sql, void *arg)
{
	struct admin *admin = arg;

	return users_insert(sql, &admin->user, NULL, admin->arena);
}

/* Nobody registers it, so no event tells of it. */
static enum err make_admin(struct database *database, struct admin *admin, const char *password)
{
	char hash[PASSWORD_HASH_SIZE];
	enum err err = sql_read(database, look_for_admin, admin);

	if (err || admin->exists)
		return err;
	if (!password_hash(password, hash))
		return ERR_OVERLOADED;
	admin->user.password_hash = hash;
	err = sql_transaction(database, insert_admin, admin);
	if (!err)
		log_info("user.admin", "the administrator %s was made", admin->user.email);
	return err;
}

static enum err start(struct database *database)
{
	const char *email = config_text("admin-email"), *password = config_text("admin-password");
	struct admin admin = {
		.user =
			{
				.id = id_new(),
				.email = email,
				.roles = ROLE_ADMIN,
				.email_verified = true,
			},
	};
	enum err err;

	credentials_start();
	if (!email || !password) {
		if (email || password)
			log_warning("user.admin", "an administrator needs address and password");
		return OK;
	}
	admin.arena = arena_new();
	err = make_admin(database, &admin, password);
	arena_free(admin.arena);
	return err;
}

/* --- the descriptor --------------------------------------------------------------------------- */

const struct job user_jobs[] = {
	{.name = "user.sessions", .every_ms = 5 * SECOND_MS, .run = sessions_tell},
	{.name = NULL},
};

const struct service user_service = {
	.name = "user",
	.routes = user_routes,
	.migrations = user_migrations,
	.jobs = user_jobs,
	.start = start,
};
