/* The User service's endpoints: registering, logging in, accounts. */
#include <string.h>

#include "base/config.h"
#include "base/text.h"
#include "base/unicode.h"
#include "services/user/change.h"
#include "services/user/credentials.h"
#include "services/user/devices.h"
#include "services/user/rules.h"
#include "services/user/sessions.h"
#include "services/user/store.h"

/* --- fields ----------------------------------------------------------------------------------- */

#define NEW_PASSWORD                                                                             \
	.min = PASSWORD_LENGTH_MIN, .max = PASSWORD_LENGTH_MAX, .check = user_password_is_sound, \
	.expected = "must not be a password that everybody tries first"
#define NAME \
	.min = 1, .max = USER_NAME_MAX, .check = user_name_is_sound, .expected = "must not be blank"
#define MOBILE                                                     \
	.min = 1, .max = USER_MOBILE_MAX, .check = text_is_mobile, \
	.expected = "must be a number as in E.164, such as +49301234567"

static const char *const registered_roles[] = {"customer", "vendor", NULL};

static const struct field draft_fields[] = {
	FIELD(struct user_draft, email, "email", TEXT, .flags = REQUIRED, .min = 1,
	      .max = USER_EMAIL_MAX, .check = user_email_may_register,
	      .expected = "must be an e-mail address, and not under " VENDOR_DOMAIN),
	FIELD(struct user_draft, password, "password", TEXT, .flags = REQUIRED | SECRET,
	      NEW_PASSWORD),
	FIELD(struct user_draft, name, "name", TEXT, .flags = NULLABLE | VISIBLE, NAME),
	FIELD(struct user_draft, mobile, "mobile", TEXT, .flags = NULLABLE, MOBILE),
	FIELD(struct user_draft, role, "role", CHOICE, .choices = registered_roles),
	FIELD_END,
};

static const struct field role_word[] = {
	{.kind = FIELD_KIND_TEXT,
	 .min = 1,
	 .max = 20,
	 .check = user_role_is_known,
	 .expected = "must be customer, vendor or admin"},
};

static const struct field change_fields[] = {
	FIELD(struct user_change, name, "name", TEXT, .flags = NULLABLE | VISIBLE, NAME,
	      GIVEN(struct user_change, name_given)),
	FIELD(struct user_change, mobile, "mobile", TEXT, .flags = NULLABLE, MOBILE,
	      GIVEN(struct user_change, mobile_given)),
	FIELD(struct user_change, email, "email", TEXT, .min = 1, .max = USER_EMAIL_MAX,
	      .check = text_is_email, .expected = "must be an e-mail address"),
	FIELD(struct user_change, password, "password", TEXT, .flags = SECRET, NEW_PASSWORD),
	FIELD(struct user_change, current_password, "currentPassword", TEXT, .flags = SECRET,
	      .min = 1, .max = PASSWORD_LENGTH_MAX),
	FIELD(struct user_change, role_words, "roles", LIST, .min = 1, .max = USER_ROLES_MAX,
	      LIST_OF(role_word, char *), GIVEN(struct user_change, roles_given)),
	FIELD(struct user_change, status, "status", CHOICE, .choices = user_status_words,
	      GIVEN(struct user_change, status_given)),
	FIELD_READ_ONLY("id"),
	FIELD_READ_ONLY("emailVerified"),
	FIELD_READ_ONLY("createdAt"),
	FIELD_READ_ONLY("updatedAt"),
	FIELD_END,
};

/* One that is none, or another account's, says nothing: as if it were not there. */
#define DEVICE_TOKEN                                                                             \
	FIELD(struct credentials, device_token, "deviceToken", TEXT, .flags = NULLABLE | SECRET, \
	      .min = 1, .max = DEVICE_TOKEN_MAX)

/* A password is taken as it is: the rules for new ones may have been others once. */
static const struct field login_fields[] = {
	FIELD(struct credentials, email, "email", TEXT, .flags = REQUIRED, .min = 1,
	      .max = USER_EMAIL_MAX),
	FIELD(struct credentials, password, "password", TEXT, .flags = REQUIRED | SECRET, .min = 1,
	      .max = PASSWORD_LENGTH_MAX),
	DEVICE_TOKEN,
	FIELD_END,
};

static const struct field check_fields[] = {
	FIELD(struct credentials, email, "email", TEXT, .flags = REQUIRED, .min = 1,
	      .max = USER_EMAIL_MAX),
	FIELD(struct credentials, password, "password", TEXT, .flags = REQUIRED | SECRET, .min = 1,
	      .max = PASSWORD_LENGTH_MAX),
	FIELD(struct credentials, network, "network", TEXT, .min = 1, .max = 64),
	DEVICE_TOKEN,
	FIELD_END,
};

static const struct field filter_fields[] = {
	FIELD(struct user_filter, email, "email", TEXT, .min = 1, .max = USER_EMAIL_MAX),
	FIELD(struct user_filter, role, "role", CHOICE, .choices = user_filter_roles,
	      GIVEN(struct user_filter, role_given)),
	FIELD(struct user_filter, status, "status", CHOICE, .choices = user_status_words,
	      GIVEN(struct user_filter, status_given)),
	FIELD_END,
};

struct brand {
	char *name;
};

static const struct field brand_fields[] = {
	FIELD(struct brand, name, "name", TEXT, .flags = REQUIRED | VISIBLE, NAME),
	FIELD_END,
};

#define ADDRESSES_MAX 100

struct users_asked {
	struct list ids; /* struct id */
};

static const struct field asked_id = {.kind = FIELD_KIND_ID};

static const struct field asked_fields[] = {
	FIELD(struct users_asked, ids, "ids", LIST, .flags = REQUIRED, .min = 1,
	      .max = ADDRESSES_MAX, LIST_OF(&asked_id, struct id)),
	FIELD_END,
};

/* --- answers ---------------------------------------------------------------------------------- */

static void reply_user(struct reply *reply, int status, const struct user *user)
{
	struct out out = out_new(reply->arena);

	user_write(&out, NULL, user);
	reply_json(reply, status, &out);
	reply_etag(reply, user->version, 0);
}

/* --- registering ------------------------------------------------------------------------------ */

struct registration {
	struct request *req;
	struct reply *reply;
	struct user user;
};

static enum err publish_registered(struct sql *sql, const struct request *req,
				   const struct user *user)
{
	struct out *data = event_data(sql, req->arena);

	out_open(data, NULL);
	out_id(data, "userId", &user->id);
	out_text(data, "email", user->email);
	out_text(data, "name", user->name);
	user_write_roles(data, "roles", user->roles);
	out_close(data);
	return event_publish(sql, "UserRegistered", &user->id, req->traceparent, data);
}

static enum err store_registration(struct sql *sql, void *arg)
{
	struct registration *registration = arg;
	struct user *user = &registration->user;
	struct reply *reply = registration->reply;
	enum err err;

	err = users_insert(sql, user, NULL, reply->arena);
	if (err)
		return err;
	err = credentials_note_place(sql, &user->id, registration->req->client_network);
	if (err)
		return err;
	err = publish_registered(sql, registration->req, user);
	if (err)
		return err;
	reply_user(reply, 201, user);
	reply_header(reply, "Location", "/users/%s", id_text(reply->arena, &user->id));
	return OK;
}

/* POST /users/register: a new account; 201 with the user. */
static enum err post_register(struct request *req, struct reply *reply)
{
	struct registration registration = {.req = req, .reply = reply};
	struct user_draft draft = {0};
	enum err err;

	err = request_body(req, draft_fields, &draft);
	if (err)
		return err;
	registration.user = (struct user){
		.id = id_new(),
		.email = draft.email,
		.name = draft.name,
		.mobile = draft.mobile,
		.roles = role_from_text(registered_roles[draft.role]),
	};
	registration.user.pending =
		user_needs_approval(registration.user.roles, config_flag("vendor-approval"));
	err = credentials_hash(req, WORK_REGISTRATION, draft.password,
			       &registration.user.password_hash);
	if (err)
		return err;
	return request_transaction(req, reply, store_registration, &registration);
}

/* --- logging in ------------------------------------------------------------------------------- */

/* POST /users/login: checks the password and has Auth issue tokens; 200 with both and the user. */
static enum err post_login(struct request *req, struct reply *reply)
{
	struct credentials credentials = {.network = req->client_network};
	struct id as_of = id_new();
	struct user user;
	const json_t *tokens;
	const char *device_token;
	struct out out;
	enum err err;

	err = request_body(req, login_fields, &credentials);
	if (err)
		return err;
	err = credentials_check(req, reply, &credentials, &user, &device_token);
	if (err)
		return err;
	err = sessions_begin(req, &user, &as_of, &tokens);
	if (err)
		return err;

	out = out_new(req->arena);
	out_open(&out, NULL);
	out_text(&out, "accessToken", json_get_text(tokens, "accessToken"));
	out_text(&out, "tokenType", json_get_text(tokens, "tokenType"));
	out_int(&out, "expiresIn", json_get_int(tokens, "expiresIn"));
	out_text(&out, "refreshToken", json_get_text(tokens, "refreshToken"));
	out_text(&out, "deviceToken", device_token);
	user_write(&out, "user", &user);
	out_close(&out);
	reply_json(reply, 200, &out);
	reply_header(reply, "Cache-Control", "no-store");
	return OK;
}

/* Says in the body too how long to wait: a service that calls is told of no headers. */
static void tell_wait(struct request *req, const struct reply *reply)
{
	const char *wait_s = reply_get_header(reply, "Retry-After");
	struct out members = out_new(req->arena);

	out_open(&members, NULL);
	out_json(&members, "retryAfter", wait_s);
	out_close(&members);
	req->members = members.data;
}

/* POST /users/check-password, for Auth: 200 with the user whose address and password these are, and
 * the device's token. */
static enum err post_check_password(struct request *req, struct reply *reply)
{
	struct credentials credentials = {0};
	const char *device_token;
	struct user user;
	struct out out;
	enum err err;

	err = request_body(req, check_fields, &credentials);
	if (err)
		return err;
	err = credentials_check(req, reply, &credentials, &user, &device_token);
	if (err == ERR_RATE_LIMITED)
		tell_wait(req, reply);
	if (err)
		return err;
	out = out_new(req->arena);
	out_open(&out, NULL);
	user_write(&out, "user", &user);
	out_text(&out, "deviceToken", device_token);
	out_close(&out);
	reply_json(reply, 200, &out);
	return OK;
}

/* --- one account ------------------------------------------------------------------------------ */

struct lookup {
	struct id id;
	struct arena *arena;
	struct user user;
};

static enum err look_up(struct sql *sql, void *arg)
{
	struct lookup *lookup = arg;

	return users_find(sql, &lookup->id, lookup->arena, &lookup->user);
}

/* Reads the account that the path names. To others than those of `roles` and the user itself it
 * does not exist. */
static enum err read_user(struct request *req, unsigned roles, struct user *ret_user)
{
	struct lookup lookup = {.arena = req->arena};
	enum err err;

	err = request_id(req, "id", &lookup.id);
	if (err)
		return err;
	if (!request_has_role(req, roles) && !request_is_user(req, &lookup.id))
		return ERR_NOT_FOUND;
	err = request_read(req, look_up, &lookup);
	if (err)
		return err;
	*ret_user = lookup.user;
	return OK;
}

/* GET /users/:id: the user itself, admins and services. */
static enum err get_user(struct request *req, struct reply *reply)
{
	struct user user;
	enum err err;

	err = read_user(req, ROLE_ADMIN | ROLE_SERVICE, &user);
	if (err)
		return err;
	reply_user(reply, 200, &user);
	return OK;
}

struct put {
	struct request *req;
	struct reply *reply;
	struct id id;
	struct user_change change;
	const char *confirmed_hash; /* the password that the caller knew; or NULL */
	unsigned sessions_due;
};

static enum err keep_an_admin(struct sql *sql, struct request *req, const struct user *before,
			      const struct user *after)
{
	bool have;
	enum err err;

	if (!user_is_active_admin(before) || user_is_active_admin(after))
		return OK;
	err = users_have_other_admin(sql, &before->id, &have);
	if (err)
		return err;
	if (!have)
		return refuse(req, ERR_CONFLICT,
			      "The last active admin can be neither suspended nor demoted.");
	return OK;
}

static enum err store_change(struct sql *sql, void *arg)
{
	struct put *put = arg;
	struct request *req = put->req;
	struct user before, after;
	enum err err;

	err = users_find(sql, &put->id, req->arena, &before);
	if (err)
		return err;
	err = request_if_match(req, before.version);
	if (err)
		return err;
	if (put->confirmed_hash && strcmp(put->confirmed_hash, before.password_hash) != 0) {
		fault_add(&req->faults, "/currentPassword", "is no longer the password");
		return faults_err(&req->faults);
	}
	after = user_after(&before, &put->change);
	err = keep_an_admin(sql, req, &before, &after);
	if (err)
		return err;
	err = user_store_change(sql, req, &before, &after);
	if (err)
		return err;
	put->sessions_due = after.sessions_due;
	reply_user(put->reply, 200, &after);
	return OK;
}

/* What the change asks of the caller: users know their passwords, admins alone set ranks. */
static enum err authorise_change(struct put *put, const struct user *before)
{
	struct request *req = put->req;
	struct user_change *change = &put->change;
	bool own = request_is_user(req, &before->id);
	enum err err;

	if (own && user_change_needs_password(change, before) && !change->current_password)
		fault_add(&req->faults, "/currentPassword",
			  "is required to change the address or the password");
	err = faults_err(&req->faults);
	if (err)
		return err;
	if (!request_has_role(req, ROLE_ADMIN)) {
		if (user_change_needs_admin(change, before))
			return refuse(req, ERR_FORBIDDEN, "Only an admin changes roles or status.");
		/* They are what they are; should they change meanwhile, this must not undo it. */
		change->roles_given = change->status_given = false;
	}
	if (!own || !user_change_needs_password(change, before))
		return OK;
	put->confirmed_hash = before->password_hash;
	return credentials_confirm(req, put->reply, before, change->current_password);
}

/* PUT /users/:id: changes what is given; the user itself, and admins. */
static enum err put_user(struct request *req, struct reply *reply)
{
	struct put put = {.req = req, .reply = reply};
	struct user before;
	enum err err;

	err = read_user(req, ROLE_ADMIN, &before);
	if (err)
		return err;
	put.id = before.id;
	err = request_body_parse(req, change_fields, &put.change);
	if (err)
		return err;
	user_change_check(&put.change, &before, &req->faults);
	err = authorise_change(&put, &before);
	if (err)
		return err;
	if (put.change.password)
		err = credentials_hash(req, WORK_PASSWORD, put.change.password,
				       &put.change.password_hash);
	if (err)
		return err;
	err = request_transaction(req, reply, store_change, &put);
	if (err || !put.sessions_due)
		return err;
	return sessions_settle(req, &put.id);
}

/* --- lists ------------------------------------------------------------------------------------ */

struct listing {
	struct user_filter filter;
	struct page page;
	struct arena *arena;
	struct user *users;
	size_t count;
};

static enum err list(struct sql *sql, void *arg)
{
	struct listing *listing = arg;

	return users_list(sql, &listing->filter, &listing->page, listing->arena, &listing->users,
			  &listing->count);
}

/* GET /users: all accounts, the newest first. */
static enum err get_users(struct request *req, struct reply *reply)
{
	struct listing listing = {.arena = req->arena};
	struct cursor next;
	bool more;
	struct out out;
	enum err err, page_err;

	err = request_query_read(req, filter_fields, &listing.filter);
	page_err = request_page(req, "users", &listing.page);
	if (err || page_err)
		return err ? err : page_err;
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
	reply_list_end(req, reply, &out, "users", more ? &next : NULL);
	return OK;
}

/* --- brands ----------------------------------------------------------------------------------- */

struct branding {
	struct reply *reply;
	const char *key, *key_before;
	struct user user; /* to be made where the brand has none */
};

/* By its key; else by the key that it was given when letters beyond Latin were left out, which
 * several brands may have had in common. */
static enum err find_brand(struct sql *sql, const struct branding *branding, struct user *ret_user)
{
	struct arena *arena = branding->reply->arena;
	struct user user;
	enum err err = users_find_by_vendor_key(sql, branding->key, arena, ret_user);

	if (err != ERR_NOT_FOUND || strcmp(branding->key, branding->key_before) == 0)
		return err;
	err = users_find_by_vendor_key(sql, branding->key_before, arena, &user);
	if (err)
		return err;
	if (!unicode_equal_folded(arena, user.name, branding->user.name))
		return ERR_NOT_FOUND;
	*ret_user = user;
	return OK;
}

static enum err find_or_make(struct sql *sql, void *arg)
{
	struct branding *branding = arg;
	struct arena *arena = branding->reply->arena;
	struct user user;
	struct out out;
	bool created;
	enum err err;

	err = find_brand(sql, branding, &user);
	created = err == ERR_NOT_FOUND;
	if (created) {
		user = branding->user;
		err = users_insert(sql, &user, branding->key, arena);
	}
	if (err)
		return err;
	out = out_new(arena);
	out_open(&out, NULL);
	out_id(&out, "id", &user.id);
	out_bool(&out, "created", created);
	out_close(&out);
	reply_json(branding->reply, 200, &out);
	return OK;
}

/* POST /users/vendors, for the import: the brand's account, made where there is none. Nobody can
 * log in to it until an admin gives it an address and a password. */
static enum err post_vendor(struct request *req, struct reply *reply)
{
	struct branding branding = {.reply = reply};
	struct brand brand = {0};
	enum err err;

	err = request_body(req, brand_fields, &brand);
	if (err)
		return err;
	branding.key = user_vendor_key(req->arena, brand.name);
	branding.key_before = user_vendor_key_before(req->arena, brand.name);
	branding.user = (struct user){
		.id = id_new(),
		.email = arena_printf(req->arena, "%s" VENDOR_DOMAIN, branding.key),
		.name = brand.name,
		.roles = ROLE_VENDOR,
	};
	return request_transaction(req, reply, find_or_make, &branding);
}

/* --- who has an address ----------------------------------------------------------------------- */

struct finding {
	struct arena *arena;
	char *email;
	struct user user;
};

static const struct field finding_fields[] = {
	FIELD(struct finding, email, "email", TEXT, .flags = REQUIRED, .min = 1,
	      .max = USER_EMAIL_MAX),
	FIELD_END,
};

static enum err find_by_email(struct sql *sql, void *arg)
{
	struct finding *finding = arg;

	return users_find_by_email(sql, finding->email, finding->arena, &finding->user);
}

/* POST /users/find, for Order: 200 with the id of the account that has this address. */
static enum err post_find(struct request *req, struct reply *reply)
{
	struct finding finding = {.arena = req->arena};
	struct out out = out_new(req->arena);
	enum err err;

	err = request_body(req, finding_fields, &finding);
	if (err)
		return err;
	err = request_read(req, find_by_email, &finding);
	if (err)
		return err;
	out_open(&out, NULL);
	out_id(&out, "id", &finding.user.id);
	out_close(&out);
	reply_json(reply, 200, &out);
	return OK;
}

/* --- addresses -------------------------------------------------------------------------------- */

struct addressing {
	struct list ids;
	struct out *out;
};

static enum err write_addresses(struct sql *sql, void *arg)
{
	struct addressing *addressing = arg;
	struct out *out = addressing->out;
	const struct id *ids = addressing->ids.items;
	enum err err = OK;

	for (size_t i = 0; !err && i < addressing->ids.count; i++) {
		struct user user;

		err = users_find_addresses(sql, &ids[i], out->arena, &user);
		if (err == ERR_NOT_FOUND) {
			err = OK;
			continue;
		}
		if (err)
			break;
		out_open(out, NULL);
		out_id(out, "id", &user.id);
		out_text(out, "email", user.email);
		out_text(out, "mobile", user.mobile);
		out_close(out);
	}
	return err;
}

/* POST /users/addresses, for Notification: 200 with where each of these users is reached now, in
 * the order asked; whom there is not is left out. */
static enum err post_addresses(struct request *req, struct reply *reply)
{
	struct out out = out_new(req->arena);
	struct addressing addressing = {.out = &out};
	struct users_asked asked = {0};
	enum err err;

	err = request_body(req, asked_fields, &asked);
	if (err)
		return err;
	addressing.ids = asked.ids;
	out_open(&out, NULL);
	out_open_list(&out, "items");
	err = request_read(req, write_addresses, &addressing);
	if (err)
		return err;
	out_close_list(&out);
	out_close(&out);
	reply_json(reply, 200, &out);
	return OK;
}

/* --- routes ----------------------------------------------------------------------------------- */

/* clang-format off */
const struct route user_routes[] = {
	{HTTP_POST, "/users/register", post_register, ANYONE, ROUTE_BODY | ROUTE_IDEMPOTENT},
	{HTTP_POST, "/users/login", post_login, ANYONE, ROUTE_BODY | ROUTE_LOGIN | ROUTE_NO_TOKEN},
	{HTTP_GET, "/users", get_users, ROLE_ADMIN, ROUTE_PAGE | ROUTE_QUERY},
	{HTTP_GET, "/users/:id", get_user, ANY_CALLER},
	{HTTP_PUT, "/users/:id", put_user, ANY_USER, ROUTE_BODY | ROUTE_VERSIONED},
	{HTTP_POST, "/users/check-password", post_check_password, ROLE_SERVICE, ROUTE_BODY | ROUTE_INTERNAL},
	{HTTP_POST, "/users/find", post_find, ROLE_SERVICE, ROUTE_BODY | ROUTE_INTERNAL},
	{HTTP_POST, "/users/addresses", post_addresses, ROLE_SERVICE, ROUTE_BODY | ROUTE_INTERNAL},
	{HTTP_POST, "/users/admins", user_post_admin, ROLE_SERVICE, ROUTE_BODY | ROUTE_INTERNAL},
	{HTTP_GET, "/users/admins", user_get_admins, ROLE_SERVICE, ROUTE_INTERNAL | ROUTE_PAGE},
	{HTTP_POST, "/users/vendors", post_vendor, ROLE_SERVICE, ROUTE_BODY | ROUTE_INTERNAL},
	{0},
};
/* clang-format on */
