/* The platform: opening, starting and closing what runs in this process. */
#include "platform/platform.h"

#include <malloc.h>
#include <string.h>

#include "base/config.h"
#include "base/env.h"
#include "base/log.h"
#include "base/time.h"
#include "events/bus.h"
#include "platform/internal.h"
#include "runtime/fiber.h"
#include "runtime/worker.h"

#define TRIM_EVERY_MS (5 * SECOND_MS)

static struct {
	struct running_service services[SERVICES_MAX];
	size_t count;
	struct router *router;
	struct bus *bus;
	bool started;
} platform;

size_t platform_service_count(void)
{
	return platform.count;
}

struct running_service *platform_service(size_t index)
{
	assert(index < platform.count);
	return &platform.services[index];
}

struct running_service *platform_find(const char *name)
{
	size_t i;

	for (i = 0; i < platform.count; i++)
		if (strcmp(platform.services[i].service->name, name) == 0)
			return &platform.services[i];
	return NULL;
}

struct database *service_database(const struct service *service)
{
	struct running_service *running = platform_find(service->name);

	assert(running);
	return running->database;
}

struct router *platform_router(void)
{
	return platform.router;
}

const struct route *platform_routes(void)
{
	return parked_routes;
}

struct bus *platform_bus(void)
{
	return platform.bus;
}

/* --- the platform's own jobs ------------------------------------------------------------------ */

static void prune_events(void)
{
	enum err err = bus_prune(platform.bus, env_now_ms() - config_int("outbox-days") * DAY_MS);

	if (err)
		log_error("events.prune", "%s", err_info(err)->slug);
}

static void trim(void *arg)
{
	(void)arg;
	malloc_trim(0);
}

/* What a burst of requests needed lies about in pieces that the heap keeps by itself. */
static void give_memory_back(void)
{
	offload(trim, NULL);
}

static const struct job platform_jobs[] = {
	{"events-prune", HOUR_MS, prune_events},
	{"idempotency-expire", HOUR_MS, idempotency_expire},
	{"memory-trim", TRIM_EVERY_MS, give_memory_back},
	{"moments-note", MOMENTS_EVERY_MS, moments_note},
	{"times-mend", 5 * SECOND_MS, times_mend},
	{0},
};

/* --- opening and closing ---------------------------------------------------------------------- */

static enum err open_service(struct running_service *running,
			     const struct platform_options *platform_options, struct arena *arena,
			     const char **ret_why)
{
	const struct service *service = running->service;
	const struct migration_set own = {service->name, service->migrations};
	const struct migration_set *const sets[] = {&events_migration_set, &platform_migration_set,
						    &own, NULL};
	const struct database_options options = {
		.directory = platform_options->directory,
		.name = service->name,
		.migration_sets = sets,
		.queue_max = (size_t)config_int("database-queue"),
		.statement_limit_ms = config_int("statement-limit-ms"),
	};
	enum err err = database_open(&options, arena, &running->database, ret_why);

	if (err)
		return err;
	err = platform_secret_check(running->database, platform_options->directory,
				    platform_options->replace_secret, arena, ret_why);
	if (err)
		database_close(running->database);
	return err;
}

static enum err start_service(struct running_service *running, struct arena *arena,
			      const char **ret_why)
{
	const struct service *service = running->service;
	enum err err = service->start ? service->start(running->database) : OK;

	if (err) {
		*ret_why = arena_printf(arena, "the service %s does not start: %s", service->name,
					err_info(err)->title);
		return err;
	}
	router_add(platform.router, service->routes, running);
	bus_add(platform.bus, service->name, running->database, service->subscriptions,
		service->gather_ms);
	return OK;
}

static void add_absent(const struct service *const *all)
{
	for (; all && *all; all++)
		if (!platform_find((*all)->name))
			bus_add_absent(platform.bus, (*all)->subscriptions);
}

enum err platform_open(const struct platform_options *options, const struct route *edge_routes,
		       struct arena *arena, const char **ret_why)
{
	const struct service *const *service;
	const struct service *const *all = options->all ? options->all : options->services;
	enum err err;
	size_t i;

	assert(!platform.router);
	err = moments_check(options->directory, all, arena, ret_why);
	if (err)
		return err;
	err = platform_secret_open(options->directory, all, options->replace_secret, arena,
				   ret_why);
	if (err)
		return err;
	work_open();
	platform.router = router_new();
	platform.bus = bus_new();
	for (service = options->services; !err && *service; service++) {
		assert(platform.count < SERVICES_MAX);
		platform.services[platform.count].service = *service;
		err = open_service(&platform.services[platform.count], options, arena, ret_why);
		if (!err)
			platform.count++;
	}
	moments_begin();
	for (i = 0; !err && i < platform.count; i++)
		err = start_service(&platform.services[i], arena, ret_why);
	if (err) {
		platform_close();
		return err;
	}
	add_absent(options->all);
	if (edge_routes)
		router_add(platform.router, edge_routes, NULL);
	router_add(platform.router, parked_routes, NULL);
	return OK;
}

void platform_start(void)
{
	size_t i;

	platform.started = true;
	bus_start(platform.bus);
	for (i = 0; i < platform.count; i++)
		if (platform.services[i].service->jobs)
			jobs_start(platform.services[i].service->jobs);
	jobs_start(platform_jobs);
}

void platform_close(void)
{
	size_t i;

	/* What fibers that were cut off have left in them uses the rest. */
	work_close();
	for (i = 0; i < platform.count; i++)
		if (platform.services[i].service->stop)
			platform.services[i].service->stop();
	if (platform.started)
		moments_note();
	for (i = 0; i < platform.count; i++)
		database_close(platform.services[i].database);
	jobs_forget();
	router_free(platform.router);
	bus_free(platform.bus);
	memset(&platform, 0, sizeof(platform));
}

bool platform_drain(int64_t patience_ms)
{
	return bus_drain(platform.bus, patience_ms);
}

/* --- health ----------------------------------------------------------------------------------- */

static enum err look(struct sql *sql, void *arg)
{
	(void)arg;
	return sql_run(sql, "SELECT 1");
}

void platform_check(void (*visit)(const char *service, enum err err, void *arg), void *arg)
{
	size_t i;

	for (i = 0; i < platform.count; i++) {
		struct running_service *running = &platform.services[i];
		enum err err = database_failed(running->database) ? ERR_STORAGE : OK;

		if (!err)
			err = sql_read(running->database, look, NULL);
		visit(running->service->name, err, arg);
	}
}
