/* Reports as clients see them: as JSON, and the same as CSV (RFC 4180), a section after another. */
#ifndef SERVICES_ANALYTICS_VIEW_H
#define SERVICES_ANALYTICS_VIEW_H

#include "base/out.h"
#include "services/analytics/analytics.h"

struct sales_report {
	const char *currency;
	struct sales_sum totals;
	int64_t *starts;	  /* of the stretches */
	struct sales_sum *series; /* of the stretches */
	size_t count;
	bool grouped;
	struct sales_group *groups;
	size_t group_count;
};

struct activity_report {
	struct activity_sum totals;
	int64_t *starts;
	struct activity_sum *series;
	size_t count;
	struct type_count *types;
	size_t type_count;
	int64_t funnel[FUNNEL_STEPS_MAX]; /* users, by funnel_steps */
};

void sales_report_write(struct out *out, const struct sales_report *report);
void sales_report_write_csv(struct out *out, const struct sales_report *report);
void activity_report_write(struct out *out, const struct activity_report *report);
void activity_report_write_csv(struct out *out, const struct activity_report *report);

#endif
