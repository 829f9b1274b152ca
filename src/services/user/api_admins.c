/* Administrators, for the command line (internal): who they are, and how one is made. */
#include <string.h>

#include "base/log.h"
#include "services/user/change.h"
#include "services/user/credentials.h"
#include "services/user/rules.h"
#include "services/user/sessions.h"
#include "services/user/store.h"

struct appointment_draft {
	char *email, *password;
};

static const struct field draft_fields[] = {
	FIELD(struct appointment_draft, email, "email", TEXT, .flags = REQUIRED, .min = 1,
	      .max = USER_EMAIL_MAX, .check = user_email_may_register,
	      .expected = "must be an e-mail address, and not under " VENDOR_DOMAIN),
	FIELD(struct appointment_draft, password, "password", TEXT, .flags = SECRET,
	      .min = PASSWORD_LENGTH_MIN, .max = PASSWORD_LENGTH_MAX,
	      .check = user_password_is_sound,
	      .expected = "must not be a password that everybody tries first"),
	FIELD_END,
};

struct appointment {
	struct request *req;
	struct reply *reply;
	const char *email;
	const char *password_hash; /* or NULL */
	/* The outcome. */
	struct id id;
	const char *outcome;
	unsigned sessions_due;
};

static enum err make_account(struct sql *sql, struct appointment *appointment)
{
	struct user user = {
		.id = id_new(),
		.email = appointment->email,
		.password_hash = appointment->password_hash,
		.roles = ROLE_ADMIN,
		.email_verified = true,
	};

	appointment->id = user.id;
	appointment->outcome = "made";
	return users_insert(sql, &user, NULL, appointment->req->arena);
}

static enum err promote_account(struct sql *sql, struct appointment *appointment,
				const struct user *before)
{
	const struct user_change change = {
		.roles = before->roles | ROLE_ADMIN,
		.roles_given = true,
		.status = USER_ACTIVE,
		.status_given = true,
		/* One that there is stays: who holds the account has chosen it. */
		.password_hash = before->password_hash ? NULL : appointment->password_hash,
	};
	struct user after;
	enum err err;

	appointment->id = before->id;
	appointment->outcome = "unchanged";
	if (user_is_active_admin(before) && before->password_hash)
		return OK;
	appointment->outcome = "promoted";
	after = user_after(before, &change);
	err = user_store_change(sql, appointment->req, before, &after);
	appointment->sessions_due = after.sessions_due;
	return err;
}

static enum err appoint(struct sql *sql, void *arg)
{
	struct appointment *appointment = arg;
	struct request *req = appointment->req;
	struct user before = {0};
	struct out out;
	enum err err;

	err = users_find_by_email(sql, appointment->email, req->arena, &before);
	if (err && err != ERR_NOT_FOUND)
		return err;
	if (!before.password_hash && !appointment->password_hash) {
		fault_add(&req->faults, "/password", "is required: there is no such account yet");
		return faults_err(&req->faults);
	}
	err = err ? make_account(sql, appointment) : promote_account(sql, appointment, &before);
	if (err)
		return err;
	out = out_new(req->arena);
	out_open(&out, NULL);
	out_id(&out, "id", &appointment->id);
	out_text(&out, "outcome", appointment->outcome);
	out_close(&out);
	reply_json(appointment->reply, 200, &out);
	return OK;
}

/* POST /users/admins: the account of this address becomes an active administrator; it is made where
 * there is none, with the password. 200 with what was done: made, promoted, unchanged. */
enum err user_post_admin(struct request *req, struct reply *reply)
{
	struct appointment_draft draft = {0};
	struct appointment appointment = {.req = req, .reply = reply};
	enum err err;

	err = request_body(req, draft_fields, &draft);
	if (err)
		return err;
	appointment.email = draft.email;
	if (draft.password)
		err = credentials_hash(req, WORK_PASSWORD, draft.password,
				       &appointment.password_hash);
	if (err)
		return err;
	err = request_transaction(req, reply, appoint, &appointment);
	if (err)
		return err;
	log_info("user.admin", "%s is an administrator: %s", draft.email, appointment.outcome);
	return appointment.sessions_due ? sessions_settle(req, &appointment.id) : OK;
}

/* --- listing ---------------------------------------------------------------------------------- */

struct listing {
	struct page page;
	struct arena *arena;
	struct user *users;
	size_t count;
};

static enum err list(struct sql *sql, void *arg)
{
	static const struct user_filter admins = {.role = 2, .role_given = true};
	struct listing *listing = arg;

	return users_list(sql, &admins, &listing->page, listing->arena, &listing->users,
			  &listing->count);
}

/* GET /users/admins: the newest first, by pages. */
enum err user_get_admins(struct request *req, struct reply *reply)
{
	struct listing listing = {.arena = req->arena};
	struct cursor next;
	bool more;
	struct out out;
	enum err err;

	err = request_page(req, "admins", &listing.page);
	if (err)
		return err;
	err = request_read_long(req, WORK_LIST, list, &listing);
	if (err)
		return err;
	more = listing.count > (size_t)listing.page.limit;
	if (more) {
		listing.count--;
		next = (struct cursor){.id = listing.users[listing.count - 1].id};
	}
	out = reply_list_begin(reply);
	for (size_t i = 0; i < listing.count; i++)
		user_write(&out, NULL, &listing.users[i]);
	reply_list_end_items(&out);
	reply_list_end(req, reply, &out, "admins", more ? &next : NULL);
	return OK;
}
