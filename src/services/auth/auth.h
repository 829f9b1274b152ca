/* The nouns of the Auth service, and the one function of it that others call: the token check. */
#ifndef SERVICES_AUTH_AUTH_H
#define SERVICES_AUTH_AUTH_H

#include "base/hash.h"
#include "base/jwt.h"
#include "http/request.h"
#include "platform/service.h"

#define FIRST_PARTY "souk" /* the client of those who log in with a password */

/* Who holds this access token: ERR_UNAUTHENTICATED where it is not ours, has expired, is on the
 * blacklist, or its holder is suspended; ERR_UNAVAILABLE where the service does not run in this
 * process. For the gateway; in a fiber or on a plain thread. */
enum err auth_check_token(struct arena *arena, const char *token, struct caller *ret_caller)
	MUST_CHECK;

/* The address that is listened on from now, before anybody is answered. It is the issuer of tokens
 * and metadata unless public-url is set; answers the issuer. */
const char *auth_listening(const char *address);

/* --- refresh tokens ----------------------------------------------------------------------------- */

#define REFRESH_SECRET_SIZE 32

/* A refresh token: which session, and a secret. Its text is base64url of both. */
struct refresh_token {
	struct id session; /* 16 random bytes, no UUID: who does not hold a token cannot name one */
	uint8_t secret[REFRESH_SECRET_SIZE];
};

/* A chain of refresh tokens. */
struct session {
	struct id id;
	struct id user;
	uint8_t secret[REFRESH_SECRET_SIZE]; /* makes each token from the one before it */
	struct hash current, previous;	     /* previous is all zero before the first rotation */
	int64_t created_ms, rotated_ms, expires_ms;
};

/* An access token, as far as it is remembered. */
struct token_mark {
	struct id token;
	int64_t expires_ms;
};

/* A program that logs in for itself. Its id is its client_id. */
struct client {
	struct id id;
	const char *name;
	struct hash secret_hash;
	unsigned roles;
	const char *scope; /* or NULL */
	int64_t created_ms;
};

#define CLIENT_NAME_MAX 100

extern const struct service auth_service;
extern const struct route auth_routes[];

/* The handlers of the other files, for the table in api.c. */
enum err auth_post_token(struct request *req, struct reply *reply);
/* Answers as RFC 6749, section 5.2 has it; `description` is ASCII without quotes. */
enum err auth_refuse_oauth(struct reply *reply, const char *error, const char *description);
enum err auth_post_client(struct request *req, struct reply *reply);
enum err auth_get_clients(struct request *req, struct reply *reply);
enum err auth_delete_client(struct request *req, struct reply *reply);

#endif
