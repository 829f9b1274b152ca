/* The User service: what the platform knows of it, and the first administrator. */
#include "base/config.h"
#include "base/log.h"
#include "base/time.h"
#include "services/user/change.h"
#include "services/user/credentials.h"
#include "services/user/rules.h"
#include "services/user/sessions.h"
#include "services/user/store.h"

extern const struct migration user_migrations[];

/* --- the first administrator ------------------------------------------------------------------ */

struct admin {
	struct arena *arena;
	struct user user;
	bool have_admin; /* an active one, be it another */
	bool exists;	 /* an account of this address */
	struct user found;
};

static enum err look_for_admin(struct sql *sql, void *arg)
{
	struct admin *admin = arg;
	enum err err = users_have_other_admin(sql, &admin->user.id, &admin->have_admin);

	if (err || !admin->user.email)
		return err;
	err = users_find_by_email(sql, admin->user.email, admin->arena, &admin->found);
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
	enum err err;

	if (!password_hash(password, hash))
		return ERR_OVERLOADED;
	admin->user.password_hash = hash;
	err = sql_transaction(database, insert_admin, admin);
	if (!err)
		log_info("user.admin", "the administrator %s was made", admin->user.email);
	return err;
}

/* The settings are for the first start: what they do not do is said, since nobody would see it. */
static enum err settle_admin(struct database *database, struct admin *admin, const char *password)
{
	const char *email = admin->user.email;
	bool given = email && password;
	enum err err = sql_read(database, look_for_admin, admin);

	if (err)
		return err;
	if (!given && (email || password))
		log_warning("user.admin", "the first administrator needs admin-email and"
					  " admin-password, both");
	if (given && !admin->have_admin && !admin->exists)
		return make_admin(database, admin, password);
	if (given && admin->exists && !user_is_active_admin(&admin->found))
		log_warning("user.admin",
			    "%s is the address of an account that is no administrator, and stays"
			    " so; to make it one: souk admin add %s",
			    email, email);
	else if (given && admin->exists)
		log_info("user.admin",
			 "the administrator %s was made before: admin-email and admin-password"
			 " change nothing now",
			 email);
	else if (given)
		log_warning("user.admin",
			    "there is an administrator: admin-email and admin-password make no"
			    " other; to make one: souk admin add %s",
			    email);
	if (!admin->have_admin)
		log_info("user.admin",
			 "there is no administrator; to make one: souk admin add EMAIL"
			 " --data %s",
			 config_text("data"));
	return OK;
}

static enum err start(struct database *database)
{
	struct admin admin = {
		.user =
			{
				.id = id_new(),
				.email = config_text("admin-email"),
				.roles = ROLE_ADMIN,
				.email_verified = true,
			},
	};
	enum err err;

	credentials_start();
	admin.arena = arena_new();
	err = settle_admin(database, &admin, config_text("admin-password"));
	arena_free(admin.arena);
	return err ? err : user_tell_untold(database);
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
