/* Telling admins: what waits to be told, and the job that finds out whom. */
#include "services/notification/admins.h"

#include <stdlib.h>
#include <string.h>

#include "base/env.h"
#include "base/log.h"
#include "runtime/worker.h"
#include "services/notification/rules.h"
#include "services/notification/store.h"
#include "services/notification/tell.h"
#include "services/notification/templates.h"

#define ADMINS_MAX "100" /* who are told: the newest */

/* --- noting ----------------------------------------------------------------------------------- */

static void on_noted(struct sql_hook *hook, bool is_committed)
{
	if (is_committed)
		job_poke(&notification_jobs[JOB_ADMINS]);
	free(hook);
}

enum err admins_note(struct sql *sql, const struct event *event, const char *template_name)
{
	const struct admin_news news = {
		.event = event->id,
		.template_name = template_name,
		.data = json_text(event->arena, event->json),
		.traceparent = event->traceparent,
	};
	struct faults faults = {.arena = event->arena};
	struct sql_hook *hook;
	enum err err;

	template_check(template_find(template_name), event->json, false, "", &faults);
	err = faults_err(&faults);
	if (!err)
		err = admin_news_add(sql, &news);
	if (err)
		return err;
	hook = must_alloc(sizeof(*hook));
	hook->end = on_noted;
	sql_on_end(sql, hook);
	return OK;
}

/* --- telling ---------------------------------------------------------------------------------- */

struct telling {
	struct arena *arena;
	struct admin_news news;
	const json_t *admins; /* users */
	int64_t delay_ms;
};

static enum err find_due(struct sql *sql, void *arg)
{
	struct telling *telling = arg;

	return admin_news_due(sql, telling->arena, &telling->news);
}

static bool is_reachable(const json_t *user)
{
	const char *status = json_get_text(user, "status");

	return status && strcmp(status, "suspended") != 0;
}

static enum err tell_all(struct sql *sql, void *arg)
{
	struct telling *telling = arg;
	struct news news = {
		.arena = telling->arena,
		.event = telling->news.event,
		.traceparent = telling->news.traceparent,
	};
	const json_t *admin;
	json_t *data;
	struct id user;
	enum err err;
	size_t i;

	err = json_parse(telling->arena, telling->news.data, strlen(telling->news.data), &data,
			 NULL);
	news.data = data;
	json_array_foreach (telling->admins, i, admin) {
		if (!err && is_reachable(admin) && json_get_id(admin, "id", &user))
			err = tell(sql, &news, telling->news.template_name, &user, false);
	}
	return err ? err : admin_news_remove(sql, &telling->news.event);
}

static enum err put_off(struct sql *sql, void *arg)
{
	const struct telling *telling = arg;

	return admin_news_put_off(sql, &telling->news.event, telling->delay_ms);
}

/* Where there is nobody to be told, or User does not answer, later. */
static enum err ask_for_admins(struct telling *telling)
{
	const struct call call = {
		.service = "user", .method = HTTP_GET, .path = "/users/admins?limit=" ADMINS_MAX};
	struct call_answer answer;
	const json_t *admin;
	enum err err;
	size_t i;

	err = service_call(telling->arena, &notification_service, NULL, &call, &answer);
	if (!err)
		err = answer.err;
	if (err)
		return err;
	telling->admins = json_object_get(answer.json, "items");
	json_array_foreach (telling->admins, i, admin) {
		if (is_reachable(admin))
			return OK;
	}
	return ERR_NOT_FOUND;
}

/* Whether there may be more. */
static bool tell_next(void)
{
	struct database *database = service_database(&notification_service);
	struct arena *arena = arena_new();
	struct telling telling = {.arena = arena};
	enum err err = sql_read(database, find_due, &telling);
	bool found = err != ERR_NOT_FOUND;

	if (!err)
		err = ask_for_admins(&telling);
	if (!err)
		err = sql_transaction(database, tell_all, &telling);
	if (err && found) {
		log_warning("notification.admins", "no admin is told by %s yet: %s",
			    telling.news.template_name ? telling.news.template_name : "anything",
			    err_info(err)->slug);
		telling.delay_ms = message_retry_delay_ms(telling.news.attempts + 1,
							  env_random_below(RETRY_CHANCES));
		if (sql_transaction(database, put_off, &telling))
			found = false;
	}
	arena_free(arena);
	if (found && !err)
		job_poke(&notification_jobs[JOB_DELIVER]);
	return found;
}

void admins_tell(void)
{
	while (!workers_stopping() && tell_next())
		;
}

enum err admins_mend_times(struct sql *sql, int64_t *ret_count)
{
	return admin_news_mend(sql, RETRY_MOST_MS + TIME_SLACK_MS, ret_count);
}
