/* Moments as text: RFC 3339, UTC, milliseconds. A moment is milliseconds since 1970, int64_t. */
#ifndef BASE_TIME_H
#define BASE_TIME_H

#include "base/base.h"

#define TIME_TEXT_SIZE 25 /* 2026-11-22T13:16:00.000Z and a NUL */

#define SECOND_MS INT64_C(1000)
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)

/* Years 0000 to 9999. */
void time_format(int64_t time_ms, char text[static TIME_TEXT_SIZE]);

/* Any RFC 3339 date-time with offset and up to nine digits of fraction (cut to milliseconds), or a
 * full-date, which means its first moment in UTC. */
bool time_parse(const char *text, int64_t *ret_time_ms) MUST_CHECK;

struct civil_time {
	int year, month, day; /* month and day from 1 */
	int hour, minute, second, millisecond;
	int weekday; /* 0 is Monday (ISO 8601) */
};

struct civil_time time_to_civil(int64_t time_ms);
int64_t time_from_civil(const struct civil_time *civil);

#endif
