/* /auth/clients: programs that log in for themselves, kept by admins. */
#include <string.h>

#include "base/env.h"
#include "base/text.h"
#include "services/auth/clients.h"
#include "services/auth/tokens.h"

#define CLIENT_SECRET_SIZE 32

struct client_draft {
	char *name, *scope;
	struct list roles; /* of char *, all of them "service" */
};

static bool is_service(const char *word)
{
	return strcmp(word, role_text(ROLE_SERVICE)) == 0;
}

static const struct field role_word[] = {
	{.kind = FIELD_KIND_TEXT,
	 .min = 1,
	 .max = 20,
	 .check = is_service,
	 .expected = "must be service"},
};

static const struct field draft_fields[] = {
	FIELD(struct client_draft, name, "name", TEXT, .flags = REQUIRED | VISIBLE, .min = 1,
	      .max = CLIENT_NAME_MAX),
	FIELD(struct client_draft, roles, "roles", LIST, .min = 1, .max = 1,
	      LIST_OF(role_word, char *)),
	FIELD(struct client_draft, scope, "scope", TEXT, .min = 1, .max = SCOPE_MAX,
	      .check = scope_is_known,
	      .expected = "must be scopes of this shop, with single spaces; there are none yet"),
	FIELD_END,
};

/* `secret` is shown once, to who makes the client. */
static void write_client(struct out *out, const struct client *client, const char *secret)
{
	out_open(out, NULL);
	out_id(out, "id", &client->id);
	out_id(out, "clientId", &client->id);
	out_text(out, "clientSecret", secret);
	out_text(out, "name", client->name);
	out_open_list(out, "roles");
	out_text(out, NULL, role_text(ROLE_SERVICE));
	out_close_list(out);
	out_text(out, "scope", client->scope);
	out_time(out, "createdAt", client->created_ms);
	out_close(out);
}

/* --- making ----------------------------------------------------------------------------------- */

struct making {
	struct reply *reply;
	struct client client;
	const char *secret;
};

static enum err make(struct sql *sql, void *arg)
{
	struct making *making = arg;
	struct reply *reply = making->reply;
	struct out out = out_new(reply->arena);
	enum err err = clients_insert(sql, &making->client);

	if (err)
		return err;
	write_client(&out, &making->client, making->secret);
	reply_json(reply, 201, &out);
	reply_header(reply, "Location", "/auth/clients/%s",
		     id_text(reply->arena, &making->client.id));
	reply_header(reply, "Cache-Control", "no-store");
	return OK;
}

/* POST /auth/clients: a new client; 201 with its secret, which is never shown again. */
enum err auth_post_client(struct request *req, struct reply *reply)
{
	struct making making = {.reply = reply};
	struct client_draft draft = {0};
	uint8_t secret[CLIENT_SECRET_SIZE];
	enum err err;

	err = request_body(req, draft_fields, &draft);
	if (err)
		return err;
	env_random(secret, sizeof(secret));
	making.secret = base64url_encode(req->arena, secret, sizeof(secret));
	explicit_bzero(secret, sizeof(secret));
	/* A secret that is random itself needs no slow hash. */
	making.client = (struct client){
		.id = id_new(),
		.name = draft.name,
		.secret_hash = hash_of_text(making.secret),
		.roles = ROLE_SERVICE,
		.scope = draft.scope,
	};
	return request_transaction(req, reply, make, &making);
}

/* --- listing ---------------------------------------------------------------------------------- */

struct listing {
	struct page page;
	struct arena *arena;
	struct client *clients;
	size_t count;
};

static enum err list(struct sql *sql, void *arg)
{
	struct listing *listing = arg;

	return clients_list(sql, &listing->page, listing->arena, &listing->clients,
			    &listing->count);
}

/* GET /auth/clients: the newest first. */
enum err auth_get_clients(struct request *req, struct reply *reply)
{
	struct listing listing = {.arena = req->arena};
	struct cursor next;
	bool more;
	struct out out;
	enum err err;

	err = request_page(req, "clients", &listing.page);
	if (err)
		return err;
	err = request_read_long(req, WORK_LIST, list, &listing);
	if (err)
		return err;
	more = listing.count > (size_t)listing.page.limit;
	if (more) {
		listing.count--;
		next = (struct cursor){.id = listing.clients[listing.count - 1].id};
	}
	out = reply_list_begin(reply);
	for (size_t i = 0; i < listing.count; i++)
		write_client(&out, &listing.clients[i], NULL);
	reply_list_end_items(&out);
	reply_list_end(req, reply, &out, "clients", more ? &next : NULL);
	return OK;
}

/* --- removing --------------------------------------------------------------------------------- */

struct removal {
	struct reply *reply;
	struct id id;
};

static enum err remove_client(struct sql *sql, void *arg)
{
	struct removal *removal = arg;
	enum err err = clients_remove(sql, &removal->id);

	if (err)
		return err;
	reply_empty(removal->reply, 204);
	return OK;
}

/* DELETE /auth/clients/:id: it gets no more tokens, and those that it has are dead. */
enum err auth_delete_client(struct request *req, struct reply *reply)
{
	struct removal removal = {.reply = reply};
	struct ending ending = {.access_tokens = true};
	enum err err;

	err = request_id(req, "id", &removal.id);
	if (err)
		return err;
	err = request_transaction(req, reply, remove_client, &removal);
	if (err)
		return err;
	ending.holder = removal.id;
	return holder_end(&ending);
}
