/*
 * Tokens. Nobody can make a signature that holds, so a token as it comes is good only where it is
 * one that we signed; and behind a signature of ours, which the second way makes of any header and
 * claims, only what RFC 9068 and our own writing allow is good.
 */
#include "base/jwt.h"

#include <sodium.h>

#include "base/json.h"
#include "base/text.h"
#include "fuzz.h"

#define ISSUER "http://shop"
#define AUDIENCE "souk"
#define NOW_S 1700000000

static struct jwt_keys keys = {.count = 2};
static char *good, *good_before; /* the same under the algorithm's older name */

/* A header and claims, signed with the key. */
static char *sign_with(struct arena *arena, const struct jwt_key *key, const char *header,
		       const char *claims, size_t claims_length)
{
	uint8_t signature[crypto_sign_BYTES];
	char *text = arena_printf(arena, "%s.%s", base64url_encode(arena, header, strlen(header)),
				  base64url_encode(arena, claims, claims_length));

	crypto_sign_detached(signature, NULL, (const uint8_t *)text, strlen(text), key->secret_key);
	return arena_printf(arena, "%s.%s", text,
			    base64url_encode(arena, signature, sizeof(signature)));
}

void fuzz_begin(void)
{
	static const uint8_t seeds[2][32] = {{1}, {2}};
	struct arena *arena = arena_new();
	char *text = NULL;
	struct token_claims claims = {
		.issuer = ISSUER,
		.client = "souk",
		.audience = AUDIENCE,
		.issued_s = NOW_S - 10,
		.expires_s = NOW_S + 10,
		.roles = ROLE_CUSTOMER | ROLE_ADMIN,
	};

	memset(claims.subject.bytes, 0x11, sizeof(claims.subject.bytes));
	memset(claims.token_id.bytes, 0x22, sizeof(claims.token_id.bytes));
	assert(sodium_init() >= 0);
	for (size_t i = 0; i < keys.count; i++)
		jwt_key_from_seed(seeds[i], &keys.keys[i]);
	good = must_copy_text(token_sign(arena, &keys.keys[0], &claims));
	if (jwt_verify(arena, &keys, good, &text))
		assert(!"what was just signed is good");
	good_before = must_copy_text(sign_with(
		arena, &keys.keys[0],
		arena_printf(arena, "{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\",\"kid\":\"%s\"}",
			     keys.keys[0].key_id),
		text, strlen(text)));
	arena_free(arena);
}

/* header LF claims, signed with our key. The key's id stands where the header has "%". */
static const char *sign(struct arena *arena, const char *bytes, size_t length,
			const char **ret_header)
{
	const char *rest = bytes, *end = bytes + length;
	char *header = fuzz_line(arena, &rest, end);
	char *place = strchr(header, '%');

	if (place) {
		*place = '\0';
		header = arena_printf(arena, "%s%s%s", header, keys.keys[1].key_id, place + 1);
	}
	*ret_header = header;
	return sign_with(arena, &keys.keys[1], header, rest, (size_t)(end - rest));
}

static void check_header(struct arena *arena, const char *text)
{
	json_t *header;

	if (json_parse(arena, text, strlen(text), &header, NULL))
		assert(!"a header that is taken is JSON");
	assert(json_object_size(header) == 3);
	assert(strcmp(json_get_text(header, "alg"), "Ed25519") == 0 ||
	       strcmp(json_get_text(header, "alg"), "EdDSA") == 0);
	assert(strcmp(json_get_text(header, "typ"), "at+jwt") == 0);
	assert(strcmp(json_get_text(header, "kid"), keys.keys[1].key_id) == 0);
}

void fuzz(struct arena *arena, const char *bytes, size_t length)
{
	bool raw = fuzz_choice(&bytes, &length) % 2 == 0;
	const char *header = NULL, *token;
	static const char *const issuers[] = {ISSUER, NULL};
	struct token_claims claims = {0};
	char *text = NULL;

	token = raw ? arena_copy_bytes(arena, bytes, length) : sign(arena, bytes, length, &header);
	if (!jwt_verify(arena, &keys, token, &text)) {
		assert(strlen(token) <= JWT_LENGTH_MAX && text);
		if (raw)
			assert(strcmp(token, good) == 0 || strcmp(token, good_before) == 0);
		else
			check_header(arena, header);
	}
	if (token_verify(arena, &keys, token, issuers, AUDIENCE, NOW_S, &claims))
		return;
	assert(text);
	assert(strcmp(claims.issuer, ISSUER) == 0 && strcmp(claims.audience, AUDIENCE) == 0);
	assert(claims.expires_s > NOW_S && claims.issued_s <= NOW_S + 60);
	assert((claims.roles & ~(unsigned)ROLES_ALL) == 0 && claims.client);
}
