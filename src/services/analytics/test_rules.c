/* What may be sent, how time is cut, how money is shared out, what a client accepts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "base/time.h"
#include "services/analytics/rules.h"

static int64_t at(const char *text)
{
	int64_t time_ms = 0;

	if (!time_parse(text, &time_ms))
		fail_msg("%s", text);
	return time_ms;
}

static void test_types(void **state)
{
	char long_one[ACTIVITY_TYPE_MAX + 2] = {0};

	assert_true(activity_type_is_good("page_view"));
	assert_true(activity_type_is_good("a.b:c-9"));
	assert_false(activity_type_is_good(""));
	assert_false(activity_type_is_good("OrderPaid"));
	assert_false(activity_type_is_good("page view"));
	memset(long_one, 'a', ACTIVITY_TYPE_MAX);
	assert_true(activity_type_is_good(long_one));
	long_one[ACTIVITY_TYPE_MAX] = 'a';
	assert_false(activity_type_is_good(long_one));
}

static void test_times(void **state)
{
	int64_t now_ms = at("2026-11-22T13:00:00Z");

	assert_true(activity_time_is_good(now_ms, now_ms, 365));
	assert_true(activity_time_is_good(now_ms + 5 * MINUTE_MS, now_ms, 365));
	assert_false(activity_time_is_good(now_ms + 5 * MINUTE_MS + 1, now_ms, 365));
	assert_true(activity_time_is_good(now_ms - 90 * DAY_MS, now_ms, 365));
	assert_false(activity_time_is_good(now_ms - 90 * DAY_MS - 1, now_ms, 365));
	assert_true(activity_time_is_good(now_ms - 2 * DAY_MS, now_ms, 2));
	assert_false(activity_time_is_good(now_ms - 2 * DAY_MS - 1, now_ms, 2));
}

static void test_stretches_begin_where_calendars_say(void **state)
{
	static const struct {
		enum interval interval;
		const char *at, *start, *next;
	} rows[] = {
		{BY_HOUR, "2026-11-22T13:16:00.123Z", "2026-11-22T13:00:00Z",
		 "2026-11-22T14:00:00Z"},
		{BY_DAY, "2026-11-22T13:16:00Z", "2026-11-22", "2026-11-23"},
		{BY_DAY, "2026-11-22", "2026-11-22", "2026-11-23"},
		{BY_WEEK, "2026-11-22T23:59:59.999Z", "2026-11-16", "2026-11-23"}, /* a Sunday */
		{BY_WEEK, "2026-11-23", "2026-11-23", "2026-11-30"},		   /* a Monday */
		{BY_WEEK, "2000-01-01", "1999-12-27", "2000-01-03"},
		{BY_MONTH, "2024-02-29T12:00:00Z", "2024-02-01", "2024-03-01"},
		{BY_MONTH, "2026-12-31T23:59:59Z", "2026-12-01", "2027-01-01"},
	};

	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		int64_t start_ms = bucket_start(rows[i].interval, at(rows[i].at));

		assert_int_equal(start_ms, at(rows[i].start));
		assert_int_equal(bucket_next(rows[i].interval, start_ms), at(rows[i].next));
	}
}

static size_t count_buckets(enum interval interval, struct range range)
{
	int64_t starts[REPORT_BUCKETS_MAX + 1];

	return bucket_cut(interval, NULL, range, starts);
}

static void test_stretches_are_counted(void **state)
{
	struct range year = {at("2026-01-01"), at("2027-01-01")};
	struct range moment = {at("2026-01-01T10:30:00Z"), at("2026-01-01T10:30:00.001Z")};

	assert_int_equal(count_buckets(BY_MONTH, year), 12);
	assert_int_equal(count_buckets(BY_DAY, year), 365);
	assert_int_equal(count_buckets(BY_WEEK, year), 53);
	assert_true(count_buckets(BY_HOUR, year) > REPORT_BUCKETS_MAX);
	assert_int_equal(count_buckets(BY_HOUR, moment), 1);
	moment.to_ms = at("2026-01-01T11:00:00.001Z");
	assert_int_equal(count_buckets(BY_HOUR, moment), 2);
}

static void test_shares(void **state)
{
	static const struct {
		int64_t amount, weights[4], parts[4];
	} rows[] = {
		{100, {1, 1, 1, 1}, {25, 25, 25, 25}},
		{100, {1, 1, 1, 0}, {34, 33, 33, 0}},
		{2, {1, 1, 1, 0}, {1, 1, 0, 0}},
		{1, {1, 9, 0, 0}, {0, 1, 0, 0}},
		{0, {5, 5, 0, 0}, {0, 0, 0, 0}},
		{7, {0, 0, 0, 0}, {7, 0, 0, 0}},
		{1000, {500, 300, 200, 0}, {500, 300, 200, 0}},
		{MONEY_MAX, {MONEY_MAX, MONEY_MAX, 0, 0}, {MONEY_MAX / 2, MONEY_MAX / 2, 0, 0}},
	};

	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		int64_t parts[4];

		share_out(rows[i].amount, rows[i].weights, 4, parts);
		for (size_t j = 0; j < 4; j++)
			assert_int_equal(parts[j], rows[i].parts[j]);
	}
}

/* Whatever the weights, nothing is lost and nobody gets more than a unit beyond its share. */
static void test_shares_add_up(void **state)
{
	int64_t weights[7], parts[7];

	for (int64_t round = 1; round < 500; round++) {
		int64_t total = 0, sum = 0, amount = round * 7919 % 10007;

		for (int64_t i = 0; i < 7; i++) {
			weights[i] = round * (i + 3) * 104729 % 997;
			total += weights[i];
		}
		share_out(amount, weights, 7, parts);
		for (int i = 0; i < 7; i++) {
			int64_t whole = amount * weights[i] / total;

			sum += parts[i];
			assert_true(parts[i] == whole || parts[i] == whole + 1);
		}
		assert_int_equal(sum, amount);
	}
}

static void test_average_order(void **state)
{
	assert_int_equal(average_order(&(struct sales_sum){0}), 0);
	assert_int_equal(average_order(&(struct sales_sum){.orders = 2, .revenue = 5}), 3);
	assert_int_equal(average_order(&(struct sales_sum){.orders = 3, .revenue = 10}), 3);
}

static void test_formats(void **state)
{
	static const struct {
		const char *accept;
		enum format format;
	} rows[] = {
		{NULL, FORMAT_JSON},
		{"*/*", FORMAT_JSON},
		{"application/json", FORMAT_JSON},
		{"text/csv", FORMAT_CSV},
		{"Text/CSV", FORMAT_CSV},
		{"text/*", FORMAT_CSV},
		{"application/*", FORMAT_JSON},
		{"text/html", FORMAT_NONE},
		{"application/problem+json", FORMAT_NONE},
		{"text/csv;q=0", FORMAT_NONE},
		{"text/csv; q=0.5, application/json;q=0.4", FORMAT_CSV},
		{"text/csv;q=0.5,application/json", FORMAT_JSON},
		{"text/csv, application/json", FORMAT_JSON},
		{"text/csv, */*;q=0.1", FORMAT_CSV},
		{"application/json;q=0, */*", FORMAT_CSV},
		{"text/html, application/xhtml+xml, */*;q=0.8", FORMAT_JSON},
		{"text/csv;header=present;q=0.001", FORMAT_CSV},
		{"", FORMAT_NONE},
		{",;,", FORMAT_NONE},
	};

	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		if (format_accepted(rows[i].accept) != rows[i].format)
			fail_msg("\"%s\"", rows[i].accept);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_stretches_begin_where_calendars_say),
		cmocka_unit_test(test_stretches_are_counted),
		cmocka_unit_test(test_shares),
		cmocka_unit_test(test_shares_add_up),
		cmocka_unit_test(test_average_order),
		cmocka_unit_test(test_formats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
