/*
 * souk audit: checks every promise that stored data can break, on the data directory of a shop that
 * stands still, runs, or was just killed. It takes no lock and writes nothing.
 *
 * A promise counts as broken where two looks, with a pause between them, find the same thing broken
 * in the same way. What is broken stays so; what a look of a running shop saw half done (see
 * audit_look.c) is done in the next.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/config.h"
#include "base/out.h"
#include "base/time.h"
#include "cli/audit_look.h"
#include "cli/program.h"
#include "runtime/fiber.h"

#define PAUSE_MS SECOND_MS
#define PRINTED_MAX 20 /* of what breaks a rule */

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

	if (again->count)
		qsort(again->violations, again->count, sizeof(*again->violations),
		      compare_violations);
	for (size_t i = 0; again->count && i < finding->count; i++)
		if (bsearch(&finding->violations[i], again->violations, again->count,
			    sizeof(*again->violations), compare_violations))
			finding->violations[kept++] = finding->violations[i];
	finding->count = kept;
}

static enum err look_again(const char *directory, struct audit_look *look, const char **ret_why)
{
	struct audit_look again = {.arena = look->arena};
	struct audit_finding **broken =
		ARENA_ARRAY(look->arena, struct audit_finding *, look->count);
	enum err err;

	again.findings = ARENA_ARRAY(look->arena, struct audit_finding, look->count);
	for (size_t i = 0; i < look->count; i++) {
		if (!look->findings[i].count)
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
		broken += look->findings[i].count > 0;
	return broken;
}

/* --- answers ---------------------------------------------------------------------------------- */

static void print_finding(const struct audit_finding *finding)
{
	printf("%s %s: %s\n", finding->count ? "BROKEN" : "ok    ", finding->rule->name,
	       finding->rule->promise);
	for (size_t i = 0; i < finding->count && i < PRINTED_MAX; i++)
		printf("         %s: %s\n", finding->violations[i].id,
		       finding->violations[i].detail);
	if (finding->count == AUDIT_VIOLATIONS_MAX)
		printf("         and %d more or so\n", AUDIT_VIOLATIONS_MAX - PRINTED_MAX);
	else if (finding->count > PRINTED_MAX)
		printf("         and %zu more\n", finding->count - PRINTED_MAX);
}

static void print_text(const struct audit_look *look)
{
	size_t broken = count_broken(look);

	for (size_t i = 0; i < look->count; i++)
		print_finding(&look->findings[i]);
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
	out_bool(out, "kept", finding->count == 0);
	out_int(out, "violationCount", (int64_t)finding->count);
	out_open_list(out, "violations");
	for (size_t i = 0; i < finding->count && i < PRINTED_MAX; i++) {
		out_open(out, NULL);
		out_text(out, "id", finding->violations[i].id);
		out_text(out, "detail", finding->violations[i].detail);
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

/* Takes --json out of the arguments: it is no setting. */
static bool take_json(int *argc, char **argv)
{
	int kept = 1;

	for (int i = 1; i < *argc; i++)
		if (strcmp(argv[i], "--json") != 0)
			argv[kept++] = argv[i];
	if (kept == *argc)
		return false;
	argv[kept] = NULL;
	*argc = kept;
	return true;
}

int cli_audit(int argc, char **argv)
{
	bool json = take_json(&argc, argv);
	struct audit_look look = {0};
	const char *why = NULL;
	enum err err;
	int left, code;

	if (!program_load_config(argc, argv, &left))
		return 2;
	if (left > 1) {
		fprintf(stderr, "souk: audit takes settings and --json only, not \"%s\"\n",
			argv[1]);
		return 2;
	}
	look.arena = arena_new();
	err = audit_look(config_text("data"), &look, &why);
	if (!err)
		err = look_again(config_text("data"), &look, &why);
	if (err)
		fprintf(stderr, "souk: %s\n", why ? why : err_info(err)->title);
	else if (json)
		print_json(&look);
	else
		print_text(&look);
	code = err ? 2 : count_broken(&look) ? 1 : 0;
	arena_free(look.arena);
	return code;
}
