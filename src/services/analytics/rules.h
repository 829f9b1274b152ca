/* The Analytics service's decisions: what may be sent, how time is cut, how refunds are shared. */
#ifndef SERVICES_ANALYTICS_RULES_H
#define SERVICES_ANALYTICS_RULES_H

#include "base/zone.h"
#include "services/analytics/analytics.h"

/* 1 to ACTIVITY_TYPE_MAX of a-z, 0-9, _ . : and - */
bool activity_type_is_good(const char *type);

/* A clock may be ahead of ours, and a device may have been offline. */
#define ACTIVITY_AHEAD_MAX_MS (5 * 60 * INT64_C(1000))
#define ACTIVITY_AGE_MAX_DAYS 90
bool activity_time_is_good(int64_t at_ms, int64_t now_ms, int64_t kept_days);

/* The start of the stretch that the moment lies in: the hour, the day, the week (which begins on
 * Monday: ISO 8601) or the month, in UTC; and of the one behind it. */
int64_t bucket_start(enum interval interval, int64_t at_ms);
int64_t bucket_next(enum interval interval, int64_t start_ms);

/* Where the stretches begin that the range touches, by the clocks of a time zone, or in
 * UTC (NULL); the first may begin before the range. At most REPORT_BUCKETS_MAX + 1 are counted. */
size_t bucket_cut(enum interval interval, const struct zone *zone, struct range range,
		  int64_t starts[static REPORT_BUCKETS_MAX + 1]);

/* Shares `amount` among `count` parts in proportion to their weights, to the last unit: each gets
 * the whole units of its share, and what is left goes, a unit each, to the largest remainders, of
 * equal ones to the first. Where nothing weighs anything all goes to the first. */
void share_out(int64_t amount, const int64_t *weights, size_t count, int64_t *ret_parts);

/* Rounded half up; 0 where there are no orders. */
int64_t average_order(const struct sales_sum *sum);

/* What the Accept header (NULL: absent) asks for, by its qualities; of equal ones JSON. */
enum format { FORMAT_JSON, FORMAT_CSV, FORMAT_NONE };
enum format format_accepted(const char *accept);

#endif
