/* Events: the envelope, and the way into the outbox. */
#include "events/event.h"

#include <string.h>

#include "base/time.h"
#include "contract/events.h"
#include "events/internal.h"

extern const struct migration events_migrations[];

const struct migration_set events_migration_set = {
	.name = "events",
	.migrations = events_migrations,
};

static const struct {
	const char *type;
	const char *source;
} known[] = {
#define EVENT(type, source) {#type, #source},
	SOUK_EVENTS(EVENT)
#undef EVENT
};

const char *event_source(const char *type)
{
	size_t i;

	for (i = 0; i < ARRAY_LENGTH(known); i++)
		if (strcmp(known[i].type, type) == 0)
			return known[i].source;
	return NULL;
}

void events_each(void (*visit)(const char *type, const char *source, void *arg), void *arg)
{
	size_t i;

	for (i = 0; i < ARRAY_LENGTH(known); i++)
		visit(known[i].type, known[i].source, arg);
}

/* The type as it stands in `known`, which lives forever. */
static const char *known_type(const char *type)
{
	for (size_t i = 0; i < ARRAY_LENGTH(known); i++)
		if (strcmp(known[i].type, type) == 0)
			return known[i].type;
	return NULL;
}

struct out *event_data(struct sql *sql, struct arena *arena)
{
	return told_data(told_new(sql, arena));
}

enum err event_publish(struct sql *sql, const char *type, const struct id *subject,
		       const char *traceparent, struct out *data)
{
	const struct event event = {
		.id = id_new(),
		.type = known_type(type),
		.source = event_source(type),
		.subject = *subject,
		.time_ms = sql_now_ms(sql),
		.traceparent = traceparent,
		.json = out_kept(data),
	};
	enum err err;

	assert(event.source && strcmp(event.source, sql_database_name(sql)) == 0);
	err = sql_run(sql,
		      "INSERT INTO outbox (id, type, subject, told_at, traceparent, data)"
		      " VALUES ($1, $2, $3, $4, $5, $6)",
		      sql_id(&event.id), sql_text(event.type), sql_id(&event.subject),
		      sql_int(event.time_ms), sql_text(event.traceparent), sql_text(data->data));
	if (!err)
		told_fill(data, sql_last_number(sql), &event);
	return err;
}

void event_write(struct out *out, const char *name, const struct event *event)
{
	char source[64];

	snprintf(source, sizeof(source), "/services/%s", event->source);
	out_open(out, name);
	out_text(out, "specversion", "1.0");
	out_id(out, "id", &event->id);
	out_text(out, "source", source);
	out_text(out, "type", event->type);
	out_id(out, "subject", &event->subject);
	out_time(out, "time", event->time_ms);
	out_text(out, "traceparent", event->traceparent);
	out_text(out, "datacontenttype", "application/json");
	out_json(out, "data", event->data);
	out_close(out);
}
