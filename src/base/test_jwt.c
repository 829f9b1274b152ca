/*
 * Tests of access tokens: the vectors of RFC 8037, appendix A; tokens of a foreign library; and
 * attacks. Tokens to be refused are signed well wherever the attack is not on the signature, so
 * that each fails for its own reason.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>
#include <string.h>

#include "base/json.h"
#include "base/jwt.h"
#include "base/text.h"

#define NOW INT64_C(1800000000)

static const char *const souk[] = {"https://souk", NULL};

/* RFC 8037, appendices A.1 to A.4. */
static const char rfc_seed[] = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
static const char rfc_public[] = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
static const char rfc_thumbprint[] = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";
static const char rfc_input[] = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
static const char rfc_signature[] =
	"hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

/* {"sub":"x"} signed with that key by another implementation: with our header, and with its members
 * before RFC 9864, in another order and with white space. */
static const char foreign_token[] =
	"eyJhbGciOiJFZDI1NTE5IiwidHlwIjoiYXQrand0Iiwia2lkIjoia1ByS19xbXhWV2FZVkE5d3dCRjZJdW8zdlZ6"
	"ejdUeEhDVHdYQnlnclM0ayJ9.eyJzdWIiOiJ4In0.HW8_9Oa44yywCJ7A2oOmGx9kKCupOF3puiJM8qMKLJP2Ci7"
	"ZbNbweCZ5w7Gz59fe0pMiW0YZrBr1Xg4fTDOcDA";
static const char foreign_order_token[] =
	"eyJraWQiOiAia1ByS19xbXhWV2FZVkE5d3dCRjZJdW8zdlZ6ejdUeEhDVHdYQnlnclM0ayIsICJ0eXAiOiAiYXQra"
	"nd0IiwgImFsZyI6ICJFZERTQSJ9.eyJzdWIiOiJ4In0.ldNiB6tSADKGAgyr3lubbfLdF9j5JscQzf6vseOeYMmXp"
	"1k2SV59_oYxRMK0xzGMDn3r4QbV8YE7COExZaVUDg";

static const char good_claims[] =
	"{\"iss\":\"https://souk\",\"sub\":\"019aabcd-0000-7000-8000-00000000000a\","
	"\"client_id\":\"souk\",\"aud\":\"souk\",\"iat\":1800000000,\"exp\":1800000900,"
	"\"jti\":\"019aabcd-0000-7000-8000-00000000000b\",\"roles\":[\"customer\"]}";

static struct arena *arena;
static struct jwt_keys keys;

static int set_up(void **state)
{
	uint8_t *seed;
	size_t length;

	(void)state;
	arena = arena_new();
	assert_true(base64url_decode(arena, rfc_seed, &seed, &length));
	keys = (struct jwt_keys){.count = 2};
	jwt_key_from_seed(seed, &keys.keys[0]);
	jwt_key_generate(&keys.keys[1]);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

static const char *encode(const char *text)
{
	return base64url_encode(arena, text, strlen(text));
}

static const char *our_header(void)
{
	return arena_printf(arena, "{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\",\"kid\":\"%s\"}",
			    keys.keys[0].key_id);
}

/* Both parts as they stand, well signed. */
static const char *sign_parts(const char *header, const char *claims)
{
	const char *input = arena_printf(arena, "%s.%s", header, claims);
	uint8_t signature[crypto_sign_BYTES];

	crypto_sign_detached(signature, NULL, (const uint8_t *)input, strlen(input),
			     keys.keys[0].secret_key);
	return arena_printf(arena, "%s.%s", input,
			    base64url_encode(arena, signature, sizeof(signature)));
}

static void assert_refused(const char *token)
{
	char untouched, *claims = &untouched;
	struct token_claims read;

	if (jwt_verify(arena, &keys, token, &claims) != ERR_UNAUTHENTICATED)
		fail_msg("taken: %s", token);
	assert_ptr_equal(claims, &untouched);
	assert_int_equal(token_verify(arena, &keys, token, souk, "souk", NOW, &read),
			 ERR_UNAUTHENTICATED);
}

static void test_vectors_of_rfc_8037(void **state)
{
	const struct jwt_key *key = &keys.keys[0];
	struct jwt_key public_half;
	uint8_t signature[crypto_sign_BYTES];

	(void)state;
	assert_string_equal(base64url_encode(arena, key->public_key, 32), rfc_public);
	assert_string_equal(key->key_id, rfc_thumbprint);
	jwt_key_from_public(key->public_key, &public_half);
	assert_string_equal(public_half.key_id, rfc_thumbprint);
	assert_true(sodium_is_zero(public_half.secret_key, sizeof(public_half.secret_key)));

	crypto_sign_detached(signature, NULL, (const uint8_t *)rfc_input, strlen(rfc_input),
			     key->secret_key);
	assert_string_equal(base64url_encode(arena, signature, sizeof(signature)), rfc_signature);
	/* Well signed, but no access token. */
	assert_refused(arena_printf(arena, "%s.%s", rfc_input, rfc_signature));
}

static void test_agrees_with_a_foreign_library(void **state)
{
	char *claims;

	(void)state;
	assert_string_equal(jwt_sign(arena, &keys.keys[0], "{\"sub\":\"x\"}"), foreign_token);
	assert_int_equal(jwt_verify(arena, &keys, foreign_token, &claims), OK);
	assert_string_equal(claims, "{\"sub\":\"x\"}");
	assert_int_equal(jwt_verify(arena, &keys, foreign_order_token, &claims), OK);
}

static void test_jwks(void **state)
{
	const char *text = jwt_keys_jwks(arena, &keys);
	json_t *jwks, *key;

	(void)state;
	assert_int_equal(json_parse(arena, text, strlen(text), &jwks, NULL), OK);
	assert_int_equal(json_array_size(json_object_get(jwks, "keys")), 2);
	key = json_array_get(json_object_get(jwks, "keys"), 0);
	assert_string_equal(
		json_text(arena, key),
		arena_printf(arena,
			     "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"%s\",\"kid\":\"%s\","
			     "\"use\":\"sig\",\"alg\":\"Ed25519\"}",
			     rfc_public, rfc_thumbprint));
}

static void test_every_key_verifies(void **state)
{
	struct jwt_keys others = {.count = 1}, none = {.count = 0};
	const char *token = jwt_sign(arena, &keys.keys[1], "{}");
	char *claims;

	(void)state;
	assert_string_not_equal(keys.keys[0].key_id, keys.keys[1].key_id);
	assert_int_equal(jwt_verify(arena, &keys, token, &claims), OK);
	jwt_key_from_public(keys.keys[1].public_key, &others.keys[0]);
	assert_int_equal(jwt_verify(arena, &others, token, &claims), OK);
	assert_int_equal(jwt_verify(arena, &none, token, &claims), ERR_UNAUTHENTICATED);
	jwt_key_generate(&others.keys[0]);
	assert_int_equal(jwt_verify(arena, &others, token, &claims), ERR_UNAUTHENTICATED);
}

static void test_the_algorithm_has_two_names(void **state)
{
	const char *signed_now = jwt_sign(arena, &keys.keys[0], "{}");
	const char *before = sign_parts(encode(our_header()), encode("{}"));
	char *claims;

	(void)state;
	assert_true(text_starts_with(signed_now, encode("{\"alg\":\"Ed25519\",")));
	assert_int_equal(jwt_verify(arena, &keys, signed_now, &claims), OK);
	assert_int_equal(jwt_verify(arena, &keys, before, &claims), OK);
}

static void test_headers_of_others(void **state)
{
	static const char *const headers[] = {
		"{\"alg\":\"none\",\"typ\":\"at+jwt\",\"kid\":\"%s\"}",
		"{\"alg\":\"eddsa\",\"typ\":\"at+jwt\",\"kid\":\"%s\"}",
		"{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"%s\"}",
		"{\"alg\":\"ed25519\",\"typ\":\"at+jwt\",\"kid\":\"%s\"}",
		"{\"alg\":\"Ed448\",\"typ\":\"at+jwt\",\"kid\":\"%s\"}",
		"{\"alg\":[\"EdDSA\"],\"typ\":\"at+jwt\",\"kid\":\"%s\"}",
		"{\"alg\":\"EdDSA\",\"typ\":\"JWT\",\"kid\":\"%s\"}",
		"{\"alg\":\"EdDSA\",\"typ\":\"AT+JWT\",\"kid\":\"%s\"}",
		"{\"alg\":\"EdDSA\",\"kid\":\"%s\"}",
		"{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\",\"kid\":\"x%s\"}",
		"{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\",\"kid\":[\"%s\"]}",
		"{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\",\"kid\":\"%s\",\"crit\":[]}",
		"{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\",\"kid\":\"%s\",\"b64\":false}",
		"{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\",\"kid\":\"%s\",\"jwk\":{}}",
		"{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\",\"kid\":\"%s\",\"jku\":\"http://x\"}",
		"{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\",\"kid\":\"%s\",\"x5u\":\"http://x\"}",
		"{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\",\"kid\":\"%s\",\"alg\":\"EdDSA\"}",
		"{\"alg\":\"none\",\"typ\":\"at+jwt\",\"kid\":\"%s\",\"alg\":\"EdDSA\"}",
		"{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\",\"kid\":\"%s\"} x",
		"[\"EdDSA\",\"at+jwt\",\"%s\"]",
		"\"%s\"",
		"",
		"%s",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(headers); i++) {
		const char *header = headers[i], *mark = strstr(header, "%s");

		if (mark)
			header = arena_printf(arena, "%.*s%s%s", (int)(mark - header), header,
					      keys.keys[0].key_id, mark + 2);
		assert_refused(sign_parts(encode(header), encode(good_claims)));
	}
	assert_refused(sign_parts(encode("{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\",\"jku\":\"x\"}"),
				  encode(good_claims)));
}

static void test_public_key_as_a_shared_secret(void **state)
{
	const char *header =
		arena_printf(arena, "{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"%s\"}",
			     keys.keys[0].key_id);
	const char *input = arena_printf(arena, "%s.%s", encode(header), encode(good_claims));
	uint8_t mac[crypto_auth_hmacsha256_BYTES];

	(void)state;
	crypto_auth_hmacsha256(mac, (const uint8_t *)input, strlen(input), keys.keys[0].public_key);
	assert_refused(
		arena_printf(arena, "%s.%s", input, base64url_encode(arena, mac, sizeof(mac))));
}

static void test_signatures(void **state)
{
	const char *header = encode(our_header()), *claims = encode(good_claims);
	const char *token = sign_parts(header, claims);
	const char *signature = strrchr(token, '.') + 1;
	uint8_t zeros[crypto_sign_BYTES + 1] = {0};
	struct jwt_key stranger;
	char *changed, *read;

	(void)state;
	assert_int_equal(jwt_verify(arena, &keys, token, &read), OK);
	assert_string_equal(read, good_claims);
	assert_refused(arena_printf(arena, "%s.%s.", header, claims));
	assert_refused(arena_printf(arena, "%s.%s", header, claims));
	assert_refused(arena_printf(arena, "%s.%s.%s", header, claims,
				    base64url_encode(arena, zeros, crypto_sign_BYTES)));
	assert_refused(arena_printf(arena, "%s.%s.%s", header, claims,
				    base64url_encode(arena, zeros, crypto_sign_BYTES + 1)));
	assert_refused(arena_printf(arena, "%s.%s.%.84s", header, claims, signature));
	/* Another's key, with our key's id. */
	jwt_key_generate(&stranger);
	memcpy(stranger.key_id, keys.keys[0].key_id, JWT_KEY_ID_SIZE);
	assert_refused(jwt_sign(arena, &stranger, good_claims));
	memcpy(stranger.key_id, keys.keys[1].key_id, JWT_KEY_ID_SIZE);
	assert_refused(jwt_sign(arena, &stranger, good_claims));
	/* Any one character changed. */
	for (size_t i = 0; token[i]; i++) {
		changed = arena_copy_text(arena, token);
		changed[i] = token[i] == 'A' ? 'B' : 'A';
		assert_refused(changed);
	}
}

static void test_other_spellings_of_a_token(void **state)
{
	const char *header = encode(our_header()), *claims = encode(good_claims);
	const char *token = sign_parts(header, claims);
	const char *signature = strrchr(token, '.') + 1;
	char *loose = arena_copy_text(arena, token);
	size_t last = strlen(loose) - 1;

	(void)state;
	assert_refused("");
	assert_refused(".");
	assert_refused("..");
	assert_refused("...");
	assert_refused(arena_printf(arena, "%s.", token));
	assert_refused(arena_printf(arena, ".%s", token));
	assert_refused(arena_printf(arena, "%s=", token));
	assert_refused(arena_printf(arena, "%s==", token));
	assert_refused(arena_printf(arena, "%s\n", token));
	assert_refused(arena_printf(arena, " %s", token));
	assert_refused(arena_printf(arena, "%sAAAA", token));
	assert_refused(arena_printf(arena, "%s.%s", token, signature));
	assert_refused(arena_printf(arena, "%s..%s.%s", header, claims, signature));
	assert_refused(arena_printf(arena, "%s.%s.%s", claims, header, signature));
	assert_refused(sign_parts(claims, header));
	assert_refused(sign_parts(arena_printf(arena, "%s=", header), claims));
	assert_refused(sign_parts(header, arena_printf(arena, "%s==", claims)));
	assert_refused(sign_parts(header, arena_printf(arena, " %s", claims)));
	/* The last of 86 characters holds four bits that must be zero. */
	assert_int_equal(strlen(signature), 86);
	assert_non_null(strchr("AQgw", loose[last]));
	loose[last] = (char)(loose[last] + 1);
	assert_refused(loose);
	/* A NUL within the claims. */
	assert_refused(sign_parts(header, base64url_encode(arena, "{}\0{}", 5)));
}

static void test_length(void **state)
{
	const size_t claims_length = 2900;
	char *claims = arena_alloc(arena, claims_length + 1), *read;
	const char *token;

	(void)state;
	memset(claims, ' ', claims_length);
	memcpy(claims, "{}", 2);
	token = jwt_sign(arena, &keys.keys[0], claims);
	assert_true(strlen(token) <= JWT_LENGTH_MAX && strlen(token) > JWT_LENGTH_MAX - 60);
	assert_int_equal(jwt_verify(arena, &keys, token, &read), OK);
	token = jwt_sign(arena, &keys.keys[0], arena_printf(arena, "%s%60s", claims, ""));
	assert_true(strlen(token) > JWT_LENGTH_MAX);
	assert_refused(token);
}

static enum err verify_claims(const char *claims, struct token_claims *ret_claims)
{
	return token_verify(arena, &keys, jwt_sign(arena, &keys.keys[0], claims), souk, "souk", NOW,
			    ret_claims);
}

static void test_token_round_trip(void **state)
{
	struct token_claims claims =
				    {
					    .issuer = "https://souk",
					    .client = "souk",
					    .audience = "souk",
					    .issued_s = NOW,
					    .expires_s = NOW + 900,
					    .roles = ROLE_CUSTOMER | ROLE_ADMIN,
					    .scope = "orders carts",
				    },
			    read;
	const char *token;

	(void)state;
	claims.subject = id_new();
	claims.token_id = id_new();
	token = token_sign(arena, &keys.keys[0], &claims);
	assert_int_equal(token_verify(arena, &keys, token, souk, "souk", NOW, &read), OK);
	assert_string_equal(read.issuer, "https://souk");
	assert_string_equal(read.audience, "souk");
	assert_string_equal(read.client, "souk");
	assert_string_equal(read.scope, "orders carts");
	assert_true(id_equal(&read.subject, &claims.subject));
	assert_true(id_equal(&read.token_id, &claims.token_id));
	assert_int_equal(read.issued_s, NOW);
	assert_int_equal(read.expires_s, NOW + 900);
	assert_int_equal(read.roles, ROLE_CUSTOMER | ROLE_ADMIN);

	/* A client that acts for itself. */
	claims.subject = (struct id){{0}};
	claims.client = "order";
	claims.roles = ROLE_SERVICE;
	claims.scope = NULL;
	token = token_sign(arena, &keys.keys[0], &claims);
	assert_int_equal(token_verify(arena, &keys, token, souk, "souk", NOW, &read), OK);
	assert_true(id_is_zero(&read.subject));
	assert_string_equal(read.client, "order");
	assert_int_equal(read.roles, ROLE_SERVICE);
	assert_null(read.scope);
}

static void test_times(void **state)
{
	static const struct {
		int64_t now_s;
		enum err err;
	} rows[] = {
		{NOW, OK},
		{NOW + 899, OK},
		{NOW + 900, ERR_UNAUTHENTICATED}, /* expired, without leeway */
		{NOW + 901, ERR_UNAUTHENTICATED},
		{NOW - 60, OK},
		{NOW - 61, ERR_UNAUTHENTICATED}, /* from the future */
	};
	static const char *const elsewhere[] = {"https://soukx", NULL};
	static const char *const either[] = {"https://soukx", "https://souk", NULL};
	const char *token = jwt_sign(arena, &keys.keys[0], good_claims);
	struct token_claims read;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++)
		assert_int_equal(
			token_verify(arena, &keys, token, souk, "souk", rows[i].now_s, &read),
			rows[i].err);
	assert_int_equal(token_verify(arena, &keys, token, elsewhere, "souk", NOW, &read),
			 ERR_UNAUTHENTICATED);
	assert_int_equal(token_verify(arena, &keys, token, either, "souk", NOW, &read), OK);
	assert_int_equal(token_verify(arena, &keys, token, souk, "Souk", NOW, &read),
			 ERR_UNAUTHENTICATED);
	/* The audience is not the issuer. */
	assert_int_equal(token_verify(arena, &keys, token, souk, NULL, NOW, &read),
			 ERR_UNAUTHENTICATED);
}

/* Each row replaces a piece of the good claims. */
static void test_wrong_claims(void **state)
{
	static const char *const rows[][2] = {
		{"\"iss\":\"https://souk\",", ""},
		{"\"iss\":\"https://souk\"", "\"iss\":[\"https://souk\"]"},
		{"\"aud\":\"souk\",", ""},
		{"\"aud\":\"souk\"", "\"aud\":[\"souk\"]"},
		{"\"client_id\":\"souk\",", ""},
		{"\"sub\":\"019aabcd", "\"sub\":\"x19aabcd"},
		{"019aabcd-0000-7000-8000-00000000000a", "00000000-0000-0000-0000-000000000000"},
		{"019aabcd-0000-7000-8000-00000000000a", "order"},
		{"\"sub\":", "\"subject\":"},
		{"\"iat\":1800000000,", ""},
		{"\"iat\":1800000000", "\"iat\":\"1800000000\""},
		{"\"exp\":1800000900,", ""},
		{"\"exp\":1800000900", "\"exp\":1800000900.5"},
		{"\"exp\":1800000900", "\"exp\":\"1800000900\""},
		{"\"exp\":1800000900", "\"exp\":99999999999999999999"},
		{"\"jti\":", "\"jtj\":"},
		{"00000000000b\"", "00000000000\""},
		{"\"roles\":[\"customer\"]", "\"roles\":\"admin\""},
		{"\"roles\":[\"customer\"]", "\"roles\":[\"root\"]"},
		{"\"roles\":[\"customer\"]", "\"roles\":[\"customer\",\"customer\"]"},
		{"\"roles\":[\"customer\"]", "\"roles\":[4]"},
		{",\"roles\":[\"customer\"]", ""},
		{"\"roles\"", "\"scope\":7,\"roles\""},
		{"\"roles\"", "\"roles\":[],\"roles\""},
		{"\"roles\":[\"customer\"]}", "\"roles\":[\"customer\"]"},
		{"{", "[{"},
	};
	struct token_claims read;

	(void)state;
	assert_int_equal(verify_claims(good_claims, &read), OK);
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		const char *at = strstr(good_claims, rows[i][0]);
		const char *claims;

		assert_non_null(at);
		claims = arena_printf(arena, "%.*s%s%s", (int)(at - good_claims), good_claims,
				      rows[i][1], at + strlen(rows[i][0]));
		if (verify_claims(claims, &read) != ERR_UNAUTHENTICATED)
			fail_msg("taken: %s", claims);
	}
	assert_int_equal(verify_claims("[]", &read), ERR_UNAUTHENTICATED);
	assert_int_equal(verify_claims("", &read), ERR_UNAUTHENTICATED);
}

static void test_role_words(void **state)
{
	(void)state;
	assert_int_equal(role_from_text("vendor"), ROLE_VENDOR);
	assert_int_equal(role_from_text("Vendor"), 0);
	assert_int_equal(role_from_text(""), 0);
	for (unsigned role = 1; role & ROLES_ALL; role <<= 1)
		assert_int_equal(role_from_text(role_text(role)), role);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_vectors_of_rfc_8037, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_agrees_with_a_foreign_library, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_jwks, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_every_key_verifies, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_the_algorithm_has_two_names, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_headers_of_others, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_public_key_as_a_shared_secret, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_signatures, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_other_spellings_of_a_token, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_length, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_token_round_trip, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_times, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_wrong_claims, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_role_words, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
