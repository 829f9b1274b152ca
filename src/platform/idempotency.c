/*
 * Idempotency keys.
 *
 *   (none) --begin--> running --store, with the effect--> effected --end--> answered
 *                        |                                    |
 *                        +-- no effect: the key is free again +-- killed here: the next request
 *                                                                 is answered from `location`
 *
 * Invariants:
 *  1. A row exists exactly where the request had its effect: both are one transaction.
 *  2. While a request runs its key is in `running`; a second one is refused, not queued.
 *  3. Keys belong to their caller, within one service. A caller without an account is known by what
 *     it alone has: the secret of its cart, the e-mail address that it names; else by the request
 *     itself. An address of the network is shared by many, and says nothing.
 *  4. A row's number is by age: a key that is used again, once it has expired, gets a new row.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/config.h"
#include "base/env.h"
#include "base/log.h"
#include "base/map.h"
#include "base/text.h"
#include "base/time.h"
#include "platform/internal.h"

#define RUNNING_MAX 65536
#define KEY_LENGTH_MAX 255
#define EXPIRE_ROWS_MAX 1000

extern const struct migration platform_migrations[];

const struct migration_set platform_migration_set = {
	.name = "platform",
	.migrations = platform_migrations,
};

static struct {
	pthread_mutex_t lock;
	struct map *keys;
} running = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* --- keys that run ---------------------------------------------------------------------------- */

static char *running_key(struct arena *arena, const struct idempotency *claim)
{
	return arena_printf(arena, "%s|%s|%s", database_name(claim->database), claim->caller,
			    claim->key);
}

static enum err enter(struct arena *arena, const struct idempotency *claim)
{
	const char *key = running_key(arena, claim);
	enum err err = OK;

	pthread_mutex_lock(&running.lock);
	if (!running.keys)
		running.keys = map_new(RUNNING_MAX, false, NULL);
	if (map_get(running.keys, key, strlen(key)))
		err = ERR_IDEMPOTENCY_IN_PROGRESS;
	else if (!map_put(running.keys, key, strlen(key), &running))
		err = ERR_OVERLOADED;
	pthread_mutex_unlock(&running.lock);
	return err;
}

static void leave(struct arena *arena, const struct idempotency *claim)
{
	const char *key = running_key(arena, claim);

	pthread_mutex_lock(&running.lock);
	map_remove(running.keys, key, strlen(key));
	pthread_mutex_unlock(&running.lock);
}

/* --- stored answers --------------------------------------------------------------------------- */

/* The request, byte by byte. */
static struct hash fingerprint_of_bytes(const struct request *req)
{
	struct out text = out_new(req->arena);

	out_printf(&text, "%s %s?%s\n", http_method_text(req->method), req->path, req->query);
	out_bytes(&text, req->body, req->body_length);
	return secret_hash(platform_secret(), text.data, text.length);
}

struct stored {
	const struct idempotency *claim;
	struct arena *arena;
	bool found, same, answered;
	int status;
	const char *location, *content_type, *etag, *body;
	size_t length;
};

static int64_t kept_since(int64_t now_ms)
{
	return now_ms - config_int("idempotency-hours") * HOUR_MS;
}

/* An earlier release took the body's bytes as they came. */
static bool is_same(const struct idempotency *claim, const void *fingerprint, size_t length)
{
	struct hash of_bytes;

	if (length != HASH_SIZE)
		return false;
	if (memcmp(fingerprint, claim->fingerprint.bytes, HASH_SIZE) == 0)
		return true;
	of_bytes = fingerprint_of_bytes(claim->req);
	return memcmp(fingerprint, of_bytes.bytes, HASH_SIZE) == 0;
}

static enum err read_stored(struct sql *sql, void *arg)
{
	struct stored *stored = arg;
	struct sql_rows *rows;
	const void *fingerprint, *sealed;
	size_t length;
	enum err err;

	rows = sql_query(sql,
			 "SELECT fingerprint, answered, status, location, content_type, etag, body"
			 " FROM idempotency WHERE caller = $1 AND key = $2 AND stored_at > $3",
			 sql_text(stored->claim->caller), sql_text(stored->claim->key),
			 sql_int(kept_since(sql_now_ms(sql))));
	err = sql_first(rows);
	if (err)
		return err == ERR_NOT_FOUND ? OK : err;
	stored->found = true;
	fingerprint = sql_peek_blob(rows, 0, &length);
	stored->same = is_same(stored->claim, fingerprint, length);
	stored->answered = sql_get_bool(rows, 1);
	stored->status = (int)sql_get_int(rows, 2);
	stored->location = sql_get_text(rows, 3, stored->arena);
	stored->content_type = sql_get_text(rows, 4, stored->arena);
	stored->etag = sql_get_text(rows, 5, stored->arena);
	sealed = sql_peek_blob(rows, 6, &length);
	if (sealed)
		stored->body = secret_unseal(stored->arena, platform_secret(), sealed, length,
					     &stored->length);
	/* What cannot be read (the secret was lost) is as good as not stored. */
	stored->answered = stored->answered && (sealed != NULL) == (stored->body != NULL);
	return sql_end(rows);
}

static struct sql_value sealed_body(const struct reply *reply)
{
	size_t length;
	void *sealed;

	if (!reply->body)
		return sql_null();
	sealed = secret_seal(reply->arena, platform_secret(), reply->body, reply->length, &length);
	return sql_blob(sealed, length);
}

/* What the row says beside whose key it is and when it was stored. */
struct row {
	int64_t status;
	const char *location, *content_type, *etag;
	struct sql_value body;
};

static struct row row_of(const struct idempotency *claim, const struct reply *reply)
{
	return (struct row){
		.status = claim->answered ? reply->status : claim->status,
		.location = claim->answered ? reply_get_header(reply, "Location") : claim->location,
		.content_type = reply->content_type,
		.etag = reply_get_header(reply, "ETag"),
		.body = sealed_body(reply),
	};
}

static enum err insert_row(struct sql *sql, const struct idempotency *claim, const struct row *row)
{
	return sql_run(sql,
		       "INSERT INTO idempotency (caller, key, fingerprint, stored_at, status,"
		       " location, answered, content_type, etag, body)"
		       " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
		       " ON CONFLICT (caller, key) DO NOTHING",
		       sql_text(claim->caller), sql_text(claim->key),
		       sql_blob(claim->fingerprint.bytes, HASH_SIZE), sql_int(sql_now_ms(sql)),
		       sql_int(row->status), sql_text(row->location), sql_bool(claim->answered),
		       sql_text(row->content_type), sql_text(row->etag), row->body);
}

/* The key was used before, and that has expired. */
static enum err store_again(struct sql *sql, const struct idempotency *claim, const struct row *row)
{
	enum err err = sql_run(sql,
			       "DELETE FROM idempotency WHERE caller = $1 AND key = $2"
			       " AND stored_at <= $3",
			       sql_text(claim->caller), sql_text(claim->key),
			       sql_int(kept_since(sql_now_ms(sql))));

	if (err)
		return err;
	/* Another process was first: its effect stands, this one is undone. */
	if (sql_changes(sql) == 0)
		return ERR_IDEMPOTENCY_IN_PROGRESS;
	return insert_row(sql, claim, row);
}

enum err idempotency_store(struct sql *sql, struct idempotency *claim, const struct reply *reply)
{
	struct row row;
	enum err err;

	claim->answered = reply->status != 0;
	row = row_of(claim, reply);
	err = insert_row(sql, claim, &row);
	if (!err && sql_changes(sql) == 0)
		err = store_again(sql, claim, &row);
	if (!err)
		claim->number = sql_last_number(sql);
	return err;
}

struct answer_row {
	const struct idempotency *claim;
	const struct reply *reply;
};

static enum err store_answer(struct sql *sql, void *arg)
{
	const struct answer_row *row = arg;

	return sql_run(sql,
		       "UPDATE idempotency SET answered = 1, status = $2, location = $3,"
		       " content_type = $4, etag = $5, body = $6 WHERE number = $1",
		       sql_int(row->claim->number), sql_int(row->reply->status),
		       sql_text(reply_get_header(row->reply, "Location")),
		       sql_text(row->reply->content_type),
		       sql_text(reply_get_header(row->reply, "ETag")), sealed_body(row->reply));
}

/* --- answering again -------------------------------------------------------------------------- */

/* The effect is there, its answer was lost: what the resource looks like now is the answer. */
static enum err answer_from_location(struct request *req, struct reply *reply,
				     const struct stored *stored)
{
	struct request *look;
	enum err err;

	if (!stored->location)
		return refuse(req, ERR_CONFLICT,
			      "The request was carried out; its answer is lost.");
	look = ARENA_NEW(req->arena, struct request);
	*look = *req;
	look->method = HTTP_GET;
	look->path = stored->location;
	look->query = "";
	look->body_length = 0;
	look->idempotency = NULL;
	err = dispatch_find(look, reply, false);
	if (err)
		return err;
	dispatch_run(look, reply);
	if (reply->status == 200) {
		reply->status = stored->status;
		reply_header(reply, "Location", "%s", stored->location);
	}
	return OK;
}

static enum err replay(struct request *req, struct reply *reply, const struct stored *stored)
{
	enum err err = OK;

	if (!stored->same)
		return ERR_IDEMPOTENCY_KEY_REUSED;
	if (!stored->answered) {
		err = answer_from_location(req, reply, stored);
	} else {
		reply->status = stored->status;
		reply->content_type = stored->content_type;
		reply->body = stored->body;
		reply->length = stored->length;
		reply->value = NULL;
		if (stored->location)
			reply_header(reply, "Location", "%s", stored->location);
		if (stored->etag)
			reply_header(reply, "ETag", "%s", stored->etag);
	}
	if (!err && reply->status == stored->status)
		reply_header(reply, "Idempotency-Replayed", "true");
	return err;
}

/* --- a request's way -------------------------------------------------------------------------- */

/* A body that is JSON is what it says, not how it is written. */
static struct hash fingerprint_of(struct request *req)
{
	struct out text = out_new(req->arena);

	/* The handler reads the same value. */
	if (!req->body_value && req->body_length && !(req->route->flags & ROUTE_FORM) &&
	    json_parse(req->arena, req->body, req->body_length, &req->body_value, NULL))
		req->body_value = NULL;
	if (!req->body_value)
		return fingerprint_of_bytes(req);
	out_printf(&text, "%s %s?%s\n", http_method_text(req->method), req->path, req->query);
	json_write_canonical(&text, req->body_value);
	return secret_hash(platform_secret(), text.data, text.length);
}

static const char *hashed(struct arena *arena, const char *kind, const void *bytes, size_t length)
{
	struct hash hash = secret_hash(platform_secret(), bytes, length);

	return arena_printf(arena, "%s:%s", kind, base64url_encode(arena, hash.bytes, HASH_SIZE));
}

static const char *guest_text(const struct request *req, const struct hash *fingerprint)
{
	const char *secret = request_header(req, "Cart-Secret");
	const char *email = json_get_text(req->body_value, "email");

	if (secret)
		return hashed(req->arena, "secret", secret, strlen(secret));
	if (email)
		return hashed(req->arena, "email", email, strlen(email));
	return hashed(req->arena, "request", fingerprint->bytes, HASH_SIZE);
}

static const char *caller_text(const struct request *req, const struct hash *fingerprint)
{
	char user[ID_TEXT_SIZE];

	if (!req->caller.roles)
		return guest_text(req, fingerprint);
	id_format(&req->caller.user, user);
	return arena_printf(req->arena, "%s:%s", req->caller.client ? req->caller.client : "",
			    user);
}

static bool key_is_sound(const char *key)
{
	size_t length = strlen(key), i;

	for (i = 0; i < length; i++)
		if (key[i] < 0x21 || key[i] > 0x7e)
			return false;
	return length >= 1 && length <= KEY_LENGTH_MAX;
}

enum err idempotency_begin(struct request *req, struct reply *reply)
{
	const struct running_service *service = req->service;
	const char *key = request_header(req, "Idempotency-Key");
	struct idempotency *claim;
	struct stored stored = {0};
	enum err err;

	if (!key)
		return OK;
	if (!key_is_sound(key))
		return refuse(req, ERR_BAD_REQUEST,
			      "Idempotency-Key takes 1 to 255 visible characters.");
	/* Nobody could tell whose it is. */
	if (!req->caller.roles && (req->route->flags & ROUTE_GUEST_SECRET))
		return OK;
	claim = ARENA_NEW(req->arena, struct idempotency);
	claim->key = key;
	claim->req = req;
	claim->fingerprint = fingerprint_of(req);
	claim->caller = caller_text(req, &claim->fingerprint);
	claim->database = service->database;
	err = enter(req->arena, claim);
	if (err)
		return err;
	stored.claim = claim;
	stored.arena = req->arena;
	err = sql_read(claim->database, read_stored, &stored);
	if (err || stored.found) {
		leave(req->arena, claim);
		return err ? err : replay(req, reply, &stored);
	}
	req->idempotency = claim;
	return OK;
}

void idempotency_end(struct request *req, const struct reply *reply)
{
	struct idempotency *claim = req->idempotency;

	if (!claim)
		return;
	/* A fault behind the effect is no answer to keep: the next request looks at the result. */
	if (claim->effected && !claim->answered && reply->status < 500) {
		struct answer_row row = {.claim = claim, .reply = reply};
		enum err err = sql_transaction(claim->database, store_answer, &row);

		if (err)
			log_error("idempotency.answer", "the answer to a key is not stored: %s",
				  err_info(err)->slug);
	}
	leave(req->arena, claim);
	req->idempotency = NULL;
}

struct expiring {
	int64_t behind, up_to; /* numbers */
	int64_t count;	       /* of the rows that were changed */
};

static enum err expire_some(struct sql *sql, void *arg)
{
	struct expiring *expiring = arg;
	enum err err = sql_run(sql,
			       "DELETE FROM idempotency WHERE stored_at <= $1 AND number IN"
			       " (SELECT number FROM idempotency ORDER BY number LIMIT $2)",
			       sql_int(kept_since(sql_now_ms(sql))), sql_int(EXPIRE_ROWS_MAX));

	expiring->count = sql_changes(sql);
	return err;
}

/* What a clock that was ahead has stored would be kept until the clock has caught up, and with it all
 * behind it: it counts as stored now. */
static enum err mend_some(struct sql *sql, void *arg)
{
	struct expiring *expiring = arg;
	int64_t now_ms = sql_now_ms(sql);
	struct sql_rows *rows;
	enum err err;

	rows = sql_query(sql,
			 "SELECT COALESCE(max(number), 0) FROM (SELECT number FROM idempotency"
			 " WHERE number > $1 ORDER BY number LIMIT $2)",
			 sql_int(expiring->behind), sql_int(EXPIRE_ROWS_MAX));
	err = SQL_TAKE(rows, &expiring->up_to, sql_get_int(rows, 0));
	if (err)
		return err;
	err = sql_run(sql,
		      "UPDATE idempotency SET stored_at = $1 WHERE stored_at > $2"
		      " AND number > $3 AND number <= $4",
		      sql_int(now_ms), sql_int(now_ms + TIME_SLACK_MS), sql_int(expiring->behind),
		      sql_int(expiring->up_to));
	expiring->count = sql_changes(sql);
	return err;
}

/* From the oldest on; a part of them in which there was nothing to do ends it. */
static void expire(struct database *database)
{
	struct expiring expiring = {.count = 0};

	while (!sql_transaction(database, expire_some, &expiring) && expiring.count > 0)
		;
	while (!sql_transaction(database, mend_some, &expiring) && expiring.count > 0)
		expiring.behind = expiring.up_to;
}

void idempotency_expire(void)
{
	for (size_t i = 0; i < platform_service_count(); i++)
		expire(platform_service(i)->database);
}
