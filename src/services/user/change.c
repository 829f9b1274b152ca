/* Changed accounts: the row, and the event of another status. */
#include "services/user/change.h"

#include "services/user/store.h"

static enum err publish_status(struct sql *sql, const struct request *req,
			       const struct user *before, const struct user *after)
{
	struct out *data = event_data(sql, req->arena);

	out_open(data, NULL);
	out_id(data, "userId", &after->id);
	out_text(data, "status", user_status_words[user_status(after)]);
	out_text(data, "previousStatus", user_status_words[user_status(before)]);
	user_write_roles(data, "roles", after->roles);
	out_close(data);
	return event_publish(sql, "UserStatusChanged", &after->id, req->traceparent, data);
}

enum err user_store_change(struct sql *sql, const struct request *req, const struct user *before,
			   struct user *after)
{
	enum err err = users_update(sql, after, req->arena);

	if (err || user_status(before) == user_status(after))
		return err;
	return publish_status(sql, req, before, after);
}
