/*
 * The pools: one for each kind of work that takes long. Their sizes are settings; a caller's share is
 * half of the places of each.
 */
#include <stdio.h>
#include <string.h>

#include "base/config.h"
#include "base/time.h"
#include "platform/internal.h"
#include "runtime/pool.h"

#define WAIT_MS (10 * SECOND_MS)
#define CALLER_PART 2 /* one caller may have one place of so many */

static const struct {
	const char *name, *parallel, *queue; /* the last two are settings */
	int niceness; /* requests of customers, who wait for them, come first */
} kinds[WORK_KINDS] = {
	[WORK_SEARCH] = {"search", "search-parallel", "search-queue", 10},
	[WORK_LIST] = {"list", "list-parallel", "list-queue", 0},
	[WORK_REPORT] = {"report", "report-parallel", "report-queue", 15},
	[WORK_UPLOAD] = {"upload", "upload-parallel", "upload-queue", 10},
	[WORK_PASSWORD] = {"password", "password-parallel", "password-queue", 0},
	[WORK_REGISTRATION] = {"registration", "registration-parallel", "registration-queue", 5},
};

static struct pool *pools[WORK_KINDS];

void work_open(void)
{
	for (size_t i = 0; i < WORK_KINDS; i++) {
		struct pool_options options = {
			.name = kinds[i].name,
			.threads = (size_t)config_int(kinds[i].parallel),
			.queue_max = (size_t)config_int(kinds[i].queue),
			.niceness = kinds[i].niceness,
		};

		if (config_flag("rate-limits"))
			options.caller_max =
				MAX((options.threads + options.queue_max) / CALLER_PART, (size_t)1);
		pools[i] = pool_new(&options);
	}
}

void work_close(void)
{
	for (size_t i = 0; i < WORK_KINDS; i++) {
		pool_free(pools[i]);
		pools[i] = NULL;
	}
}

size_t work_readers(void)
{
	return (size_t)(config_int("search-parallel") + config_int("list-parallel") +
			config_int("report-parallel"));
}

/* The client's request, where a service asks another one for it. */
static const struct request *outermost(const struct request *req)
{
	while (req->outer)
		req = req->outer;
	return req;
}

/* Whose share it takes. Anybody can make any number of accounts, so theirs is that of their address.
 * NULL: the platform's own. */
static const char *sharer_name(const struct request *client, char name[static CALLER_NAME_SIZE])
{
	if (client->caller.roles & (ROLE_ADMIN | ROLE_SERVICE))
		return caller_name(client, name) ? name : NULL;
	snprintf(name, CALLER_NAME_SIZE, "address %s", client->client_network);
	return name;
}

static bool client_is_gone(const void *client)
{
	const struct request *req = client;

	return req->client_is_gone && req->client_is_gone(req);
}

enum err request_work(const struct request *req, enum work_kind kind, void (*fn)(void *arg),
		      void *arg)
{
	const struct request *client = outermost(req);
	char who[CALLER_NAME_SIZE];
	const struct pool_work work = {
		.fn = fn,
		.arg = arg,
		.caller = sharer_name(client, who),
		.client_is_gone = client_is_gone,
		.client = client,
	};

	return pool_run(pools[kind], &work, WAIT_MS);
}

/* --- reading ---------------------------------------------------------------------------------- */

struct reading {
	struct database *database;
	sql_body *body;
	void *arg;
	enum err err;
};

static void read_here(void *arg)
{
	struct reading *reading = arg;

	reading->err = sql_read(reading->database, reading->body, reading->arg);
}

enum err request_read_long(const struct request *req, enum work_kind kind, sql_body *body,
			   void *arg)
{
	const struct running_service *service = req->service;
	struct reading reading = {.database = service->database, .body = body, .arg = arg};
	enum err err = request_work(req, kind, read_here, &reading);

	return err ? err : reading.err;
}
