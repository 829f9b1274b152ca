/*
 * Access tokens: JWS compact (RFC 7515) with one algorithm, Ed25519 (RFC 8037), as RFC 9068 profiles
 * them: `typ` at+jwt, and `kid` names the key. `alg` is Ed25519 (RFC 9864); EdDSA, its name before,
 * is taken too. Nothing in a token chooses how it is checked: a header other than exactly what we
 * write, or wrote, is refused.
 */
#ifndef BASE_JWT_H
#define BASE_JWT_H

#include "base/arena.h"
#include "base/err.h"
#include "base/id.h"

#define JWT_LENGTH_MAX 4096
#define JWT_KEYS_MAX 8
#define JWT_KEY_ID_SIZE 44 /* RFC 7638 thumbprint in base64url, and a NUL */

struct jwt_key {
	char key_id[JWT_KEY_ID_SIZE];
	uint8_t public_key[32];
	uint8_t secret_key[64]; /* all zero where only the public half is known */
	int64_t created_ms;
};

/* `keys[0]` signs; all of them verify. */
struct jwt_keys {
	struct jwt_key keys[JWT_KEYS_MAX];
	size_t count;
};

/* A new Ed25519 key pair; its id is its thumbprint (RFC 7638). */
void jwt_key_generate(struct jwt_key *ret_key);

/* From the 32 bytes of a public key. */
void jwt_key_from_public(const uint8_t public_key[32], struct jwt_key *ret_key);

/* From the 32 bytes of a seed. */
void jwt_key_from_seed(const uint8_t seed[32], struct jwt_key *ret_key);

/* {"keys": [...]}, the public halves (RFC 7517, RFC 8037 section 2). */
char *jwt_keys_jwks(struct arena *arena, const struct jwt_keys *keys);

/* Signs `claims`, a JSON object. */
char *jwt_sign(struct arena *arena, const struct jwt_key *key, const char *claims);

/* Checks form, header and signature (not the claims) and gives the payload's text.
 * ERR_UNAUTHENTICATED where anything is wrong. */
enum err jwt_verify(struct arena *arena, const struct jwt_keys *keys, const char *token,
		    char **ret_claims) MUST_CHECK;

/* The claims that Souk's tokens carry. */
struct token_claims {
	const char *issuer;
	struct id subject;  /* the user; zero for a client that acts for itself */
	const char *client; /* client_id: "souk" for first-party log-ins, or a service's name */
	const char *audience;
	int64_t issued_s; /* NumericDate, seconds */
	int64_t expires_s;
	struct id token_id; /* jti */
	unsigned roles;	    /* enum role bits */
	const char *scope;  /* or NULL */
};

enum role {
	ROLE_CUSTOMER = 1,
	ROLE_VENDOR = 2,
	ROLE_ADMIN = 4,
	ROLE_SERVICE = 8,
};
#define ROLES_ALL (ROLE_CUSTOMER | ROLE_VENDOR | ROLE_ADMIN | ROLE_SERVICE)

/* "customer", "vendor", "admin", "service"; 0 where the word is none of them. */
enum role role_from_text(const char *text);
const char *role_text(enum role role);

char *token_sign(struct arena *arena, const struct jwt_key *key, const struct token_claims *claims);

/* Verifies, and reads the claims strictly: the issuer must be one of those given (the list ends with
 * NULL), the audience the one given, or where that is NULL the issuer itself; expiry must lie after
 * now_s (no leeway), issue not more than a minute in the future. */
enum err token_verify(struct arena *arena, const struct jwt_keys *keys, const char *token,
		      const char *const *issuers, const char *audience, int64_t now_s,
		      struct token_claims *ret_claims) MUST_CHECK;

#endif
