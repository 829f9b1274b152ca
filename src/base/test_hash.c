/* Hashes against the standards' own vectors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/hash.h"
#include "base/text.h"

static void check(struct hash hash, const char *expected)
{
	struct arena *arena = arena_new();

	assert_string_equal(hex_encode(arena, hash.bytes, HASH_SIZE), expected);
	arena_free(arena);
}

static void test_blake2b(void **state)
{
	(void)state;
	check(hash_of("", 0), "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
	check(hash_of_text("abc"),
	      "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
	check(hash_of("abcd", 3),
	      "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
}

static void test_sha256(void **state)
{
	(void)state;
	check(sha256_of("", 0), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	check(sha256_of("abc", 3),
	      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void test_equality(void **state)
{
	struct hash a = hash_of_text("a"), b = a;

	(void)state;
	assert_true(hash_equal(&a, &b));
	b.bytes[HASH_SIZE - 1] ^= 1;
	assert_false(hash_equal(&a, &b));
}

static void test_short(void **state)
{
	(void)state;
	assert_true(hash_short("abc", 3) == hash_short("abcd", 3));
	assert_true(hash_short("abc", 3) != hash_short("abd", 3));
	assert_true(hash_short("", 0) != hash_short("\0", 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_blake2b),
		cmocka_unit_test(test_sha256),
		cmocka_unit_test(test_equality),
		cmocka_unit_test(test_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
