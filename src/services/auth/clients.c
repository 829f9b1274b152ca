/* Clients: their rows, and their authentication. */
#include "services/auth/clients.h"

#include <string.h>
#include <strings.h>

#include "base/text.h"

#define COLUMNS "id, name, secret_hash, roles, scope, created_at"
#define BASIC "Basic "
#define BASIC_LENGTH_MAX 1024

/* --- data ------------------------------------------------------------------------------------- */

static void read_client(struct sql_rows *rows, struct arena *arena, struct client *client)
{
	size_t length;
	const void *hash = sql_peek_blob(rows, 2, &length);

	assert(length == HASH_SIZE);
	memcpy(client->secret_hash.bytes, hash, HASH_SIZE);
	client->id = sql_get_id(rows, 0);
	client->name = sql_get_text(rows, 1, arena);
	client->roles = (unsigned)sql_get_int(rows, 3);
	client->scope = sql_get_text(rows, 4, arena);
	client->created_ms = sql_get_int(rows, 5);
}

enum err clients_insert(struct sql *sql, struct client *client)
{
	client->created_ms = sql_now_ms(sql);
	return sql_run(sql,
		       "INSERT INTO clients (id, name, secret_hash, roles, scope, created_at)"
		       " VALUES ($1, $2, $3, $4, $5, $6)",
		       sql_id(&client->id), sql_text(client->name),
		       sql_blob(client->secret_hash.bytes, HASH_SIZE), sql_int(client->roles),
		       sql_text(client->scope), sql_int(client->created_ms));
}

enum err clients_find(struct sql *sql, const struct id *id, struct arena *arena,
		      struct client *ret_client)
{
	struct sql_rows *rows =
		sql_query(sql, "SELECT " COLUMNS " FROM clients WHERE id = $1", sql_id(id));
	enum err err = sql_first(rows);

	if (err)
		return err;
	read_client(rows, arena, ret_client);
	return sql_end(rows);
}

enum err clients_remove(struct sql *sql, const struct id *id)
{
	enum err err = sql_run(sql, "DELETE FROM clients WHERE id = $1", sql_id(id));

	if (err)
		return err;
	return sql_changes(sql) == 1 ? OK : ERR_NOT_FOUND;
}

enum err clients_list(struct sql *sql, const struct page *page, struct arena *arena,
		      struct client **ret_clients, size_t *ret_count)
{
	struct client *clients = ARENA_ARRAY(arena, struct client, (size_t)page->limit + 1);
	struct sql_builder query = sql_builder_new(arena);
	struct sql_rows *rows;
	size_t count = 0;
	enum err err;

	sql_add(&query, "SELECT " COLUMNS " FROM clients");
	if (page->has_after)
		sql_add(&query, " WHERE id < ?", sql_id(&page->after.id));
	sql_add(&query, " ORDER BY id DESC LIMIT ?", sql_int(page->limit + 1));
	rows = sql_query_built(sql, &query);
	while (sql_next(rows))
		read_client(rows, arena, &clients[count++]);
	err = sql_end(rows);
	if (err)
		return err;
	*ret_clients = clients;
	*ret_count = count;
	return OK;
}

/* --- authentication --------------------------------------------------------------------------- */

/* base64 with its padding (RFC 4648, section 4); NULL where it is not. */
static char *decode_base64(struct arena *arena, const char *text)
{
	size_t length = strlen(text), decoded_length;
	char *url = arena_copy_text(arena, text);
	uint8_t *bytes;

	if (length > BASIC_LENGTH_MAX || length % 4 != 0)
		return NULL;
	for (int i = 0; i < 2 && length > 0 && url[length - 1] == '='; i++)
		url[--length] = '\0';
	for (char *c = url; *c; c++) {
		if (*c == '-' || *c == '_')
			return NULL;
		*c = *c == '+' ? '-' : *c == '/' ? '_' : *c;
	}
	if (!base64url_decode(arena, url, &bytes, &decoded_length) ||
	    memchr(bytes, '\0', decoded_length))
		return NULL;
	return arena_copy_bytes(arena, bytes, decoded_length);
}

/* Both parts were form-encoded before they were joined (RFC 6749, section 2.3.1). */
static bool read_basic(struct arena *arena, const char *authorization,
		       struct client_proof *ret_proof)
{
	const char *text = authorization + strlen(BASIC);
	char *joined = decode_base64(arena, text + strspn(text, " "));
	char *colon = joined ? strchr(joined, ':') : NULL;

	if (!colon)
		return false;
	ret_proof->id = text_percent_decode(arena, joined, (size_t)(colon - joined), true);
	ret_proof->secret = text_percent_decode(arena, colon + 1, strlen(colon + 1), true);
	return ret_proof->id && ret_proof->secret;
}

struct lookup {
	struct id id;
	struct arena *arena;
	struct client *client;
};

static enum err look_up(struct sql *sql, void *arg)
{
	struct lookup *lookup = arg;

	return clients_find(sql, &lookup->id, lookup->arena, lookup->client);
}

static enum err check(struct request *req, const struct client_proof *proof,
		      const struct client **ret_client)
{
	struct lookup lookup = {.arena = req->arena,
				.client = ARENA_NEW(req->arena, struct client)};
	struct hash hash;
	enum err err;

	if (!proof->secret || !id_parse(proof->id, &lookup.id))
		return ERR_INVALID_CREDENTIALS;
	err = request_read(req, look_up, &lookup);
	if (err)
		return err == ERR_NOT_FOUND ? ERR_INVALID_CREDENTIALS : err;
	hash = hash_of_text(proof->secret);
	if (!hash_equal(&hash, &lookup.client->secret_hash))
		return ERR_INVALID_CREDENTIALS;
	*ret_client = lookup.client;
	return OK;
}

enum err client_authenticate(struct request *req, const struct client_proof *body,
			     const struct client **ret_client)
{
	const char *authorization = request_header(req, "Authorization");
	struct client_proof basic;
	enum err err;

	/* A Bearer token says nothing here: clients send it along everywhere. */
	if (authorization && strncasecmp(authorization, BASIC, strlen(BASIC)) == 0) {
		if (!read_basic(req->arena, authorization, &basic))
			return ERR_INVALID_CREDENTIALS;
		/* Who is nobody is told that first. */
		err = check(req, &basic, ret_client);
		if (err)
			return err;
		return body->secret || (body->id && strcmp(body->id, basic.id) != 0)
			       ? ERR_BAD_REQUEST
			       : OK;
	}
	if (body->secret && !body->id)
		return ERR_BAD_REQUEST;
	if (!body->id || (!body->secret && strcmp(body->id, FIRST_PARTY) == 0)) {
		*ret_client = NULL;
		return OK;
	}
	return check(req, body, ret_client);
}
