/* The arena hands out zeroed, aligned memory of its own, and takes it all back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"

static bool is_filled(const uint8_t *bytes, size_t size, uint8_t with)
{
	for (size_t i = 0; i < size; i++)
		if (bytes[i] != with)
			return false;
	return true;
}

static void pieces_are_zero_aligned_and_apart(struct arena *arena)
{
	enum { PIECES = 2000 };
	static uint8_t *pieces[PIECES];
	static size_t sizes[PIECES];

	/* Twice: the second time over memory that was written to. */
	for (int round = 0; round < 2; round++) {
		size_t total = 0;

		for (size_t i = 0; i < PIECES; i++) {
			sizes[i] = i * 37 % 700;
			if (i % 100 == 7)
				sizes[i] = 20000 + i;
			pieces[i] = arena_alloc(arena, sizes[i]);
			total += sizes[i];
			assert_int_equal((uintptr_t)pieces[i] % _Alignof(max_align_t), 0);
			assert_true(is_filled(pieces[i], sizes[i], 0));
			memset(pieces[i], (int)i & 0xff, sizes[i]);
		}
		for (size_t i = 0; i < PIECES; i++)
			assert_true(is_filled(pieces[i], sizes[i], (uint8_t)i));
		assert_int_equal(arena_used(arena), total);
		arena_reset(arena);
		assert_int_equal(arena_used(arena), 0);
	}
	arena_free(arena);
}

static void test_pieces_are_zero_aligned_and_apart(void **state)
{
	(void)state;
	pieces_are_zero_aligned_and_apart(arena_new());
	pieces_are_zero_aligned_and_apart(arena_new_small());
	arena_free(NULL);
}

static void test_reset_keeps_the_first_block(void **state)
{
	struct arena *arena = arena_new();
	void *first = arena_alloc(arena, 100);

	(void)state;
	for (int i = 0; i < 100; i++)
		arena_alloc(arena, 1000);
	arena_reset(arena);
	assert_ptr_equal(arena_alloc(arena, 100), first);
	arena_free(arena);
}

static void test_large_pieces_leave_the_block_in_use(void **state)
{
	static const size_t larges[] = {5000, 40000, 1 << 20};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(larges); i++) {
		struct arena *arena = arena_new();
		char *before, *after;

		arena_alloc(arena, 5000);
		before = arena_alloc(arena, 16);
		arena_alloc(arena, larges[i]);
		after = arena_alloc(arena, 16);
		assert_true(after > before && after - before < 200);
		arena_free(arena);
	}
}

static void test_copies(void **state)
{
	struct arena *arena = arena_new();
	char long_text[1001];
	char *copy;

	(void)state;
	assert_null(arena_copy_text(arena, NULL));
	assert_string_equal(arena_copy_text(arena, "souk"), "souk");
	copy = arena_copy_bytes(arena, "a\0bc", 3);
	assert_memory_equal(copy, "a\0b", 4);
	assert_string_equal(arena_copy_bytes(arena, NULL, 0), "");

	memset(long_text, 'x', 1000);
	long_text[1000] = '\0';
	copy = arena_printf(arena, "<%s|%d>", long_text, 42);
	assert_int_equal(strlen(copy), 1005);
	assert_string_equal(copy + 1001, "|42>");
	assert_string_equal(arena_printf(arena, "%d %s", 7, "short"), "7 short");
	/* Around the size of the buffer that short texts are tried in. */
	for (int length = 254; length <= 258; length++) {
		copy = arena_printf(arena, "%.*s", length, long_text);
		assert_int_equal(strlen(copy), length);
	}
	arena_free(arena);
}

static void test_memory_that_lives_longer(void **state)
{
	uint8_t *memory = must_alloc(64);
	char *text;

	(void)state;
	assert_true(is_filled(memory, 64, 0));
	memset(memory, 7, 64);
	memory = must_realloc(memory, 4096);
	assert_true(is_filled(memory, 64, 7));
	free(memory);
	text = must_copy_text("kept");
	assert_string_equal(text, "kept");
	free(text);
	free(must_alloc(0));
}

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>

static void test_overruns_are_poisoned(void **state)
{
	struct arena *arena = arena_new();
	char *piece = arena_alloc(arena, 20), *next = arena_alloc(arena, 20);

	(void)state;
	assert_false(__asan_address_is_poisoned(piece + 19));
	assert_true(__asan_address_is_poisoned(piece + 20));
	assert_true(__asan_address_is_poisoned(next - 1));
	arena_reset(arena);
	assert_true(__asan_address_is_poisoned(piece));
	arena_free(arena);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces_are_zero_aligned_and_apart),
		cmocka_unit_test(test_reset_keeps_the_first_block),
		cmocka_unit_test(test_large_pieces_leave_the_block_in_use),
		cmocka_unit_test(test_copies),
		cmocka_unit_test(test_memory_that_lives_longer),
#if defined(__SANITIZE_ADDRESS__)
		cmocka_unit_test(test_overruns_are_poisoned),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
