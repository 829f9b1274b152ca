/* Changed accounts: the row, and the event of another status. */
#include "services/user/change.h"

#include "services/user/store.h"

static enum err publish_status(struct sql *sql, struct arena *arena, const char *traceparent,
			       enum user_status before, const struct user *after)
{
	struct out *data = event_data(sql, arena);

	out_open(data, NULL);
	out_id(data, "userId", &after->id);
	out_text(data, "status", user_status_words[user_status(after)]);
	out_text(data, "previousStatus", user_status_words[before]);
	user_write_roles(data, "roles", after->roles);
	out_close(data);
	return event_publish(sql, "UserStatusChanged", &after->id, traceparent, data);
}

enum err user_store_change(struct sql *sql, const struct request *req, const struct user *before,
			   struct user *after)
{
	enum err err = users_update(sql, after, req->arena);

	if (err || user_status(before) == user_status(after))
		return err;
	return publish_status(sql, req->arena, req->traceparent, user_status(before), after);
}

/* --- what was never told ---------------------------------------------------------------------- */

struct untold {
	struct arena *arena;
	struct id id;
};

static enum err find_untold(struct sql *sql, void *arg)
{
	struct untold *untold = arg;
	struct sql_rows *rows = sql_query(sql, "SELECT id FROM untold_status LIMIT 1");

	return SQL_TAKE(rows, &untold->id, sql_get_id(rows, 0));
}

static enum err tell_untold(struct sql *sql, void *arg)
{
	struct untold *untold = arg;
	struct user user;
	enum err err = users_find(sql, &untold->id, untold->arena, &user);

	if (!err && user.suspended)
		err = publish_status(sql, untold->arena, NULL, USER_ACTIVE, &user);
	if (err && err != ERR_NOT_FOUND)
		return err;
	return sql_run(sql, "DELETE FROM untold_status WHERE id = $1", sql_id(&untold->id));
}

enum err user_tell_untold(struct database *database)
{
	struct untold untold = {.arena = arena_new()};
	enum err err = OK;

	while (!err) {
		err = sql_read(database, find_untold, &untold);
		if (!err)
			err = sql_transaction(database, tell_untold, &untold);
		arena_reset(untold.arena);
	}
	arena_free(untold.arena);
	return err == ERR_NOT_FOUND ? OK : err;
}
