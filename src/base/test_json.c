/* Tests of parsing, of the getters and of lists of faults. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/json.h"

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

static json_t *parse(const char *text)
{
	json_t *value = NULL;
	const char *why = NULL;
	enum err err = json_parse(arena, text, strlen(text), &value, &why);

	if (err)
		fail_msg("%s: %s", text, why);
	return value;
}

/* Why `length` bytes are no JSON. */
static const char *refusal(const char *text, size_t length)
{
	json_t *value = (json_t *)text;
	const char *why = NULL;
	enum err err = json_parse(arena, text, length, &value, &why);

	if (err != ERR_BAD_JSON)
		fail_msg("taken: %.*s", (int)MIN(length, 60), text);
	assert_ptr_equal(value, text); /* untouched */
	assert_non_null(why);
	/* The reason itself may be left out. */
	assert_int_equal(json_parse(arena, text, length, &value, NULL), ERR_BAD_JSON);
	return why;
}

static char *nested(char open, char close, size_t depth)
{
	char *text = arena_alloc(arena, 2 * depth + 1);

	memset(text, open, depth);
	memset(text + depth, close, depth);
	return text;
}

static void test_parses(void **state)
{
	static const char *const same[] = {
		"{\"a\":1,\"b\":[true,false,null,\"\u00e9 \\\" \\\\ /\"],\"c\":{}}",
		"[]",
		"7",
		"\"text\"",
		"null",
		"-9223372036854775808",
		"9223372036854775807",
		"0.1",
		"[1.0,1234567.25]",
		"\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"",
		"\"\\\"[{[{[{[{[{[{[{[{[{[{\"",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(same); i++)
		assert_string_equal(json_text(arena, parse(same[i])), same[i]);
	assert_string_equal(json_text(arena, parse(" { \"a\" :\t1 }\r\n")), "{\"a\":1}");
	assert_string_equal(json_text(arena, parse("\"\\ud83d\\ude00\"")), "\"\U0001F600\"");
}

static void test_refuses(void **state)
{
	static const char *const bad[] = {
		"",
		" ",
		"{",
		"[1,]",
		"{\"a\":1,}",
		"{'a':1}",
		"{a:1}",
		"nul",
		"[1] x",
		"{} {}",
		"01",
		"+1",
		"1.",
		".5",
		"NaN",
		"Infinity",
		"\"\\x41\"",
		"\"\\u12\"",
		"\"a\nb\"",
		"\"a\tb\"",
		"// comment\n1",
		"\xef\xbb\xbf{}",
		/* the same member twice, also when written otherwise */
		"{\"a\":1,\"a\":2}",
		"{\"a\":1,\"\\u0061\":2}",
		"{\"x\":{\"a\":1,\"a\":1}}",
		/* not UTF-8: stray, overlong, surrogate, beyond U+10FFFF, cut */
		"\"\x80\"",
		"\"\xc0\xaf\"",
		"\"\xed\xa0\x80\"",
		"\"\xf4\x90\x80\x80\"",
		"\"\xe2\x82\"",
		/* half a pair, U+0000 */
		"\"\\ud800\"",
		"\"\\udc00\"",
		"\"\\ud800x\"",
		"\"\\ud800\\u0041\"",
		"\"a\\u0000b\"",
		"{\"a\\u0000b\":1}",
		/* numbers too large */
		"9223372036854775808",
		"-9223372036854775809",
		"1e999",
		"[1.7976931348623157e308]",
		/* control characters, wherever */
		"\"a\001b\"",
		"{}\001",
		"\f{}",
		"\"a\x7f\"",
		"\"a\xc2\x85\"",
		"\"\\\001\"",
		"\"\033[0m\"",
		/* the same, escaped */
		"\"a\\u0001b\"",
		"\"\\b\"",
		"\"\\f\"",
		"\"\\u001b[0m\"",
		"\"\\u001F\"",
		"\"\\u007f\"",
		"\"\\u0085\"",
		"\"\\\\\\u0001\"",
		"{\"a\\u0001\":1}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++)
		refusal(bad[i], strlen(bad[i]));
	refusal("{\"a\":1}\0", 8);
	refusal("\"a\0b\"", 5);
	refusal("\"\\\0\"", 4);
}

static void test_depth(void **state)
{
	char *deep;

	(void)state;
	parse(nested('[', ']', JSON_DEPTH_MAX));
	deep = nested('[', ']', JSON_DEPTH_MAX + 1);
	assert_non_null(strstr(refusal(deep, strlen(deep)), "deep"));
	deep = nested('[', ']', 500000);
	refusal(deep, strlen(deep));
	/* Closed levels do not count. */
	parse("[[[[[[[[[[]]]]]]]]],[[[[[[[[[[[[[]]]]]]]]]]]]]]");
}

static void test_number_of_values(void **state)
{
	size_t length = 2 * JSON_VALUES_MAX + 1;
	char *text = arena_alloc(arena, length + 1);

	(void)state;
	memset(text, ',', length);
	for (size_t i = 1; i < length; i += 2)
		text[i] = '0';
	text[0] = '[';
	text[length - 1] = ']';
	assert_non_null(strstr(refusal(text, length), "too many"));
	text[length - 3] = ']';
	assert_int_equal(json_array_size(parse(arena_copy_bytes(arena, text, length - 2))),
			 JSON_VALUES_MAX - 1);
}

static void test_reasons_have_a_place(void **state)
{
	(void)state;
	assert_string_equal(refusal("{\n \"\u00e9\": \001}", 11),
			    "Line 2, column 7: a control character.");
	assert_string_equal(refusal("{\"a\":1,\"a\":2}", 13),
			    "Line 1, column 10: a member appears twice in one object.");
	assert_string_equal(refusal("[1", 2), "Line 1, column 2: the text ends too early.");
}

static void test_values_live_as_long_as_the_arena(void **state)
{
	size_t used;

	(void)state;
	parse("{\"a\":[1,2,3]}");
	used = arena_used(arena);
	for (int i = 0; i < 100; i++) {
		arena_reset(arena);
		parse("{\"a\":[1,2,3]}");
	}
	assert_int_equal(arena_used(arena), used);
	/* What is refused halfway leaves nothing behind that the leak check would see. */
	arena_reset(arena);
	refusal("{\"a\":[1,2,{\"b\":\"text\",]}", 26);
}

static void test_getters(void **state)
{
	const json_t *object = parse(
		"{\"t\":\"x\",\"n\":-5,\"f\":1.5,\"yes\":true,\"no\":false,\"z\":null,"
		"\"id\":\"019AABCD-0000-7000-8000-00000000000a\","
		"\"m\":{\"amount\":-1999,\"currency\":\"EUR\"},"
		"\"m2\":{\"amount\":1.5,\"currency\":\"EUR\"},"
		"\"m3\":{\"amount\":1,\"currency\":\"QQQ\"},"
		"\"m4\":{\"amount\":1000000000001,\"currency\":\"EUR\"},\"m5\":{\"amount\":1},"
		"\"at\":\"1970-01-01T00:00:01.500Z\"}");
	struct money money = {.amount = 7};
	int64_t time_ms = 7;
	struct id id = {{0}};

	(void)state;
	assert_string_equal(json_get_text(object, "t"), "x");
	assert_null(json_get_text(object, "n"));
	assert_null(json_get_text(object, "none"));
	assert_null(json_get_text(NULL, "t"));
	assert_int_equal(json_get_int(object, "n"), -5);
	assert_int_equal(json_get_int(object, "f"), 0);
	assert_int_equal(json_get_int(object, "t"), 0);
	assert_true(json_get_bool(object, "yes"));
	assert_false(json_get_bool(object, "no"));
	assert_false(json_get_bool(object, "n"));
	assert_true(json_get_id(object, "id", &id));
	assert_int_equal(id.bytes[15], 10);
	assert_false(json_get_id(object, "t", &id));
	assert_false(json_get_id(object, "z", &id));
	assert_false(json_get_money(object, "m2", &money));
	assert_false(json_get_money(object, "m3", &money));
	assert_false(json_get_money(object, "m4", &money));
	assert_false(json_get_money(object, "m5", &money));
	assert_false(json_get_money(object, "t", &money));
	assert_int_equal(money.amount, 7);
	assert_true(json_get_money(object, "m", &money));
	assert_int_equal(money.amount, -1999);
	assert_string_equal(money.currency, "EUR");
	assert_false(json_get_time(object, "t", &time_ms));
	assert_int_equal(time_ms, 7);
	assert_true(json_get_time(object, "at", &time_ms));
	assert_int_equal(time_ms, 1500);
}

static void test_faults(void **state)
{
	struct faults faults = {.arena = arena};
	char pointer[] = "/a";
	int count = 0;

	(void)state;
	assert_int_equal(faults_err(&faults), OK);
	fault_add(&faults, pointer, "must have %d of %s", 3, "them");
	pointer[1] = 'x';
	assert_int_equal(faults_err(&faults), ERR_INVALID);
	assert_string_equal(faults.first->pointer, "/a");
	assert_string_equal(faults.first->detail, "must have 3 of them");

	for (int i = 0; i < 500; i++)
		fault_add(&faults, "/b", "%d", i);
	for (struct fault *fault = faults.first; fault; fault = fault->next)
		count++;
	assert_int_equal(count, JSON_FAULTS_MAX);
	assert_int_equal(faults.count, 501);
	assert_string_equal(faults.last->detail, "98");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_parses, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_refuses, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_depth, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_number_of_values, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_reasons_have_a_place, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_values_live_as_long_as_the_arena, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_getters, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_faults, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
