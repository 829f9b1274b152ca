/*
 * Access tokens and sessions.
 *
 * Invariants:
 *  1. What ends a token is stored first, and then remembered (marks.h): a crash forgets nothing.
 *  2. A token's id is made before its holder's account is read: an account that changes in between
 *     ends the token that is on its way.
 *  3. Ids tell what came before what, the clock does not: it may have been ahead when somebody's
 *     tokens were ended. Ids are made in their order, over restarts too.
 */
#include "services/auth/tokens.h"

#include <string.h>

#include "base/config.h"
#include "base/env.h"
#include "base/log.h"
#include "base/time.h"
#include "services/auth/keys.h"
#include "services/auth/marks.h"

static struct {
	struct arena *arena;		      /* of the issuers */
	const char *issuers[ISSUERS_MAX + 1]; /* the first is named by new tokens; ends with NULL */
	int64_t access_ms, refresh_ms;	      /* 0: the service does not run in this process */
} settings;

int64_t tokens_access_life_ms(void)
{
	return settings.access_ms;
}

const char *tokens_issuer(void)
{
	return settings.issuers[0];
}

static void remember(void *arg, const struct id *id, const struct id *before, int64_t expires_ms)
{
	if (before)
		marks_end_holder(id, before, expires_ms);
	else
		marks_kill(&(struct token_mark){.token = *id, .expires_ms = expires_ms}, 1);
}

static const char *without_slash(struct arena *arena, const char *address)
{
	size_t length = strlen(address);

	return arena_copy_bytes(arena, address, length - (address[length - 1] == '/'));
}

/* A port may be another at each start: that alone logs nobody out. */
const char *auth_listening(const char *address)
{
	const char *issuers[ISSUERS_MAX + 1];
	enum err err;

	if (!settings.access_ms || config_text("public-url"))
		return settings.issuers[0];
	err = token_store_note_issuer(address, settings.arena, issuers);
	if (err) {
		log_warning("auth.issuer", "the address is not remembered: %s",
			    err_info(err)->slug);
		issuers[0] = arena_copy_text(settings.arena, address);
		issuers[1] = NULL;
	}
	memcpy(settings.issuers, issuers, sizeof(issuers));
	return settings.issuers[0];
}

enum err tokens_start(void)
{
	const char *public_url = config_text("public-url");
	struct id before;
	enum err err;

	if (!settings.arena)
		settings.arena = arena_new();
	arena_reset(settings.arena);
	/* Without one the server says where it listens before it hears anybody: tokens_listening. */
	settings.issuers[0] =
		public_url ? without_slash(settings.arena, public_url) : "http://localhost";
	settings.issuers[1] = NULL;
	settings.access_ms = config_int("access-minutes") * MINUTE_MS;
	settings.refresh_ms = config_int("refresh-days") * DAY_MS;
	err = token_store_last_ending(&before);
	if (err)
		return err;
	id_go_on_after(&before);
	marks_start();
	return token_store_load(settings.access_ms, remember, NULL);
}

/* --- issuing ---------------------------------------------------------------------------------- */

static struct token_mark new_access(const struct id *token)
{
	return (struct token_mark){.token = *token,
				   .expires_ms = env_now_ms() + settings.access_ms};
}

/* The audience is this shop's API, which has the issuer's name (RFC 9068, section 3). */
static char *sign(struct arena *arena, const struct token_mark *access, const struct id *user,
		  const char *client, unsigned roles, const char *scope)
{
	struct token_claims claims = {
		.issuer = settings.issuers[0],
		.subject = *user,
		.client = client,
		.audience = settings.issuers[0],
		.issued_s = env_now_ms() / SECOND_MS,
		.expires_s = access->expires_ms / SECOND_MS,
		.token_id = access->token,
		.roles = roles,
		.scope = scope,
	};

	return keys_sign(arena, &claims);
}

static void random_session(struct session *session, struct refresh_token *token)
{
	env_random(session->id.bytes, sizeof(session->id.bytes));
	env_random(session->secret, sizeof(session->secret));
	env_random(token->secret, sizeof(token->secret));
	token->session = session->id;
	session->current = refresh_token_hash(token);
}

enum err grant_begin(struct arena *arena, const struct id *user, unsigned roles,
		     const struct id *as_of, struct grant *ret_grant)
{
	struct token_mark access = new_access(as_of);
	struct session session = {.user = *user, .expires_ms = env_now_ms() + settings.refresh_ms};
	struct refresh_token refresh_token;
	enum err err;

	random_session(&session, &refresh_token);
	err = token_store_begin(&session, &access, as_of);
	if (err)
		return err;
	*ret_grant = (struct grant){
		.access_token = sign(arena, &access, user, FIRST_PARTY, roles, NULL),
		.expires_in_s = settings.access_ms / SECOND_MS,
		.refresh_token = refresh_token_text(arena, &refresh_token),
	};
	return OK;
}

void grant_to_client(struct arena *arena, const struct client *client, const char *scope,
		     struct grant *ret_grant)
{
	struct id token = id_new();
	struct token_mark access = new_access(&token);
	const struct id nobody = {{0}};

	*ret_grant = (struct grant){
		.access_token = sign(arena, &access, &nobody, id_text(arena, &client->id),
				     client->roles, scope),
		.expires_in_s = settings.access_ms / SECOND_MS,
		.scope = scope,
	};
}

unsigned roles_of_json(const json_t *words)
{
	const json_t *word;
	unsigned roles = 0;
	size_t i;

	json_array_foreach (words, i, word) {
		const char *text = json_string_value(word);

		roles |= text ? role_from_text(text) : 0;
	}
	return roles;
}

/* --- refreshing ------------------------------------------------------------------------------- */

static enum err end_session(struct arena *arena, const struct id *session)
{
	struct token_mark *killed;
	size_t count;
	enum err err = token_store_end(session, arena, &killed, &count);

	if (!err)
		marks_kill(killed, count);
	return err;
}

/* The account as it is now; ERR_UNAUTHENTICATED where it is gone or suspended. */
static enum err ask_for_user(struct request *req, const struct id *user, const json_t **ret_user)
{
	struct call call = {
		.service = "user",
		.method = HTTP_GET,
		.path = arena_printf(req->arena, "/users/%s", id_text(req->arena, user)),
	};
	struct call_answer answer;
	const char *status;
	enum err err;

	err = service_call(req->arena, &auth_service, req, &call, &answer);
	if (err)
		return err;
	if (answer.err == ERR_NOT_FOUND)
		return ERR_UNAUTHENTICATED;
	if (answer.err)
		return answer.err;
	status = json_get_text(answer.json, "status");
	if (!status || strcmp(status, "active") != 0)
		return ERR_UNAUTHENTICATED;
	*ret_user = answer.json;
	return OK;
}

/* The session of a token that is worth more work: it is not looked up for what cannot be good. */
static enum err find_session(struct arena *arena, const char *text, struct refresh_token *ret_token,
			     struct session *ret_session)
{
	enum err err;

	if (!refresh_token_parse(arena, text, ret_token))
		return ERR_UNAUTHENTICATED;
	err = token_store_find(&ret_token->session, ret_session);
	return err == ERR_NOT_FOUND ? ERR_UNAUTHENTICATED : err;
}

enum err grant_refresh(struct request *req, const char *refresh_token, struct grant *ret_grant,
		       const json_t **ret_user)
{
	struct id token = id_new();
	struct rotation rotation = {
		.access = new_access(&token),
		.expires_ms = env_now_ms() + settings.refresh_ms,
		.arena = req->arena,
	};
	struct session session;
	const json_t *user;
	enum err err;

	err = find_session(req->arena, refresh_token, &rotation.token, &session);
	if (err)
		return err;
	err = ask_for_user(req, &session.user, &user);
	if (err == ERR_UNAUTHENTICATED) {
		enum err end_err = end_session(req->arena, &session.id);

		return end_err ? end_err : err;
	}
	if (err)
		return err;
	err = token_store_rotate(&rotation);
	if (err)
		return err == ERR_NOT_FOUND ? ERR_UNAUTHENTICATED : err;
	marks_kill(rotation.killed, rotation.killed_count);
	if (rotation.use == REFRESH_EXPIRED || rotation.use == REFRESH_REUSED)
		return ERR_UNAUTHENTICATED;
	*ret_grant = (struct grant){
		.access_token = sign(req->arena, &rotation.access, &session.user, FIRST_PARTY,
				     roles_of_json(json_object_get(user, "roles")), NULL),
		.expires_in_s = settings.access_ms / SECOND_MS,
		.refresh_token = refresh_token_text(req->arena, &rotation.successor),
	};
	*ret_user = user;
	return OK;
}

/* --- checking --------------------------------------------------------------------------------- */

/* Whose tokens end together: a user's, or those of a client that acts for itself. */
static struct id holder_of(const struct id *user, const char *client)
{
	struct id holder = *user;

	if (id_is_zero(&holder) && !id_parse(client, &holder))
		holder = (struct id){{0}};
	return holder;
}

static enum err refuse_dead(const struct id *token, const struct id *user, const char *client)
{
	struct id holder = holder_of(user, client);
	bool dead;
	enum err err;

	switch (marks_look(token, &holder)) {
	case MARK_ALIVE:
		return OK;
	case MARK_DEAD:
		return ERR_UNAUTHENTICATED;
	case MARK_UNKNOWN:
		break;
	}
	err = token_store_is_dead(token, &holder, &dead);
	if (err)
		return err;
	return dead ? ERR_UNAUTHENTICATED : OK;
}

enum err token_read(struct arena *arena, const char *token, struct token_claims *ret_claims)
{
	enum err err;

	err = keys_verify(arena, token, settings.issuers, ret_claims);
	if (err)
		return err;
	return refuse_dead(&ret_claims->token_id, &ret_claims->subject, ret_claims->client);
}

static enum err verify(struct arena *arena, const char *token, const struct hash *hash,
		       struct caller *ret_caller)
{
	struct token_claims claims;
	enum err err;

	if (marks_find_verified(hash, arena, ret_caller))
		return OK;
	err = keys_verify(arena, token, settings.issuers, &claims);
	if (err)
		return err;
	*ret_caller = (struct caller){
		.roles = claims.roles,
		.user = claims.subject,
		.client = claims.client,
		.token = claims.token_id,
		.expires_s = claims.expires_s,
	};
	marks_add_verified(hash, ret_caller);
	return OK;
}

enum err auth_check_token(struct arena *arena, const char *token, struct caller *ret_caller)
{
	size_t length = strnlen(token, JWT_LENGTH_MAX + 1);
	struct caller caller;
	struct hash hash;
	enum err err;

	if (!settings.access_ms)
		return ERR_UNAVAILABLE;
	if (length > JWT_LENGTH_MAX)
		return ERR_UNAUTHENTICATED;
	hash = hash_of(token, length);
	err = verify(arena, token, &hash, &caller);
	if (err)
		return err;
	if (caller.expires_s <= env_now_ms() / SECOND_MS)
		return ERR_UNAUTHENTICATED;
	err = refuse_dead(&caller.token, &caller.user, caller.client);
	if (err)
		return err;
	*ret_caller = caller;
	return OK;
}

/* --- ending ----------------------------------------------------------------------------------- */

static enum err kill(const struct token_claims *claims)
{
	struct token_mark token = {.token = claims->token_id,
				   .expires_ms = claims->expires_s * SECOND_MS};
	enum err err = token_store_kill(&token);

	if (!err)
		marks_kill(&token, 1);
	return err;
}

enum err token_revoke(struct arena *arena, const char *token, const struct id *client)
{
	const char *own = client ? id_text(arena, client) : NULL;
	struct refresh_token refresh_token;
	struct token_claims claims;
	struct session session;
	enum err err;

	err = keys_verify(arena, token, settings.issuers, &claims);
	if (!err && own && strcmp(claims.client, own) != 0)
		return ERR_FORBIDDEN;
	if (!err)
		return kill(&claims);
	if (err != ERR_UNAUTHENTICATED)
		return err;
	/* An old token of the session will do: to use it would end the session too. */
	err = find_session(arena, token, &refresh_token, &session);
	if (err)
		return err == ERR_UNAUTHENTICATED ? OK : err;
	/* Sessions are the first party's. */
	if (own)
		return ERR_FORBIDDEN;
	return end_session(arena, &session.id);
}

enum err holder_end(const struct ending *ending)
{
	struct id before;
	enum err err = token_store_end_holder(ending, &before);

	if (!err && !id_is_zero(&before))
		marks_end_holder(&ending->holder, &before, env_now_ms() + settings.access_ms);
	return err;
}
