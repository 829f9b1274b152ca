/* Signing keys on disk: made, rotated, removed when nobody needs them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/env.h"
#include "base/test_directory.h"
#include "base/time.h"
#include "services/auth/key_files.h"

static struct arena *arena;
static char directory[TEST_DIRECTORY_SIZE];
static int64_t now_ms;
static uint8_t chance;

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
	memset(bytes, ++chance, length);
}

static const struct env world = {world_now_ms, world_monotonic_ns, world_random, NULL};

static int setup(void **state)
{
	if (test_directory_make(directory))
		return -1;
	arena = arena_new();
	now_ms = 1800000000000;
	env_set(&world);
	return 0;
}

static int teardown(void **state)
{
	env_set(NULL);
	arena_free(arena);
	return test_directory_remove(directory);
}

static struct jwt_keys read_keys(void)
{
	struct jwt_keys keys;
	const char *why;

	assert_int_equal(key_files_read(directory, arena, &keys, &why), OK);
	return keys;
}

static enum err add(bool only_first)
{
	const char *why;

	return key_files_add(directory, only_first, arena, &why);
}

static size_t prune(int64_t life_ms)
{
	const char *why;
	size_t removed;

	assert_int_equal(key_files_prune(directory, life_ms, arena, &removed, &why), OK);
	return removed;
}

static void the_first_key_is_made_once(void **state)
{
	struct jwt_keys keys;

	assert_int_equal(read_keys().count, 0);
	assert_int_equal(add(true), OK);
	keys = read_keys();
	assert_int_equal(keys.count, 1);
	assert_int_equal(keys.keys[0].created_ms, now_ms);
	assert_int_equal(add(true), OK);
	assert_int_equal(read_keys().count, 1);
	assert_string_equal(read_keys().keys[0].key_id, keys.keys[0].key_id);
}

static void keys_are_for_their_owner_alone(void **state)
{
	char path[128];
	struct stat found;

	assert_int_equal(add(true), OK);
	snprintf(path, sizeof(path), "%s/keys", directory);
	assert_int_equal(stat(path, &found), 0);
	assert_int_equal(found.st_mode & 0777, 0700);
	snprintf(path, sizeof(path), "%s/keys/%lld.key", directory, (long long)now_ms);
	assert_int_equal(stat(path, &found), 0);
	assert_int_equal(found.st_mode & 0777, 0600);
}

static void the_newest_signs_once_all_have_seen_it(void **state)
{
	struct jwt_keys keys;

	assert_int_equal(add(true), OK);
	keys = read_keys();
	/* A first key signs at once. */
	assert_ptr_equal(key_that_signs(&keys, now_ms), &keys.keys[0]);
	now_ms += HOUR_MS;
	assert_int_equal(add(false), OK);
	keys = read_keys();
	assert_int_equal(keys.count, 2);
	assert_int_equal(keys.keys[0].created_ms, now_ms);
	assert_ptr_equal(key_that_signs(&keys, now_ms + KEY_SETTLE_MS - 1), &keys.keys[1]);
	assert_ptr_equal(key_that_signs(&keys, now_ms + KEY_SETTLE_MS), &keys.keys[0]);
}

static void a_clock_set_back_makes_no_older_key(void **state)
{
	struct jwt_keys keys;

	assert_int_equal(add(true), OK);
	now_ms -= HOUR_MS;
	assert_int_equal(add(false), OK);
	keys = read_keys();
	assert_int_equal(keys.count, 2);
	assert_int_equal(keys.keys[0].created_ms, keys.keys[1].created_ms + 1);
}

static void a_key_stays_while_tokens_need_it(void **state)
{
	struct jwt_keys keys;

	assert_int_equal(add(true), OK);
	now_ms += DAY_MS;
	assert_int_equal(prune(15 * MINUTE_MS), 0);
	assert_int_equal(add(false), OK);
	/* The older one signed until KEY_SETTLE_MS after this. */
	now_ms += KEY_SETTLE_MS + 15 * MINUTE_MS;
	assert_int_equal(prune(15 * MINUTE_MS), 0);
	now_ms += 2 * MINUTE_MS;
	assert_int_equal(prune(15 * MINUTE_MS), 1);
	keys = read_keys();
	assert_int_equal(keys.count, 1);
	assert_int_equal(keys.keys[0].created_ms, 1800000000000 + DAY_MS);
	/* The last one never goes. */
	now_ms += 365 * DAY_MS;
	assert_int_equal(prune(15 * MINUTE_MS), 0);
}

static void there_are_only_so_many(void **state)
{
	for (size_t i = 0; i < JWT_KEYS_MAX; i++) {
		assert_int_equal(add(false), OK);
		now_ms += MINUTE_MS;
	}
	assert_int_equal(add(false), ERR_CONFLICT);
	assert_int_equal(add(true), OK); /* a start needs no more */
	assert_int_equal(read_keys().count, JWT_KEYS_MAX);
	now_ms += DAY_MS;
	assert_int_equal(prune(15 * MINUTE_MS), JWT_KEYS_MAX - 1);
	assert_int_equal(add(false), OK);
}

static void write_file(const char *name)
{
	FILE *file = fopen(arena_printf(arena, "%s/keys/%s", directory, name), "w");

	assert_non_null(file);
	fputs("nonsense\n", file);
	fclose(file);
}

static void other_files_are_passed_over(void **state)
{
	assert_int_equal(add(true), OK);
	write_file(".new");
	write_file("note.txt");
	write_file("x.key");
	write_file("-5.key");
	assert_int_equal(read_keys().count, 1);
}

static void a_damaged_key_is_told(void **state)
{
	struct jwt_keys keys;
	const char *why = NULL;

	assert_int_equal(add(true), OK);
	write_file(arena_printf(arena, "%lld.key", (long long)now_ms));
	assert_int_equal(key_files_read(directory, arena, &keys, &why), ERR_STORAGE);
	assert_non_null(strstr(why, "damaged"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_first_key_is_made_once),
		TEST(keys_are_for_their_owner_alone),
		TEST(the_newest_signs_once_all_have_seen_it),
		TEST(a_clock_set_back_makes_no_older_key),
		TEST(a_key_stays_while_tokens_need_it),
		TEST(there_are_only_so_many),
		TEST(a_damaged_key_is_told),
		TEST(other_files_are_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
