/* The rules of refresh tokens and scopes. */
#include "services/auth/rules.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define TOKEN_BYTES (sizeof(struct id) + REFRESH_SECRET_SIZE)
#define TOKEN_TEXT_LENGTH 64 /* TOKEN_BYTES in base64url */

/* --- refresh tokens --------------------------------------------------------------------------- */

char *refresh_token_text(struct arena *arena, const struct refresh_token *token)
{
	uint8_t bytes[TOKEN_BYTES];

	memcpy(bytes, token->session.bytes, sizeof(token->session.bytes));
	memcpy(bytes + sizeof(token->session.bytes), token->secret, REFRESH_SECRET_SIZE);
	return base64url_encode(arena, bytes, sizeof(bytes));
}

bool refresh_token_parse(struct arena *arena, const char *text, struct refresh_token *ret_token)
{
	uint8_t *bytes;
	size_t length;

	if (strlen(text) != TOKEN_TEXT_LENGTH || !base64url_decode(arena, text, &bytes, &length))
		return false;
	assert(length == TOKEN_BYTES);
	memcpy(ret_token->session.bytes, bytes, sizeof(ret_token->session.bytes));
	memcpy(ret_token->secret, bytes + sizeof(ret_token->session.bytes), REFRESH_SECRET_SIZE);
	return true;
}

struct hash refresh_token_hash(const struct refresh_token *token)
{
	return hash_of(token->secret, REFRESH_SECRET_SIZE);
}

struct refresh_token refresh_token_next(const struct session *session,
					const struct refresh_token *token)
{
	struct refresh_token next = {.session = session->id};
	uint8_t bytes[2 * REFRESH_SECRET_SIZE];
	struct hash hash;

	/* A key in front of the message is a sound MAC with BLAKE2b (RFC 7693, section 1). Both have
	 * one length, so that no other pair gives the same bytes. */
	memcpy(bytes, session->secret, REFRESH_SECRET_SIZE);
	memcpy(bytes + REFRESH_SECRET_SIZE, token->secret, REFRESH_SECRET_SIZE);
	hash = hash_of(bytes, sizeof(bytes));
	_Static_assert(HASH_SIZE == REFRESH_SECRET_SIZE, "a hash is a secret");
	memcpy(next.secret, hash.bytes, REFRESH_SECRET_SIZE);
	explicit_bzero(bytes, sizeof(bytes));
	return next;
}

enum refresh_use refresh_token_use(const struct session *session, const struct hash *hash,
				   int64_t now_ms)
{
	if (now_ms >= session->expires_ms)
		return REFRESH_EXPIRED;
	if (hash_equal(hash, &session->current))
		return REFRESH_CURRENT;
	if (hash_equal(hash, &session->previous) &&
	    llabs(now_ms - session->rotated_ms) <= REFRESH_REPEAT_MS)
		return REFRESH_REPEATED;
	return REFRESH_REUSED;
}

/* --- scopes ----------------------------------------------------------------------------------- */

bool scope_is_sound(const char *scope)
{
	size_t length = strlen(scope);

	if (length == 0 || length > SCOPE_MAX || scope[0] == ' ' || scope[length - 1] == ' ')
		return false;
	for (const char *c = scope; *c; c++) {
		if (*c < ' ' || *c > '~' || *c == '"' || *c == '\\' || (*c == ' ' && c[1] == ' '))
			return false;
	}
	return true;
}

static bool has_word(const char *words, const char *word, size_t length)
{
	while (*words) {
		size_t found = strcspn(words, " ");

		if (found == length && memcmp(words, word, length) == 0)
			return true;
		words += found + (words[found] == ' ');
	}
	return false;
}

bool scope_is_within(const char *scope, const char *allowed)
{
	while (*scope) {
		size_t length = strcspn(scope, " ");

		if (!allowed || !has_word(allowed, scope, length))
			return false;
		scope += length + (scope[length] == ' ');
	}
	return true;
}

/* Words with single spaces between. */
static const char known_scopes[] = ""; /* no route asks for one yet */

bool scope_is_known(const char *scope)
{
	return scope_is_sound(scope) && scope_is_within(scope, known_scopes);
}
