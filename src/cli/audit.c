/*
 * souk audit: checks every promise that stored data can break, on the data directory of a shop that
 * stands still, runs, or was just killed. It takes no lock and writes nothing.
 *
 * A promise counts as broken where two looks, with a pause between them, find the same thing broken
 * in the same way. What is broken stays so; what a look of a running shop saw half done (see
 * audit_snapshot.c) is done in the next.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/config.h"
#include "base/out.h"
#include "base/time.h"
#include "cli/audit_look.h"
#include "cli/program.h"
#include "runtime/fiber.h"
#include "runtime/worker.h"

#define PAUSE_MS SECOND_MS
#define PRINTED_MAX 20 /* of what breaks a rule */
#define WORKERS 4      /* at the most: each has connections with caches of their own */
#define FIBERS_MAX 1
#define STOP_PATIENCE_MS SECOND_MS

/* --- two looks -------------------------------------------------------------------------------- */

static int compare_violations(const void *a, const void *b)
{
	const struct audit_violation *first = a, *second = b;
	int order = strcmp(first->id, second->id);

	return order ? order : strcmp(first->detail, second->detail);
}

/* Leaves in `finding` what is in `again` too. */
static void keep_common(struct audit_finding *finding, struct audit_finding *again)
{
	size_t kept = 0;

	if (again->list.count)
		qsort(again->list.violations, again->list.count, sizeof(*again->list.violations),
		      compare_violations);
	for (size_t i = 0; again->list.count && i < finding->list.count; i++)
		if (bsearch(&finding->list.violations[i], again->list.violations, again->list.count,
			    sizeof(*again->list.violations), compare_violations))
			finding->list.violations[kept++] = finding->list.violations[i];
	finding->list.count = kept;
}

static enum err look_again(const char *directory, struct audit_look *look, const char **ret_why)
{
	struct audit_look again = {.arena = look->arena};
	struct audit_finding **broken =
		ARENA_ARRAY(look->arena, struct audit_finding *, look->count);
	enum err err;

	again.findings = ARENA_ARRAY(look->arena, struct audit_finding, look->count);
	for (size_t i = 0; i < look->count; i++) {
		if (!look->findings[i].list.count)
			continue;
		broken[again.count] = &look->findings[i];
		again.findings[again.count++].rule = look->findings[i].rule;
	}
	if (!again.count)
		return OK;
	fiber_sleep(PAUSE_MS);
	err = audit_look(directory, &again, ret_why);
	if (err)
		return err;
	for (size_t i = 0; i < again.count; i++)
		keep_common(broken[i], &again.findings[i]);
	return OK;
}

static size_t count_broken(const struct audit_look *look)
{
	size_t broken = 0;

	for (size_t i = 0; i < look->count; i++)
		broken += look->findings[i].list.count > 0;
	return broken;
}

/* --- answers ---------------------------------------------------------------------------------- */

static void print_finding(const struct audit_finding *finding, bool timings)
{
	printf("%s %s: %s", finding->list.count ? "BROKEN" : "ok    ", finding->rule->name,
	       finding->rule->promise);
	if (timings)
		printf(" (%.2f s)", (double)finding->took_ms / SECOND_MS);
	putchar('\n');
	for (size_t i = 0; i < finding->list.count && i < PRINTED_MAX; i++)
		printf("         %s: %s\n", finding->list.violations[i].id,
		       finding->list.violations[i].detail);
	if (finding->list.count == AUDIT_VIOLATIONS_MAX)
		printf("         and %d more or so\n", AUDIT_VIOLATIONS_MAX - PRINTED_MAX);
	else if (finding->list.count > PRINTED_MAX)
		printf("         and %zu more\n", finding->list.count - PRINTED_MAX);
}

static void print_text(const struct audit_look *look, bool timings)
{
	size_t broken = count_broken(look);

	for (size_t i = 0; i < look->count; i++)
		print_finding(&look->findings[i], timings);
	if (broken)
		printf("%zu of %zu promises are broken", broken, look->count);
	else
		printf("all %zu promises are kept", look->count);
	printf("; orders under way: %lld\n", (long long)look->under_way);
}

static void write_finding(struct out *out, const struct audit_finding *finding)
{
	out_open(out, NULL);
	out_text(out, "name", finding->rule->name);
	out_text(out, "promise", finding->rule->promise);
	out_bool(out, "kept", finding->list.count == 0);
	out_int(out, "tookMs", finding->took_ms);
	out_int(out, "violationCount", (int64_t)finding->list.count);
	out_open_list(out, "violations");
	for (size_t i = 0; i < finding->list.count && i < PRINTED_MAX; i++) {
		out_open(out, NULL);
		out_text(out, "id", finding->list.violations[i].id);
		out_text(out, "detail", finding->list.violations[i].detail);
		out_close(out);
	}
	out_close_list(out);
	out_close(out);
}

static void print_json(const struct audit_look *look)
{
	struct out out = out_new(look->arena);

	out_open(&out, NULL);
	out_bool(&out, "kept", count_broken(look) == 0);
	out_int(&out, "broken", (int64_t)count_broken(look));
	out_int(&out, "underWay", look->under_way);
	out_time(&out, "at", look->at_ms);
	out_open_list(&out, "rules");
	for (size_t i = 0; i < look->count; i++)
		write_finding(&out, &look->findings[i]);
	out_close_list(&out);
	out_close(&out);
	puts(out.data);
}

/* --- the command ------------------------------------------------------------------------------ */

/* Takes an option out of the arguments: it is no setting. */
static bool take_option(int *argc, char **argv, const char *option)
{
	int kept = 1;

	for (int i = 1; i < *argc; i++)
		if (strcmp(argv[i], option) != 0)
			argv[kept++] = argv[i];
	if (kept == *argc)
		return false;
	argv[kept] = NULL;
	*argc = kept;
	return true;
}

/* Looks twice, where the first look finds something. */
static enum err look_twice(struct audit_look *look, const char **ret_why)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	enum err err = workers_start(1 + (size_t)MAX(1, MIN(cores, WORKERS)), FIBERS_MAX);

	if (err)
		return err;
	err = audit_look(config_text("data"), look, ret_why);
	if (!err)
		err = look_again(config_text("data"), look, ret_why);
	workers_stop(STOP_PATIENCE_MS);
	return err;
}

int cli_audit(int argc, char **argv)
{
	bool json = take_option(&argc, argv, "--json");
	bool timings = take_option(&argc, argv, "--timings");
	struct audit_look look = {0};
	const char *why = NULL;
	enum err err;
	int left, code;

	if (!program_load_config(argc, argv, &left))
		return 2;
	if (left > 1) {
		fprintf(stderr,
			"souk: audit takes settings, --json and --timings only, not \"%s\"\n",
			argv[1]);
		return 2;
	}
	look.arena = arena_new();
	err = look_twice(&look, &why);
	if (err)
		fprintf(stderr, "souk: %s\n", why ? why : err_info(err)->title);
	else if (json)
		print_json(&look);
	else
		print_text(&look, timings);
	code = err ? 2 : count_broken(&look) ? 1 : 0;
	arena_free(look.arena);
	return code;
}
