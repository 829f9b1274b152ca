/* Ids are UUIDs of version 7 that never go back, whatever clock and threads do. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/env.h"
#include "base/id.h"

struct world {
	int64_t now_ms;
	uint8_t next;
};

static int64_t world_now_ms(void *world)
{
	return ((struct world *)world)->now_ms;
}

static int64_t world_monotonic_ns(void *world)
{
	return ((struct world *)world)->now_ms * 1000000;
}

static void world_random(void *world, void *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		((uint8_t *)bytes)[i] = ((struct world *)world)->next++;
}

static void set_world(struct world *world)
{
	struct env env = {world_now_ms, world_monotonic_ns, world_random, world};

	env_set(&env);
}

static void test_form(void **state)
{
	char text[ID_TEXT_SIZE];

	(void)state;
	for (int i = 0; i < 1000; i++) {
		int64_t before = env_now_ms();
		struct id id = id_new();

		id_format(&id, text);
		assert_int_equal(strlen(text), 36);
		assert_int_equal(text[14], '7');
		assert_non_null(strchr("89ab", text[19]));
		assert_true(id_time_ms(&id) >= before);
		assert_true(id_time_ms(&id) <= env_now_ms() + 1);
		assert_false(id_is_zero(&id));
	}
}

static void test_text_and_back(void **state)
{
	static const char text[] = "0192f3a4-b5c6-7d8e-9f01-23456789abcd";
	struct arena *arena = arena_new();
	struct id id, other;
	char upper[] = "0192F3A4-B5C6-7D8E-9F01-23456789ABCD";

	(void)state;
	assert_true(id_parse(text, &id));
	assert_string_equal(id_text(arena, &id), text);
	assert_int_equal(id_time_ms(&id), INT64_C(0x0192f3a4b5c6));
	assert_true(id_parse(upper, &other));
	assert_true(id_equal(&id, &other));
	assert_true(id_parse("0192f3a4-b5c6-7d8e-9f01-23456789abce", &other));
	assert_false(id_equal(&id, &other));
	assert_true(id_compare(&id, &other) < 0);
	assert_true(id_parse("00000000-0000-0000-0000-000000000000", &other));
	assert_true(id_is_zero(&other));
	arena_free(arena);
}

static void test_what_is_no_id(void **state)
{
	static const char *const bad[] = {
		"",
		"-",
		"0192f3a4",
		"0192f3a4b5c67d8e9f0123456789abcd",
		"0192f3a4-b5c6-7d8e-9f01-23456789abc",
		"0192f3a4-b5c6-7d8e-9f01-23456789abcde",
		"0192f3a4-b5c6-7d8e-9f01-23456789abcd ",
		" 0192f3a4-b5c6-7d8e-9f01-23456789abcd",
		"0192f3a4-b5c6-7d8e-9f01-23456789abcg",
		"0192f3a4_b5c6-7d8e-9f01-23456789abcd",
		"0192f3a4b-5c6-7d8e-9f01-23456789abcd",
		"{192f3a4-b5c6-7d8e-9f01-23456789abc}",
	};
	struct id id = {{42}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
		/* On the heap without a byte to spare: reading behind the end is found. */
		char *copy = must_copy_text(bad[i]);

		assert_false(id_parse(copy, &id));
		assert_int_equal(id.bytes[0], 42);
		free(copy);
	}
}

static void test_growing_when_the_clock_goes_back(void **state)
{
	struct world world = {.now_ms = 5000000};
	struct id before, id;

	(void)state;
	set_world(&world);
	before = id_new();
	assert_int_equal(id_time_ms(&before), 5000000);
	for (int i = 0; i < 20000; i++) {
		if (i == 5000)
			world.now_ms -= 100000;
		if (i == 10000)
			world.now_ms += 100001;
		id = id_new();
		assert_true(id_compare(&before, &id) < 0);
		assert_int_equal(id.bytes[6] >> 4, 7);
		assert_int_equal(id.bytes[8] >> 6, 2);
		before = id;
	}
	/* 20000 ids in a millisecond or two run ahead of the clock, but not far. */
	assert_in_range(id_time_ms(&before), 5000001, 5000010);
	world.now_ms += 1000000;
	id = id_new();
	assert_int_equal(id_time_ms(&id), world.now_ms);
	env_set(NULL);
}

static void test_going_on_after_an_id_of_a_clock_that_was_ahead(void **state)
{
	struct world world = {.now_ms = 1000};
	struct id ahead = {{0, 0, 0, 0, 0x10, 0, 0x7f, 0xff, 0xbf, 0xff}}, first, second;

	(void)state;
	memset(ahead.bytes + 10, 0xff, 6);
	set_world(&world);
	first = id_new();
	assert_true(id_compare(&first, &ahead) < 0);
	id_go_on_after(&ahead);
	first = id_new();
	second = id_new();
	assert_true(id_compare(&ahead, &first) < 0);
	assert_true(id_compare(&first, &second) < 0);
	/* What is not ahead changes nothing. */
	world.now_ms = 5000;
	id_go_on_after(&ahead);
	first = id_new();
	assert_int_equal(id_time_ms(&first), 5000);
}

static void test_the_same_world_gives_the_same_ids(void **state)
{
	struct id first[50], id;

	(void)state;
	for (int round = 0; round < 2; round++) {
		struct world world = {.now_ms = 7000000};

		set_world(&world);
		for (size_t i = 0; i < ARRAY_LENGTH(first); i++) {
			id = id_new();
			if (round)
				assert_true(id_equal(&id, &first[i]));
			first[i] = id;
			world.now_ms += (int64_t)i % 2;
		}
	}
	env_set(NULL);
}

enum { THREADS = 4, IDS_EACH = 20000 };

static struct id made[THREADS][IDS_EACH];

static void *make_ids(void *ids)
{
	for (int i = 0; i < IDS_EACH; i++)
		((struct id *)ids)[i] = id_new();
	return NULL;
}

static int compare_ids(const void *a, const void *b)
{
	return id_compare(a, b);
}

static void test_threads_make_no_id_twice(void **state)
{
	pthread_t threads[THREADS];
	struct id *all = made[0];

	(void)state;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, make_ids, made[i]), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int thread = 0; thread < THREADS; thread++)
		for (int i = 1; i < IDS_EACH; i++)
			assert_true(id_compare(&made[thread][i - 1], &made[thread][i]) < 0);
	qsort(all, (size_t)THREADS * IDS_EACH, sizeof(*all), compare_ids);
	/* All threads together count: not even the first eight bytes come twice. */
	for (int i = 1; i < THREADS * IDS_EACH; i++)
		assert_true(memcmp(all[i - 1].bytes, all[i].bytes, 8) < 0);
}

static void test_the_first_of_a_moment(void **state)
{
	struct id first = id_first_of(1795860634123), id = id_new();
	struct id now = id_first_of(id_time_ms(&id)), next = id_first_of(id_time_ms(&id) + 1);

	(void)state;
	assert_int_equal(id_time_ms(&first), 1795860634123);
	assert_true(id_compare(&now, &id) < 0);
	assert_true(id_compare(&id, &next) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_first_of_a_moment),
		cmocka_unit_test(test_form),
		cmocka_unit_test(test_text_and_back),
		cmocka_unit_test(test_what_is_no_id),
		cmocka_unit_test(test_growing_when_the_clock_goes_back),
		cmocka_unit_test(test_going_on_after_an_id_of_a_clock_that_was_ahead),
		cmocka_unit_test(test_the_same_world_gives_the_same_ids),
		cmocka_unit_test(test_threads_make_no_id_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
