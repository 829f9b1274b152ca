/* The bounded table: against a plain array that says what must be in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/map.h"

static int released[16];
static int values[16];

static void release(void *value)
{
	released[(int *)value - values]++;
}

static void put(struct map *map, const char *key, int value)
{
	assert_true(map_put(map, key, strlen(key), &values[value]));
}

static void *get(struct map *map, const char *key)
{
	return map_get(map, key, strlen(key));
}

static int reset(void **state)
{
	(void)state;
	memset(released, 0, sizeof(released));
	return 0;
}

static void test_put_get_remove(void **state)
{
	struct map *map = map_new(10, false, release);

	(void)state;
	assert_null(get(map, "a"));
	put(map, "a", 1);
	put(map, "ab", 2);
	put(map, "", 3);
	assert_ptr_equal(get(map, "a"), &values[1]);
	assert_ptr_equal(get(map, "ab"), &values[2]);
	assert_ptr_equal(get(map, ""), &values[3]);
	assert_null(map_get(map, "a\0", 2));
	assert_int_equal(map_count(map), 3);

	put(map, "a", 4);
	assert_int_equal(released[1], 1);
	assert_ptr_equal(get(map, "a"), &values[4]);
	put(map, "a", 4);
	assert_int_equal(released[4], 0);
	assert_int_equal(map_count(map), 3);

	assert_true(map_remove(map, "ab", 2));
	assert_int_equal(released[2], 1);
	assert_false(map_remove(map, "ab", 2));
	assert_null(get(map, "ab"));
	map_free(map);
	assert_int_equal(released[2], 1);
	assert_int_equal(released[3], 1);
	assert_int_equal(released[4], 1);
	map_free(NULL);
}

static void test_a_full_map_refuses(void **state)
{
	struct map *map = map_new(2, false, release);

	(void)state;
	put(map, "a", 1);
	put(map, "b", 2);
	assert_false(map_put(map, "c", 1, &values[3]));
	assert_int_equal(released[3], 0);
	put(map, "a", 4); /* replacing needs no room */
	assert_true(map_remove(map, "b", 1));
	put(map, "c", 3);
	assert_int_equal(map_count(map), 2);
	map_free(map);
}

static void test_the_least_recently_used_goes(void **state)
{
	struct map *map = map_new(3, true, release);

	(void)state;
	put(map, "a", 1);
	put(map, "b", 2);
	put(map, "c", 3);
	get(map, "a");
	put(map, "d", 4); /* b goes */
	assert_int_equal(released[2], 1);
	put(map, "c", 5);
	put(map, "e", 6); /* a goes */
	assert_int_equal(released[1], 1);
	assert_null(get(map, "a"));
	assert_null(get(map, "b"));
	assert_ptr_equal(get(map, "c"), &values[5]);
	assert_ptr_equal(get(map, "d"), &values[4]);
	assert_ptr_equal(get(map, "e"), &values[6]);
	map_free(map);

	map = map_new(1, true, NULL);
	put(map, "a", 1);
	put(map, "b", 2);
	assert_null(get(map, "a"));
	assert_ptr_equal(get(map, "b"), &values[2]);
	map_free(map);
}

static bool add_up(const void *key, size_t key_length, void *value, void *arg)
{
	(void)key;
	*(int *)arg += (int)key_length * 100 + (int)((int *)value - values);
	return *(int *)arg < 1000;
}

static void test_each(void **state)
{
	struct map *map = map_new(10, false, NULL);
	int sum = 0;

	(void)state;
	map_each(map, add_up, &sum);
	assert_int_equal(sum, 0);
	put(map, "a", 1);
	put(map, "bb", 2);
	put(map, "ccc", 3);
	map_each(map, add_up, &sum);
	assert_int_equal(sum, 606);
	/* The one used last comes first, and false ends it. */
	sum = 800;
	get(map, "ccc");
	map_each(map, add_up, &sum);
	assert_int_equal(sum, 800 + 303);
	map_free(map);
}

enum { KEYS = 3000 };

static void test_many(void **state)
{
	static bool there[KEYS];
	struct map *map = map_new(KEYS, false, NULL);
	uint32_t number = 1;
	size_t count = 0;

	(void)state;
	for (int step = 0; step < 40000; step++) {
		uint32_t key;

		number = number * 1664525 + 1013904223;
		key = (number >> 8) % KEYS;
		assert_int_equal(map_get(map, &key, sizeof(key)) != NULL, there[key]);
		if (number >> 30) {
			assert_true(map_put(map, &key, sizeof(key), &there[key]));
			count += !there[key];
			there[key] = true;
		} else {
			assert_int_equal(map_remove(map, &key, sizeof(key)), there[key]);
			count -= there[key];
			there[key] = false;
		}
		assert_int_equal(map_count(map), count);
	}
	for (uint32_t key = 0; key < KEYS; key++)
		assert_ptr_equal(map_get(map, &key, sizeof(key)), there[key] ? &there[key] : NULL);
	map_free(map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_put_get_remove, reset),
		cmocka_unit_test_setup(test_a_full_map_refuses, reset),
		cmocka_unit_test_setup(test_the_least_recently_used_goes, reset),
		cmocka_unit_test_setup(test_each, reset),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
