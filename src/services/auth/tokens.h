/*
 * Access tokens: issued, checked, ended; and the sessions that they come with.
 */
#ifndef SERVICES_AUTH_TOKENS_H
#define SERVICES_AUTH_TOKENS_H

#include "services/auth/store.h"

/* Once, at start: reads settings, and from the store what is dead. */
enum err tokens_start(void) MUST_CHECK;

int64_t tokens_access_life_ms(void);
const char *tokens_issuer(void); /* without a slash at its end */

/* --- issuing ---------------------------------------------------------------------------------- */

/* What somebody who logs in is given. */
struct grant {
	char *access_token;
	int64_t expires_in_s;
	char *refresh_token; /* NULL for clients */
	const char *scope;   /* or NULL */
};

/* Begins a session of a user who was read after the id `as_of` was made, which becomes the access
 * token's: what ends tokens after that moment ends this one. ERR_CONFLICT where the user is
 * suspended or its sessions were ended meanwhile. */
enum err grant_begin(struct arena *arena, const struct id *user, unsigned roles,
		     const struct id *as_of, struct grant *ret_grant) MUST_CHECK;

/* Uses a refresh token. *ret_user is the User service's answer of the moment. ERR_UNAUTHENTICATED
 * where it is good for nothing; where it was used before its session ends. */
enum err grant_refresh(struct request *req, const char *refresh_token, struct grant *ret_grant,
		       const json_t **ret_user) MUST_CHECK;

/* For a client that acts for itself. */
void grant_to_client(struct arena *arena, const struct client *client, const char *scope,
		     struct grant *ret_grant);

/* Role words, as the User service answers them, as bits. */
unsigned roles_of_json(const json_t *words);

/* --- checking --------------------------------------------------------------------------------- */

/* The claims of a living access token; ERR_UNAUTHENTICATED. */
enum err token_read(struct arena *arena, const char *token, struct token_claims *ret_claims)
	MUST_CHECK;

/* --- ending ----------------------------------------------------------------------------------- */

/* An access token, or a session by a refresh token; OK also where the token is neither.
 * ERR_FORBIDDEN where a client (NULL: who holds the token) asks and the token is not its own. */
enum err token_revoke(struct arena *arena, const char *token, const struct id *client) MUST_CHECK;

/* See struct ending. */
enum err holder_end(const struct ending *ending) MUST_CHECK;

#endif
