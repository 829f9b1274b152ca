/* Tests of CSV: records, what is wrong with them and where, and fields for output. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/csv.h"
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

/* All of it on one line: fields in brackets with their line before them, and what is wrong. */
static const char *read_bytes(const char *text, size_t length, char separator)
{
	struct out out = out_new(arena);
	/* Its own allocation, so that reading beyond it is found. */
	char *copy = must_alloc(length);
	struct csv_record record;
	enum csv_result result;
	const char *why = NULL;
	struct csv csv;

	memcpy(copy, text, length);
	csv_begin(&csv, copy, length);
	csv.separator = separator;
	while ((result = csv_next(&csv, arena, &record, &why)) != CSV_END) {
		out_printf(&out, "%d:", (int)csv.line);
		for (size_t i = 0; result == CSV_RECORD && i < record.count; i++) {
			assert_int_equal(record.lengths[i], strlen(record.fields[i]));
			out_printf(&out, "[%s]", record.fields[i]);
		}
		if (result == CSV_MALFORMED)
			out_printf(&out, "(%s)", why);
	}
	assert_int_equal(csv_next(&csv, arena, &record, &why), CSV_END);
	free(copy);
	return out.data;
}

static const char *read_all(const char *text)
{
	return read_bytes(text, strlen(text), ',');
}

static void test_records(void **state)
{
	static const char *const rows[][2] = {
		{"", ""},
		{"a", "1:[a]"},
		{"a,b\nc,d\n", "1:[a][b]2:[c][d]"},
		{"a,b\r\nc,d\r\n", "1:[a][b]2:[c][d]"},
		{"a,\n,b\n,", "1:[a][]2:[][b]3:[][]"},
		{"\"\"", "1:[]"},
		{"\"a,b\",\"c\"\"d\",\"\"\"\"", "1:[a,b][c\"d][\"]"},
		{"\"a\nb\",c\nd\n", "1:[a\nb][c]3:[d]"},
		{"\"a\r\nb\"\r\nc", "1:[a\r\nb]3:[c]"},
		{"\xef\xbb\xbfid,x\n", "1:[id][x]"},
		{"\n\na\n\r\nb\n\n", "3:[a]5:[b]"},
		{" a , b", "1:[ a ][ b]"},
		{"\u00e9;\u00e9", "1:[\u00e9;\u00e9]"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++)
		assert_string_equal(read_all(rows[i][0]), rows[i][1]);
	assert_string_equal(read_bytes("a;\"b;c\";d,e", 11, ';'), "1:[a][b;c][d,e]");
}

static void test_malformed_lines_are_passed_over(void **state)
{
	static const char *const rows[][2] = {
		{"a\nb\"c,d\ne",
		 "1:[a]2:(a quote stands in a field without quotes around it)3:[e]"},
		{"\"a\"b,c\nd", "1:(something follows a quoted field)2:[d]"},
		{"\"a\nb\"c,d\ne", "1:(something follows a quoted field)3:[e]"},
		{"\"a\" ,b\nc", "1:(something follows a quoted field)2:[c]"},
		{"\"a\nb\nc", "1:(a quote is never closed)2:[b]3:[c]"},
		{"a,\"", "1:(a quote is never closed)"},
		{"\"\"\"", "1:(a quote is never closed)"},
		{"a\rb\nc", "1:(a carriage return stands without a line feed)2:[c]"},
		{"a\r", "1:(a carriage return stands without a line feed)"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++)
		assert_string_equal(read_all(rows[i][0]), rows[i][1]);
	assert_string_equal(read_bytes("a\0b\nc", 5, ','), "1:(a NUL)2:[c]");
	assert_string_equal(read_bytes("\"a\0b\"\nc", 7, ','), "1:(a NUL)2:[c]");
}

static void test_number_of_fields(void **state)
{
	char *text = arena_alloc(arena, CSV_FIELDS_MAX + 8);
	struct csv_record record;
	const char *why = NULL;
	struct csv csv;

	(void)state;
	memset(text, ',', CSV_FIELDS_MAX - 1);
	csv_begin(&csv, text, CSV_FIELDS_MAX - 1);
	assert_int_equal(csv_next(&csv, arena, &record, &why), CSV_RECORD);
	assert_int_equal(record.count, CSV_FIELDS_MAX);
	assert_string_equal(record.fields[CSV_FIELDS_MAX - 1], "");
	memset(text, ',', CSV_FIELDS_MAX);
	memcpy(text + CSV_FIELDS_MAX, "\nx", 2);
	assert_string_equal(read_all(text), "1:(too many fields)2:[x]");
}

static void test_length_of_fields(void **state)
{
	char *text = arena_alloc(arena, CSV_FIELD_LENGTH_MAX + 8);
	struct csv_record record;
	const char *why = NULL;
	struct csv csv;

	(void)state;
	memset(text, 'x', CSV_FIELD_LENGTH_MAX);
	csv_begin(&csv, text, CSV_FIELD_LENGTH_MAX);
	assert_int_equal(csv_next(&csv, arena, &record, &why), CSV_RECORD);
	assert_int_equal(record.lengths[0], CSV_FIELD_LENGTH_MAX);
	memcpy(text + CSV_FIELD_LENGTH_MAX, "x\na", 3);
	assert_string_equal(read_all(text), "1:(a field is too long)2:[a]");

	text[0] = '"';
	memcpy(text + CSV_FIELD_LENGTH_MAX + 1, "\"\na", 3);
	csv_begin(&csv, text, CSV_FIELD_LENGTH_MAX + 2);
	assert_int_equal(csv_next(&csv, arena, &record, &why), CSV_RECORD);
	assert_int_equal(record.lengths[0], CSV_FIELD_LENGTH_MAX);
	memcpy(text + CSV_FIELD_LENGTH_MAX + 1, "x\"\na", 4);
	assert_string_equal(read_all(text), "1:(a field is too long)2:[a]");
}

static void test_quotes_that_never_close_take_linear_time(void **state)
{
	enum { LINES = 300000 };
	char *text = must_alloc(4 * LINES + 1);
	struct csv_record record;
	const char *why = NULL;
	struct csv csv;
	int count = 0;

	(void)state;
	for (int i = 0; i < LINES; i++)
		memcpy(text + 4 * i, i % 3 ? "\"\"a\n" : "a,\"\n", 4);
	csv_begin(&csv, text, 4 * LINES);
	while (csv_next(&csv, arena, &record, &why) != CSV_END) {
		count++;
		arena_reset(arena);
	}
	assert_true(count > 0 && csv.next_line == LINES + 1);
	free(text);
}

static void test_output(void **state)
{
	static const char *const rows[][2] = {
		{"", ""},
		{"plain text", "plain text"},
		{"a,b", "\"a,b\""},
		{"say \"hi\"", "\"say \"\"hi\"\"\""},
		{"two\nlines", "\"two\nlines\""},
		{" edge", "\" edge\""},
		{"=1+1", "\"'=1+1\""},
		{"+SUM(A1)", "\"'+SUM(A1)\""},
		{"-2+3", "\"'-2+3\""},
		{"@SUM(A1)", "\"'@SUM(A1)\""},
		{"\t=1", "\"'\t=1\""},
		{"\r=1", "\"'\r=1\""},
		{" =1", "\"' =1\""},
		{"\uff1d1", "\"'\uff1d1\""},
		{"=cmd|' /C calc'!\"A1\"", "\"'=cmd|' /C calc'!\"\"A1\"\"\""},
		{"-", "\"'-\""},
		{"-12.50", "-12.50"},
		{"+4915112345", "+4915112345"},
		{"1.5", "1.5"},
		{"a=b", "a=b"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++)
		assert_string_equal(csv_quote(arena, rows[i][0]), rows[i][1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_records, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_malformed_lines_are_passed_over, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_number_of_fields, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_length_of_fields, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_quotes_that_never_close_take_linear_time,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_output, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
