/* Moments as text and as dates, against known ones and against each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/time.h"

static const struct {
	int64_t time_ms;
	const char *text;
} moments[] = {
	{0, "1970-01-01T00:00:00.000Z"},
	{-1, "1969-12-31T23:59:59.999Z"},
	{INT64_C(951782400000), "2000-02-29T00:00:00.000Z"},
	{INT64_C(951868800000), "2000-03-01T00:00:00.000Z"},
	{INT64_C(1795353360000), "2026-11-22T13:16:00.000Z"},
	{INT64_C(1709251199999), "2024-02-29T23:59:59.999Z"},
	{INT64_C(4107542400000), "2100-03-01T00:00:00.000Z"},
	{INT64_C(253402300799999), "9999-12-31T23:59:59.999Z"},
	{INT64_C(-62167219200000), "0000-01-01T00:00:00.000Z"},
};

static void test_known_moments(void **state)
{
	char text[TIME_TEXT_SIZE];
	int64_t time_ms;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(moments); i++) {
		time_format(moments[i].time_ms, text);
		assert_string_equal(text, moments[i].text);
		assert_true(time_parse(text, &time_ms));
		assert_true(time_ms == moments[i].time_ms);
	}
}

/* Every day of ten thousand years is one later than the day before, and comes back. */
static void test_every_day(void **state)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	struct civil_time expected = {.year = 0, .month = 1, .day = 1, .weekday = 5};
	int64_t time_ms = INT64_C(-62167219200000);

	(void)state;
	while (expected.year < 10000) {
		struct civil_time civil = time_to_civil(time_ms + 12345678);
		int last = days[expected.month - 1];

		if (expected.month == 2 && expected.year % 4 == 0 &&
		    (expected.year % 100 || expected.year % 400 == 0))
			last++;
		if (civil.year != expected.year || civil.month != expected.month ||
		    civil.day != expected.day || civil.weekday != expected.weekday)
			fail_msg("%d-%d-%d", expected.year, expected.month, expected.day);
		if (time_from_civil(&civil) != time_ms + 12345678)
			fail_msg("%d-%d-%d back", expected.year, expected.month, expected.day);
		time_ms += DAY_MS;
		expected.weekday = (expected.weekday + 1) % 7;
		if (expected.day++ < last)
			continue;
		expected.day = 1;
		if (expected.month++ < 12)
			continue;
		expected.month = 1;
		expected.year++;
	}
}

static void test_civil(void **state)
{
	struct civil_time civil = time_to_civil(INT64_C(1795353360000) + 7045);

	(void)state;
	assert_int_equal(civil.hour, 13);
	assert_int_equal(civil.minute, 16);
	assert_int_equal(civil.second, 7);
	assert_int_equal(civil.millisecond, 45);
	/* 2026-11-22 is a Sunday. */
	assert_int_equal(civil.weekday, 6);
}

static void test_parsing(void **state)
{
	static const struct {
		const char *text;
		int64_t time_ms;
	} rows[] = {
		{"1970-01-01", 0},
		{"2026-11-22", INT64_C(1795305600000)},
		{"1970-01-01T00:00:00Z", 0},
		{"1970-01-01t00:00:01z", 1000},
		{"1970-01-01T00:00:00.5Z", 500},
		{"1970-01-01T00:00:00.12Z", 120},
		{"1970-01-01T00:00:00.123456789Z", 123},
		{"1970-01-01T02:00:00+02:00", 0},
		{"1969-12-31T18:30:00-05:30", 0},
		{"1970-01-01T00:00:00-00:00", 0},
		{"1970-01-01T23:59:00+23:59", 0},
		/* The leap second at the end of 2016, in UTC and as California saw it. */
		{"2016-12-31T23:59:60Z", INT64_C(1483228800000)},
		{"2016-12-31T15:59:60.25-08:00", INT64_C(1483228800250)},
	};
	int64_t time_ms;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		if (!time_parse(rows[i].text, &time_ms))
			fail_msg("%s is not taken", rows[i].text);
		assert_true(time_ms == rows[i].time_ms);
	}
}

static void test_what_is_no_moment(void **state)
{
	static const char *const bad[] = {
		"",
		"2026",
		"2026-11",
		"2026-11-22T",
		"2026-11-22T13:16",
		"2026-11-22T13:16Z",
		"2026-11-22T13:16:00",
		"2026-11-22 13:16:00Z",
		"2026-11-22T13:16:00.Z",
		"2026-11-22T13:16:00.1234567890Z",
		"2026-11-22T13:16:00,5Z",
		"2026-11-22T13:16:00ZZ",
		"2026-11-22T13:16:00+2:00",
		"2026-11-22T13:16:00+0200",
		"2026-11-22T13:16:00+24:00",
		"2026-11-22T13:16:00+02:60",
		"2026-11-22T24:00:00Z",
		"2026-11-22T13:60:00Z",
		"2026-11-22T13:16:61Z",
		"2026-11-22T13:16:60Z",
		"2026-11-22Z",
		"2026-00-22",
		"2026-13-22",
		"2026-11-00",
		"2026-11-31",
		"2026-02-29",
		"2100-02-29",
		"26-11-22",
		"+2026-11-22",
		"-2026-11-22",
		"2026-1-22",
		" 2026-11-22",
		"2026-11-22 ",
		"2026/11/22",
		"0000-01-01T00:00:00+00:01",
		"9999-12-31T23:59:59-00:01",
	};
	int64_t time_ms = 42;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
		if (time_parse(bad[i], &time_ms))
			fail_msg("\"%s\" is taken", bad[i]);
		assert_int_equal(time_ms, 42);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_moments),
		cmocka_unit_test(test_every_day),
		cmocka_unit_test(test_civil),
		cmocka_unit_test(test_parsing),
		cmocka_unit_test(test_what_is_no_moment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
