/* What waits for a moderator, what comes first, and what ratings add up to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "services/review/rules.h"

#define BLOCKED "casino,free money, Viagra ,,"

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

static void test_words_are_split(void **state)
{
	assert_string_equal(review_words(arena, "Free,  MONEY!"), " free money ");
	assert_string_equal(review_words(arena, ""), " ");
	assert_string_equal(review_words(arena, "..."), " ");
	assert_string_equal(review_words(arena, "Café"), " cafe ");
	assert_string_equal(review_words(arena, "ЁЛКА, ёлка"), review_words(arena, "елка елка"));
}

static void test_blocked_words(void **state)
{
	static const struct {
		const char *text;
		bool blocked;
	} rows[] = {
		{"Better than any casino", true},
		{"CASINO!", true},
		{"casinos are another word", false},
		{"occasional", false},
		{"free    money", true},
		{"free-money", true},
		{"money free", false},
		{"viagra", true},
		{"ｃａｓｉｎｏ", true},
		{"a cas\u00edno", true},
		{"ca\u200bsino", true},
		{"FREE\u00a0MONEY", true},
		{"", false},
		{"a fine lamp, really", false},
	};

	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		if (review_has_blocked_word(arena, rows[i].text, BLOCKED) != rows[i].blocked)
			fail_msg("\"%s\"", rows[i].text);
	}
	assert_false(review_has_blocked_word(arena, "casino", ""));
}

static void test_links(void **state)
{
	static const struct {
		const char *text;
		bool link;
	} rows[] = {
		{"see https://a.example", true},
		{"see HTTP://A.EXAMPLE", true},
		{"www.cheap.example", true},
		{"ｗｗｗ．cheap.example", true},
		{"cheap-lamps．com", true},
		{"go to cheap-lamps.com now", true},
		{"Cheap.ORG/page", true},
		{"It works.So it should", false},
		{"version 2.0.1", false},
		{"a.com", false}, /* one letter: rather a slip than a host */
		{"complete.communion", false},
		{"Fine. Com", false},
		{".com", false},
		{"cheap。com", true},
		{"(«cheap.com»)", true},
		{"лампы.рф", true},
		{"C'est fin.Comète", false},
		{"Всё.Рфы", false},
	};

	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		if (review_has_link(arena, rows[i].text) != rows[i].link)
			fail_msg("\"%s\"", rows[i].text);
	}
}

static bool waits(const struct review *review, struct review_history history)
{
	const struct review_limits limits = {
		.blocked_phrases = BLOCKED, .flood = 3, .account_ms = 1000};

	return review_why_wait(arena, review, &history, &limits) != NULL;
}

static void test_what_waits(void **state)
{
	struct review fine = {.comment = "Lights the room."};
	struct review bad_title = {.title = "casino", .comment = "Lights the room."};
	struct review split = {.title = "free", .comment = "money"};
	struct review link = {.comment = "https://a.example"};
	struct review_history newcomer = {.recent = 2, .account_age_ms = 1000}, it = newcomer;
	struct review_history regular = {
		.recent = 50, .published_before = true, .account_age_ms = 1000};

	assert_false(waits(&fine, newcomer));
	it.recent = 3;
	assert_true(waits(&fine, it));
	it = newcomer;
	it.account_age_ms = 999;
	assert_true(waits(&fine, it));
	it = regular;
	it.sells_product = true;
	assert_true(waits(&fine, it));
	it = regular;
	it.rejected = true;
	assert_true(waits(&fine, it));
	it = regular;
	it.words_rejected = true;
	assert_true(waits(&fine, it));
	assert_false(waits(&fine, regular));
	assert_true(waits(&bad_title, regular));
	assert_false(waits(&split, regular));
	assert_true(waits(&link, regular));
}

static void test_fingerprints(void **state)
{
	const struct review one = {.title = "A lamp", .comment = "Lights all of the room."};
	const struct review same = {.title = "a LAMP!", .comment = "lights, all of -- the room"};
	const struct review other = {.title = "A lamp", .comment = "Lights all of the house."};
	const struct review parted = {.title = "A", .comment = "lamp lights all of the room."};
	const struct review short_one = {.comment = "Very good!"};
	struct hash hash, another;

	assert_true(review_fingerprint(arena, &one, &hash));
	assert_true(review_fingerprint(arena, &same, &another));
	assert_true(hash_equal(&hash, &another));
	assert_true(review_fingerprint(arena, &other, &another));
	assert_false(hash_equal(&hash, &another));
	assert_true(review_fingerprint(arena, &parted, &another));
	assert_false(hash_equal(&hash, &another));
	assert_false(review_fingerprint(arena, &short_one, &another));
}

static void test_helpful_order(void **state)
{
	struct review long_one = {.comment = arena_printf(arena, "%0*d", 5000, 0)};
	struct review short_verified = {.comment = "ok", .verified = true};
	struct review letters = {.comment = "\xc3\xa9\xc3\xa9"};

	assert_int_equal(review_helpfulness(&long_one), REVIEW_HELPFUL_LENGTH_MAX);
	assert_int_equal(review_helpfulness(&short_verified), REVIEW_HELPFUL_VERIFIED + 2);
	assert_int_equal(review_helpfulness(&letters), 2);
	assert_true(review_helpfulness(&short_verified) > review_helpfulness(&long_one));
}

static void test_ratings_add_up(void **state)
{
	struct rating none = {0};
	struct rating some = {.stars = {0, 1, 0, 0, 1, 0}};
	struct rating thirds = {.stars = {0, 0, 0, 0, 1, 2}};
	struct rating up = {.stars = {0, 0, 0, 0, 1, 7}}; /* 4.875 */

	assert_int_equal(rating_count(&none), 0);
	assert_int_equal(rating_average(&none), 0);
	assert_int_equal(rating_count(&some), 2);
	assert_int_equal(rating_average(&some), 250);
	assert_int_equal(rating_average(&thirds), 467);
	assert_int_equal(rating_average(&up), 488);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_words_are_split, setup, teardown),
		cmocka_unit_test_setup_teardown(test_blocked_words, setup, teardown),
		cmocka_unit_test_setup_teardown(test_links, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_waits, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fingerprints, setup, teardown),
		cmocka_unit_test_setup_teardown(test_helpful_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ratings_add_up, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
