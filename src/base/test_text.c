/* What is asked of text from outside, by tables of what passes and what does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"

static struct arena *arena;

static int set_up(void **state)
{
	(void)state;
	arena = arena_new();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

/* Asks of copies without a byte to spare, so that reading beyond the end is found. */
static void check(bool (*ask)(const char *text), bool answer, const char *const *texts)
{
	for (; *texts; texts++) {
		char *copy = must_copy_text(*texts);

		if (ask(copy) != answer)
			fail_msg("\"%s\" is%s taken", *texts, answer ? " not" : "");
		free(copy);
	}
}

static bool is_utf8(const char *text)
{
	return text_is_utf8(text, strlen(text));
}

static void test_utf8(void **state)
{
	(void)state;
	check(is_utf8, true,
	      (const char *const[]){"", "a", "plain text, longer than eight bytes", "é", "\xc2\x80",
				    "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
				    "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf",
				    "12345678é", "1234567é", "日本語 🧀", NULL});
	check(is_utf8, false,
	      (const char *const[]){"\x80",
				    "\xbf",
				    "\xc3",
				    "\xc0\x80",
				    "\xc1\xbf",
				    "\xe0\x80\x80",
				    "\xe0\x9f\xbf",
				    "\xed\xa0\x80",
				    "\xed\xbf\xbf",
				    "\xe2\x82",
				    "\xe2\x82(",
				    "\xf0\x8f\xbf\xbf",
				    "\xf0\x90\x80",
				    "\xf4\x90\x80\x80",
				    "\xf5\x80\x80\x80",
				    "\xff",
				    "\xfe",
				    "12345678\xff",
				    "1234567\xe2\x82",
				    "é\xc3",
				    NULL});
	assert_true(text_is_utf8("a\0b", 3));
	assert_false(text_is_utf8("\xc3\xa9", 1));
}

static void test_control_characters(void **state)
{
	(void)state;
	check(text_has_control, false,
	      (const char *const[]){"", "a b", "tab\tline\nreturn\r", "é\xc2\xa0", "日本語", NULL});
	check(text_has_control, true,
	      (const char *const[]){"\x01", "a\x1f", "\x7f", "\xc2\x80", "x\xc2\x9f", "\x1b[1m",
				    NULL});
}

static void test_length(void **state)
{
	(void)state;
	assert_int_equal(text_length(""), 0);
	assert_int_equal(text_length("abc"), 3);
	assert_int_equal(text_length("aé日🧀"), 4);
}

static void test_copies(void **state)
{
	(void)state;
	assert_string_equal(text_lower(arena, "ABZ[az]@É09"), "abz[az]@É09");
	assert_string_equal(text_trim(arena, "  a b\t\r\n"), "a b");
	assert_string_equal(text_trim(arena, "\xc2\xa0\xe3\x80\x80é x\xe2\x80\x89"), "é x");
	assert_string_equal(text_trim(arena, " \t"), "");
	assert_string_equal(text_trim(arena, ""), "");
	assert_string_equal(text_trim(arena, "à"), "à");
}

static void test_email(void **state)
{
	char local[300];

	(void)state;
	check(text_is_email, true,
	      (const char *const[]){"a@b", "ann@example.com", "a.b+c@x-y.example", ".a.@b.c",
				    "o'neil!#$%&*/=?^_`{|}~-@example.org", "a@1.2.3.4",
				    "x@bücher.example", "änn@例え.テスト", "伊藤@example.jp",
				    NULL});
	assert_string_equal(text_email_ascii_domain(arena, "Ann@BÜCHER.example"),
			    "Ann@xn--bcher-kva.example");
	assert_string_equal(text_email_key(arena, "Ann@BÜCHER.example"),
			    text_email_key(arena, "ann@xn--bcher-kva.EXAMPLE"));
	assert_string_equal(text_email_key(arena, "No Address"), "no address");
	check(text_is_email, false,
	      (const char *const[]){"",
				    "@",
				    "a",
				    "a@",
				    "@b",
				    "a b@c",
				    "a@b c",
				    "a@b..c",
				    "a@-b",
				    "a@b-",
				    "a@b.",
				    "a@.b",
				    "a@b@c",
				    "a@b_c",
				    "ann@é xample.com",
				    "ann@\u200b.com",
				    "a\u200bb@c",
				    "☕@c",
				    "ann@xn--.com/",
				    "ann@-é.com",
				    "a\"b@c",
				    "a@b\n",
				    "<a@b>",
				    "a,b@c",
				    NULL});
	/* 63 bytes of a label pass, 64 do not. */
	assert_true(text_is_email(arena_printf(arena, "a@%063d.de", 1)));
	assert_false(text_is_email(arena_printf(arena, "a@%064d.de", 1)));
	memset(local, 'x', sizeof(local));
	assert_true(text_is_email(arena_printf(arena, "%.*s@bc.d", 249, local)));
	assert_false(text_is_email(arena_printf(arena, "%.*s@bc.de", 249, local)));
}

static void test_mobile(void **state)
{
	(void)state;
	check(text_is_mobile, true,
	      (const char *const[]){"+1234567", "+4915112345678", "+123456789012345", NULL});
	check(text_is_mobile, false,
	      (const char *const[]){"", "+", "1234567", "+123456", "+1234567890123456",
				    "+0123456789", "+49 151 1234567", "+49151a234567",
				    "++491511234567", "+4915112345678 ", NULL});
}

static void test_web_address(void **state)
{
	char *longest = arena_printf(arena, "http://h/%02039d", 1);

	(void)state;
	check(text_is_web_address, true,
	      (const char *const[]){"http://a", "https://example.com/x?y=z#f",
				    "HTTPS://EXAMPLE.COM", "http://127.0.0.1:8080",
				    "http://[::1]:80/x", "http://a:65535", "https://exämple.com/é",
				    "http://a?b", "http://a/?u=b@c",
				    "https://cdn.example.com/s/files/a_b%20c.jpg?v=1", NULL});
	check(text_is_web_address, false,
	      (const char *const[]){"",
				    "http",
				    "http://",
				    "https://",
				    "http:///x",
				    "ftp://a",
				    "httpx://a",
				    "ttps://a",
				    "javascript://a",
				    "javascript:alert(1)",
				    "//a",
				    "a",
				    "http:/a",
				    "http://a b",
				    "http://a/\tb",
				    "http://a\n",
				    "http://a/\xc2\xa0",
				    "http://a/\x01",
				    "http://u@a",
				    "http://u:p@a",
				    "http://a:",
				    "http://a:b",
				    "http://a:65536",
				    "http://a:123456",
				    "http://:80",
				    "http://[::1",
				    "http://[]",
				    "http://a\\b",
				    "http://\"a\"",
				    "http://<a>",
				    " http://a",
				    "http://.a",
				    NULL});
	assert_int_equal(strlen(longest), 2048);
	assert_true(text_is_web_address(longest));
	assert_false(text_is_web_address(arena_printf(arena, "%sx", longest)));
}

static void test_slug(void **state)
{
	static const struct {
		const char *text, *slug;
	} rows[] = {
		{"Desk Lamp", "desk-lamp"},
		{"  -- Desk,  Lamp! (2) -- ", "desk-lamp-2"},
		{"Crème Brûlée", "creme-brulee"},
		{"Straße Øl Æble Łódź Ñandú", "strasse-ol-aeble-lodz-nandu"},
		{"ÀÿŸĀſŒœĳŉ×÷", "ayyasoeoeijn"},
		{"e\xcc\x81te\xcc\x81", "ete"},
		{"日本語", "日本語"},
		{"a日本語b", "a日本語b"},
		{"Чай «Зелёный»", "чай-зелёный"},
		{"شاي أخضر", "شاي-أخضر"},
		{"コットンTシャツ 赤", "コットンtシャツ-赤"},
		/* Width, case, what nobody sees, marks that stay and marks that go. */
		{"ｺｯﾄﾝ　Ｔ／Ｌ", "コットン-t-l"},
		{"ΚΑΦΕΣ Καφές", "καφες-καφές"},
		{"می\xe2\x80\x8cخواهم", "میخواهم"},
		{"हिन्दी ไทย 한국어 עברית", "हिन्दी-ไทย-한국어-עברית"},
		{"Bún Chả Việt", "bun-cha-viet"},
		{"Əli İstanbul ẞ", "əli-istanbul-ss"},
		{"Nike™ 10 m² ½ ﬁx №5", "nike-10-m2-1-2-fix-5"},
		{"☕️ 🍵 1️⃣", "1"},
		{"\xcc\x81x", "x"},
		{"", ""},
		{"---", ""},
		{"\xff\xc3", ""},
		{"a\xe2", "a"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		char *copy = must_copy_text(rows[i].text), *slug = text_slug(arena, copy, 100);

		assert_string_equal(slug, rows[i].slug);
		assert_true(!*slug || text_is_slug(slug));
		free(copy);
	}
	assert_string_equal(text_slug(arena, "desk lamp", 4), "desk");
	assert_string_equal(text_slug(arena, "desk lamp", 5), "desk");
	assert_string_equal(text_slug(arena, "desk lamp", 6), "desk-l");
	assert_string_equal(text_slug(arena, "groß", 4), "gros");
	assert_string_equal(text_slug(arena, "groß", 5), "gross");
	assert_string_equal(text_slug(arena, "抹茶 緑", 3), "抹茶");
	assert_string_equal(text_slug(arena, "抹茶 緑", 4), "抹茶-緑");
	check(text_is_slug, true,
	      (const char *const[]){"a", "0", "a-b", "a1-b2-c3", "é", "抹茶", "чай", "शर्ट", "٣",
				    NULL});
	check(text_is_slug, false,
	      (const char *const[]){
		      "",	"-",   "a-",  "-a",  "a--b",	 "A",	       "a b",
		      "É",	"a_b", "a/b", "Чай", "ｔ",	 "抹茶-",      "抹 茶",
		      "抹・茶", "☕",   "ﬁ",   "ſ",   "\xcc\x81", "a-\xcc\x81", "ab\xe2\x80\x8d",
		      NULL});
}

static void test_percent(void **state)
{
	static const struct {
		const char *text, *decoded;
		bool plus;
	} rows[] = {
		{"a%20b", "a b", false}, {"a+b", "a+b", false},	  {"a+b%2B", "a b+", true},
		{"%c3%A9", "é", false},	 {"", "", false},	  {"%", NULL, false},
		{"%4", NULL, false},	 {"%4g", NULL, false},	  {"%g4", NULL, false},
		{"%00", NULL, false},	 {"%ff", NULL, false},	  {"%c3", NULL, false},
		{"a%2", NULL, false},	 {"%2541", "%41", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		size_t length = strlen(rows[i].text);
		char *exact = must_alloc(length), *decoded;

		memcpy(exact, rows[i].text, length);
		decoded = text_percent_decode(arena, exact, length, rows[i].plus);
		free(exact);
		if (rows[i].decoded)
			assert_string_equal(decoded, rows[i].decoded);
		else
			assert_null(decoded);
	}
	assert_string_equal(text_percent_decode(arena, "%41%42%43", 6, false), "AB");
	assert_null(text_percent_decode(arena, "%41%42%43", 5, false));
	assert_string_equal(text_percent_encode(arena, "a-b_c.d~ /é&+%"),
			    "a-b_c.d~%20%2F%C3%A9%26%2B%25");
}

static void test_int(void **state)
{
	static const struct {
		const char *text;
		int64_t number;
	} good[] = {
		{"0", 0},
		{"-0", 0},
		{"42", 42},
		{"-7", -7},
		{"007", 7},
		{"9223372036854775807", INT64_MAX},
		{"-9223372036854775808", INT64_MIN},
	};
	static const char *const bad[] = {"",
					  "-",
					  "+1",
					  " 1",
					  "1 ",
					  "1.0",
					  "1e3",
					  "0x1",
					  "--1",
					  "a",
					  "9223372036854775808",
					  "-9223372036854775809",
					  "99999999999999999999999"};
	int64_t number = 17;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(good); i++) {
		assert_true(text_to_int(good[i].text, &number));
		assert_true(number == good[i].number);
	}
	number = 17;
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
		assert_false(text_to_int(bad[i], &number));
		assert_int_equal(number, 17);
	}
}

static void test_comparisons(void **state)
{
	(void)state;
	assert_true(text_starts_with("abc", "ab"));
	assert_true(text_starts_with("abc", ""));
	assert_false(text_starts_with("ab", "abc"));
	assert_true(text_equal_ignoring_case("Content-Type", "content-tYPE"));
	assert_false(text_equal_ignoring_case("abc", "abcd"));
	assert_false(text_equal_ignoring_case("abcd", "abc"));
	assert_false(text_equal_ignoring_case("[", "{"));
}

static void test_base64url(void **state)
{
	static const struct {
		const char *bytes, *text;
	} rows[] = {
		/* RFC 4648, section 10, without the padding. */
		{"", ""},
		{"f", "Zg"},
		{"fo", "Zm8"},
		{"foo", "Zm9v"},
		{"foob", "Zm9vYg"},
		{"fooba", "Zm9vYmE"},
		{"foobar", "Zm9vYmFy"},
		{"\xfb\xff\xbf", "-_-_"},
	};
	static const char *const bad[] = {"A",	  "AAAAA", "Zg==",   "Zh",    "Zm9",
					  "Zm+v", "Zm/v",  "Zm9v\n", " Zm9v", "Zm9vé"};
	uint8_t *bytes;
	size_t length;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		size_t expected = strlen(rows[i].bytes);

		assert_string_equal(base64url_encode(arena, rows[i].bytes, expected), rows[i].text);
		assert_true(base64url_decode(arena, rows[i].text, &bytes, &length));
		assert_int_equal(length, expected);
		assert_memory_equal(bytes, rows[i].bytes, length);
	}
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++)
		assert_false(base64url_decode(arena, bad[i], &bytes, &length));
}

static void test_base64url_of_any_length(void **state)
{
	uint8_t from[200], *bytes;
	size_t length;

	(void)state;
	for (size_t i = 0; i < sizeof(from); i++)
		from[i] = (uint8_t)(i * 151 + 7);
	for (size_t i = 0; i <= sizeof(from); i++) {
		char *text = base64url_encode(arena, from, i);

		assert_true(base64url_decode(arena, text, &bytes, &length));
		assert_int_equal(length, i);
		assert_memory_equal(bytes, from, i);
	}
}

static void test_hex(void **state)
{
	(void)state;
	assert_string_equal(hex_encode(arena, "\x00\x0f\xa5\xff", 4), "000fa5ff");
	assert_string_equal(hex_encode(arena, NULL, 0), "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_utf8),
		TEST(test_control_characters),
		TEST(test_length),
		TEST(test_copies),
		TEST(test_email),
		TEST(test_mobile),
		TEST(test_web_address),
		TEST(test_slug),
		TEST(test_percent),
		TEST(test_int),
		TEST(test_comparisons),
		TEST(test_base64url),
		TEST(test_base64url_of_any_length),
		TEST(test_hex),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
