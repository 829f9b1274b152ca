/* Text of all scripts. */
#include "base/unicode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"

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

static void what_nobody_sees_is_found(void **state)
{
	static const char *const hidden[] = {
		"a\u200bb",   "a\u200db", "\u200e",	      "a\u202eb",      "\u2066a\u2069",
		"so\u00adft", "\ufeffa",  "a\u2060b",	      "\u3164",	       "a\u034fb",
		"a\ufe0f",    "1\ufe0f",  "\u4e00\U000e0041", "\u061c",	       "a\u2028b",
		"\u2800",     "a\u180eb", "\u0645\u200c",     "a\u200c\u0645", "\U000e0001",
	};
	static const char *const seen[] = {
		"Caf\u00e9 \u00a0x",
		"\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", /* Persian */
		"\u0915\u094d\u200d\u0937",
		"\u0dc1\u0dca\u200d\u0dbb\u0dd3", /* Hindi, Sinhala */
		"\u2764\ufe0f",
		"1\ufe0f\u20e3",
		"\U0001f468\u200d\U0001f469\u200d\U0001f467",
		"\U0001f3f3\ufe0f\u200d\U0001f308",
		"\U0001f469\U0001f3fd\u200d\U0001f4bb",
		"\u845b\U000e0100",
		"\U0001f3f4\U000e0067\U000e0062\U000e007f",
		"\u0634\u0627\u064a",
	};

	for (size_t i = 0; i < ARRAY_LENGTH(hidden); i++) {
		if (!unicode_has_hidden(hidden[i]))
			fail_msg("%zu is not found", i);
		assert_false(unicode_has_hidden(unicode_without_hidden(arena, hidden[i])));
	}
	for (size_t i = 0; i < ARRAY_LENGTH(seen); i++) {
		if (unicode_has_hidden(seen[i]))
			fail_msg("%s is not hidden", seen[i]);
		assert_string_equal(unicode_without_hidden(arena, seen[i]), seen[i]);
	}
	assert_string_equal(unicode_without_hidden(arena, "a\u200b\u202eb"), "ab");
}

/* Whether the texts are in their order. */
static void check_sorted(const char *const *texts)
{
	for (size_t i = 0; texts[i + 1]; i++) {
		size_t length, next_length;
		const void *key = unicode_sort_key(arena, texts[i], &length);
		const void *next = unicode_sort_key(arena, texts[i + 1], &next_length);
		int order = memcmp(key, next, MIN(length, next_length));

		if (order > 0 || (order == 0 && length >= next_length))
			fail_msg("%s is not before %s", texts[i], texts[i + 1]);
	}
}

static void text_sorts_by_the_collation_of_unicode(void **state)
{
	check_sorted((const char *const[]){"", "10", "apfel", "Apfel", "\u00c4pfel", "eclair",
					   "\u00c9clair", "Zoo", "\u0391\u03b2\u03b3",
					   "\u0415\u043b\u043a\u0430", "\u0401\u043b\u043a\u0430",
					   "\u0416\u0443\u043a", NULL});
	assert_true(strlen(unicode_edition(arena)) > 0);
}

/* --- words ---------------------------------------------------------------------------------- */

static bool join(void *arg, const char *word, size_t length)
{
	const char **all = arg;

	*all = arena_printf(arena, "%s%s%.*s", *all, **all ? "|" : "", (int)length, word);
	return true;
}

static const char *words(const char *text)
{
	const char *all = "";

	assert_true(unicode_words(arena, text, join, &all));
	return all;
}

static void words_are_those_between_blanks_and_marks(void **state)
{
	assert_string_equal(words(" Red T-shirt, 3.5 cm! (new) "), "red|t|shirt|3|5|cm|new");
	assert_string_equal(words("L'\u00e9t\u00e9 \u2014 100%"), "l|ete|100");
	assert_string_equal(words(""), "");
	assert_string_equal(words("\u2615 !"), "");
}

static void words_have_neither_case_nor_width_nor_accents(void **state)
{
	static const char *const same[][2] = {
		{"\u0401\u043b\u043a\u0430", "\u0435\u043b\u043a\u0430"},	      /* Yolka */
		{"\u039a\u03b1\u03c6\u03ad\u03c2", "\u03ba\u03b1\u03c6\u03b5\u03c3"}, /* Kafes */
		{"Stra\u00dfe \u0141\u00f3d\u017a", "strasse|lodz"},
		{"\uff33\uff48\uff4f\uff50", "shop"}, /* of full width */
		{"\uff76\uff9e", "\u30ac"},	      /* Kana of half width */
		{"\u05e9\u05c1\u05b8\u05dc\u05d5\u05b9\u05dd", "\u05e9\u05dc\u05d5\u05dd"},
		{"\u0623\u064e\u062e\u0636\u0640\u0631", "\u0627\u062e\u0636\u0631"},
		{"\u0663\u06f4", "34"},
		{"Vi\u1ec7t", "viet"},
		{"so\u00adft", "soft"},
	};

	for (size_t i = 0; i < ARRAY_LENGTH(same); i++)
		assert_string_equal(words(same[i][0]), same[i][1]);
	/* Marks that make another letter stay. */
	assert_string_equal(words("\u0427\u0430\u0439"), "\u0447\u0430\u0439"); /* chay */
	assert_string_equal(words("\u0939\u093f\u0928\u094d\u0926\u0940"),
			    "\u0939\u093f\u0928\u094d\u0926\u0940"); /* Hindi */
	assert_string_equal(words("\u30ac"), "\u30ac");
}

static void scripts_without_blanks_have_words_of_one_letter(void **state)
{
	assert_string_equal(words("\u65e5\u672c\u8336"), "\u65e5|\u672c|\u8336");
	assert_string_equal(words("USB\u5145\u96fb T\u30b7\u30e3\u30c4"),
			    "usb|\u5145|\u96fb|t|\u30b7|\u30e3|\u30c4");
	assert_string_equal(words("\u30b3\u30fc\u30d2\u30fc"), "\u30b3|\u30fc|\u30d2|\u30fc");
	assert_string_equal(words("\u0e0a\u0e32\u0e40\u0e02\u0e35\u0e22\u0e27"),
			    "\u0e0a|\u0e32|\u0e40|\u0e02\u0e35|\u0e22|\u0e27"); /* Thai */
	assert_string_equal(words("\ub179\ucc28"), "\ub179|\ucc28");
}

/* Putting marks in order takes time by the square of their number. */
static void a_letter_bears_so_many_marks(void **state)
{
	static const char *const pairs[] = {"\u0301\u0323", "\u0f73\u0f74", "\u0301\u034f\u0323",
					    "\u0301\u00ad\u0323"};
	char text[2000];

	for (size_t i = 0; i < ARRAY_LENGTH(pairs); i++) {
		size_t length = 0;

		while (length + 10 < sizeof(text))
			length += (size_t)snprintf(text + length, sizeof(text) - length, "%s",
						   pairs[i]);
		snprintf(text + length, sizeof(text) - length, "b");
		assert_true(text_length(unicode_fold(arena, text)) <= 64);
		assert_true(strlen(words(text)) <= 64 * 3);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_comes_into_normal_form_c),
		cmocka_unit_test(folding_compares_case_width_and_what_nobody_sees),
		cmocka_unit_test(what_nobody_sees_is_found),
		cmocka_unit_test(text_sorts_by_the_collation_of_unicode),
		cmocka_unit_test(words_are_those_between_blanks_and_marks),
		cmocka_unit_test(words_have_neither_case_nor_width_nor_accents),
		cmocka_unit_test(scripts_without_blanks_have_words_of_one_letter),
		cmocka_unit_test(a_letter_bears_so_many_marks),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
