/* What holds for refresh tokens and scopes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "services/auth/rules.h"

static struct arena *arena;

static int setup(void **state)
{
	arena = arena_new();
	return 0;
}

static int teardown(void **state)
{
	arena_free(arena);
	return 0;
}

static struct refresh_token token_of(int seed)
{
	struct refresh_token token;

	memset(token.session.bytes, 7, sizeof(token.session.bytes));
	memset(token.secret, seed, sizeof(token.secret));
	return token;
}

static void a_token_is_read_as_it_was_written(void **state)
{
	struct refresh_token token = token_of(200), read;
	char *text = refresh_token_text(arena, &token);

	assert_int_equal(strlen(text), 64);
	assert_true(refresh_token_parse(arena, text, &read));
	assert_memory_equal(&token, &read, sizeof(token));
}

static void what_is_no_token_is_not_read(void **state)
{
	struct refresh_token token = token_of(200), read;
	char *text = refresh_token_text(arena, &token);

	assert_false(refresh_token_parse(arena, "", &read));
	assert_false(refresh_token_parse(arena, text + 1, &read));
	assert_false(refresh_token_parse(arena, arena_printf(arena, "%sA", text), &read));
	text[10] = '+';
	assert_false(refresh_token_parse(arena, text, &read));
}

static void a_successor_is_the_same_every_time_and_each_another(void **state)
{
	struct session session = {.secret = {1}}, other = {.secret = {2}};
	struct refresh_token first = token_of(1), second, again, third;

	second = refresh_token_next(&session, &first);
	again = refresh_token_next(&session, &first);
	third = refresh_token_next(&session, &second);
	assert_memory_equal(second.secret, again.secret, REFRESH_SECRET_SIZE);
	assert_memory_not_equal(second.secret, first.secret, REFRESH_SECRET_SIZE);
	assert_memory_not_equal(third.secret, second.secret, REFRESH_SECRET_SIZE);
	assert_memory_not_equal(refresh_token_next(&other, &first).secret, second.secret,
				REFRESH_SECRET_SIZE);
}

static void a_token_is_good_once_and_the_last_one_for_a_moment_more(void **state)
{
	struct refresh_token old = token_of(1), previous = token_of(2), current = token_of(3);
	struct hash old_hash = refresh_token_hash(&old);
	struct session session = {
		.current = refresh_token_hash(&current),
		.previous = refresh_token_hash(&previous),
		.rotated_ms = 100000,
		.expires_ms = 900000,
	};

	assert_int_equal(refresh_token_use(&session, &session.current, 100001), REFRESH_CURRENT);
	assert_int_equal(refresh_token_use(&session, &session.current, 899999), REFRESH_CURRENT);
	assert_int_equal(refresh_token_use(&session, &session.previous, 120000), REFRESH_REPEATED);
	assert_int_equal(refresh_token_use(&session, &session.previous, 120001), REFRESH_REUSED);
	/* It was renewed by a clock that was ahead. */
	assert_int_equal(refresh_token_use(&session, &session.previous, 80000), REFRESH_REPEATED);
	assert_int_equal(refresh_token_use(&session, &session.previous, 79999), REFRESH_REUSED);
	assert_int_equal(refresh_token_use(&session, &old_hash, 100001), REFRESH_REUSED);
	assert_int_equal(refresh_token_use(&session, &session.current, 900000), REFRESH_EXPIRED);
}

static void scopes_are_words(void **state)
{
	assert_true(scope_is_sound("orders:read"));
	assert_true(scope_is_sound("orders:read stock"));
	assert_false(scope_is_sound(""));
	assert_false(scope_is_sound(" a"));
	assert_false(scope_is_sound("a "));
	assert_false(scope_is_sound("a  b"));
	assert_false(scope_is_sound("a\"b"));
	assert_false(scope_is_sound("a\\b"));
	assert_false(scope_is_sound("\xc3\xa4"));
}

static void a_scope_is_within_another_word_by_word(void **state)
{
	assert_true(scope_is_within("b", "a b c"));
	assert_true(scope_is_within("c a", "a b c"));
	assert_false(scope_is_within("a d", "a b c"));
	assert_false(scope_is_within("a", "ab"));
	assert_false(scope_is_within("ab", "a b"));
	assert_false(scope_is_within("a", NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_token_is_read_as_it_was_written),
		cmocka_unit_test(what_is_no_token_is_not_read),
		cmocka_unit_test(a_successor_is_the_same_every_time_and_each_another),
		cmocka_unit_test(a_token_is_good_once_and_the_last_one_for_a_moment_more),
		cmocka_unit_test(scopes_are_words),
		cmocka_unit_test(a_scope_is_within_another_word_by_word),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
