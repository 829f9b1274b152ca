/* Workers, fibers, limiters and watches, as those who use them see them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/env.h"
#include "runtime/fiber.h"
#include "runtime/limiter.h"
#include "runtime/watch.h"
#include "runtime/worker.h"

#define WORKERS 2
#define FIBERS_MAX 64
#define PATIENCE_MS 20000

static atomic_int ended;

/* Runs `main` as a fiber on `worker`; the test waits with all_ended(n). */
static void all_ended(int count)
{
	int64_t deadline_ms = env_monotonic_ms() + PATIENCE_MS;

	while (atomic_load(&ended) < count) {
		assert_true(env_monotonic_ms() < deadline_ms);
		(void)fiber_ticket();
		fiber_park(1);
	}
}

static int setup(void **state)
{
	(void)state;
	atomic_store(&ended, 0);
	return workers_start(WORKERS, FIBERS_MAX);
}

static int teardown(void **state)
{
	(void)state;
	workers_stop(PATIENCE_MS);
	return 0;
}

/* --- fibers ----------------------------------------------------------------------------------- */

static struct ticket sleeping_ticket;
static atomic_bool sleeping;
static atomic_int woken;

static void sleeper(void *arg)
{
	(void)arg;
	sleeping_ticket = fiber_ticket();
	atomic_store(&sleeping, true);
	atomic_store(&woken, fiber_park(WAIT_FOREVER) ? 1 : -1);
	atomic_fetch_add(&ended, 1);
}

static void a_parked_fiber_is_woken_from_another_thread(void **state)
{
	(void)state;
	atomic_store(&sleeping, false);
	fiber_start_on(1, sleeper, NULL);
	while (!atomic_load(&sleeping))
		sched_yield();
	fiber_wake(sleeping_ticket);
	all_ended(1);
	assert_int_equal(atomic_load(&woken), 1);
}

static void early_and_late(void *arg)
{
	struct ticket early, late;
	int *result = arg;

	early = fiber_ticket();
	fiber_wake(early);
	*result = fiber_park(PATIENCE_MS) ? 1 : 0;
	late = fiber_ticket();
	*result |= fiber_park(1) ? 0 : 2;
	fiber_wake(late);
	(void)fiber_ticket();
	*result |= fiber_park(20) ? 0 : 4;
	atomic_fetch_add(&ended, 1);
}

static void an_early_wake_is_kept_and_a_late_one_meets_nobody(void **state)
{
	int result = 0;

	(void)state;
	fiber_start_on(0, early_and_late, &result);
	all_ended(1);
	assert_int_equal(result, 7);
}

static void count_on_offload(void *arg)
{
	assert_false(worker_here());
	atomic_fetch_add((atomic_int *)arg, 1);
}

static void offloader(void *arg)
{
	size_t index = worker_index();

	offload(count_on_offload, arg);
	assert_int_equal(worker_index(), index);
	atomic_fetch_add(&ended, 1);
}

static void offloaded_work_runs_elsewhere_and_comes_back(void **state)
{
	atomic_int count = 0;
	int i;

	(void)state;
	for (i = 0; i < 50; i++)
		fiber_start_on((size_t)i % WORKERS, offloader, &count);
	all_ended(50);
	assert_int_equal(atomic_load(&count), 50);
}

static atomic_int refused;

static void waits(void *arg)
{
	(void)arg;
	fiber_sleep(30);
	atomic_fetch_add(&ended, 1);
}

static void fill_worker(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < FIBERS_MAX + 10; i++)
		if (!fiber_start(waits, NULL))
			atomic_fetch_add(&refused, 1);
}

static void fibers_are_bounded(void **state)
{
	(void)state;
	atomic_store(&refused, 0);
	worker_post(0, fill_worker, NULL);
	all_ended(FIBERS_MAX);
	assert_int_equal(atomic_load(&refused), 10);
}

static void deep(void *arg)
{
	char page[20000];

	memset(page, 7, sizeof(page));
	*(int *)arg += page[env_random_below(sizeof(page))];
	fiber_sleep(1);
	atomic_fetch_add(&ended, 1);
}

static void stacks_are_used_again(void **state)
{
	int sum = 0, i;

	(void)state;
	for (i = 0; i < 200; i++) {
		fiber_start_on(1, deep, &sum);
		all_ended(i + 1);
	}
	assert_int_equal(sum, 1400);
}

static void sleeps_long(void *arg)
{
	(void)arg;
	fiber_sleep(3600 * 1000);
	assert_true(workers_stopping());
	atomic_fetch_add(&ended, 1);
}

static void stopping_ends_long_waits(void **state)
{
	(void)state;
	assert_int_equal(workers_start(WORKERS, FIBERS_MAX), OK);
	atomic_store(&ended, 0);
	fiber_start_on(0, sleeps_long, NULL);
	fiber_start_on(1, sleeps_long, NULL);
	workers_stop(PATIENCE_MS);
	assert_int_equal(atomic_load(&ended), 2);
}

/* --- limiters --------------------------------------------------------------------------------- */

static struct limiter *limiter;
static atomic_int inside, most_inside, let_in, turned_away;

static void enters(void *arg)
{
	int now, most;

	(void)arg;
	if (limiter_enter(limiter, PATIENCE_MS)) {
		atomic_fetch_add(&turned_away, 1);
	} else {
		now = atomic_fetch_add(&inside, 1) + 1;
		most = atomic_load(&most_inside);
		while (now > most && !atomic_compare_exchange_weak(&most_inside, &most, now))
			;
		fiber_sleep(5);
		atomic_fetch_sub(&inside, 1);
		atomic_fetch_add(&let_in, 1);
		limiter_leave(limiter);
	}
	atomic_fetch_add(&ended, 1);
}

static void a_limiter_bounds_what_runs_and_what_waits(void **state)
{
	int i;

	(void)state;
	limiter = limiter_new("test", 2, 5);
	for (i = 0; i < 20; i++)
		fiber_start_on(0, enters, NULL);
	all_ended(20);
	assert_int_equal(atomic_load(&most_inside), 2);
	assert_int_equal(atomic_load(&let_in), 7);
	assert_int_equal(atomic_load(&turned_away), 13);
	limiter_free(limiter);
}

static void gives_up(void *arg)
{
	*(enum err *)arg = limiter_enter(limiter, 5);
	atomic_fetch_add(&ended, 1);
}

static void who_waits_too_long_is_refused(void **state)
{
	enum err err = OK;

	(void)state;
	limiter = limiter_new("test-timeout", 1, 5);
	assert_int_equal(limiter_enter(limiter, 0), OK);
	fiber_start_on(1, gives_up, &err);
	all_ended(1);
	assert_int_equal(err, ERR_OVERLOADED);
	limiter_leave(limiter);
	assert_int_equal(limiter_enter(limiter, 0), OK);
	limiter_leave(limiter);
	limiter_free(limiter);
}

/* --- watches ---------------------------------------------------------------------------------- */

static atomic_bool watching;

static void watches(void *arg)
{
	struct watch watch;
	struct id *key = arg;

	watch_begin(&watch, key);
	atomic_store(&watching, true);
	atomic_store(&woken, watch_wait(&watch, env_monotonic_ms() + PATIENCE_MS) ? 1 : -1);
	watch_end(&watch);
	atomic_fetch_add(&ended, 1);
}

static void who_watches_a_key_hears_of_it_alone(void **state)
{
	struct id key = id_new(), other = id_new();

	(void)state;
	atomic_store(&watching, false);
	atomic_store(&woken, 0);
	fiber_start_on(0, watches, &key);
	while (!atomic_load(&watching))
		sched_yield();
	watch_tell(&other);
	assert_int_equal(atomic_load(&woken), 0);
	watch_tell(&key);
	all_ended(1);
	assert_int_equal(atomic_load(&woken), 1);
}

static void a_plain_thread_can_watch_too(void **state)
{
	struct id key = id_new();
	struct watch watch;

	(void)state;
	watch_begin(&watch, &key);
	assert_false(watch_wait(&watch, env_monotonic_ms() + 2));
	watch_tell(&key);
	assert_true(watch_wait(&watch, env_monotonic_ms() + PATIENCE_MS));
	watch_end(&watch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_parked_fiber_is_woken_from_another_thread, setup,
						teardown),
		cmocka_unit_test_setup_teardown(an_early_wake_is_kept_and_a_late_one_meets_nobody,
						setup, teardown),
		cmocka_unit_test_setup_teardown(offloaded_work_runs_elsewhere_and_comes_back, setup,
						teardown),
		cmocka_unit_test_setup_teardown(fibers_are_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(stacks_are_used_again, setup, teardown),
		cmocka_unit_test(stopping_ends_long_waits),
		cmocka_unit_test_setup_teardown(a_limiter_bounds_what_runs_and_what_waits, setup,
						teardown),
		cmocka_unit_test_setup_teardown(who_waits_too_long_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(who_watches_a_key_hears_of_it_alone, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_plain_thread_can_watch_too, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
