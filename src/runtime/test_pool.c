/* Pools: callers take turns, nobody fills one, and work that nobody waits for is not done. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "base/env.h"
#include "runtime/fiber.h"
#include "runtime/pool.h"
#include "runtime/worker.h"

#define PATIENCE_MS 20000
#define TASKS_MAX 16

struct task {
	struct pool_work work;
	int64_t timeout_ms;
	char name;
	atomic_bool begun, may_end, gone, saw_abandoned, ended;
	enum err err;
};

static struct task tasks[TASKS_MAX];
static size_t task_count;
static char order[TASKS_MAX + 1]; /* the names of those that began */
static atomic_int begun;
static struct pool *pool;

static int setup(void **state)
{
	(void)state;
	memset(tasks, 0, sizeof(tasks));
	memset(order, 0, sizeof(order));
	task_count = 0;
	atomic_store(&begun, 0);
	return workers_start(1, 64);
}

static int teardown(void **state)
{
	(void)state;
	workers_stop(PATIENCE_MS);
	pool_free(pool);
	return 0;
}

static void wait_until(const atomic_bool *what)
{
	int64_t deadline_ms = env_monotonic_ms() + PATIENCE_MS;

	while (!atomic_load(what)) {
		assert_true(env_monotonic_ms() < deadline_ms);
		sched_yield();
	}
}

/* Runs until it may end, or nobody waits for it. */
static void run(void *arg)
{
	struct task *task = arg;

	order[atomic_fetch_add(&begun, 1)] = task->name;
	atomic_store(&task->begun, true);
	while (!atomic_load(&task->may_end) && !pool_work_is_abandoned())
		sched_yield();
	atomic_store(&task->saw_abandoned, pool_work_is_abandoned());
}

static bool is_gone(const void *client)
{
	return atomic_load(&((const struct task *)client)->gone);
}

static void wait_in_pool(void *arg)
{
	struct task *task = arg;

	task->err = pool_run(pool, &task->work, task->timeout_ms);
	atomic_store(&task->ended, true);
}

/* Begins after those that were added before: fibers of one worker start in order. */
static struct task *add_for(const char *caller, char name, int64_t timeout_ms)
{
	struct task *task = &tasks[task_count++];

	task->name = name;
	task->timeout_ms = timeout_ms;
	task->work = (struct pool_work){
		.fn = run,
		.arg = task,
		.caller = caller,
		.client_is_gone = is_gone,
		.client = task,
	};
	fiber_start_on(0, wait_in_pool, task);
	return task;
}

static struct task *add(const char *caller, char name)
{
	return add_for(caller, name, PATIENCE_MS);
}

static void all_may_end(void)
{
	for (size_t i = 0; i < task_count; i++)
		atomic_store(&tasks[i].may_end, true);
	for (size_t i = 0; i < task_count; i++)
		wait_until(&tasks[i].ended);
}

static void open_pool(size_t threads, size_t queue_max, size_t caller_max)
{
	const struct pool_options options = {
		.name = "test",
		.threads = threads,
		.queue_max = queue_max,
		.caller_max = caller_max,
		.niceness = 5,
	};

	pool = pool_new(&options);
}

static void callers_take_turns(void **state)
{
	struct task *first;

	open_pool(1, 10, 0);
	first = add("ada", 'a');
	wait_until(&first->begun);
	add("ada", 'b');
	add("ada", 'c');
	add("ada", 'd');
	add("bob", 'x');
	add("bob", 'y');
	add("eve", 'z');
	add_for("eve", '!', 0); /* has been looked at when those before are in line */
	wait_until(&tasks[task_count - 1].ended);
	all_may_end();
	assert_string_equal(order, "axzbycd");
}

static void the_queue_is_bounded(void **state)
{
	struct task *first, *refused;

	open_pool(1, 2, 0);
	first = add("ada", 'a');
	wait_until(&first->begun);
	add("ada", 'b');
	add("bob", 'c');
	refused = add("bob", 'd');
	wait_until(&refused->ended);
	assert_int_equal(refused->err, ERR_OVERLOADED);
	all_may_end();
	assert_string_equal(order, "acb");
	assert_int_equal(tasks[2].err, OK);
}

static void one_caller_has_its_share_and_no_more(void **state)
{
	struct task *first, *refused, *other;

	open_pool(1, 10, 3);
	first = add("ada", 'a');
	wait_until(&first->begun);
	add("ada", 'b');
	add("ada", 'c');
	refused = add("ada", 'd');
	wait_until(&refused->ended);
	assert_int_equal(refused->err, ERR_OVERLOADED);
	other = add("bob", 'x');
	add(NULL, 'y');
	add(NULL, 'z');
	add(NULL, '1');
	add(NULL, '2');
	all_may_end();
	assert_int_equal(other->err, OK);
	assert_int_equal(strlen(order), 8);
}

static void one_thread_is_left_for_the_others(void **state)
{
	struct task *first, *second, *other;

	open_pool(2, 10, 8);
	first = add("ada", 'a');
	wait_until(&first->begun);
	second = add("ada", 'b');
	other = add("bob", 'x');
	wait_until(&other->begun);
	assert_false(atomic_load(&second->begun));
	atomic_store(&other->may_end, true);
	wait_until(&other->ended);
	assert_false(atomic_load(&second->begun));
	all_may_end();
	assert_string_equal(order, "axb");
}

static void what_waits_too_long_is_refused(void **state)
{
	struct task *first, *late;

	open_pool(1, 10, 0);
	first = add("ada", 'a');
	wait_until(&first->begun);
	late = add_for("bob", 'x', 1);
	wait_until(&late->ended);
	assert_int_equal(late->err, ERR_OVERLOADED);
	all_may_end();
	assert_string_equal(order, "a");
}

static void whose_client_has_gone_is_not_done(void **state)
{
	struct task *first, *waiting, *next;

	open_pool(1, 10, 0);
	first = add("ada", 'a');
	wait_until(&first->begun);
	waiting = add("bob", 'x');
	next = add("bob", 'y');
	atomic_store(&waiting->gone, true);
	wait_until(&waiting->ended);
	assert_int_equal(waiting->err, ERR_ABANDONED);
	/* What runs is told, and ends by itself. */
	assert_false(atomic_load(&first->saw_abandoned));
	atomic_store(&first->gone, true);
	wait_until(&first->ended);
	assert_int_equal(first->err, OK);
	assert_true(atomic_load(&first->saw_abandoned));
	all_may_end();
	assert_int_equal(next->err, OK);
	assert_false(atomic_load(&next->saw_abandoned));
	assert_string_equal(order, "ay");
	assert_false(pool_work_is_abandoned());
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(callers_take_turns),
		TEST(the_queue_is_bounded),
		TEST(one_caller_has_its_share_and_no_more),
		TEST(one_thread_is_left_for_the_others),
		TEST(what_waits_too_long_is_refused),
		TEST(whose_client_has_gone_is_not_done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
