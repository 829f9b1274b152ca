/* The nouns of the Analytics service: activity, sales, and the reports made of them. */
#ifndef SERVICES_ANALYTICS_ANALYTICS_H
#define SERVICES_ANALYTICS_ANALYTICS_H

#include "base/money.h"
#include "platform/service.h"

#define ACTIVITY_BATCH_MAX 1000
#define ACTIVITY_TYPE_MAX 64
#define ACTIVITY_SESSION_MAX 128
#define ACTIVITY_PROPERTIES_BYTES_MAX (4 * 1024)

#define REPORT_BUCKETS_MAX 1000
#define REPORT_GROUPS_MAX 1000 /* those with the highest revenue */
#define REPORT_TYPES_MAX 1000  /* those that happened most often */

/* --- facts ------------------------------------------------------------------------------------ */

/* Something that somebody did. */
struct activity {
	struct id id;
	const char *type;
	int64_t at_ms;
	struct id user;		/* zero: not known */
	const char *session;	/* or NULL */
	const char *properties; /* compact JSON, or NULL */
};

struct sale_line {
	struct id product, vendor;
	const char *category; /* "" where there is none */
	int64_t units, revenue;
};

/* An order that was paid. */
struct sale {
	struct id order;
	int64_t paid_ms;
	char currency[4];
	const char *country; /* "" where it is not known */
	int64_t units, revenue;
	struct sale_line *lines;
	size_t line_count;
};

struct refund {
	struct id id, order;
	int64_t at_ms;
	struct money amount;
};

/* --- reports ---------------------------------------------------------------------------------- */

enum interval { BY_HOUR, BY_DAY, BY_WEEK, BY_MONTH };
extern const char *const interval_words[]; /* by interval; ends with NULL */

enum grouping { GROUP_PRODUCT, GROUP_CATEGORY, GROUP_VENDOR, GROUP_COUNTRY };
extern const char *const grouping_words[]; /* by grouping; ends with NULL */

/* A stretch of time: from inclusive, to exclusive. */
struct range {
	int64_t from_ms, to_ms;
};

/* Which sales: of one currency, and of one vendor's lines only where `vendor` is not NULL. */
struct sales_scope {
	const char *currency;
	const struct id *vendor;
};

struct sales_sum {
	int64_t orders, units, revenue, refunds;
};

struct sales_group {
	const char *key;
	const char *name; /* of a product; else NULL */
	int64_t orders, units, revenue;
};

struct activity_sum {
	int64_t users, sessions, events;
};

struct type_count {
	const char *type;
	int64_t count;
};

/* A step on the way to a purchase, and the activity that shows it. */
struct funnel_step {
	const char *step, *type;
};
extern const struct funnel_step funnel_steps[]; /* ends with one without step */
#define FUNNEL_STEPS_MAX 8

extern const struct service analytics_service;
extern const struct route analytics_routes[];
extern const struct subscription analytics_subscriptions[];

#endif
