/* Text of all scripts. */
#include "base/unicode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct arena *arena;

static int set_up(void **state)
{
	arena = arena_new();
	return 0;
}

static int tear_down(void **state)
{
	arena_free(arena);
	return 0;
}

/* Composed and decomposed spellings of one text are one; what is so already is not copied. */
static void text_comes_into_normal_form_c(void **state)
{
	const char *cafe = "Caf\xc3\xa9", *plain = "Cafe";

	assert_string_equal(unicode_nfc(arena, "Cafe\xcc\x81"), cafe);
	assert_ptr_equal(unicode_nfc(arena, cafe), cafe);
	assert_ptr_equal(unicode_nfc(arena, plain), plain);
	/* The longest there is: one character, three of them. */
	assert_string_equal(unicode_nfc(arena, "\xf0\x9d\x85\xa0"),
			    "\xf0\x9d\x85\x98\xf0\x9d\x85\xa5\xf0\x9d\x85\xae");
	assert_string_equal(unicode_nfc(arena, ""), "");
}

static void folding_compares_case_width_and_what_nobody_sees(void **state)
{
	assert_string_equal(unicode_fold(arena, "T-Shirt"), "t-shirt");
	assert_true(unicode_equal_folded(arena, "\xd0\x81\xd0\xbb\xd0\xba\xd0\xb0",
					 "\xd1\x91\xd0\x9b\xd0\x9a\xd0\x90"));
	assert_true(unicode_equal_folded(arena,
					 "Stra\xc3\x9f"
					 "e",
					 "STRASSE"));
	assert_true(unicode_equal_folded(arena, "\xef\xbc\xa1\xef\xbc\xa2", "ab"));
	assert_true(unicode_equal_folded(arena,
					 "so\xc2\xad"
					 "ft",
					 "Soft"));
	assert_false(unicode_equal_folded(arena, "caf\xc3\xa9", "cafe"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_comes_into_normal_form_c),
		cmocka_unit_test(folding_compares_case_width_and_what_nobody_sees),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
