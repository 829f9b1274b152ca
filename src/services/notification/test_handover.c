/* Handing messages over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "services/notification/handover.h"

static void test_only_what_is_committed_is_taken(void **state)
{
	struct id first = id_new(), second = id_new(), taken[4];

	handover_offer(&first);
	assert_int_equal(handover_take(taken, 4), 0);
	handover_commit();
	handover_offer(&second);
	assert_int_equal(handover_take(taken, 4), 1);
	assert_true(id_equal(&taken[0], &first));
	handover_commit();
	assert_int_equal(handover_take(taken, 4), 1);
	assert_true(id_equal(&taken[0], &second));
}

static void test_it_is_bounded_and_in_order(void **state)
{
	struct id ids[HANDOVER_MAX], taken[HANDOVER_MAX];

	for (size_t i = 0; i < HANDOVER_MAX; i++) {
		assert_true(handover_has_room());
		ids[i] = id_new();
		handover_offer(&ids[i]);
	}
	assert_false(handover_has_room());
	handover_commit();
	assert_int_equal(handover_take(taken, 10), 10);
	assert_true(handover_has_room());
	assert_int_equal(handover_take(taken + 10, HANDOVER_MAX), HANDOVER_MAX - 10);
	assert_memory_equal(taken, ids, sizeof(ids));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_only_what_is_committed_is_taken),
		cmocka_unit_test(test_it_is_bounded_and_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
