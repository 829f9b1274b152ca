/* Failed log-ins are bounded per account and per address, for a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/env.h"
#include "base/time.h"
#include "services/user/attempts.h"

static int64_t now_ms;

static int64_t world_now_ms(void *world)
{
	(void)world;
	return now_ms;
}

static int64_t world_monotonic_ns(void *world)
{
	(void)world;
	return now_ms * 1000000;
}

static void world_random(void *world, void *bytes, size_t length)
{
	(void)world;
	memset(bytes, 1, length);
}

static const struct env world = {world_now_ms, world_monotonic_ns, world_random, NULL};

static int setup(void **state)
{
	now_ms = 1000000;
	env_set(&world);
	attempts_start(3);
	return 0;
}

static int teardown(void **state)
{
	env_set(NULL);
	return 0;
}

static void miss(const char *account, const char *address, int times)
{
	while (times-- > 0)
		attempts_failed(account, address);
}

static void an_account_waits_after_its_failures(void **state)
{
	int64_t wait_s = 0;

	miss("ada", "10.0.0.1", 2);
	assert_int_equal(attempts_check("ada", "10.0.0.1", &wait_s), OK);
	miss("ada", "10.0.0.1", 1);
	now_ms += 60 * SECOND_MS;
	assert_int_equal(attempts_check("ada", "10.0.0.9", &wait_s), ERR_RATE_LIMITED);
	assert_int_equal(wait_s, 14 * 60);
	assert_int_equal(attempts_check("bob", "10.0.0.1", &wait_s), OK);
}

static void the_window_ends(void **state)
{
	int64_t wait_s;

	miss("ada", NULL, 3);
	now_ms += 15 * MINUTE_MS - 1;
	assert_int_equal(attempts_check("ada", NULL, &wait_s), ERR_RATE_LIMITED);
	assert_int_equal(wait_s, 1);
	now_ms += 1;
	assert_int_equal(attempts_check("ada", NULL, &wait_s), OK);
	/* And begins anew with the next failure. */
	miss("ada", NULL, 2);
	assert_int_equal(attempts_check("ada", NULL, &wait_s), OK);
	miss("ada", NULL, 1);
	assert_int_equal(attempts_check("ada", NULL, &wait_s), ERR_RATE_LIMITED);
}

static void an_address_waits_after_ten_times_as_many(void **state)
{
	int64_t wait_s;
	char account[32];

	for (int i = 0; i < 3 * ATTEMPTS_PER_ADDRESS; i++) {
		assert_int_equal(attempts_check("carl", "10.0.0.1", &wait_s), OK);
		snprintf(account, sizeof(account), "account-%d", i);
		miss(account, "10.0.0.1", 1);
	}
	assert_int_equal(attempts_check("carl", "10.0.0.1", &wait_s), ERR_RATE_LIMITED);
	assert_int_equal(attempts_check("carl", "10.0.0.2", &wait_s), OK);
	assert_int_equal(attempts_check("carl", NULL, &wait_s), OK);
}

static void the_right_password_clears_the_account_not_the_address(void **state)
{
	int64_t wait_s;

	miss("ada", "10.0.0.1", 2);
	attempts_succeeded("ada");
	miss("ada", "10.0.0.1", 2);
	assert_int_equal(attempts_check("ada", NULL, &wait_s), OK);
	for (int i = 0; i < 26; i++) {
		miss("ada", "10.0.0.1", 1);
		attempts_succeeded("ada");
	}
	assert_int_equal(attempts_check("ada", "10.0.0.1", &wait_s), ERR_RATE_LIMITED);
}

static void an_account_and_an_address_of_one_name_are_two(void **state)
{
	int64_t wait_s;

	miss("10.0.0.1", NULL, 30);
	assert_int_equal(attempts_check("ada", "10.0.0.1", &wait_s), OK);
}

static void without_a_bound_nothing_is_refused(void **state)
{
	int64_t wait_s;

	attempts_start(0);
	miss("ada", "10.0.0.1", 1000);
	assert_int_equal(attempts_check("ada", "10.0.0.1", &wait_s), OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_account_waits_after_its_failures),
		TEST(the_window_ends),
		TEST(an_address_waits_after_ten_times_as_many),
		TEST(the_right_password_clears_the_account_not_the_address),
		TEST(an_account_and_an_address_of_one_name_are_two),
		TEST(without_a_bound_nothing_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
