/* Time zones: a calendar of ICU each. */
#include "base/zone.h"

#include <string.h>
#include <unicode/ucal.h>
#include <unicode/ustring.h>

#include "base/time.h"

#define NAME_LENGTH_MAX 63
#define MONDAY_FIRST 2 /* of ICU's days of the week, which begin with 1 on Sunday */

/* UCalendar is a void *: hidden behind a type of ours. */
struct zone;

static UCalendar *calendar_of(struct zone *zone)
{
	return (UCalendar *)zone;
}

static int32_t widen(const char *name, UChar wide[static NAME_LENGTH_MAX + 1])
{
	u_charsToUChars(name, wide, (int32_t)strlen(name) + 1);
	return (int32_t)strlen(name);
}

/* ICU takes short names of its own, and places that it does not know by their offset. */
static bool is_of_the_database(const char *name)
{
	static const char *const own[] = {"ACT", "AET", "AGT", "ART", "AST",	    "BET", "BST",
					  "CAT", "CNT", "CST", "CTT", "EAT",	    "ECT", "IET",
					  "IST", "JST", "MIT", "NET", "NST",	    "PLT", "PNT",
					  "PRT", "PST", "SST", "VST", "Etc/Unknown"};

	for (size_t i = 0; i < ARRAY_LENGTH(own); i++)
		if (strcmp(own[i], name) == 0)
			return false;
	return strncmp(name, "SystemV/", 8) != 0;
}

bool zone_is_known(const char *name)
{
	UChar wide[NAME_LENGTH_MAX + 1], canonical[NAME_LENGTH_MAX + 1];
	UErrorCode code = U_ZERO_ERROR;
	UBool is_known = 0;
	size_t length = strlen(name);

	if (length < 1 || length > NAME_LENGTH_MAX)
		return false;
	for (size_t i = 0; i < length; i++)
		if (name[i] <= ' ' || name[i] > '~')
			return false;
	widen(name, wide);
	ucal_getCanonicalTimeZoneID(wide, (int32_t)length, canonical, NAME_LENGTH_MAX, &is_known,
				    &code);
	return U_SUCCESS(code) && is_known && is_of_the_database(name);
}

struct zone *zone_open(const char *name)
{
	UChar wide[NAME_LENGTH_MAX + 1];
	UErrorCode code = U_ZERO_ERROR;
	UCalendar *calendar = ucal_open(wide, widen(name, wide), "en", UCAL_GREGORIAN, &code);

	assert(U_SUCCESS(code));
	/* Where clocks show a time twice the first is meant, where never the next that they do. */
	ucal_setAttribute(calendar, UCAL_REPEATED_WALL_TIME, UCAL_WALLTIME_FIRST);
	ucal_setAttribute(calendar, UCAL_SKIPPED_WALL_TIME, UCAL_WALLTIME_NEXT_VALID);
	ucal_setAttribute(calendar, UCAL_FIRST_DAY_OF_WEEK, MONDAY_FIRST);
	return (struct zone *)calendar;
}

void zone_close(struct zone *zone)
{
	ucal_close(calendar_of(zone));
}

static int32_t get(UCalendar *calendar, UCalendarDateFields field)
{
	UErrorCode code = U_ZERO_ERROR;
	int32_t value = ucal_get(calendar, field, &code);

	assert(U_SUCCESS(code));
	return value;
}

/* The first moment of the day, so many days and months behind that of `at_ms`; of the first of the
 * month where `day` is 1. */
static int64_t day_start(struct zone *zone, int64_t at_ms, int32_t days, int32_t months,
			 bool first_of_month)
{
	UCalendar *calendar = calendar_of(zone);
	UErrorCode code = U_ZERO_ERROR;
	int32_t year, month, day;
	UDate start;

	ucal_setMillis(calendar, (UDate)at_ms, &code);
	year = get(calendar, UCAL_YEAR);
	month = get(calendar, UCAL_MONTH) + months;
	day = first_of_month ? 1 : get(calendar, UCAL_DAY_OF_MONTH) + days;
	ucal_clear(calendar);
	/* Days and months beyond the last are those of the next month and year. */
	ucal_setDateTime(calendar, year, month, day, 0, 0, 0, &code);
	start = ucal_getMillis(calendar, &code);
	assert(U_SUCCESS(code));
	return (int64_t)start;
}

/* Clocks may be put on or back within it. */
static int64_t hour_start(struct zone *zone, int64_t at_ms)
{
	UCalendar *calendar = calendar_of(zone);
	UErrorCode code = U_ZERO_ERROR;

	ucal_setMillis(calendar, (UDate)at_ms, &code);
	assert(U_SUCCESS(code));
	return at_ms - get(calendar, UCAL_MINUTE) * MINUTE_MS -
	       get(calendar, UCAL_SECOND) * SECOND_MS - get(calendar, UCAL_MILLISECOND);
}

/* Days since Monday. */
static int32_t day_of_week(struct zone *zone, int64_t at_ms)
{
	UErrorCode code = U_ZERO_ERROR;

	ucal_setMillis(calendar_of(zone), (UDate)at_ms, &code);
	assert(U_SUCCESS(code));
	return (get(calendar_of(zone), UCAL_DAY_OF_WEEK) + 5) % 7;
}

int64_t zone_start(struct zone *zone, enum zone_unit unit, int64_t at_ms)
{
	switch (unit) {
	case ZONE_HOUR:
		return hour_start(zone, at_ms);
	case ZONE_DAY:
		return day_start(zone, at_ms, 0, 0, false);
	case ZONE_WEEK:
		return day_start(zone, at_ms, -day_of_week(zone, at_ms), 0, false);
	case ZONE_MONTH:
		return day_start(zone, at_ms, 0, 0, true);
	}
	assert(!"a unit that is not known");
	return at_ms;
}

int64_t zone_next(struct zone *zone, enum zone_unit unit, int64_t start_ms)
{
	int64_t next_ms = start_ms + HOUR_MS;

	switch (unit) {
	case ZONE_HOUR:
		/* Where clocks move by half an hour it begins at another minute. */
		return MAX(hour_start(zone, next_ms), start_ms + 1);
	case ZONE_DAY:
		return day_start(zone, start_ms, 1, 0, false);
	case ZONE_WEEK:
		return day_start(zone, start_ms, 7, 0, false);
	case ZONE_MONTH:
		return day_start(zone, start_ms, 0, 1, true);
	}
	assert(!"a unit that is not known");
	return next_ms;
}

int64_t zone_day_of_utc(struct zone *zone, int64_t utc_ms)
{
	struct civil_time civil = time_to_civil(utc_ms);
	UErrorCode code = U_ZERO_ERROR;
	UDate start;

	ucal_clear(calendar_of(zone));
	ucal_setDateTime(calendar_of(zone), civil.year, civil.month - 1, civil.day, 0, 0, 0, &code);
	start = ucal_getMillis(calendar_of(zone), &code);
	assert(U_SUCCESS(code));
	return (int64_t)start;
}
