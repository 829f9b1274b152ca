/* Sealing and keyed fingerprints. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "base/secret.h"

static const struct secret one = {"one secret of thirty-two letters"};
static const struct secret other = {"another secret, as long as first"};

static void what_was_sealed_is_read_with_the_same_secret_alone(void **state)
{
	static const char text[] = "what nobody else may read";
	struct arena *arena = arena_new();
	size_t length, opened_length;
	uint8_t *sealed = secret_seal(arena, &one, text, strlen(text), &length);
	size_t i;

	(void)state;
	assert_string_equal(secret_unseal(arena, &one, sealed, length, &opened_length), text);
	assert_int_equal(opened_length, strlen(text));
	assert_null(secret_unseal(arena, &other, sealed, length, &opened_length));
	for (i = 0; i < length; i++) {
		sealed[i] ^= 1;
		assert_null(secret_unseal(arena, &one, sealed, length, &opened_length));
		sealed[i] ^= 1;
		assert_null(secret_unseal(arena, &one, sealed, i, &opened_length));
	}
	arena_free(arena);
}

static void the_same_text_is_sealed_differently_each_time(void **state)
{
	struct arena *arena = arena_new();
	size_t length;
	void *first = secret_seal(arena, &one, "text", 4, &length);
	void *second = secret_seal(arena, &one, "text", 4, &length);

	(void)state;
	assert_memory_not_equal(first, second, length);
	arena_free(arena);
}

static void a_fingerprint_depends_on_text_and_secret(void **state)
{
	struct hash hash = secret_hash(&one, "text", 4);
	struct hash same = secret_hash(&one, "text", 4);
	struct hash other_text = secret_hash(&one, "Text", 4);
	struct hash other_secret = secret_hash(&other, "text", 4);

	(void)state;
	assert_true(hash_equal(&hash, &same));
	assert_false(hash_equal(&hash, &other_text));
	assert_false(hash_equal(&hash, &other_secret));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_sealed_is_read_with_the_same_secret_alone),
		cmocka_unit_test(the_same_text_is_sealed_differently_each_time),
		cmocka_unit_test(a_fingerprint_depends_on_text_and_secret),
	};

	return cmocka_run_group_tests_name("base/secret", tests, NULL, NULL);
}
