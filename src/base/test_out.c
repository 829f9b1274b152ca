/* What the writer writes is JSON, byte for byte as expected, and jansson reads it back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <jansson.h>
#include <cmocka.h>

#include "base/json.h"
#include "base/out.h"

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

static void test_a_whole_object(void **state)
{
	struct money price = {1999, "EUR"};
	struct out out = out_new(arena);
	struct id id;

	(void)state;
	assert_true(id_parse("0192f3a4-b5c6-7d8e-9f01-23456789abcd", &id));
	assert_string_equal(out.data, "");
	out_open(&out, NULL);
	out_id(&out, "id", &id);
	out_text(&out, "name", "Lamp");
	out_money(&out, "price", &price);
	out_open_list(&out, "tags");
	out_text(&out, NULL, "new");
	out_int(&out, NULL, -7);
	out_open(&out, NULL);
	out_close(&out);
	out_open_list(&out, NULL);
	out_close_list(&out);
	out_close_list(&out);
	out_bool(&out, "visible", true);
	out_bool(&out, "sold", false);
	out_null(&out, "note");
	out_time(&out, "createdAt", INT64_C(1795353360000));
	out_json(&out, "raw", "{\"a\":[1]}");
	out_decimal(&out, "rating", 425, 2);
	out_close(&out);
	assert_string_equal(out.data,
			    "{\"id\":\"0192f3a4-b5c6-7d8e-9f01-23456789abcd\",\"name\":\"Lamp\","
			    "\"price\":{\"amount\":1999,\"currency\":\"EUR\"},"
			    "\"tags\":[\"new\",-7,{},[]],\"visible\":true,\"sold\":false,"
			    "\"note\":null,\"createdAt\":\"2026-11-22T13:16:00.000Z\","
			    "\"raw\":{\"a\":[1]},\"rating\":4.25}");
	assert_int_equal(out.length, strlen(out.data));
}

static void test_nothing_is_left_out_with_its_name(void **state)
{
	struct out out = out_new(arena);

	(void)state;
	out_open(&out, NULL);
	out_text(&out, "text", NULL);
	out_id(&out, "id", NULL);
	out_time(&out, "time", 0);
	out_money(&out, "money", NULL);
	out_json(&out, "json", NULL);
	out_int(&out, "n", 0);
	out_close(&out);
	assert_string_equal(out.data, "{\"n\":0}");
}

static void test_escapes(void **state)
{
	struct out out = out_new(arena);

	(void)state;
	out_open(&out, NULL);
	out_text(&out, "a\"b", "quote \" backslash \\ slash / \b\f\n\r\t \x01\x1f\x7f end");
	out_close(&out);
	assert_string_equal(out.data, "{\"a\\\"b\":\"quote \\\" backslash \\\\ slash / "
				      "\\b\\f\\n\\r\\t \\u0001\\u001f\x7f end\"}");
}

/* Every byte at every place of texts of every length around the eight that are copied at once. */
static void test_every_byte_at_every_place(void **state)
{
	char text[24];

	(void)state;
	for (size_t length = 1; length <= 20; length++) {
		for (size_t at = 0; at < length; at++) {
			for (int c = 1; c < 0x80; c++) {
				struct out out = out_new(arena);
				json_t *value;

				memset(text, 'x', length);
				text[at] = (char)c;
				text[length] = '\0';
				out_open_list(&out, NULL);
				out_text(&out, NULL, text);
				out_close_list(&out);
				value = json_loads(out.data, 0, NULL);
				assert_non_null(value);
				assert_string_equal(json_string_value(json_array_get(value, 0)),
						    text);
				json_decref(value);
				arena_reset(arena);
			}
		}
	}
}

static void test_text_beyond_ascii_stays(void **state)
{
	struct out out = out_new(arena);

	(void)state;
	out_text(&out, NULL, "Käse £5 日本語 🧀 Ünïcödé");
	assert_string_equal(out.data, "\"Käse £5 日本語 🧀 Ünïcödé\"");
}

static void test_integers(void **state)
{
	static const int64_t numbers[] = {
		0,	   1,	9,    10,    99,	100,
		101,	   999, 1000, 65536, 123456789, INT64_C(1000000000000),
		INT64_MAX, -1,	-10,  -99,   -100,	INT64_MIN};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(numbers); i++) {
		struct out out = out_new(arena);

		out_int(&out, NULL, numbers[i]);
		assert_string_equal(out.data, arena_printf(arena, "%lld", (long long)numbers[i]));
	}
}

static void test_decimals(void **state)
{
	static const struct {
		int64_t scaled;
		int digits;
		const char *text;
	} rows[] = {
		{425, 2, "4.25"},
		{400, 2, "4"},
		{450, 2, "4.5"},
		{5, 2, "0.05"},
		{-5, 2, "-0.05"},
		{-150, 2, "-1.5"},
		{0, 2, "0"},
		{7, 0, "7"},
		{100, 0, "100"},
		{1001, 3, "1.001"},
		{1, 18, "0.000000000000000001"},
		{INT64_MIN, 18, "-9.223372036854775808"},
		{INT64_MIN, 1, "-922337203685477580.8"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		struct out out = out_new(arena);

		out_decimal(&out, NULL, rows[i].scaled, rows[i].digits);
		assert_string_equal(out.data, rows[i].text);
	}
}

static void test_growing(void **state)
{
	struct out out = out_new(arena);
	char text[300];
	json_t *value;

	(void)state;
	out_open_list(&out, NULL);
	for (int i = 0; i < 2000; i++) {
		/* All escapes: six times as long as it looks. */
		memset(text, i % 3 ? '\x01' : 'y', sizeof(text) - 1);
		text[i % (int)sizeof(text)] = '\0';
		out_open(&out, NULL);
		out_text(&out, "t", text);
		out_int(&out, "i", i);
		out_close(&out);
		assert_int_equal(out.data[out.length], '\0');
	}
	out_close_list(&out);
	value = json_loadb(out.data, out.length, 0, NULL);
	assert_non_null(value);
	assert_int_equal(json_array_size(value), 2000);
	for (size_t i = 0; i < 2000; i++) {
		json_t *element = json_array_get(value, i);

		assert_int_equal(json_integer_value(json_object_get(element, "i")), i);
		assert_int_equal(json_string_length(json_object_get(element, "t")),
				 i % sizeof(text) == sizeof(text) - 1 ? sizeof(text) - 1
								      : i % sizeof(text));
	}
	json_decref(value);
}

static void test_deep(void **state)
{
	struct out out = out_new(arena);

	(void)state;
	for (int i = 0; i < OUT_DEPTH_MAX; i += 2) {
		out_open_list(&out, i ? "list" : NULL);
		out_open(&out, NULL);
	}
	for (int i = 0; i < OUT_DEPTH_MAX; i += 2) {
		out_close(&out);
		out_close_list(&out);
	}
	assert_int_equal(out.depth, 0);
	assert_int_equal(out.length, OUT_DEPTH_MAX / 2 * 4 + (OUT_DEPTH_MAX / 2 - 1) * 7);
}

static void test_raw(void **state)
{
	struct out out = out_new(arena);
	char long_text[2000];

	(void)state;
	memset(long_text, 'z', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	out_bytes(&out, "a,b\r\n", 5);
	out_printf(&out, "%d;%s\n", 12, "x");
	out_bytes(&out, NULL, 0);
	assert_string_equal(out.data, "a,b\r\n12;x\n");
	out_printf(&out, "%s|", long_text);
	assert_int_equal(out.length, 10 + 2000);
	assert_string_equal(out.data + 10 + 1998, "z|");

	/* Lines of JSON. */
	out = out_new(arena);
	for (int i = 0; i < 2; i++) {
		out_open(&out, NULL);
		out_close(&out);
		out_bytes(&out, "\n", 1);
	}
	assert_string_equal(out.data, "{}\n{}\n");
}

/* Whatever is written, the value that is kept is the one that the text stands for. */
static void test_kept_is_what_is_written(void **state)
{
	struct arena *kept = arena_new();
	struct out out = out_new_kept(arena, kept);
	struct money money = {.amount = -250, .currency = "EUR"};
	struct id id = {{1, 2, 3}};
	json_t *parsed;

	(void)state;
	out_open(&out, NULL);
	out_text(&out, "text", "a \"b\" \\ \n \xc3\xa9 \x01");
	out_text(&out, "none", NULL);
	out_int(&out, "least", INT64_MIN);
	out_int(&out, "most", INT64_MAX);
	out_bool(&out, "yes", true);
	out_bool(&out, "no", false);
	out_null(&out, "null");
	out_id(&out, "id", &id);
	out_time(&out, "time", 1700000000123);
	out_money(&out, "money", &money);
	out_decimal(&out, "whole", 400, 2);
	out_decimal(&out, "part", -425, 2);
	out_json(&out, "json", "{\"a\":[1,2.5,null,\"x\"]}");
	out_open(&out, "empty");
	out_close(&out);
	out_open_list(&out, "list");
	for (int i = 0; i < 100; i++) {
		out_open_list(&out, NULL);
		out_int(&out, NULL, i);
		out_text(&out, NULL, "item");
		out_close_list(&out);
	}
	out_close_list(&out);
	for (int i = 0; i < 100; i++)
		out_int(&out, arena_printf(arena, "member %d", i), i);
	out_close(&out);
	assert_int_equal(json_parse_own(arena, out.data, out.length, &parsed), OK);
	assert_true(json_equal(out_kept(&out), parsed));
	assert_string_equal(json_text(arena, out_kept(&out)), json_text(arena, parsed));
	assert_null(out_kept(&(struct out){0}));
	arena_free(kept);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_whole_object, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_nothing_is_left_out_with_its_name, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_escapes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_every_byte_at_every_place, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_text_beyond_ascii_stays, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_integers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_decimals, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_growing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_deep, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_raw, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_kept_is_what_is_written, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
