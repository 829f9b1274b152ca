/* What Auth is told of accounts. */
#include "services/user/sessions.h"

#include "base/env.h"
#include "base/log.h"
#include "base/time.h"
#include "runtime/watch.h"
#include "services/user/store.h"

#define SETTLE_TIMEOUT_MS (5 * SECOND_MS)

/* --- the job ---------------------------------------------------------------------------------- */

struct due {
	struct arena *arena;
	struct id after;
	struct user user;
};

static enum err find_due(struct sql *sql, void *arg)
{
	struct due *due = arg;

	return users_next_due(sql, &due->after, due->arena, &due->user);
}

static enum err store_told(struct sql *sql, void *arg)
{
	return users_told(sql, arg);
}

static enum err tell(struct arena *arena, const struct user *user)
{
	struct out body = out_new(arena);
	struct call call = {
		.service = "auth",
		.method = HTTP_POST,
		.path = "/auth/sessions/revoke",
		.body = &body,
	};
	struct call_answer answer;
	enum err err;

	out_open(&body, NULL);
	out_id(&body, "userId", &user->id);
	out_bool(&body, "suspended", user->suspended);
	out_bool(&body, "refreshTokens", (user->sessions_due & SESSIONS_END) != 0);
	out_bool(&body, "accessTokens", (user->sessions_due & SESSIONS_END_ACCESS) != 0);
	out_close(&body);
	err = service_call(arena, &user_service, NULL, &call, &answer);
	return err ? err : answer.err;
}

void sessions_tell(void)
{
	struct database *database = service_database(&user_service);
	struct arena *arena = arena_new();
	struct due due = {.arena = arena};

	while (!sql_read(database, find_due, &due)) {
		enum err err = tell(arena, &due.user);

		if (!err)
			err = sql_transaction(database, store_told, &due.user);
		if (err)
			log_warning("user.sessions", "Auth is not yet told of user %s: %s",
				    id_text(arena, &due.user.id), err_info(err)->slug);
		else
			watch_tell(&due.user.id);
		due.after = due.user.id;
		arena_reset(arena);
	}
	arena_free(arena);
}

/* --- waiting for it --------------------------------------------------------------------------- */

struct look {
	const struct id *id;
	struct arena *arena;
	struct user user;
};

static enum err look(struct sql *sql, void *arg)
{
	struct look *look = arg;

	return users_find(sql, look->id, look->arena, &look->user);
}

enum err sessions_settle(struct request *req, const struct id *user)
{
	struct look now = {.id = user, .arena = req->arena};
	int64_t deadline_ms = env_monotonic_ms() + SETTLE_TIMEOUT_MS;
	struct watch watch;
	enum err err;

	watch_begin(&watch, user);
	job_poke(&user_jobs[0]);
	do
		err = request_read(req, look, &now);
	while (!err && now.user.sessions_due && watch_wait(&watch, deadline_ms));
	watch_end(&watch);
	if (!err && now.user.sessions_due)
		return refuse(
			req, ERR_UNAVAILABLE,
			"The change is stored, but the account's sessions are not yet ended.");
	return err;
}

/* --- beginning -------------------------------------------------------------------------------- */

enum err sessions_begin(struct request *req, const struct user *user, const struct id *as_of,
			const json_t **ret_tokens)
{
	struct out body = out_new(req->arena);
	struct call call = {
		.service = "auth",
		.method = HTTP_POST,
		.path = "/auth/sessions",
		.body = &body,
	};
	struct call_answer answer;
	enum err err;

	out_open(&body, NULL);
	out_id(&body, "userId", &user->id);
	user_write_roles(&body, "roles", user->roles);
	out_id(&body, "asOf", as_of);
	out_close(&body);
	err = service_call(req->arena, &user_service, req, &call, &answer);
	if (err)
		return err;
	/* The password was changed, or the account suspended, while it was checked. */
	if (answer.err == ERR_CONFLICT)
		return ERR_INVALID_CREDENTIALS;
	if (answer.err)
		return answer.err;
	*ret_tokens = answer.json;
	return OK;
}
