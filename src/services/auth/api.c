/* The Auth service's endpoints beside the token endpoint: refreshing, looking at and ending tokens,
 * what others read of the keys, and what the User service asks for. */
#include <string.h>

#include "base/text.h"
#include "services/auth/clients.h"
#include "services/auth/key_files.h"
#include "services/auth/keys.h"
#include "services/auth/parameters.h"
#include "services/auth/tokens.h"

/* --- fields ----------------------------------------------------------------------------------- */

struct token_draft {
	char *token, *hint; /* RFC 7662 and 7009: the hint may be passed over, and is */
	char *client_id, *client_secret;
};

static const struct field token_fields[] = {
	FIELD(struct token_draft, token, "token", TEXT, .flags = REQUIRED, .min = 1,
	      .max = JWT_LENGTH_MAX),
	FIELD(struct token_draft, hint, "token_type_hint", TEXT, .max = 100),
	FIELD(struct token_draft, client_id, "client_id", TEXT, .max = 255),
	FIELD(struct token_draft, client_secret, "client_secret", TEXT, .max = 255),
	FIELD_END,
};

struct refresh_draft {
	char *refresh_token;
};

static const struct field refresh_fields[] = {
	FIELD(struct refresh_draft, refresh_token, "refreshToken", TEXT, .flags = REQUIRED,
	      .min = 1, .max = JWT_LENGTH_MAX),
	FIELD_END,
};

struct session_draft {
	struct id user, as_of;
	struct list roles; /* of char * */
	bool as_of_given;
};

static bool is_role(const char *word)
{
	return role_from_text(word) != 0;
}

static const struct field role_word[] = {
	{.kind = FIELD_KIND_TEXT,
	 .min = 1,
	 .max = 20,
	 .check = is_role,
	 .expected = "must be a role"},
};

static const struct field session_fields[] = {
	FIELD(struct session_draft, user, "userId", ID, .flags = REQUIRED),
	FIELD(struct session_draft, roles, "roles", LIST, .flags = REQUIRED, .min = 1, .max = 8,
	      LIST_OF(role_word, char *)),
	FIELD(struct session_draft, as_of, "asOf", ID, GIVEN(struct session_draft, as_of_given)),
	FIELD_END,
};

static const struct field ending_fields[] = {
	FIELD(struct ending, holder, "userId", ID, .flags = REQUIRED),
	FIELD(struct ending, suspended, "suspended", BOOL, .flags = REQUIRED),
	FIELD(struct ending, refresh_tokens, "refreshTokens", BOOL),
	FIELD(struct ending, access_tokens, "accessTokens", BOOL),
	FIELD_END,
};

/* --- answers ---------------------------------------------------------------------------------- */

/* `user` is the User service's answer; or NULL. */
static void reply_grant(struct reply *reply, const struct grant *grant, const json_t *user)
{
	struct out out = out_new(reply->arena);

	out_open(&out, NULL);
	out_text(&out, "accessToken", grant->access_token);
	out_text(&out, "tokenType", "Bearer");
	out_int(&out, "expiresIn", grant->expires_in_s);
	out_text(&out, "refreshToken", grant->refresh_token);
	if (user)
		out_json(&out, "user", json_text(reply->arena, user));
	out_close(&out);
	reply_json(reply, 200, &out);
	reply_header(reply, "Cache-Control", "no-store");
}

/* --- tokens of users -------------------------------------------------------------------------- */

/* POST /auth/refresh: the next pair of tokens, with the account as it is now. */
static enum err post_refresh(struct request *req, struct reply *reply)
{
	struct refresh_draft draft = {0};
	const json_t *user;
	struct grant grant;
	enum err err;

	err = request_body(req, refresh_fields, &draft);
	if (err)
		return err;
	err = grant_refresh(req, draft.refresh_token, &grant, &user);
	if (err == ERR_UNAUTHENTICATED)
		return refuse(req, err, "The refresh token is not good, or no longer.");
	if (err)
		return err;
	reply_grant(reply, &grant, user);
	return OK;
}

/* The body of RFC 7662 and RFC 7009: a form, or JSON. */
static enum err read_token_draft(struct request *req, struct token_draft *ret_draft)
{
	struct parameters parameters;
	const char *why = NULL;
	enum err err;

	if (!body_is_form(req))
		return request_body(req, token_fields, ret_draft);
	err = parameters_read(req, &parameters, &why);
	if (err)
		return refuse(req, err, "%s", why);
	req->faults.arena = req->arena;
	for (const struct field *field = token_fields; field->name; field++) {
		const char *value = parameters_get(&parameters, field->name);
		char *pointer = arena_printf(req->arena, "/%s", field->name);

		if (!value && (field->flags & REQUIRED))
			fault_add(&req->faults, pointer, "is required");
		else if (value && text_length(value) > (size_t)field->max)
			fault_add(&req->faults, pointer, "must have at most %d characters",
				  (int)field->max);
		else if (value)
			*(char **)((char *)ret_draft + field->offset) =
				arena_copy_text(req->arena, value);
	}
	return faults_err(&req->faults);
}

static const char *text_or_null(const char *text)
{
	return text && *text ? text : NULL;
}

/* The client that asks, NULL for none. Where it is not who it says, the reply is filled. */
static enum err read_client(struct request *req, struct reply *reply,
			    const struct token_draft *draft, const struct client **ret_client)
{
	/* Without a value they count as left out (RFC 6749, section 3.2), in JSON as in a form. */
	const struct client_proof proof = {text_or_null(draft->client_id),
					   text_or_null(draft->client_secret)};
	enum err err;

	/* A bearer token and a client's secret would be two ways at once. */
	err = req->caller.roles && proof.secret ? ERR_BAD_REQUEST
						: client_authenticate(req, &proof, ret_client);
	if (err == ERR_INVALID_CREDENTIALS)
		return auth_refuse_oauth(reply, "invalid_client", "The client is not who it says.");
	if (err == ERR_BAD_REQUEST)
		return auth_refuse_oauth(reply, "invalid_request",
					 "The client must say who it is once.");
	return err;
}

/* Whether the caller may look at tokens: parts of the platform and admins by their own tokens, a
 * client (all of which act for services) by its credentials (RFC 7662, section 2.1). */
static enum err authorise_look(struct request *req, struct reply *reply,
			       const struct token_draft *draft)
{
	const struct client *client = NULL;
	enum err err = read_client(req, reply, draft, &client);

	if (err || reply->status || req->caller.roles || client)
		return err;
	reply_header(reply, "WWW-Authenticate", "Bearer realm=\"souk\", Basic realm=\"souk\"");
	return refuse(req, ERR_UNAUTHENTICATED, "Say who asks: by a token, or as a client.");
}

static void write_claims(struct out *out, const struct token_claims *claims)
{
	out_text(out, "iss", claims->issuer);
	if (id_is_zero(&claims->subject))
		out_text(out, "sub", claims->client);
	else
		out_id(out, "sub", &claims->subject);
	out_text(out, "aud", claims->audience);
	out_text(out, "client_id", claims->client);
	out_text(out, "token_type", "Bearer");
	out_int(out, "exp", claims->expires_s);
	out_int(out, "iat", claims->issued_s);
	out_id(out, "jti", &claims->token_id);
	out_open_list(out, "roles");
	for (unsigned role = 1; role <= ROLES_ALL; role <<= 1)
		if (claims->roles & role)
			out_text(out, NULL, role_text((enum role)role));
	out_close_list(out);
	out_text(out, "scope", claims->scope);
}

/* POST /auth/validate: what an access token says, if it lives (RFC 7662). Whose it is does not
 * matter: who asks has been given it by somebody to find out. */
static enum err post_validate(struct request *req, struct reply *reply)
{
	struct token_draft draft = {0};
	struct token_claims claims;
	struct out out;
	enum err err;

	err = read_token_draft(req, &draft);
	if (err)
		return err;
	err = authorise_look(req, reply, &draft);
	if (err || reply->status)
		return err;
	err = token_read(req->arena, draft.token, &claims);
	if (err && err != ERR_UNAUTHENTICATED)
		return err;
	out = out_new(req->arena);
	out_open(&out, NULL);
	out_bool(&out, "active", !err);
	if (!err)
		write_claims(&out, &claims);
	out_close(&out);
	reply_json(reply, 200, &out);
	reply_header(reply, "Cache-Control", "no-store");
	return OK;
}

/* POST /auth/revoke: ends an access token, or by a refresh token its whole session (RFC 7009). Who
 * holds a token may end it, but a client that says who it is ends its own alone; one that is not
 * known is ended already. */
static enum err post_revoke(struct request *req, struct reply *reply)
{
	struct token_draft draft = {0};
	const struct client *client = NULL;
	enum err err;

	err = read_token_draft(req, &draft);
	if (err)
		return err;
	err = read_client(req, reply, &draft, &client);
	if (err || reply->status)
		return err;
	err = token_revoke(req->arena, draft.token, client ? &client->id : NULL);
	if (err == ERR_FORBIDDEN)
		return auth_refuse_oauth(reply, "unauthorized_client",
					 "The token is another client's.");
	if (err)
		return err;
	reply_empty(reply, 200);
	return OK;
}

/* --- for the User service --------------------------------------------------------------------- */

/* POST /auth/sessions: a session for a user whose password was checked; 409 where it was ended
 * meanwhile. */
static enum err post_session(struct request *req, struct reply *reply)
{
	struct session_draft draft = {0};
	char *const *words;
	unsigned roles = 0;
	struct grant grant;
	enum err err;

	err = request_body(req, session_fields, &draft);
	if (err)
		return err;
	words = draft.roles.items;
	for (size_t i = 0; i < draft.roles.count; i++)
		roles |= role_from_text(words[i]);
	if (!draft.as_of_given)
		draft.as_of = id_new();
	err = grant_begin(req->arena, &draft.user, roles, &draft.as_of, &grant);
	if (err)
		return err;
	reply_grant(reply, &grant, NULL);
	return OK;
}

/* POST /auth/sessions/revoke: ends a user's refresh tokens (unless refreshTokens is false), and its
 * access tokens too if it is suspended or accessTokens is true. */
static enum err post_revoke_sessions(struct request *req, struct reply *reply)
{
	struct ending ending = {.refresh_tokens = true};
	enum err err;

	err = request_body(req, ending_fields, &ending);
	if (err)
		return err;
	ending.access_tokens = ending.access_tokens || ending.suspended;
	err = holder_end(&ending);
	if (err)
		return err;
	reply_empty(reply, 200);
	return OK;
}

/* --- for everybody ---------------------------------------------------------------------------- */

/* GET /.well-known/jwks.json. A key is published for as long before it signs as this may be kept. */
static enum err get_jwks(struct request *req, struct reply *reply)
{
	reply_text(reply, 200, "application/json", keys_jwks(req->arena));
	reply_header(reply, "Cache-Control", "public, max-age=%d", (int)(KEY_SETTLE_MS / 1000));
	return OK;
}

static void write_words(struct out *out, const char *name, const char *const *words)
{
	out_open_list(out, name);
	for (; *words; words++)
		out_text(out, NULL, *words);
	out_close_list(out);
}

/* GET /.well-known/oauth-authorization-server (RFC 8414). */
static enum err get_metadata(struct request *req, struct reply *reply)
{
	static const char *const grant_types[] = {"password", "refresh_token", "client_credentials",
						  NULL};
	static const char *const methods[] = {"none", "client_secret_basic", "client_secret_post",
					      NULL};
	/* RFC 8414, section 2: the types of access tokens that are taken stand among the methods. */
	static const char *const lookers[] = {"client_secret_basic", "client_secret_post", "Bearer",
					      NULL};
	static const char *const nothing[] = {NULL};
	const char *issuer = tokens_issuer();
	struct out out = out_new(req->arena);

	out_open(&out, NULL);
	out_text(&out, "issuer", issuer);
	out_text(&out, "token_endpoint", arena_printf(req->arena, "%s/auth/token", issuer));
	out_text(&out, "jwks_uri", arena_printf(req->arena, "%s/.well-known/jwks.json", issuer));
	out_text(&out, "introspection_endpoint",
		 arena_printf(req->arena, "%s/auth/validate", issuer));
	out_text(&out, "revocation_endpoint", arena_printf(req->arena, "%s/auth/revoke", issuer));
	write_words(&out, "grant_types_supported", grant_types);
	write_words(&out, "response_types_supported", nothing);
	write_words(&out, "token_endpoint_auth_methods_supported", methods);
	write_words(&out, "introspection_endpoint_auth_methods_supported", lookers);
	write_words(&out, "revocation_endpoint_auth_methods_supported", methods);
	out_close(&out);
	reply_json(reply, 200, &out);
	reply_header(reply, "Cache-Control", "public, max-age=3600");
	return OK;
}

/* --- routes ----------------------------------------------------------------------------------- */

#define OAUTH (ROUTE_BODY | ROUTE_FORM | ROUTE_NO_TOKEN)

/* clang-format off */
const struct route auth_routes[] = {
	{HTTP_POST, "/auth/token", auth_post_token, ANYONE, OAUTH | ROUTE_OAUTH | ROUTE_LOGIN},
	{HTTP_POST, "/auth/validate", post_validate, ROLE_SERVICE | ROLE_ADMIN, ROUTE_BODY | ROUTE_FORM | ROUTE_CLIENT},
	{HTTP_POST, "/auth/refresh", post_refresh, ANYONE, ROUTE_BODY | ROUTE_NO_TOKEN},
	{HTTP_POST, "/auth/revoke", post_revoke, ANYONE, OAUTH},
	{HTTP_POST, "/auth/clients", auth_post_client, ROLE_ADMIN, ROUTE_BODY | ROUTE_IDEMPOTENT},
	{HTTP_GET, "/auth/clients", auth_get_clients, ROLE_ADMIN, ROUTE_PAGE},
	{HTTP_DELETE, "/auth/clients/:id", auth_delete_client, ROLE_ADMIN},
	{HTTP_GET, "/.well-known/jwks.json", get_jwks, ANYONE, ROUTE_NO_TOKEN},
	{HTTP_GET, "/.well-known/oauth-authorization-server", get_metadata, ANYONE, ROUTE_NO_TOKEN},
	{HTTP_POST, "/auth/sessions", post_session, ROLE_SERVICE, ROUTE_BODY | ROUTE_INTERNAL},
	{HTTP_POST, "/auth/sessions/revoke", post_revoke_sessions, ROLE_SERVICE, ROUTE_BODY | ROUTE_INTERNAL},
	{0},
};
/* clang-format on */
