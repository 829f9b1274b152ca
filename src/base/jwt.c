/*
 * Access tokens: three parts of strict base64url, joined by dots: header, claims, signature.
 *
 * Invariants of checking:
 *  1. The algorithm is this file's, under either of its names. The header is compared with what we
 *     would write, member by member, and chooses nothing but which of our own keys is tried.
 *  2. Each token has one spelling: base64url admits no padding, no white space and no stray bits,
 *     and Ed25519 as libsodium checks it no second signature made from a first.
 *  3. Claims are not looked at before the signature is good.
 *  4. Whatever is wrong, the answer is the same.
 */
#include "base/jwt.h"

#include <sodium.h>
#include <string.h>

#include "base/env.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/out.h"
#include "base/text.h"

#define SIGNATURE_SIZE crypto_sign_BYTES
#define PUBLIC_KEY_SIZE crypto_sign_PUBLICKEYBYTES
#define HEADER_LENGTH_MAX 256 /* ours has 112 in base64url */
#define ISSUED_AHEAD_MAX_S 60
#define ALGORITHM "Ed25519"
#define ALGORITHM_BEFORE "EdDSA" /* deprecated by RFC 9864 */

/* --- keys --------------------------------------------------------------------------------- */

/* RFC 7638, section 3: the hash of the required members, sorted, without white space. */
static void write_key_id(struct jwt_key *key)
{
	struct arena *arena = arena_new();
	const char *x = base64url_encode(arena, key->public_key, PUBLIC_KEY_SIZE);
	const char *jwk =
		arena_printf(arena, "{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"%s\"}", x);
	struct hash hash = sha256_of(jwk, strlen(jwk));
	const char *text = base64url_encode(arena, hash.bytes, HASH_SIZE);

	assert(strlen(text) == JWT_KEY_ID_SIZE - 1);
	memcpy(key->key_id, text, JWT_KEY_ID_SIZE);
	arena_free(arena);
}

void jwt_key_from_seed(const uint8_t seed[32], struct jwt_key *ret_key)
{
	struct jwt_key key = {.created_ms = env_now_ms()};
	int failed = crypto_sign_seed_keypair(key.public_key, key.secret_key, seed);

	assert(!failed);
	write_key_id(&key);
	*ret_key = key;
	sodium_memzero(&key, sizeof(key));
}

void jwt_key_generate(struct jwt_key *ret_key)
{
	uint8_t seed[crypto_sign_SEEDBYTES];

	env_random(seed, sizeof(seed));
	jwt_key_from_seed(seed, ret_key);
	sodium_memzero(seed, sizeof(seed));
}

void jwt_key_from_public(const uint8_t public_key[32], struct jwt_key *ret_key)
{
	struct jwt_key key = {.created_ms = env_now_ms()};

	memcpy(key.public_key, public_key, PUBLIC_KEY_SIZE);
	write_key_id(&key);
	*ret_key = key;
}

char *jwt_keys_jwks(struct arena *arena, const struct jwt_keys *keys)
{
	struct out out = out_new(arena);

	assert(keys->count <= JWT_KEYS_MAX);
	out_open(&out, NULL);
	out_open_list(&out, "keys");
	for (size_t i = 0; i < keys->count; i++) {
		const struct jwt_key *key = &keys->keys[i];

		out_open(&out, NULL);
		out_text(&out, "kty", "OKP");
		out_text(&out, "crv", "Ed25519");
		out_text(&out, "x", base64url_encode(arena, key->public_key, PUBLIC_KEY_SIZE));
		out_text(&out, "kid", key->key_id);
		out_text(&out, "use", "sig");
		out_text(&out, "alg", ALGORITHM);
		out_close(&out);
	}
	out_close_list(&out);
	out_close(&out);
	return out.data;
}

static bool can_sign(const struct jwt_key *key)
{
	return !sodium_is_zero(key->secret_key, sizeof(key->secret_key));
}

/* --- signing and checking ----------------------------------------------------------------- */

char *jwt_sign(struct arena *arena, const struct jwt_key *key, const char *claims)
{
	const char *header =
		arena_printf(arena, "{\"alg\":\"" ALGORITHM "\",\"typ\":\"at+jwt\",\"kid\":\"%s\"}",
			     key->key_id);
	const char *signed_part =
		arena_printf(arena, "%s.%s", base64url_encode(arena, header, strlen(header)),
			     base64url_encode(arena, claims, strlen(claims)));
	uint8_t signature[SIGNATURE_SIZE];

	assert(can_sign(key));
	crypto_sign_detached(signature, NULL, (const uint8_t *)signed_part, strlen(signed_part),
			     key->secret_key);
	return arena_printf(arena, "%s.%s", signed_part,
			    base64url_encode(arena, signature, sizeof(signature)));
}

static bool member_is(const json_t *object, const char *name, const char *text)
{
	const char *value = json_get_text(object, name);

	return value && strcmp(value, text) == 0;
}

/* The key of ours that this header names; NULL where it is not a header of ours. */
static const struct jwt_key *key_of_header(struct arena *arena, const struct jwt_keys *keys,
					   const char *part)
{
	json_t *header;
	uint8_t *bytes;
	size_t length;

	if (strlen(part) > HEADER_LENGTH_MAX || !base64url_decode(arena, part, &bytes, &length) ||
	    json_parse(arena, (const char *)bytes, length, &header, NULL))
		return NULL;
	if (json_object_size(header) != 3 ||
	    !(member_is(header, "alg", ALGORITHM) || member_is(header, "alg", ALGORITHM_BEFORE)) ||
	    !member_is(header, "typ", "at+jwt"))
		return NULL;
	assert(keys->count <= JWT_KEYS_MAX);
	for (size_t i = 0; i < keys->count; i++) {
		if (member_is(header, "kid", keys->keys[i].key_id))
			return &keys->keys[i];
	}
	return NULL;
}

enum err jwt_verify(struct arena *arena, const struct jwt_keys *keys, const char *token,
		    char **ret_claims)
{
	char *copy, *claims_part, *signature_part;
	size_t length = strnlen(token, JWT_LENGTH_MAX + 1), claims_length, signature_length;
	uint8_t *claims, *signature;
	const struct jwt_key *key;

	if (length > JWT_LENGTH_MAX)
		return ERR_UNAUTHENTICATED;
	copy = arena_copy_bytes(arena, token, length);
	claims_part = strchr(copy, '.');
	if (!claims_part)
		return ERR_UNAUTHENTICATED;
	*claims_part++ = '\0';
	signature_part = strchr(claims_part, '.');
	if (!signature_part)
		return ERR_UNAUTHENTICATED;
	*signature_part++ = '\0';

	/* A fourth part has a dot before it, which base64url does not know. */
	key = key_of_header(arena, keys, copy);
	if (!key || !base64url_decode(arena, signature_part, &signature, &signature_length) ||
	    signature_length != SIGNATURE_SIZE ||
	    !base64url_decode(arena, claims_part, &claims, &claims_length))
		return ERR_UNAUTHENTICATED;
	if (crypto_sign_verify_detached(signature, (const uint8_t *)token,
					(size_t)(signature_part - 1 - copy), key->public_key))
		return ERR_UNAUTHENTICATED;
	if (memchr(claims, '\0', claims_length))
		return ERR_UNAUTHENTICATED;
	*ret_claims = arena_copy_bytes(arena, claims, claims_length);
	return OK;
}

/* --- claims ------------------------------------------------------------------------------- */

static const struct {
	enum role role;
	const char *text;
} roles[] = {
	{ROLE_CUSTOMER, "customer"},
	{ROLE_VENDOR, "vendor"},
	{ROLE_ADMIN, "admin"},
	{ROLE_SERVICE, "service"},
};

enum role role_from_text(const char *text)
{
	for (size_t i = 0; i < ARRAY_LENGTH(roles); i++) {
		if (strcmp(roles[i].text, text) == 0)
			return roles[i].role;
	}
	return 0;
}

const char *role_text(enum role role)
{
	for (size_t i = 0; i < ARRAY_LENGTH(roles); i++) {
		if (roles[i].role == role)
			return roles[i].text;
	}
	assert(!"one role");
	return NULL;
}

char *token_sign(struct arena *arena, const struct jwt_key *key, const struct token_claims *claims)
{
	struct out out = out_new(arena);

	assert(claims->issuer && claims->client && claims->audience);
	assert((claims->roles & ~(unsigned)ROLES_ALL) == 0);
	out_open(&out, NULL);
	out_text(&out, "iss", claims->issuer);
	/* RFC 9068, section 2.2: a client that acts for itself is its own subject. */
	if (id_is_zero(&claims->subject))
		out_text(&out, "sub", claims->client);
	else
		out_id(&out, "sub", &claims->subject);
	out_text(&out, "client_id", claims->client);
	out_text(&out, "aud", claims->audience);
	out_int(&out, "iat", claims->issued_s);
	out_int(&out, "exp", claims->expires_s);
	out_id(&out, "jti", &claims->token_id);
	out_open_list(&out, "roles");
	for (size_t i = 0; i < ARRAY_LENGTH(roles); i++) {
		if (claims->roles & roles[i].role)
			out_text(&out, NULL, roles[i].text);
	}
	out_close_list(&out);
	out_text(&out, "scope", claims->scope);
	out_close(&out);
	return jwt_sign(arena, key, out.data);
}

static bool read_roles(const json_t *list, unsigned *ret_roles)
{
	const json_t *word;
	unsigned found = 0;
	size_t i;

	if (!json_is_array(list))
		return false;
	json_array_foreach (list, i, word) {
		unsigned role = json_is_string(word) ? role_from_text(json_string_value(word)) : 0;

		if (!role || (found & role))
			return false;
		found |= role;
	}
	*ret_roles = found;
	return true;
}

/* `sub` is a user's id, or the client's own name. */
static bool read_subject(const json_t *object, const char *client, struct id *ret_subject)
{
	const char *subject = json_get_text(object, "sub");

	if (!subject)
		return false;
	if (strcmp(subject, client) == 0) {
		*ret_subject = (struct id){0};
		return true;
	}
	return id_parse(subject, ret_subject) && !id_is_zero(ret_subject);
}

static bool read_claims(const json_t *object, struct token_claims *claims)
{
	const json_t *scope = json_object_get(object, "scope");
	const json_t *issued = json_object_get(object, "iat");
	const json_t *expires = json_object_get(object, "exp");

	claims->issuer = json_get_text(object, "iss");
	claims->client = json_get_text(object, "client_id");
	claims->audience = json_get_text(object, "aud");
	claims->scope = json_string_value(scope);
	claims->issued_s = json_integer_value(issued);
	claims->expires_s = json_integer_value(expires);
	return claims->issuer && claims->client && claims->audience && (!scope || claims->scope) &&
	       json_is_integer(issued) && json_is_integer(expires) &&
	       read_subject(object, claims->client, &claims->subject) &&
	       json_get_id(object, "jti", &claims->token_id) &&
	       read_roles(json_object_get(object, "roles"), &claims->roles);
}

static bool is_one_of(const char *const *texts, const char *text)
{
	for (; *texts; texts++)
		if (strcmp(*texts, text) == 0)
			return true;
	return false;
}

enum err token_verify(struct arena *arena, const struct jwt_keys *keys, const char *token,
		      const char *const *issuers, const char *audience, int64_t now_s,
		      struct token_claims *ret_claims)
{
	struct token_claims claims = {0};
	json_t *object;
	char *text;
	enum err err;

	err = jwt_verify(arena, keys, token, &text);
	if (err)
		return err;
	if (json_parse(arena, text, strlen(text), &object, NULL) || !read_claims(object, &claims))
		return ERR_UNAUTHENTICATED;
	if (!is_one_of(issuers, claims.issuer) ||
	    strcmp(claims.audience, audience ? audience : claims.issuer) != 0)
		return ERR_UNAUTHENTICATED;
	if (claims.expires_s <= now_s || claims.issued_s > now_s + ISSUED_AHEAD_MAX_S)
		return ERR_UNAUTHENTICATED;
	*ret_claims = claims;
	return OK;
}
