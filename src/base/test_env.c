/* The real world is plausible, and another one takes its place wholly. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/env.h"

static int64_t fake_now_ms(void *world)
{
	return *(int64_t *)world;
}

static int64_t fake_monotonic_ns(void *world)
{
	return *(int64_t *)world * 1000000 + 999999;
}

static void fake_random(void *world, void *bytes, size_t length)
{
	(void)world;
	memset(bytes, 0xab, length);
}

static void test_real_clocks(void **state)
{
	int64_t before = env_monotonic_ns();

	(void)state;
	/* After 2024 and before 2100. */
	assert_true(env_now_ms() > INT64_C(1704067200000));
	assert_true(env_now_ms() < INT64_C(4102444800000));
	usleep(2000);
	assert_true(env_monotonic_ns() - before >= 2000000);
	assert_true(env_monotonic_ms() >= before / 1000000);
}

static void test_another_world(void **state)
{
	int64_t now_ms = 1234567;
	struct env env = {fake_now_ms, fake_monotonic_ns, fake_random, &now_ms};
	unsigned worlds = env_world_count();
	uint32_t number;

	(void)state;
	env_set(&env);
	assert_int_equal(env_now_ms(), 1234567);
	now_ms++;
	assert_int_equal(env_now_ms(), 1234568);
	assert_int_equal(env_monotonic_ms(), 1234568);
	env_random(&number, sizeof(number));
	assert_int_equal(number, 0xabababab);
	env_set(NULL);
	assert_true(env_now_ms() > INT64_C(1704067200000));
	assert_int_equal(env_world_count(), worlds + 2);
}

static void test_random_fills_all_and_repeats_nothing(void **state)
{
	static const size_t lengths[] = {1, 7, 16, 127, 128, 129, 500, 5000};
	uint8_t all[5000], seen[2000][8];

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(lengths); i++) {
		uint8_t any[5001] = {0};

		/* A byte that stays zero in all of 16 tries was never written. */
		for (int try = 0; try < 16; try++) {
			env_random(all, lengths[i]);
			for (size_t at = 0; at < lengths[i]; at++)
				any[at] |= all[at];
		}
		for (size_t at = 0; at < lengths[i]; at++)
			assert_true(any[at]);
	}
	for (size_t i = 0; i < ARRAY_LENGTH(seen); i++) {
		env_random(seen[i], sizeof(seen[i]));
		for (size_t before = 0; before < i; before++)
			assert_memory_not_equal(seen[before], seen[i], sizeof(seen[i]));
	}
	env_random(NULL, 0);
}

static void test_a_child_has_its_own_randomness(void **state)
{
	uint8_t ours[16], theirs[16];
	int pipe_ends[2], status;
	pid_t child;

	(void)state;
	env_random(ours, sizeof(ours));
	assert_int_equal(pipe(pipe_ends), 0);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		env_random(theirs, sizeof(theirs));
		_exit(write(pipe_ends[1], theirs, sizeof(theirs)) != sizeof(theirs));
	}
	env_random(ours, sizeof(ours));
	assert_int_equal(read(pipe_ends[0], theirs, sizeof(theirs)), sizeof(theirs));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_memory_not_equal(ours, theirs, sizeof(ours));
	close(pipe_ends[0]);
	close(pipe_ends[1]);
}

static void test_below_is_even(void **state)
{
	int counts[6] = {0};

	(void)state;
	for (int i = 0; i < 60000; i++) {
		uint32_t number = env_random_below(6);

		assert_true(number < 6);
		counts[number]++;
	}
	/* 10000 each; ten standard deviations are about 913. */
	for (int i = 0; i < 6; i++)
		assert_in_range(counts[i], 9000, 11000);
	assert_int_equal(env_random_below(1), 0);
	/* Two thirds of 2^32: without care, the lower half of the numbers comes twice as often. */
	counts[0] = 0;
	for (int i = 0; i < 30000; i++)
		counts[0] += env_random_below(UINT32_C(2863311531)) < UINT32_C(1431655765);
	assert_in_range(counts[0], 14000, 16000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_real_clocks),
		cmocka_unit_test(test_another_world),
		cmocka_unit_test(test_random_fills_all_and_repeats_nothing),
		cmocka_unit_test(test_a_child_has_its_own_randomness),
		cmocka_unit_test(test_below_is_even),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
