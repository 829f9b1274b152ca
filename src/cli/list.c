/* souk routes, souk events, souk version: what the program is, as text. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/config.h"
#include "cli/program.h"
#include "gateway/gateway.h"
#include "platform/platform.h"

/* --- routes ----------------------------------------------------------------------------------- */

static const struct {
	unsigned flag;
	const char *word;
} flag_words[] = {
	{ROUTE_BODY, "body"},
	{ROUTE_FORM, "form"},
	{ROUTE_IDEMPOTENT, "idempotent"},
	{ROUTE_OAUTH, "oauth"},
	{ROUTE_LOGIN, "login"},
	{ROUTE_INTERNAL, "internal"},
	{ROUTE_BODY_OPTIONAL, "body-optional"},
	{ROUTE_NO_TOKEN, "no-token"},
	{ROUTE_GUEST_SECRET, "guest-secret"},
	{ROUTE_CLIENT, "client"},
	{ROUTE_PAGE, "page"},
	{ROUTE_QUERY, "query"},
};

static const char *roles_text(struct arena *arena, unsigned who)
{
	const char *text = "";
	unsigned role;

	if (who == ANYONE)
		return "anyone";
	for (role = 1; role <= ROLE_SERVICE; role <<= 1)
		if (who & role)
			text = arena_printf(arena, "%s%s%s", text, *text ? "," : "",
					    role_text((enum role)role));
	return text;
}

static void print_routes(struct arena *arena, const struct route *route)
{
	for (; route->path; route++) {
		const char *flags = "";
		size_t i;

		for (i = 0; i < ARRAY_LENGTH(flag_words); i++)
			if (route->flags & flag_words[i].flag)
				flags = arena_printf(arena, "%s%s%s", flags, *flags ? "," : "",
						     flag_words[i].word);
		printf("%s %s %s %s\n", http_method_text(route->method), route->path,
		       roles_text(arena, route->who), *flags ? flags : "-");
	}
}

int cli_routes(int argc, char **argv)
{
	const struct service *const *service;
	struct arena *arena;

	if (!program_takes_nothing(argc, argv))
		return 2;
	arena = arena_new();
	for (service = program_get()->services; *service; service++)
		print_routes(arena, (*service)->routes);
	print_routes(arena, gateway_routes);
	print_routes(arena, platform_routes());
	arena_free(arena);
	return 0;
}

/* --- events ----------------------------------------------------------------------------------- */

static void print_type(const char *type, const char *source, void *arg)
{
	(void)arg;
	printf("%s %s\n", type, source);
}

struct outbox_reading {
	struct arena *arena;
	const char *service;
};

static enum err print_outbox(struct sql *sql, void *arg)
{
	struct outbox_reading *reading = arg;
	struct sql_rows *rows = sql_query(sql, "SELECT id, type, subject, told_at, traceparent,"
					       " data FROM outbox ORDER BY seq");

	while (sql_next(rows)) {
		struct event event = {
			.id = sql_get_id(rows, 0),
			.type = sql_peek_text(rows, 1),
			.source = reading->service,
			.subject = sql_get_id(rows, 2),
			.time_ms = sql_get_int(rows, 3),
			.traceparent = sql_peek_text(rows, 4),
			.data = sql_peek_text(rows, 5),
		};
		struct out out = out_new(reading->arena);

		event_write(&out, NULL, &event);
		puts(out.data);
		arena_reset(reading->arena);
	}
	return sql_end(rows);
}

static int print_stored(const char *directory)
{
	const struct service *const *service;
	int code = 0;

	for (service = program_get()->services; *service && !code; service++) {
		const struct database_options options = {
			.directory = directory, .name = (*service)->name, .read_only = true};
		struct arena *arena = arena_new();
		struct outbox_reading reading = {.arena = arena, .service = (*service)->name};
		struct database *database = NULL;
		const char *why = NULL;
		enum err err = database_open(&options, arena, &database, &why);

		if (err)
			fprintf(stderr, "souk: %s\n", why);
		else
			err = sql_read(database, print_outbox, &reading);
		code = err ? 1 : 0;
		database_close(database);
		arena_free(arena);
	}
	return code;
}

/* Without arguments the types; with --data DIR what the services of that shop told. */
int cli_events(int argc, char **argv)
{
	bool stored = argc > 1;
	int left;

	if (!program_load_config(argc, argv, &left))
		return 2;
	if (!program_takes_nothing(left, argv))
		return 2;
	if (stored)
		return print_stored(config_text("data"));
	events_each(print_type, NULL);
	return 0;
}

/* --- version ---------------------------------------------------------------------------------- */

int cli_version(int argc, char **argv)
{
	if (!program_takes_nothing(argc, argv))
		return 2;
	puts("souk " SOUK_VERSION);
	return 0;
}
