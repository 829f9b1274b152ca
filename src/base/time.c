/*
 * Moments as text, and the proleptic Gregorian calendar behind it.
 *
 * Years are counted from March, so that the leap day is a year's last; 400 of them are always
 * 146097 days, which is where every calculation starts.
 */
#include "base/time.h"

#include <string.h>

#define DAYS_PER_400_YEARS 146097
#define DAYS_PER_100_YEARS 36524
#define DAYS_PER_4_YEARS 1461
#define DAYS_PER_YEAR 365
#define DAYS_TO_1970 719468 /* from 0000-03-01 */

/* 0000-01-01T00:00:00.000Z and 9999-12-31T23:59:59.999Z */
#define TIME_LEAST INT64_C(-62167219200000)
#define TIME_MOST INT64_C(253402300799999)

static int64_t floor_divide(int64_t number, int64_t divisor)
{
	return number / divisor - (number % divisor < 0);
}

/* Days of the months before the month'th from March: 31, 30, 31, 30, 31 repeats every 153 days. */
static int days_before_month(int month)
{
	return (153 * month + 2) / 5;
}

static int64_t days_from_civil(int64_t year, int month, int day)
{
	int from_march = month > 2 ? month - 3 : month + 9;
	int64_t era;
	int year_of_era;

	if (month <= 2)
		year--;
	era = floor_divide(year, 400);
	year_of_era = (int)(year - era * 400);
	return era * DAYS_PER_400_YEARS + (int64_t)year_of_era * DAYS_PER_YEAR + year_of_era / 4 -
	       year_of_era / 100 + days_before_month(from_march) + day - 1 - DAYS_TO_1970;
}

static void civil_from_days(int64_t days, struct civil_time *civil)
{
	int64_t era = floor_divide(days + DAYS_TO_1970, DAYS_PER_400_YEARS);
	int left = (int)(days + DAYS_TO_1970 - era * DAYS_PER_400_YEARS);
	/* The last day of four centuries, and of four years, belongs to the year before. */
	int centuries = MIN(left / DAYS_PER_100_YEARS, 3);
	int fours, years, month;

	left -= centuries * DAYS_PER_100_YEARS;
	fours = left / DAYS_PER_4_YEARS;
	left -= fours * DAYS_PER_4_YEARS;
	years = MIN(left / DAYS_PER_YEAR, 3);
	left -= years * DAYS_PER_YEAR;
	month = (5 * left + 2) / 153;

	civil->day = left - days_before_month(month) + 1;
	civil->month = month < 10 ? month + 3 : month - 9;
	civil->year = (int)(era * 400) + centuries * 100 + fours * 4 + years + (month >= 10);
}

struct civil_time time_to_civil(int64_t time_ms)
{
	int64_t days = floor_divide(time_ms, DAY_MS);
	int64_t left = time_ms - days * DAY_MS;
	struct civil_time civil = {
		.hour = (int)(left / HOUR_MS),
		.minute = (int)(left / MINUTE_MS % 60),
		.second = (int)(left / SECOND_MS % 60),
		.millisecond = (int)(left % SECOND_MS),
		/* 1970-01-01 was a Thursday. */
		.weekday = (int)(days + 3 - floor_divide(days + 3, 7) * 7),
	};

	civil_from_days(days, &civil);
	return civil;
}

int64_t time_from_civil(const struct civil_time *civil)
{
	return days_from_civil(civil->year, civil->month, civil->day) * DAY_MS +
	       civil->hour * HOUR_MS + civil->minute * MINUTE_MS + civil->second * SECOND_MS +
	       civil->millisecond;
}

/* --- text ----------------------------------------------------------------------------------- */

static void put_digits(char *text, int number, int count)
{
	while (count--) {
		text[count] = (char)('0' + number % 10);
		number /= 10;
	}
}

void time_format(int64_t time_ms, char text[static TIME_TEXT_SIZE])
{
	struct civil_time civil;

	assert(time_ms >= TIME_LEAST && time_ms <= TIME_MOST);
	civil = time_to_civil(time_ms);
	memcpy(text, "0000-00-00T00:00:00.000Z", TIME_TEXT_SIZE);
	put_digits(text, civil.year, 4);
	put_digits(text + 5, civil.month, 2);
	put_digits(text + 8, civil.day, 2);
	put_digits(text + 11, civil.hour, 2);
	put_digits(text + 14, civil.minute, 2);
	put_digits(text + 17, civil.second, 2);
	put_digits(text + 20, civil.millisecond, 3);
}

/* Reads `count` digits, a number of at most `most`, and moves *text behind them. */
static bool take_digits(const char **text, int count, int most, int *ret_number)
{
	int number = 0;

	for (int i = 0; i < count; i++) {
		char c = (*text)[i];

		if (c < '0' || c > '9')
			return false;
		number = number * 10 + (c - '0');
	}
	if (number > most)
		return false;
	*text += count;
	*ret_number = number;
	return true;
}

static bool take(const char **text, char c)
{
	if (**text != c)
		return false;
	*text += 1;
	return true;
}

static int days_of_month(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return month == 2 && leap ? 29 : days[month - 1];
}

static bool take_date(const char **text, struct civil_time *civil)
{
	return take_digits(text, 4, 9999, &civil->year) && take(text, '-') &&
	       take_digits(text, 2, 12, &civil->month) && civil->month && take(text, '-') &&
	       take_digits(text, 2, days_of_month(civil->year, civil->month), &civil->day) &&
	       civil->day;
}

/* A point and one to nine digits, of which the first three count. */
static bool take_fraction(const char **text, int *ret_ms)
{
	int digits = 0, ms = 0;

	for (; (*text)[digits] >= '0' && (*text)[digits] <= '9'; digits++)
		if (digits < 3)
			ms = ms * 10 + ((*text)[digits] - '0');
	if (digits < 1 || digits > 9)
		return false;
	for (int i = digits; i < 3; i++)
		ms *= 10;
	*text += digits;
	*ret_ms = ms;
	return true;
}

static bool take_offset(const char **text, int64_t *ret_offset_ms)
{
	bool west = **text == '-';
	int hours, minutes;

	if (take(text, 'Z') || take(text, 'z')) {
		*ret_offset_ms = 0;
		return true;
	}
	if (!take(text, '+') && !take(text, '-'))
		return false;
	if (!take_digits(text, 2, 23, &hours) || !take(text, ':') ||
	    !take_digits(text, 2, 59, &minutes))
		return false;
	*ret_offset_ms = (hours * HOUR_MS + minutes * MINUTE_MS) * (west ? -1 : 1);
	return true;
}

bool time_parse(const char *text, int64_t *ret_time_ms)
{
	struct civil_time civil = {0};
	int64_t time_ms, offset_ms = 0;

	if (!take_date(&text, &civil))
		return false;
	if (*text) {
		if (!take(&text, 'T') && !take(&text, 't'))
			return false;
		if (!take_digits(&text, 2, 23, &civil.hour) || !take(&text, ':') ||
		    !take_digits(&text, 2, 59, &civil.minute) || !take(&text, ':') ||
		    !take_digits(&text, 2, 60, &civil.second))
			return false;
		if (take(&text, '.') && !take_fraction(&text, &civil.millisecond))
			return false;
		if (!take_offset(&text, &offset_ms) || *text)
			return false;
	}
	time_ms = time_from_civil(&civil) - offset_ms;
	/* A leap second ends a day in UTC; as clocks of ours have none, it is the next day's first. */
	if (civil.second == 60 && floor_divide(time_ms, SECOND_MS) * SECOND_MS % DAY_MS)
		return false;
	if (time_ms < TIME_LEAST || time_ms > TIME_MOST)
		return false;
	*ret_time_ms = time_ms;
	return true;
}
