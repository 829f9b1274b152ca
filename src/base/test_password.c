/* Tests of passwords: hashes of the promised cost, and the ones that everybody tries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>
#include <string.h>

#include "base/password.h"

static const char *const words[] = {
#include "base/password_list.h"
};

static void test_hash_and_match(void **state)
{
	char first[PASSWORD_HASH_SIZE], second[PASSWORD_HASH_SIZE];

	(void)state;
	assert_true(password_hash("correct horse \u00e9", first));
	assert_true(password_hash("correct horse \u00e9", second));
	assert_string_not_equal(first, second);
	assert_memory_equal(first, "$argon2id$v=19$m=19456,t=2,p=1$", 31);
	assert_true(password_matches(first, "correct horse \u00e9"));
	assert_true(password_matches(second, "correct horse \u00e9"));
	assert_false(password_matches(first, "correct horse e"));
	assert_false(password_matches(first, "Correct horse \u00e9"));
	assert_false(password_matches(first, ""));
}

/* RFC 8265, section 4.2: the same letters and blanks, however they were typed; no folding. */
static void test_spellings_are_one(void **state)
{
	static const char typed[] = "cafe\u0301\u3000\u00a0x";
	char hash[PASSWORD_HASH_SIZE];

	(void)state;
	assert_true(password_hash(typed, hash));
	assert_true(password_matches(hash, typed));
	assert_true(password_matches(hash, "caf\u00e9  x"));
	assert_false(password_matches(hash, "cafe  x"));
	assert_false(password_matches(hash, "Caf\u00e9  x"));
	assert_false(password_matches(hash, "caf\u00e9  \uff58"));
	/* Of the time when they were hashed as they were typed. */
	assert_int_equal(crypto_pwhash_str_alg(hash, typed, strlen(typed), PASSWORD_PASSES,
					       PASSWORD_MEMORY_BYTES, crypto_pwhash_ALG_ARGON2ID13),
			 0);
	assert_true(password_matches(hash, typed));
}

static void test_bad_hashes_match_nothing(void **state)
{
	char longer[PASSWORD_HASH_SIZE + 10];

	(void)state;
	memset(longer, 'a', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	assert_false(password_matches("", ""));
	assert_false(password_matches("x", "x"));
	assert_false(password_matches("$argon2id$v=19$m=19456,t=2,p=1$", "x"));
	assert_false(password_matches(longer, "x"));
}

static void test_length_is_bounded(void **state)
{
	char password[4 * PASSWORD_LENGTH_MAX + 2], hash[PASSWORD_HASH_SIZE];

	(void)state;
	memset(password, 'x', sizeof(password));
	password[sizeof(password) - 1] = '\0';
	assert_false(password_hash(password, hash));
	assert_false(password_matches(password_dummy_hash(), password));
	password[sizeof(password) - 2] = '\0';
	assert_true(password_hash(password, hash));
	assert_true(password_matches(hash, password));
}

static void test_dummy_costs_as_much_and_matches_nothing(void **state)
{
	(void)state;
	assert_int_equal(crypto_pwhash_str_needs_rehash(password_dummy_hash(), PASSWORD_PASSES,
							PASSWORD_MEMORY_BYTES),
			 0);
	assert_false(password_matches(password_dummy_hash(), ""));
	assert_false(password_matches(password_dummy_hash(), "password"));
}

static void test_list_is_in_order(void **state)
{
	(void)state;
	assert_true(ARRAY_LENGTH(words) >= 200);
	for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
		assert_true(strlen(words[i]) >= PASSWORD_LENGTH_MIN);
		assert_true(password_is_well_known(words[i]));
		assert_true(i == 0 || strcmp(words[i - 1], words[i]) < 0);
	}
}

static void test_well_known(void **state)
{
	static const char *const known[] = {
		"password",   "PassWord1",  "ILOVEYOU",	 "sunshine", "Trustno1",   "letmein1",
		"12345678",   "1234567890", "123456789", "87654321", "0987654321", "aaaaaaaa",
		"AaAaAaAa",   "12121212",   "abcdefgh",	 "HGFEDCBA", "qwertyui",   "QWERTYUIOP",
		"asdfghjkl",  "1qaz2wsx",   "1q2w3e4r",	 "!@#$%^&*", "........",   "        ",
		"poiuytrewq", "aaAAaaAA",
	};
	static const char *const unknown[] = {
		"correct horse",
		"gx7Kw!pQ",
		"password of my cat",
		"12345679x",
		"aaaaaaab",
		"abcdefgi",
		"\u00e9\u00e8\u00ea\u00eb",
		"a sentence far too long to be in any list of them",
	};
	char repeated[PASSWORD_LENGTH_MAX + 1] = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(known); i++) {
		if (!password_is_well_known(known[i]))
			fail_msg("not known: %s", known[i]);
	}
	for (size_t i = 0; i < ARRAY_LENGTH(unknown); i++) {
		if (password_is_well_known(unknown[i]))
			fail_msg("known: %s", unknown[i]);
	}
	memset(repeated, 'z', PASSWORD_LENGTH_MAX);
	assert_true(password_is_well_known(repeated));
	assert_true(password_is_well_known(""));
	assert_true(password_is_well_known("a"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hash_and_match),
		cmocka_unit_test(test_spellings_are_one),
		cmocka_unit_test(test_bad_hashes_match_nothing),
		cmocka_unit_test(test_length_is_bounded),
		cmocka_unit_test(test_dummy_costs_as_much_and_matches_nothing),
		cmocka_unit_test(test_list_is_in_order),
		cmocka_unit_test(test_well_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
