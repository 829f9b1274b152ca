/* The Analytics service's decisions. Pure: no I/O, no clock, no database. */
#include "services/analytics/rules.h"

#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "base/time.h"

const char *const interval_words[] = {"hour", "day", "week", "month", NULL};
const char *const grouping_words[] = {"product", "category", "vendor", "country", NULL};

/* The first three are sent by shops' pages, the others are events of the platform. */
const struct funnel_step funnel_steps[] = {
	{"view", "view"},	  {"cart", "cart"},	    {"checkout", "checkout"},
	{"order", "OrderPlaced"}, {"payment", "OrderPaid"}, {NULL, NULL},
};

/* --- what may be sent ------------------------------------------------------------------------- */

bool activity_type_is_good(const char *type)
{
	size_t length = strlen(type);

	return length >= 1 && length <= ACTIVITY_TYPE_MAX &&
	       strspn(type, "abcdefghijklmnopqrstuvwxyz0123456789_.:-") == length;
}

bool activity_time_is_good(int64_t at_ms, int64_t now_ms, int64_t kept_days)
{
	int64_t age_max_ms = MIN(kept_days, ACTIVITY_AGE_MAX_DAYS) * DAY_MS;

	return at_ms <= now_ms + ACTIVITY_AHEAD_MAX_MS && at_ms >= now_ms - age_max_ms;
}

/* --- time ------------------------------------------------------------------------------------- */

#define WEEK_MS (7 * DAY_MS)
#define FIRST_MONDAY_MS (4 * DAY_MS) /* 1970-01-05 */

/* The last multiple of `width` behind `origin` that is not after it; also before 1970. */
static int64_t floor_to(int64_t at_ms, int64_t width_ms, int64_t origin_ms)
{
	int64_t rest = (at_ms - origin_ms) % width_ms;

	return at_ms - rest - (rest < 0 ? width_ms : 0);
}

static int64_t month_start(int64_t at_ms, int months_later)
{
	struct civil_time time = time_to_civil(at_ms);
	int month = time.month - 1 + months_later;
	struct civil_time start = {
		.year = time.year + month / 12,
		.month = month % 12 + 1,
		.day = 1,
	};

	return time_from_civil(&start);
}

int64_t bucket_start(enum interval interval, int64_t at_ms)
{
	switch (interval) {
	case BY_HOUR:
		return floor_to(at_ms, HOUR_MS, 0);
	case BY_DAY:
		return floor_to(at_ms, DAY_MS, 0);
	case BY_WEEK:
		return floor_to(at_ms, WEEK_MS, FIRST_MONDAY_MS);
	case BY_MONTH:
		return month_start(at_ms, 0);
	}
	assert(!"an interval that is not known");
	return at_ms;
}

int64_t bucket_next(enum interval interval, int64_t start_ms)
{
	switch (interval) {
	case BY_HOUR:
		return start_ms + HOUR_MS;
	case BY_DAY:
		return start_ms + DAY_MS;
	case BY_WEEK:
		return start_ms + WEEK_MS;
	case BY_MONTH:
		return month_start(start_ms, 1);
	}
	assert(!"an interval that is not known");
	return start_ms;
}

size_t bucket_cut(enum interval interval, const struct zone *zone, struct range range,
		  int64_t starts[static REPORT_BUCKETS_MAX + 1])
{
	static const enum zone_unit units[] = {
		[BY_HOUR] = ZONE_HOUR,
		[BY_DAY] = ZONE_DAY,
		[BY_WEEK] = ZONE_WEEK,
		[BY_MONTH] = ZONE_MONTH,
	};
	int64_t at_ms = zone ? zone_start(zone, units[interval], range.from_ms)
			     : bucket_start(interval, range.from_ms);
	size_t count = 0;

	for (; at_ms < range.to_ms && count <= REPORT_BUCKETS_MAX; count++) {
		starts[count] = at_ms;
		at_ms = zone ? zone_next(zone, units[interval], at_ms)
			     : bucket_next(interval, at_ms);
	}
	return count;
}

/* --- money ------------------------------------------------------------------------------------ */

/* An amount times a weight does not fit into 64 bits. */
typedef unsigned __int128 wide;

void share_out(int64_t amount, const int64_t *weights, size_t count, int64_t *ret_parts)
{
	int64_t total = 0, left = amount;

	assert(amount >= 0 && count > 0);
	for (size_t i = 0; i < count; i++) {
		assert(weights[i] >= 0);
		total += weights[i];
	}
	for (size_t i = 0; i < count; i++) {
		ret_parts[i] = total ? (int64_t)((wide)amount * (wide)weights[i] / (wide)total) : 0;
		left -= ret_parts[i];
	}
	if (!total) {
		ret_parts[0] = amount;
		return;
	}
	for (; left > 0; left--) {
		wide best_rest = 0;
		size_t best = 0;

		for (size_t i = 0; i < count; i++) {
			/* Negative once the part has had its unit: never the best again. */
			wide exact = (wide)amount * (wide)weights[i];
			wide given = (wide)ret_parts[i] * (wide)total;

			if (given <= exact && exact - given > best_rest) {
				best_rest = exact - given;
				best = i;
			}
		}
		assert(best_rest > 0);
		ret_parts[best]++;
	}
}

int64_t average_order(const struct sales_sum *sum)
{
	return sum->orders ? (2 * sum->revenue + sum->orders) / (2 * sum->orders) : 0;
}

/* --- formats ---------------------------------------------------------------------------------- */

/* A quality in thousandths (RFC 9110, section 12.4.2) from "0.5"; what is none counts as 1. */
static int quality_of(const char *text, size_t length)
{
	int quality = 0, digits = 1000;

	if (!length || (text[0] != '0' && text[0] != '1'))
		return 1000;
	for (size_t i = 0; i < length && digits; i++) {
		if (text[i] == '.' && i == 1)
			continue;
		if (text[i] < '0' || text[i] > '9')
			break;
		quality += (text[i] - '0') * digits;
		digits /= 10;
	}
	return MIN(quality, 1000);
}

static int parameter_quality(const char *parameters, size_t length)
{
	for (size_t i = 0; i + 2 < length; i++)
		if (parameters[i] == ';') {
			size_t at = i + 1;

			while (at < length && parameters[at] == ' ')
				at++;
			if (at + 1 < length && strncasecmp(parameters + at, "q=", 2) == 0)
				return quality_of(parameters + at + 2, length - at - 2);
		}
	return 1000;
}

/* How exactly a range names the type: 3 itself, 2 its main type, 1 anything; 0 not. */
static int range_matches(const char *range, size_t length, const char *type)
{
	size_t main_length = strcspn(type, "/") + 1;

	if (length == strlen(type) && strncasecmp(range, type, length) == 0)
		return 3;
	if (length > 2 && length == main_length + 1 && range[length - 1] == '*' &&
	    strncasecmp(range, type, main_length) == 0)
		return 2;
	return length == 3 && memcmp(range, "*/*", 3) == 0;
}

/* The quality of the range that names the type most exactly; 0 where none does. */
static int quality_for(const char *accept, const char *type)
{
	int best_match = 0, quality = 0;

	while (*accept) {
		size_t length = strcspn(accept, ","), name;
		int match;

		while (length && *accept == ' ') {
			accept++;
			length--;
		}
		name = MIN(strcspn(accept, "; ,"), length);
		match = range_matches(accept, name, type);
		if (match > best_match) {
			best_match = match;
			quality = parameter_quality(accept + name, length - name);
		}
		accept += length;
		accept += *accept == ',';
	}
	return quality;
}

enum format format_accepted(const char *accept)
{
	int json, csv;

	if (!accept)
		return FORMAT_JSON;
	json = quality_for(accept, "application/json");
	csv = quality_for(accept, "text/csv");
	if (!json && !csv)
		return FORMAT_NONE;
	return csv > json ? FORMAT_CSV : FORMAT_JSON;
}
