/* The suite of Analytics' store, run over each of its engines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/test_directory.h"
#include "services/analytics/store.h"

#define PAID_MS INT64_C(1000000)

extern const struct migration analytics_migrations[];

struct place {
	char directory[TEST_DIRECTORY_SIZE];
	struct arena *arena;
	struct database *database;
	struct id lamp, rug, anna, bert; /* products, and whose they are */
};

static int setup(void **state)
{
	static const struct migration_set set = {"analytics", analytics_migrations};
	static const struct migration_set *const sets[] = {&set, NULL};
	struct place *place = must_alloc(sizeof(*place));
	struct database_options options = {
		.name = "analytics", .migration_sets = sets, .queue_max = 100};
	const char *why = "";

	if (test_directory_make(place->directory))
		return -1;
	place->arena = arena_new();
	options.directory = place->directory;
	if (database_open(&options, place->arena, &place->database, &why))
		fail_msg("%s", why);
	place->lamp = id_new();
	place->rug = id_new();
	place->anna = id_new();
	place->bert = id_new();
	*state = place;
	return 0;
}

static int teardown(void **state)
{
	struct place *place = *state;
	int failed;

	database_close(place->database);
	arena_free(place->arena);
	failed = test_directory_remove(place->directory);
	free(place);
	return failed;
}

/* --- one body for all ------------------------------------------------------------------------- */

struct step {
	struct place *place;
	enum err (*run)(struct sql *sql, struct step *step);
	struct sale sale;
	struct sale_line lines[2];
	struct refund refund;
	struct activity activity;
	struct sales_scope scope;
	struct range range;
	struct sales_sum sum;
	enum grouping grouping;
	struct sales_group *groups;
	struct activity_sum active;
	struct type_count *types;
	size_t count;
	int64_t users;
};

static enum err run_step(struct sql *sql, void *arg)
{
	struct step *step = arg;

	return step->run(sql, step);
}

static void run(struct step *step, enum err (*fn)(struct sql *sql, struct step *step))
{
	step->run = fn;
	assert_int_equal(sql_transaction(step->place->database, run_step, step), OK);
}

static enum err sell(struct sql *sql, struct step *step)
{
	enum err err = sales_insert(sql, &step->sale);

	return err ? err : refunds_share_out(sql, &step->sale.order, step->place->arena);
}

static enum err give_back(struct sql *sql, struct step *step)
{
	enum err err = refunds_insert(sql, &step->refund);

	return err ? err : refunds_share_out(sql, &step->refund.order, step->place->arena);
}

static enum err sum(struct sql *sql, struct step *step)
{
	return sales_sum(sql, &step->scope, step->range, &step->sum);
}

static enum err group(struct sql *sql, struct step *step)
{
	return sales_groups(sql, &step->scope, step->range, step->grouping, step->place->arena,
			    &step->groups, &step->count);
}

static enum err name_lamp(struct sql *sql, struct step *step)
{
	return products_set_name(sql, &step->place->lamp, "Lamp");
}

static enum err act(struct sql *sql, struct step *step)
{
	return activity_insert(sql, &step->activity);
}

static enum err count_activity(struct sql *sql, struct step *step)
{
	enum err err = activity_sum(sql, step->range, &step->active);

	if (!err)
		err = activity_types(sql, step->range, step->place->arena, &step->types,
				     &step->count);
	if (!err)
		err = activity_users(sql, step->range, "view", &step->users);
	return err;
}

/* An order of two lamps of Anna's for 30, and a rug of Bert's for 70. */
static struct step *step_of(struct place *place)
{
	struct step *step = ARENA_NEW(place->arena, struct step);

	*step = (struct step){
		.place = place,
		.lines =
			{
				{place->lamp, place->anna, "home/lamps", 2, 30},
				{place->rug, place->bert, "home/rugs", 1, 70},
			},
		.sale =
			{
				.order = id_new(),
				.paid_ms = PAID_MS,
				.currency = "EUR",
				.country = "DE",
				.units = 3,
				.revenue = 100,
				.line_count = 2,
			},
		.scope.currency = "EUR",
		.range = {0, 2 * PAID_MS},
	};
	step->sale.lines = step->lines;
	step->refund = (struct refund){
		.id = id_new(),
		.order = step->sale.order,
		.at_ms = PAID_MS + 5,
		.amount = {.amount = 50, .currency = "EUR"},
	};
	return step;
}

static void assert_sum(struct step *step, int64_t orders, int64_t units, int64_t revenue,
		       int64_t refunds)
{
	run(step, sum);
	assert_int_equal(step->sum.orders, orders);
	assert_int_equal(step->sum.units, units);
	assert_int_equal(step->sum.revenue, revenue);
	assert_int_equal(step->sum.refunds, refunds);
}

/* --- tests ------------------------------------------------------------------------------------ */

static void test_facts_count_once(void **state)
{
	struct step *step = step_of(*state);

	for (int i = 0; i < 3; i++) {
		run(step, sell);
		run(step, give_back);
	}
	assert_sum(step, 1, 3, 100, 50);
}

static void test_a_refund_may_come_first(void **state)
{
	struct step *step = step_of(*state);

	run(step, give_back);
	assert_sum(step, 0, 0, 0, 0);
	run(step, sell);
	assert_sum(step, 1, 3, 100, 50);
}

static void test_a_vendor_sees_its_lines(void **state)
{
	struct place *place = *state;
	struct step *step = step_of(place);

	run(step, sell);
	run(step, give_back);
	step->scope.vendor = &place->anna;
	assert_sum(step, 1, 2, 30, 15);
	step->scope.vendor = &place->bert;
	assert_sum(step, 1, 1, 70, 35);
	step->scope.vendor = &place->lamp;
	assert_sum(step, 0, 0, 0, 0);
}

static void test_ranges_and_currencies(void **state)
{
	struct step *step = step_of(*state);

	run(step, sell);
	run(step, give_back);
	step->range = (struct range){PAID_MS, PAID_MS + 1};
	assert_sum(step, 1, 3, 100, 0);
	step->range = (struct range){PAID_MS + 1, PAID_MS + 6};
	assert_sum(step, 0, 0, 0, 50);
	step->range = (struct range){0, PAID_MS};
	assert_sum(step, 0, 0, 0, 0);
	step->range = (struct range){0, 2 * PAID_MS};
	step->scope.currency = "USD";
	assert_sum(step, 0, 0, 0, 0);
}

static void test_groups(void **state)
{
	struct place *place = *state;
	struct step *step = step_of(place);

	run(step, sell);
	step->sale.order = id_new();
	run(step, sell);
	run(step, name_lamp);

	step->grouping = GROUP_PRODUCT;
	run(step, group);
	assert_int_equal(step->count, 2);
	assert_string_equal(step->groups[0].key, id_text(place->arena, &place->rug));
	assert_int_equal(step->groups[0].revenue, 140);
	assert_null(step->groups[0].name);
	assert_string_equal(step->groups[1].name, "Lamp");
	assert_int_equal(step->groups[1].orders, 2);
	assert_int_equal(step->groups[1].units, 4);

	step->grouping = GROUP_COUNTRY;
	run(step, group);
	assert_int_equal(step->count, 1);
	assert_string_equal(step->groups[0].key, "DE");
	assert_int_equal(step->groups[0].orders, 2);
	assert_int_equal(step->groups[0].revenue, 200);

	step->grouping = GROUP_CATEGORY;
	step->scope.vendor = &place->anna;
	run(step, group);
	assert_int_equal(step->count, 1);
	assert_string_equal(step->groups[0].key, "home/lamps");

	step->grouping = GROUP_VENDOR;
	run(step, group);
	assert_string_equal(step->groups[0].key, id_text(place->arena, &place->anna));
}

static void test_activity(void **state)
{
	struct place *place = *state;
	struct step *step = step_of(place);
	const struct activity acts[] = {
		{.type = "view", .at_ms = 1, .user = place->anna, .session = "a"},
		{.type = "view", .at_ms = 2, .user = place->anna, .session = "a"},
		{.type = "view", .at_ms = 3, .session = "c"},
		{.type = "cart", .at_ms = 4, .user = place->bert, .properties = "{}"},
		{.type = "view", .at_ms = 9, .user = place->bert},
	};

	for (size_t i = 0; i < ARRAY_LENGTH(acts); i++) {
		step->activity = acts[i];
		step->activity.id = id_new();
		run(step, act);
		run(step, act);
	}
	step->range = (struct range){1, 9};
	run(step, count_activity);
	assert_int_equal(step->active.users, 2);
	assert_int_equal(step->active.sessions, 2);
	assert_int_equal(step->active.events, 4);
	assert_int_equal(step->count, 2);
	assert_string_equal(step->types[0].type, "view");
	assert_int_equal(step->types[0].count, 3);
	assert_int_equal(step->users, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_facts_count_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_refund_may_come_first, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_vendor_sees_its_lines, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ranges_and_currencies, setup, teardown),
		cmocka_unit_test_setup_teardown(test_groups, setup, teardown),
		cmocka_unit_test_setup_teardown(test_activity, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
