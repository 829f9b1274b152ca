/* What holds for refresh tokens and scopes: pure decisions. */
#ifndef SERVICES_AUTH_RULES_H
#define SERVICES_AUTH_RULES_H

#include "services/auth/auth.h"

/* For so long may the token that was just replaced be sent again: its answer may have been lost. */
#define REFRESH_REPEAT_MS 20000

#define SCOPE_MAX 255

char *refresh_token_text(struct arena *arena, const struct refresh_token *token);
bool refresh_token_parse(struct arena *arena, const char *text, struct refresh_token *ret_token)
	MUST_CHECK;
struct hash refresh_token_hash(const struct refresh_token *token);

/* The token behind this one: always the same, and nothing that its holder can know. */
struct refresh_token refresh_token_next(const struct session *session,
					const struct refresh_token *token);

enum refresh_use {
	REFRESH_CURRENT,  /* to be replaced */
	REFRESH_REPEATED, /* was just replaced: is given the same successor again */
	REFRESH_EXPIRED,
	REFRESH_REUSED, /* was replaced before, or is no token of the session: somebody stole one */
};

enum refresh_use refresh_token_use(const struct session *session, const struct hash *hash,
				   int64_t now_ms);

/* RFC 6749, section 3.3: words of visible ASCII but " and \, single spaces between. */
bool scope_is_sound(const char *scope);

/* Whether each of its words is a scope that some route holds its callers to: a client is given no
 * other, as it would mean nothing. */
bool scope_is_known(const char *scope);

/* Whether each word of `scope` is one of `allowed`, which may be NULL. */
bool scope_is_within(const char *scope, const char *allowed);

#endif
