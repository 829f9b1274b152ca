/* Handing messages over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/test_directory.h"
#include "services/notification/handover.h"

static struct {
	char directory[TEST_DIRECTORY_SIZE];
	struct arena *arena;
	struct database *database;
} place;

static int setup(void **state)
{
	static const struct migration_set *const sets[] = {NULL};
	struct database_options options = {
		.name = "notification", .migration_sets = sets, .queue_max = 10};
	const char *why = "";

	(void)state;
	if (test_directory_make(place.directory))
		return -1;
	place.arena = arena_new();
	options.directory = place.directory;
	if (database_open(&options, place.arena, &place.database, &why))
		fail_msg("%s", why);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	database_close(place.database);
	arena_free(place.arena);
	return test_directory_remove(place.directory);
}

struct offering {
	struct id ids[HANDOVER_MAX];
	size_t count;
	enum err result;
};

static enum err offer(struct sql *sql, void *arg)
{
	const struct offering *offering = arg;
	struct id taken;

	for (size_t i = 0; i < offering->count; i++) {
		assert_true(handover_has_room());
		handover_offer(sql, &offering->ids[i]);
	}
	assert_int_equal(handover_take(&taken, 1), 0);
	assert_int_equal(handover_has_room(), offering->count < HANDOVER_MAX);
	return offering->result;
}

static struct offering offer_some(size_t count, enum err result)
{
	struct offering offering = {.count = count, .result = result};

	for (size_t i = 0; i < count; i++)
		offering.ids[i] = id_new();
	assert_int_equal(sql_transaction(place.database, offer, &offering), result);
	return offering;
}

static void test_only_what_is_committed_is_taken(void **state)
{
	struct offering kept;
	struct id taken[4];

	offer_some(2, ERR_CONFLICT);
	assert_int_equal(handover_take(taken, 4), 0);
	kept = offer_some(2, OK);
	assert_int_equal(handover_take(taken, 4), 2);
	assert_memory_equal(taken, kept.ids, sizeof(kept.ids[0]) * 2);
	assert_int_equal(handover_take(taken, 4), 0);
}

static void test_it_is_bounded_and_in_order(void **state)
{
	struct id taken[HANDOVER_MAX];
	struct offering kept;

	offer_some(HANDOVER_MAX, ERR_CONFLICT);
	assert_true(handover_has_room());
	kept = offer_some(HANDOVER_MAX, OK);
	assert_false(handover_has_room());
	assert_int_equal(handover_take(taken, 10), 10);
	assert_true(handover_has_room());
	assert_int_equal(handover_take(taken + 10, HANDOVER_MAX), HANDOVER_MAX - 10);
	assert_memory_equal(taken, kept.ids, sizeof(kept.ids));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_only_what_is_committed_is_taken),
		cmocka_unit_test(test_it_is_bounded_and_in_order),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
