/* Guessing is bounded; who guesses locks out nobody else. */
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

static struct attempt from(const char *account, const char *place)
{
	return (struct attempt){.account = account, .place = place};
}

static struct attempt at_home(const char *account, const char *place)
{
	return (struct attempt){.account = account, .place = place, .place_is_known = true};
}

static struct attempt on(const char *device, const char *account, const char *place)
{
	return (struct attempt){.account = account, .place = place, .device = device};
}

static void miss(struct attempt attempt, int times)
{
	while (times-- > 0)
		attempts_failed(&attempt);
}

/* How long it has to wait, in seconds; 0: not at all. */
static int64_t wait_of(struct attempt attempt)
{
	int64_t wait_s = 0;

	return attempts_check(&attempt, &wait_s) ? wait_s : 0;
}

static void who_guesses_waits_and_others_do_not(void **state)
{
	miss(from("ada", "10.0.0.1"), 2);
	assert_int_equal(wait_of(from("ada", "10.0.0.1")), 0);
	miss(from("ada", "10.0.0.1"), 1);
	now_ms += 60 * SECOND_MS;
	assert_int_equal(wait_of(from("ada", "10.0.0.1")), 14 * 60);
	assert_int_equal(wait_of(from("ada", "10.0.0.9")), 0);
	assert_int_equal(wait_of(from("bob", "10.0.0.1")), 0);
}

static void the_window_ends(void **state)
{
	miss(from("ada", "p"), 3);
	now_ms += 15 * MINUTE_MS - 1;
	assert_int_equal(wait_of(from("ada", "p")), 1);
	now_ms += 1;
	assert_int_equal(wait_of(from("ada", "p")), 0);
	/* And begins anew with the next failure. */
	miss(from("ada", "p"), 2);
	assert_int_equal(wait_of(from("ada", "p")), 0);
	miss(from("ada", "p"), 1);
	assert_int_equal(wait_of(from("ada", "p")), 15 * 60);
}

static void a_place_that_tries_many_accounts_waits(void **state)
{
	char account[32];

	for (int i = 0; i < 3 * ATTEMPTS_WIDE; i++) {
		assert_int_equal(wait_of(from("carl", "10.0.0.1")), 0);
		snprintf(account, sizeof(account), "account-%d", i);
		miss(from(account, "10.0.0.1"), 1);
	}
	assert_int_not_equal(wait_of(from("carl", "10.0.0.1")), 0);
	assert_int_not_equal(wait_of(at_home("carl", "10.0.0.1")), 0);
	assert_int_equal(wait_of(on("phone", "carl", "10.0.0.1")), 0);
	assert_int_equal(wait_of(from("carl", "10.0.0.2")), 0);
	assert_int_equal(wait_of(from("carl", NULL)), 0);
}

static void many_places_that_try_one_account_wait_and_its_owner_does_not(void **state)
{
	char place[32];

	for (int i = 0; i < 3 * ATTEMPTS_WIDE; i++) {
		assert_int_equal(wait_of(from("ada", "10.1.0.200")), 0);
		snprintf(place, sizeof(place), "10.1.0.%d", i);
		miss(from("ada", place), 1);
	}
	assert_int_not_equal(wait_of(from("ada", "10.1.0.200")), 0);
	assert_int_equal(wait_of(at_home("ada", "home")), 0);
	assert_int_equal(wait_of(on("phone", "ada", "10.1.0.200")), 0);
	assert_int_equal(wait_of(from("bob", "10.1.0.200")), 0);
	/* But its own place and device may not guess either. */
	miss(at_home("ada", "home"), 3);
	assert_int_not_equal(wait_of(at_home("ada", "home")), 0);
	miss(on("phone", "ada", "new"), 3);
	assert_int_not_equal(wait_of(on("phone", "ada", "elsewhere")), 0);
	assert_int_equal(wait_of(on("laptop", "ada", "new")), 0);
}

static void an_owner_who_is_new_somewhere_has_a_few_tries(void **state)
{
	char place[32];

	for (int i = 0; i < 3 * ATTEMPTS_WIDE; i++) {
		snprintf(place, sizeof(place), "10.1.%d.1", i);
		miss(from("ada", place), 1);
	}
	for (int i = 0; i < ATTEMPTS_FEW; i++) {
		assert_int_equal(wait_of(from("ada", "10.2.0.9")), 0);
		assert_int_equal(wait_of(from("ada", "2001:db8:1:9::/64")), 0);
		snprintf(place, sizeof(place), "10.2.0.%d", i);
		miss(from("ada", place), 1);
		snprintf(place, sizeof(place), "2001:db8:1:%d::/64", i);
		miss(from("ada", place), 1);
	}
	assert_int_not_equal(wait_of(from("ada", "10.2.0.9")), 0);
	assert_int_not_equal(wait_of(from("ada", "2001:db8:1:9::/64")), 0);
	assert_int_equal(wait_of(from("ada", "10.2.1.9")), 0);
	assert_int_equal(wait_of(from("ada", "2001:db8:2:9::/64")), 0);
	/* Where the place is not known there is none. */
	assert_int_not_equal(wait_of(from("ada", NULL)), 0);
}

static void the_right_password_clears_who_knew_it_and_nobody_else(void **state)
{
	struct attempt owner = from("ada", "10.0.0.1");

	for (int i = 0; i < 15; i++) {
		assert_int_equal(wait_of(owner), 0);
		miss(owner, 2);
		attempts_succeeded(&owner);
	}
	/* One who has an account does not guess others' between his own log-ins. */
	assert_int_not_equal(wait_of(owner), 0);
	miss(from("bob", "10.0.0.2"), 3);
	owner = from("bob", "10.0.0.3");
	attempts_succeeded(&owner);
	assert_int_not_equal(wait_of(from("bob", "10.0.0.2")), 0);
}

static void changes_are_counted_by_themselves(void **state)
{
	struct attempt change = {.purpose = ATTEMPT_CHANGE, .account = "ada", .place = "p"};

	miss(from("ada", "p"), 3);
	for (int i = 0; i < 3 * ATTEMPTS_WIDE; i++)
		miss(from("bob", "p"), 1);
	assert_int_equal(wait_of(change), 0);
	miss(change, 3);
	assert_int_not_equal(wait_of(change), 0);
	change.place = "q";
	assert_int_equal(wait_of(change), 0);
	miss(change, 3 * ATTEMPTS_WIDE - 3);
	change.place = "r";
	assert_int_not_equal(wait_of(change), 0);
	assert_int_equal(wait_of(from("ada", "q")), 0);
}

static void names_of_two_kinds_are_two(void **state)
{
	miss(from("10.0.0.1", NULL), 30);
	assert_int_equal(wait_of(from("ada", "10.0.0.1")), 0);
	miss(from("eve", "phone"), 3);
	assert_int_equal(wait_of(on("phone", "eve", "q")), 0);
}

static void without_a_bound_nothing_is_refused(void **state)
{
	attempts_start(0);
	miss(from("ada", "10.0.0.1"), 1000);
	assert_int_equal(wait_of(from("ada", "10.0.0.1")), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(who_guesses_waits_and_others_do_not),
		TEST(the_window_ends),
		TEST(a_place_that_tries_many_accounts_waits),
		TEST(many_places_that_try_one_account_wait_and_its_owner_does_not),
		TEST(an_owner_who_is_new_somewhere_has_a_few_tries),
		TEST(the_right_password_clears_who_knew_it_and_nobody_else),
		TEST(changes_are_counted_by_themselves),
		TEST(names_of_two_kinds_are_two),
		TEST(without_a_bound_nothing_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
