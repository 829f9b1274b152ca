/* Time zones: where units begin, on days when clocks are put on or back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/time.h"
#include "base/zone.h"

static int64_t at(const char *text)
{
	int64_t time_ms = 0;

	assert_true(time_parse(text, &time_ms));
	return time_ms;
}

static void names_are_those_of_the_database(void **state)
{
	static const char *const good[] = {"Europe/Berlin", "America/Argentina/Buenos_Aires",
					   "UTC",	    "Asia/Kolkata",
					   "Etc/GMT+5",	    "GMT",
					   "US/Pacific",    "GB",
					   "Asia/Calcutta", "America/Ciudad_Juarez"};
	static const char *const bad[] = {"",
					  "Berlin",
					  "Europe/Atlantis",
					  "GMT+3",
					  "PST",
					  "+01:00",
					  "Etc/Unknown",
					  "Europe/Berlin ",
					  "europe/berlin",
					  "Europe",
					  "Europe/../UTC",
					  "zone.tab",
					  "posix/UTC",
					  "JST"};

	for (size_t i = 0; i < ARRAY_LENGTH(good); i++)
		if (!zone_is_known(good[i]))
			fail_msg("%s is not known", good[i]);
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++)
		if (zone_is_known(bad[i]))
			fail_msg("%s is known", bad[i]);
}

static void units_begin_by_the_clocks_of_the_place(void **state)
{
	static const struct {
		const char *zone;
		enum zone_unit unit;
		const char *at, *start, *next;
	} rows[] = {
		{"Europe/Berlin", ZONE_DAY, "2026-03-29T12:00:00Z", "2026-03-28T23:00:00Z",
		 "2026-03-29T22:00:00Z"}, /* 23 hours */
		{"Europe/Berlin", ZONE_DAY, "2026-10-25T12:00:00Z", "2026-10-24T22:00:00Z",
		 "2026-10-25T23:00:00Z"}, /* 25 hours */
		{"Europe/Berlin", ZONE_WEEK, "2026-03-29T12:00:00Z", "2026-03-22T23:00:00Z",
		 "2026-03-29T22:00:00Z"},
		{"Europe/Berlin", ZONE_MONTH, "2026-12-31T22:59:59Z", "2026-11-30T23:00:00Z",
		 "2026-12-31T23:00:00Z"},
		{"Europe/Berlin", ZONE_HOUR, "2026-10-25T01:30:00Z", "2026-10-25T01:00:00Z",
		 "2026-10-25T02:00:00Z"}, /* the second 2 o'clock */
		{"Asia/Kolkata", ZONE_HOUR, "2026-01-01T00:00:00Z", "2025-12-31T23:30:00Z",
		 "2026-01-01T00:30:00Z"},
		{"Asia/Kolkata", ZONE_DAY, "2026-01-01T19:00:00Z", "2026-01-01T18:30:00Z",
		 "2026-01-02T18:30:00Z"},
		/* Clocks jump over midnight; it comes twice. */
		{"Asia/Beirut", ZONE_DAY, "2026-03-29T12:00:00Z", "2026-03-28T22:00:00Z",
		 "2026-03-29T21:00:00Z"},
		{"America/Havana", ZONE_DAY, "2025-11-02T12:00:00Z", "2025-11-02T04:00:00Z",
		 "2025-11-03T05:00:00Z"},
		/* Clocks that were changed of late: Mexico's since 2022, Egypt's since 2023. */
		{"America/Mexico_City", ZONE_DAY, "2026-07-01T12:00:00Z", "2026-07-01T06:00:00Z",
		 "2026-07-02T06:00:00Z"},
		{"Africa/Cairo", ZONE_DAY, "2026-04-24T12:00:00Z", "2026-04-23T22:00:00Z",
		 "2026-04-24T21:00:00Z"},
		/* A day that there was not. */
		{"Pacific/Apia", ZONE_DAY, "2011-12-30T09:00:00Z", "2011-12-29T10:00:00Z",
		 "2011-12-30T10:00:00Z"},
		{"Australia/Lord_Howe", ZONE_HOUR, "2026-04-04T15:10:00Z", "2026-04-04T14:30:00Z",
		 "2026-04-04T15:30:00Z"},
	};

	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		struct arena *arena = arena_new();
		const struct zone *zone = zone_load(arena, rows[i].zone);
		int64_t start_ms;
		char start[TIME_TEXT_SIZE], next[TIME_TEXT_SIZE];

		assert_non_null(zone);
		start_ms = zone_start(zone, rows[i].unit, at(rows[i].at));
		time_format(start_ms, start);
		time_format(zone_next(zone, rows[i].unit, start_ms), next);
		arena_free(arena);
		if (start_ms != at(rows[i].start) || at(next) != at(rows[i].next))
			fail_msg("row %zu: %s to %s", i, start, next);
	}
}

static void what_is_no_such_file_is_no_zone(void **state)
{
	struct arena *arena = arena_new();
	static char bytes[65536];
	FILE *file = fopen("/usr/share/zoneinfo/Europe/Berlin", "re");
	size_t length;

	(void)state;
	assert_non_null(file);
	length = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	assert_non_null(zone_parse(arena, bytes, length));
	/* Cut off, or with any byte another: no zone, or one that answers. */
	for (size_t i = 0; i < length; i++) {
		const struct zone *zone = zone_parse(arena, bytes, i);

		if (zone)
			zone_next(zone, ZONE_MONTH, at("2026-01-01"));
		bytes[i] = (char)~bytes[i];
		zone = zone_parse(arena, bytes, length);
		if (zone)
			zone_next(zone, ZONE_MONTH, at("2026-01-01"));
		bytes[i] = (char)~bytes[i];
	}
	assert_null(zone_parse(arena, bytes, 100));
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_those_of_the_database),
		cmocka_unit_test(what_is_no_such_file_is_no_zone),
		cmocka_unit_test(units_begin_by_the_clocks_of_the_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
