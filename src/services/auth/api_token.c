/*
 * POST /auth/token: OAuth 2's token endpoint (RFC 6749, section 3.2). A refusal of its own is
 * written here as section 5.2 says, and is no error to the dispatcher.
 */
#include <inttypes.h>
#include <string.h>

#include "services/auth/clients.h"
#include "services/auth/tokens.h"

#define DEVICE_TOKEN_MAX 128 /* longer ones are none of ours */

struct token_request {
	struct request *req;
	struct reply *reply;
	struct parameters parameters;
	const struct client *client; /* NULL: the first party, or nobody */
};

/* --- answers ---------------------------------------------------------------------------------- */

static void reply_oauth(struct reply *reply, int status, const struct out *out)
{
	reply_json(reply, status, out);
	reply_header(reply, "Cache-Control", "no-store");
	reply_header(reply, "Pragma", "no-cache");
}

enum err auth_refuse_oauth(struct reply *reply, const char *error, const char *description)
{
	bool of_client = strcmp(error, "invalid_client") == 0;
	struct out out = out_new(reply->arena);

	out_open(&out, NULL);
	out_text(&out, "error", error);
	out_text(&out, "error_description", description);
	out_close(&out);
	reply_oauth(reply, of_client ? 401 : 400, &out);
	if (of_client)
		reply_header(reply, "WWW-Authenticate", "Basic realm=\"souk\"");
	return OK;
}

/* `device_token`: see check_password; or NULL. */
static enum err reply_grant(struct reply *reply, const struct grant *grant,
			    const char *device_token)
{
	struct out out = out_new(reply->arena);

	out_open(&out, NULL);
	out_text(&out, "access_token", grant->access_token);
	out_text(&out, "token_type", "Bearer");
	out_int(&out, "expires_in", grant->expires_in_s);
	out_text(&out, "refresh_token", grant->refresh_token);
	out_text(&out, "scope", grant->scope);
	out_text(&out, "device_token", device_token);
	out_close(&out);
	reply_oauth(reply, 200, &out);
	return OK;
}

/* Clients of ours act for themselves alone, and users' tokens have no scope. OK with the reply filled
 * where it was refused. */
static enum err refuse_client_or_scope(struct token_request *token)
{
	if (token->client)
		return auth_refuse_oauth(token->reply, "unauthorized_client",
					 "This client may use client_credentials only.");
	if (parameters_get(&token->parameters, "scope"))
		return auth_refuse_oauth(token->reply, "invalid_scope",
					 "Tokens of users have no scope.");
	return OK;
}

/* --- password --------------------------------------------------------------------------------- */

/* Has the User service check the password; *ret_answer has the user, and a token by which it knows
 * this device the next time. ERR_INVALID_CREDENTIALS also where the account is suspended. */
static enum err check_password(struct token_request *token, const char *username,
			       const char *password, const json_t **ret_answer)
{
	const char *device_token = parameters_get(&token->parameters, "device_token");
	struct out body = out_new(token->req->arena);
	struct call call = {
		.service = "user",
		.method = HTTP_POST,
		.path = "/users/check-password",
		.body = &body,
	};
	struct call_answer answer;
	enum err err;

	out_open(&body, NULL);
	out_text(&body, "email", username);
	out_text(&body, "password", password);
	out_text(&body, "network", token->req->client_network);
	if (device_token && strlen(device_token) <= DEVICE_TOKEN_MAX)
		out_text(&body, "deviceToken", device_token);
	out_close(&body);
	err = service_call(token->req->arena, &auth_service, token->req, &call, &answer);
	if (err)
		return err;
	if (answer.err == ERR_RATE_LIMITED) {
		reply_header(token->reply, "Retry-After", "%" PRId64,
			     json_get_int(answer.json, "retryAfter"));
		token->req->detail = json_get_text(answer.json, "detail");
	}
	if (answer.err == ERR_FORBIDDEN || answer.err == ERR_INVALID)
		return ERR_INVALID_CREDENTIALS;
	if (answer.err)
		return answer.err;
	*ret_answer = answer.json;
	return OK;
}

static enum err grant_password(struct token_request *token)
{
	const char *username = parameters_get(&token->parameters, "username");
	const char *password = parameters_get(&token->parameters, "password");
	struct id as_of = id_new(), user;
	const json_t *answer, *account;
	struct grant grant;
	enum err err;

	if (!username || !password)
		return auth_refuse_oauth(token->reply, "invalid_request",
					 "username and password are required.");
	err = refuse_client_or_scope(token);
	if (err || token->reply->status)
		return err;
	err = check_password(token, username, password, &answer);
	account = err ? NULL : json_object_get(answer, "user");
	if (!err && !json_get_id(account, "id", &user))
		err = ERR_UPSTREAM;
	if (!err)
		err = grant_begin(token->req->arena, &user,
				  roles_of_json(json_object_get(account, "roles")), &as_of, &grant);
	/* Suspended, or another password, since the check began. */
	if (err == ERR_INVALID_CREDENTIALS || err == ERR_CONFLICT)
		return auth_refuse_oauth(token->reply, "invalid_grant",
					 "The address or the password is wrong.");
	if (err)
		return err;
	/* Only to who knows of it: others are answered as the standard has it. */
	return reply_grant(token->reply, &grant,
			   parameters_get(&token->parameters, "device_token")
				   ? json_get_text(answer, "deviceToken")
				   : NULL);
}

/* --- refresh_token ---------------------------------------------------------------------------- */

static enum err grant_refresh_token(struct token_request *token)
{
	const char *refresh_token = parameters_get(&token->parameters, "refresh_token");
	const json_t *user;
	struct grant grant;
	enum err err;

	if (!refresh_token)
		return auth_refuse_oauth(token->reply, "invalid_request",
					 "refresh_token is required.");
	err = refuse_client_or_scope(token);
	if (err || token->reply->status)
		return err;
	err = grant_refresh(token->req, refresh_token, &grant, &user);
	if (err == ERR_UNAUTHENTICATED)
		return auth_refuse_oauth(token->reply, "invalid_grant",
					 "The refresh token is not good, or no longer.");
	if (err)
		return err;
	return reply_grant(token->reply, &grant, NULL);
}

/* --- client_credentials ----------------------------------------------------------------------- */

static enum err grant_client_credentials(struct token_request *token)
{
	const char *scope = parameters_get(&token->parameters, "scope");
	const struct client *client = token->client;
	struct grant grant;

	if (!client)
		return auth_refuse_oauth(token->reply, "invalid_client",
					 "The client must say who it is.");
	if (scope && (!scope_is_sound(scope) || !scope_is_within(scope, client->scope)))
		return auth_refuse_oauth(token->reply, "invalid_scope",
					 "The client has no such scope.");
	grant_to_client(token->req->arena, client, scope ? scope : client->scope, &grant);
	return reply_grant(token->reply, &grant, NULL);
}

/* --- the endpoint ----------------------------------------------------------------------------- */

static const struct {
	const char *type;
	enum err (*grant)(struct token_request *token);
} grants[] = {
	{"password", grant_password},
	{"refresh_token", grant_refresh_token},
	{"client_credentials", grant_client_credentials},
};

enum err auth_post_token(struct request *req, struct reply *reply)
{
	struct token_request token = {.req = req, .reply = reply};
	const char *why = "The body cannot be read.", *type;
	struct client_proof proof;
	enum err err;

	if (parameters_read(req, &token.parameters, &why))
		return auth_refuse_oauth(reply, "invalid_request", why);
	type = parameters_get(&token.parameters, "grant_type");
	if (!type)
		return auth_refuse_oauth(reply, "invalid_request", "grant_type is required.");
	proof = (struct client_proof){parameters_get(&token.parameters, "client_id"),
				      parameters_get(&token.parameters, "client_secret")};
	err = client_authenticate(req, &proof, &token.client);
	if (err == ERR_INVALID_CREDENTIALS)
		return auth_refuse_oauth(reply, "invalid_client", "The client is not who it says.");
	if (err == ERR_BAD_REQUEST)
		return auth_refuse_oauth(reply, "invalid_request",
					 "The client must say who it is once.");
	if (err)
		return err;
	for (size_t i = 0; i < ARRAY_LENGTH(grants); i++)
		if (strcmp(grants[i].type, type) == 0)
			return grants[i].grant(&token);
	return auth_refuse_oauth(
		reply, "unsupported_grant_type",
		"grant_type must be password, refresh_token or client_credentials.");
}
