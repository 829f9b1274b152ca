/* What the aggregates of sqlite_sums.c tell of rows, asked as souk audit asks them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>

#include "store/test_place.h"

static const struct migration migrations[] = {
	{1, "CREATE TABLE things (n INTEGER PRIMARY KEY, a, b)"},
	{0, NULL},
};
static const struct migration_set set = {"things", migrations};
static const struct migration_set *const sets[] = {&set, NULL};
static const char *const beside[] = {NULL};

static int setup(void **state)
{
	struct place *place = place_make(sets);

	place->reader = place_open(place, (struct database_options){.migration_sets = sets,
								    .read_only = true,
								    .beside = beside});
	*state = place;
	return 0;
}

static int teardown(void **state)
{
	return place_remove(*state);
}

static enum err run_text(struct sql *sql, void *arg)
{
	return sql_run(sql, arg);
}

struct asking {
	const char *text;
	bool answer;
};

static enum err ask(struct sql *sql, void *arg)
{
	struct asking *asking = arg;
	struct sql_rows *rows = sql_query(sql, asking->text);
	bool *ret_answer = &asking->answer;

	return SQL_TAKE(rows, ret_answer, sql_get_bool(rows, 0));
}

/* Whether it holds of the things (n, a, b) of `values`. */
static bool holds(struct place *place, const char *values, const char *text)
{
	struct asking asking = {.text = text};
	char *insert = arena_printf(place->arena, "INSERT INTO things VALUES %s", values);
	char clear[] = "DELETE FROM things";

	assert_int_equal(sql_transaction(place->database, run_text, clear), OK);
	assert_int_equal(sql_transaction(place->database, run_text, insert), OK);
	assert_int_equal(sql_read(place->reader, ask, &asking), OK);
	return asking.answer;
}

static void sums_of_the_same_are_equal(void **state)
{
	static const char halves[] = "SELECT (SELECT row_sum(n, a, b) FROM things WHERE n < 10)"
				     " = (SELECT row_sum(n - 10, a, b) FROM things WHERE n > 10)";
	struct place *place = *state;

	assert_true(
		holds(place, "(1, 'x', 1), (2, 'y', NULL), (11, 'x', 1), (12, 'y', NULL)", halves));
	/* In another order, and parted otherwise. */
	assert_true(holds(place,
			  "(1, 'y', 2), (3, 'x', 1), (11, 'x', 1), (12, 'x', 1), (-1, 'y', 2)",
			  "SELECT (SELECT row_sum(n, a, b) FROM things WHERE a = 'x' AND n = 3) ="
			  " (SELECT row_sum(n - 10, a, b) FROM things WHERE a = 'x' AND n > 10)"));
	assert_true(holds(place, "(1, 'x', 1), (-1, 'x', 1)",
			  "SELECT (SELECT row_sum(n, a, b) FROM things)"
			  " = (SELECT row_sum(n, a) FROM things WHERE n = 0)"));
	assert_true(holds(place, "(1, 'x', 1), (2, 'y', 2), (3, 'z', 3)",
			  "SELECT sum_of((SELECT row_sum(n, a) FROM things WHERE n < 3),"
			  " (SELECT row_sum(n, a) FROM things WHERE n = 3))"
			  " = (SELECT row_sum(n, a) FROM things)"));
}

static void sums_of_others_differ(void **state)
{
	static const char halves[] = "SELECT (SELECT row_sum(1, a, b) FROM things WHERE n < 10)"
				     " = (SELECT row_sum(1, a, b) FROM things WHERE n > 10)";
	struct place *place = *state;

	assert_false(holds(place, "(1, 'x', 1), (11, 'x', 2)", halves));
	assert_false(holds(place, "(1, 'x', 1), (11, 'x', '1')", halves));
	assert_false(holds(place, "(1, 'x', NULL), (11, 'x', '')", halves));
	assert_false(holds(place, "(1, 'x', 'a'), (11, 'x', x'61')", halves));
	assert_false(holds(place, "(1, 'xy', 'z'), (11, 'x', 'yz')", halves));
	assert_false(holds(place, "(1, 'x', 1), (2, 'y', 2), (11, 'x', 2), (12, 'y', 1)", halves));
	assert_false(holds(place, "(1, 'x', 1), (2, 'x', 1), (11, 'x', 1)", halves));
	/* However long they are. */
	assert_false(holds(place,
			   "(1, zeroblob(600), 1), (11, CAST(zeroblob(599) || 'x' AS BLOB), 1)",
			   halves));
}

static void rows_are_in_order_or_not(void **state)
{
	struct place *place = *state;
	const char *order = "SELECT in_order(0, 0, a, b) FROM things";

	assert_true(holds(place, "(1, NULL, 1), (2, 5, 1), (3, 5, 2), (4, 'x', 0), (5, x'00', 0)",
			  order));
	assert_true(holds(place, "(1, 'x', 1), (2, 'xx', 0)", order));
	assert_true(holds(place, "(1, 'x', 1)", order));
	assert_true(
		holds(place, "(1, 'x', 1)", "SELECT in_order(0, 0, a) FROM things WHERE n = 2"));
	assert_false(holds(place, "(1, 'x', 2), (2, 'x', 1)", order));
	assert_false(holds(place, "(1, 'x', 1), (2, 'x', 1)", order));
	assert_false(holds(place, "(1, 'x', 1), (2, 'z', 1), (3, 'y', 1), (4, 'zz', 1)", order));
	/* Told apart without case. */
	assert_false(holds(place, "(1, 'X', 2), (2, 'x', 1)",
			   "SELECT in_order(0, 1, a, b) FROM things"));
	assert_true(holds(place, "(1, 'X', 2), (2, 'x', 1)", order));
}

static void no_two_rows_have_what_is_unique(void **state)
{
	struct place *place = *state;
	const char *order = "SELECT in_order(1, 0, a, b) FROM things";

	assert_true(holds(place, "(1, 'x', 1), (2, 'y', 1)", order));
	assert_false(holds(place, "(1, 'x', 1), (2, 'x', 2)", order));
	assert_true(holds(place, "(1, NULL, 1), (2, NULL, 2)", order));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(sums_of_the_same_are_equal),
		TEST(sums_of_others_differ),
		TEST(rows_are_in_order_or_not),
		TEST(no_two_rows_have_what_is_unique),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
