/*
 * Analytics' endpoints: taking events in, and reports. A report is read in one snapshot, off the
 * event loop, a stretch of time after another.
 */
#include <string.h>

#include "base/config.h"
#include "base/text.h"
#include "base/time.h"
#include "base/zone.h"
#include "platform/limits.h"
#include "services/analytics/rules.h"
#include "services/analytics/store.h"
#include "services/analytics/view.h"

#define BURST_SECONDS 40 /* of what comes back in one of them, at once */
#define ALL_TIMES 16	 /* as much as one caller: all without a token, and all with one */
#define EVENT_BYTES 100	 /* that a stored event takes beside what was sent */
#define REPORT_DEFAULT_MS (30 * DAY_MS)
#define REPORT_EARLIEST "2000-01-01"

/* --- taking events in ------------------------------------------------------------------------- */

struct activity_draft {
	char *type, *session;
	int64_t at_ms;
	struct id user;
	json_t *properties;
	bool type_given, at_given, user_given, session_given, properties_given;
};

/* One event, or a list of them: the one's members come first, so that one table fits both. */
struct ingest {
	struct activity_draft one;
	struct list events; /* struct activity_draft */
	bool events_given;
};

/* clang-format off */
#define DRAFT_FIELDS(type_flags)                                                                \
	FIELD(struct activity_draft, type, "type", TEXT, .flags = (type_flags), .min = 1,       \
	      .max = ACTIVITY_TYPE_MAX, .check = activity_type_is_good,                         \
	      .expected = "must be of a-z, 0-9, _ . : and -",                                   \
	      GIVEN(struct activity_draft, type_given)),                                        \
	FIELD(struct activity_draft, at_ms, "at", TIME, GIVEN(struct activity_draft, at_given)), \
	FIELD(struct activity_draft, user, "userId", ID,                                        \
	      GIVEN(struct activity_draft, user_given)),                                        \
	FIELD(struct activity_draft, session, "sessionId", TEXT, .min = 1,                      \
	      .max = ACTIVITY_SESSION_MAX, GIVEN(struct activity_draft, session_given)),        \
	FIELD(struct activity_draft, properties, "properties", JSON,                            \
	      .max = ACTIVITY_PROPERTIES_BYTES_MAX,                                             \
	      GIVEN(struct activity_draft, properties_given))

static const struct field event_fields[] = {
	DRAFT_FIELDS(REQUIRED),
	FIELD_END,
};

static const struct field ingest_fields[] = {
	DRAFT_FIELDS(OPTIONAL),
	FIELD(struct ingest, events, "events", LIST, .min = 1, .max = ACTIVITY_BATCH_MAX,
	      STRUCT_OF(event_fields, struct activity_draft), GIVEN(struct ingest, events_given)),
	FIELD_END,
};
/* clang-format on */

/* Whose event it may be: one's own; services and admins speak for all. */
static bool may_speak_for(const struct request *req, const struct id *user)
{
	return request_has_role(req, ROLE_ADMIN | ROLE_SERVICE) || request_is_user(req, user);
}

/* Adds a fault, unless the member could not even be read. */
static void fault_once(struct faults *faults, const char *pointer, const char *detail)
{
	for (const struct fault *fault = faults->first; fault; fault = fault->next)
		if (strcmp(fault->pointer, pointer) == 0)
			return;
	fault_add(faults, pointer, "%s", detail);
}

static void check_event(struct request *req, const struct activity_draft *draft,
			const char *pointer)
{
	int64_t days = config_int("analytics-days");

	if (draft->at_given && !activity_time_is_good(draft->at_ms, req->received_ms, days))
		fault_once(
			&req->faults, arena_printf(req->arena, "%s/at", pointer),
			arena_printf(req->arena,
				     "must be within the last %d days, and at most 5 minutes ahead",
				     (int)MIN(days, ACTIVITY_AGE_MAX_DAYS)));
	if (draft->user_given && !may_speak_for(req, &draft->user))
		fault_once(&req->faults, arena_printf(req->arena, "%s/userId", pointer),
			   "must be the caller's own");
}

/* Nothing may stand beside the list. */
static void check_alone(struct request *req, const struct activity_draft *one)
{
	const struct {
		bool given;
		const char *pointer;
	} members[] = {
		{one->type_given, "/type"},
		{one->at_given, "/at"},
		{one->user_given, "/userId"},
		{one->session_given, "/sessionId"},
		{one->properties_given, "/properties"},
	};

	for (size_t i = 0; i < ARRAY_LENGTH(members); i++)
		if (members[i].given)
			fault_add(&req->faults, members[i].pointer,
				  "cannot be given beside events");
}

static enum err read_ingest(struct request *req, struct ingest *ingest)
{
	const struct activity_draft *events;
	enum err err = request_body_parse(req, ingest_fields, ingest);

	if (err)
		return err;
	if (!ingest->events_given) {
		if (!ingest->one.type_given)
			fault_add(&req->faults, "/type", "is required, or else events");
		check_event(req, &ingest->one, "");
		ingest->events = (struct list){.items = &ingest->one, .count = 1};
		return faults_err(&req->faults);
	}
	check_alone(req, &ingest->one);
	events = ingest->events.items;
	for (size_t i = 0; i < ingest->events.count; i++)
		check_event(req, &events[i], arena_printf(req->arena, "/events/%zu", i));
	return faults_err(&req->faults);
}

/* Those who speak for all are the shop's own. Anybody can make any number of accounts. */
static enum err take_share(struct request *req, struct reply *reply, size_t count)
{
	int64_t events = config_int("analytics-events"), bytes = config_int("analytics-bytes");
	const struct limit_policy of_events = {"analytics-events", "events", BURST_SECONDS * events,
					       events, false};
	const struct limit_policy of_bytes = {"analytics-bytes", "bytes", BURST_SECONDS * bytes,
					      bytes, false};
	const struct limit_policy of_all = {
		req->caller.roles ? "analytics-accounts" : "analytics-anonymous", "bytes",
		ALL_TIMES * BURST_SECONDS * bytes, ALL_TIMES * bytes, true};
	int64_t length = (int64_t)(req->body_length + EVENT_BYTES * count);
	enum err err;

	if (request_has_role(req, ROLE_ADMIN | ROLE_SERVICE))
		return OK;
	err = limits_take_amount(req, reply, &of_events, (int64_t)count);
	if (!err)
		err = limits_take_amount(req, reply, &of_bytes, length);
	if (!err)
		err = limits_take_amount(req, reply, &of_all, length);
	return err;
}

struct taking {
	struct request *req;
	struct reply *reply;
	struct activity *activities;
	size_t count;
};

static enum err take(struct sql *sql, void *arg)
{
	struct taking *taking = arg;
	struct out out = out_new(taking->req->arena);
	enum err err = OK;

	for (size_t i = 0; !err && i < taking->count; i++)
		err = activity_insert(sql, &taking->activities[i]);
	if (err)
		return err;
	out_open(&out, NULL);
	out_int(&out, "accepted", (int64_t)taking->count);
	out_close(&out);
	reply_json(taking->reply, 202, &out);
	return OK;
}

static struct activity activity_from(const struct request *req, const struct activity_draft *draft)
{
	return (struct activity){
		.id = id_new(),
		.type = draft->type,
		.at_ms = draft->at_given ? draft->at_ms : req->received_ms,
		.user = draft->user_given ? draft->user : req->caller.user,
		.session = draft->session,
		.properties = draft->properties ? json_text(req->arena, draft->properties) : NULL,
	};
}

/* POST /analytics/event: one event, or up to ACTIVITY_BATCH_MAX; 202 with how many. */
static enum err post_event(struct request *req, struct reply *reply)
{
	struct taking taking = {.req = req, .reply = reply};
	const struct activity_draft *drafts;
	struct ingest ingest = {0};
	enum err err;

	err = read_ingest(req, &ingest);
	if (err)
		return err;
	err = take_share(req, reply, ingest.events.count);
	if (err)
		return err;
	drafts = ingest.events.items;
	taking.count = ingest.events.count;
	taking.activities = ARENA_ARRAY(req->arena, struct activity, taking.count);
	for (size_t i = 0; i < taking.count; i++)
		taking.activities[i] = activity_from(req, &drafts[i]);
	return request_transaction(req, reply, take, &taking);
}

/* --- what reports are asked for --------------------------------------------------------------- */

struct question {
	struct range range;
	int interval, grouping;
	char *currency, *timezone;
	const struct zone *zone; /* of `timezone` */
	int64_t *starts;	 /* of the stretches */
	size_t count;
	bool from_given, to_given, interval_given, grouped;
	enum format format;
};

#define RANGE_FIELDS                                                                               \
	FIELD(struct question, range.from_ms, "from", TIME, GIVEN(struct question, from_given)),   \
		FIELD(struct question, range.to_ms, "to", TIME, GIVEN(struct question, to_given)), \
		FIELD(struct question, interval, "interval", CHOICE, .choices = interval_words,    \
		      GIVEN(struct question, interval_given))

static const struct field sales_fields[] = {
	RANGE_FIELDS,
	FIELD(struct question, grouping, "groupBy", CHOICE, .choices = grouping_words,
	      GIVEN(struct question, grouped)),
	FIELD(struct question, currency, "currency", TEXT, .min = 3, .max = 3,
	      .check = currency_known, .expected = "must be an ISO 4217 currency such as EUR"),
	FIELD(struct question, timezone, "timezone", TEXT, .min = 1, .max = 63,
	      .check = zone_is_known,
	      .expected = "must be a time zone of the IANA database such as Europe/Berlin"),
	FIELD_END,
};

static const struct field activity_fields[] = {
	RANGE_FIELDS,
	FIELD_END,
};

static void check_range(struct request *req, struct question *question)
{
	const struct range *range = &question->range;
	int64_t earliest_ms = 0;
	bool parsed = time_parse(REPORT_EARLIEST, &earliest_ms);

	assert(parsed);
	if (question->zone)
		earliest_ms = zone_day_of_utc(question->zone, earliest_ms);
	if (range->from_ms < earliest_ms)
		fault_add(&req->faults, "?from", "must not be before " REPORT_EARLIEST);
	else if (range->to_ms <= range->from_ms)
		fault_add(&req->faults, "?to", "must be behind from");
	else
		question->count = bucket_cut((enum interval)question->interval, question->zone,
					     *range, question->starts);
	if (question->count > REPORT_BUCKETS_MAX)
		fault_add(&req->faults, "?interval",
			  "must cut the time between from and to into at most %d stretches",
			  REPORT_BUCKETS_MAX);
}

/* Dates alone are days of the time zone, as their time of day in UTC is said by nobody. */
static void place_dates(const struct request *req, struct question *question)
{
	const char *from = request_query(req, "from"), *to = request_query(req, "to");

	if (from && !strchr(from, ':'))
		question->range.from_ms = zone_day_of_utc(question->zone, question->range.from_ms);
	if (to && !strchr(to, ':'))
		question->range.to_ms = zone_day_of_utc(question->zone, question->range.to_ms);
}

static enum err read_question(struct request *req, const struct field *fields,
			      struct question *question)
{
	enum err err;

	question->format = format_accepted(request_header(req, "Accept"));
	if (question->format == FORMAT_NONE)
		return refuse(req, ERR_NOT_ACCEPTABLE, "There are application/json and text/csv.");
	err = request_query_read(req, fields, question);
	if (err)
		return err;
	if (!question->interval_given)
		question->interval = BY_DAY;
	if (question->timezone) {
		question->zone = zone_load(req->arena, question->timezone);
		if (!question->zone) /* it was there when the field was checked */
			return ERR_UNAVAILABLE;
		place_dates(req, question);
	}
	question->starts = ARENA_ARRAY(req->arena, int64_t, REPORT_BUCKETS_MAX + 1);
	/* Exclusive: what happened in this very millisecond is in it. */
	if (!question->to_given)
		question->range.to_ms = req->received_ms + 1;
	if (!question->from_given)
		question->range.from_ms = question->range.to_ms - REPORT_DEFAULT_MS;
	check_range(req, question);
	return faults_err(&req->faults);
}

/* The stretch with that index, as far as it lies within the range. */
static struct range stretch_of(const struct question *question, size_t i)
{
	return (struct range){
		.from_ms = MAX(question->starts[i], question->range.from_ms),
		.to_ms = i + 1 < question->count ? question->starts[i + 1] : question->range.to_ms,
	};
}

static void reply_report(struct reply *reply, const struct question *question, const char *name,
			 const struct out *out)
{
	reply_header(reply, "Vary", "Accept");
	if (question->format == FORMAT_JSON) {
		reply_json(reply, 200, out);
		return;
	}
	reply_header(reply, "Content-Disposition", "attachment; filename=\"%s.csv\"", name);
	reply_text(reply, 200, "text/csv; charset=utf-8; header=present", out->data);
}

/* --- sales ------------------------------------------------------------------------------------ */

struct selling {
	struct question question;
	struct arena *arena;
	struct id vendor;
	struct sales_scope scope;
	struct sales_report report;
};

static void add_sum(struct sales_sum *totals, const struct sales_sum *sum)
{
	totals->orders += sum->orders;
	totals->units += sum->units;
	totals->revenue += sum->revenue;
	totals->refunds += sum->refunds;
}

/* An order is paid in one stretch: their sums add up to the whole. */
static enum err read_sales(struct sql *sql, void *arg)
{
	struct selling *selling = arg;
	struct sales_report *report = &selling->report;
	const struct question *question = &selling->question;
	enum err err = OK;

	report->totals = (struct sales_sum){0};
	for (size_t i = 0; !err && i < report->count; i++) {
		err = sales_sum(sql, &selling->scope, stretch_of(question, i), &report->series[i]);
		if (!err)
			add_sum(&report->totals, &report->series[i]);
	}
	if (err || !question->grouped)
		return err;
	return sales_groups(sql, &selling->scope, question->range,
			    (enum grouping)question->grouping, selling->arena, &report->groups,
			    &report->group_count);
}

/* GET /analytics/sales: of the shop, to admins; of its own products, to a vendor. */
static enum err get_sales(struct request *req, struct reply *reply)
{
	struct selling selling = {.arena = req->arena};
	struct sales_report *report = &selling.report;
	struct out out = out_new(req->arena);
	enum err err;

	err = read_question(req, sales_fields, &selling.question);
	if (err)
		return err;
	selling.vendor = req->caller.user;
	selling.scope.vendor = request_has_role(req, ROLE_ADMIN) ? NULL : &selling.vendor;
	selling.scope.currency = selling.question.currency;
	if (!selling.scope.currency)
		selling.scope.currency = config_text("currency");
	report->currency = selling.scope.currency;
	report->grouped = selling.question.grouped;
	report->starts = selling.question.starts;
	report->count = selling.question.count;
	report->series = ARENA_ARRAY(req->arena, struct sales_sum, report->count);
	err = request_read_long(req, WORK_REPORT, read_sales, &selling);
	if (err)
		return err;
	if (selling.question.format == FORMAT_CSV)
		sales_report_write_csv(&out, report);
	else
		sales_report_write(&out, report);
	reply_report(reply, &selling.question, "sales", &out);
	return OK;
}

/* --- user activity ---------------------------------------------------------------------------- */

struct acting {
	struct question question;
	struct arena *arena;
	struct activity_report report;
};

/* Users are counted anew for every stretch: one may be active in several. */
static enum err read_activity(struct sql *sql, void *arg)
{
	struct acting *acting = arg;
	struct activity_report *report = &acting->report;
	struct range range = acting->question.range;
	enum err err;

	err = activity_sum(sql, range, &report->totals);
	for (size_t i = 0; !err && i < report->count; i++)
		err = activity_sum(sql, stretch_of(&acting->question, i), &report->series[i]);
	if (!err)
		err = activity_types(sql, range, acting->arena, &report->types,
				     &report->type_count);
	for (size_t i = 0; !err && funnel_steps[i].step; i++)
		err = activity_users(sql, range, funnel_steps[i].type, &report->funnel[i]);
	return err;
}

/* GET /analytics/user-activity: who was active when, and how far they came. */
static enum err get_user_activity(struct request *req, struct reply *reply)
{
	struct acting acting = {.arena = req->arena};
	struct activity_report *report = &acting.report;
	struct out out = out_new(req->arena);
	enum err err;

	err = read_question(req, activity_fields, &acting.question);
	if (err)
		return err;
	report->starts = acting.question.starts;
	report->count = acting.question.count;
	report->series = ARENA_ARRAY(req->arena, struct activity_sum, report->count);
	err = request_read_long(req, WORK_REPORT, read_activity, &acting);
	if (err)
		return err;
	if (acting.question.format == FORMAT_CSV)
		activity_report_write_csv(&out, report);
	else
		activity_report_write(&out, report);
	reply_report(reply, &acting.question, "user-activity", &out);
	return OK;
}

/* clang-format off */
const struct route analytics_routes[] = {
	{HTTP_POST, "/analytics/event", post_event, ANYONE, ROUTE_BODY | ROUTE_IDEMPOTENT},
	{HTTP_GET, "/analytics/sales", get_sales, ROLE_VENDOR | ROLE_ADMIN, ROUTE_QUERY},
	{HTTP_GET, "/analytics/user-activity", get_user_activity, ROLE_ADMIN, ROUTE_QUERY},
	{0},
};
/* clang-format on */
