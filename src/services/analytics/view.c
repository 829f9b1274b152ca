/* Writing reports. */
#include "services/analytics/view.h"

#include <inttypes.h>

#include "base/csv.h"
#include "base/time.h"
#include "services/analytics/rules.h"

/* --- sales ------------------------------------------------------------------------------------ */

static void write_sum(struct out *out, const struct sales_sum *sum)
{
	out_int(out, "orders", sum->orders);
	out_int(out, "units", sum->units);
	out_int(out, "revenue", sum->revenue);
	out_int(out, "refunds", sum->refunds);
}

static void write_groups(struct out *out, const struct sales_report *report)
{
	out_open_list(out, "groups");
	for (size_t i = 0; i < report->group_count; i++) {
		const struct sales_group *group = &report->groups[i];

		out_open(out, NULL);
		out_text(out, "key", group->key);
		out_text(out, "name", group->name);
		out_int(out, "orders", group->orders);
		out_int(out, "units", group->units);
		out_int(out, "revenue", group->revenue);
		out_close(out);
	}
	out_close_list(out);
}

void sales_report_write(struct out *out, const struct sales_report *report)
{
	out_open(out, NULL);
	out_text(out, "currency", report->currency);
	out_open(out, "totals");
	write_sum(out, &report->totals);
	out_int(out, "averageOrder", average_order(&report->totals));
	out_close(out);
	out_open_list(out, "series");
	for (size_t i = 0; i < report->count; i++) {
		out_open(out, NULL);
		out_time(out, "from", report->starts[i]);
		write_sum(out, &report->series[i]);
		out_close(out);
	}
	out_close_list(out);
	if (report->grouped)
		write_groups(out, report);
	out_close(out);
}

static void write_csv_sum(struct out *out, const struct sales_sum *sum)
{
	out_printf(out, "%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64, sum->orders, sum->units,
		   sum->revenue, sum->refunds);
}

void sales_report_write_csv(struct out *out, const struct sales_report *report)
{
	char start[TIME_TEXT_SIZE];

	out_printf(out, "section,key,name,orders,units,revenue,refunds,averageOrder,currency\r\n");
	out_printf(out, "totals,,,");
	write_csv_sum(out, &report->totals);
	out_printf(out, ",%" PRId64 ",%s\r\n", average_order(&report->totals), report->currency);
	for (size_t i = 0; i < report->count; i++) {
		time_format(report->starts[i], start);
		out_printf(out, "series,%s,,", start);
		write_csv_sum(out, &report->series[i]);
		out_printf(out, ",,%s\r\n", report->currency);
	}
	for (size_t i = 0; i < report->group_count; i++) {
		const struct sales_group *group = &report->groups[i];

		out_printf(out, "group,%s,%s,%" PRId64 ",%" PRId64 ",%" PRId64 ",,,%s\r\n",
			   csv_quote(out->arena, group->key),
			   csv_quote(out->arena, group->name ? group->name : ""), group->orders,
			   group->units, group->revenue, report->currency);
	}
}

/* --- activity --------------------------------------------------------------------------------- */

static void write_activity_series(struct out *out, const struct activity_report *report)
{
	out_open_list(out, "series");
	for (size_t i = 0; i < report->count; i++) {
		out_open(out, NULL);
		out_time(out, "from", report->starts[i]);
		out_int(out, "activeUsers", report->series[i].users);
		out_int(out, "events", report->series[i].events);
		out_close(out);
	}
	out_close_list(out);
}

void activity_report_write(struct out *out, const struct activity_report *report)
{
	out_open(out, NULL);
	out_open(out, "totals");
	out_int(out, "activeUsers", report->totals.users);
	out_int(out, "sessions", report->totals.sessions);
	out_int(out, "events", report->totals.events);
	out_close(out);
	write_activity_series(out, report);
	out_open_list(out, "byType");
	for (size_t i = 0; i < report->type_count; i++) {
		out_open(out, NULL);
		out_text(out, "type", report->types[i].type);
		out_int(out, "count", report->types[i].count);
		out_close(out);
	}
	out_close_list(out);
	out_open_list(out, "funnel");
	for (size_t i = 0; funnel_steps[i].step; i++) {
		out_open(out, NULL);
		out_text(out, "step", funnel_steps[i].step);
		out_int(out, "users", report->funnel[i]);
		out_close(out);
	}
	out_close_list(out);
	out_close(out);
}

void activity_report_write_csv(struct out *out, const struct activity_report *report)
{
	char start[TIME_TEXT_SIZE];

	out_printf(out, "section,key,users,sessions,events\r\n");
	out_printf(out, "totals,,%" PRId64 ",%" PRId64 ",%" PRId64 "\r\n", report->totals.users,
		   report->totals.sessions, report->totals.events);
	for (size_t i = 0; i < report->count; i++) {
		time_format(report->starts[i], start);
		out_printf(out, "series,%s,%" PRId64 ",,%" PRId64 "\r\n", start,
			   report->series[i].users, report->series[i].events);
	}
	for (size_t i = 0; i < report->type_count; i++)
		out_printf(out, "type,%s,,,%" PRId64 "\r\n",
			   csv_quote(out->arena, report->types[i].type), report->types[i].count);
	for (size_t i = 0; funnel_steps[i].step; i++)
		out_printf(out, "funnel,%s,%" PRId64 ",,\r\n", funnel_steps[i].step,
			   report->funnel[i]);
}
