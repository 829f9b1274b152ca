/*
 * Memory of one request: a chain of blocks, filled from the front.
 *
 * The first block is part of the arena and survives arena_reset; later ones are larger, and what
 * is large for a block gets one of its own, so that no block's rest is thrown away for it. Under
 * AddressSanitizer all that was not handed out is poisoned, with a gap behind every piece: an
 * overrun within a block is found as it would be with malloc.
 *
 * Invariant: `current` is the first block or the newest of usual size; used <= capacity in each.
 */
#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define GAP 16
#else
#define ASAN_POISON_MEMORY_REGION(start, size) ((void)(start), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(start, size) ((void)(start), (void)(size))
#define GAP 0
#endif

#define ALIGNMENT 16
#define FIRST_CAPACITY ((size_t)8 * 1024)
#define FIRST_CAPACITY_SMALL ((size_t)2 * 1024)
#define NEXT_CAPACITY ((size_t)32 * 1024)
#define LARGE(next) ((next) / 8) /* from here on a piece that does not fit gets its own block */
#define SIZE_BOUND (SIZE_MAX / 4)

struct block {
	struct block *next;
	size_t capacity;
	size_t used;
	uint8_t bytes[] __attribute__((aligned(ALIGNMENT)));
};

struct arena {
	size_t given;	     /* what arena_used answers */
	struct block *later; /* all blocks but the first */
	struct block *current;
	struct block *first;
	size_t next; /* capacity of the next one */
};

static void out_of_memory(void)
{
	fputs("souk: out of memory\n", stderr);
	abort();
}

void *must_alloc(size_t size)
{
	void *memory = calloc(1, size ? size : 1);

	if (!memory)
		out_of_memory();
	return memory;
}

void *must_realloc(void *memory, size_t size)
{
	memory = realloc(memory, size ? size : 1);
	if (!memory)
		out_of_memory();
	return memory;
}

char *must_copy_text(const char *text)
{
	size_t size = strlen(text) + 1;

	return memcpy(must_alloc(size), text, size);
}

static struct block *block_new(size_t capacity)
{
	/* Not must_alloc: pieces are zeroed when they are handed out. */
	struct block *block = malloc(sizeof(*block) + capacity);

	if (!block)
		out_of_memory();
	block->next = NULL;
	block->capacity = capacity;
	block->used = 0;
	ASAN_POISON_MEMORY_REGION(block->bytes, capacity);
	return block;
}

static void block_free(struct block *block)
{
	ASAN_UNPOISON_MEMORY_REGION(block->bytes, block->capacity);
	free(block);
}

static struct arena *new_with(size_t first, size_t next)
{
	struct arena *arena = must_alloc(sizeof(*arena));

	arena->first = block_new(first);
	arena->current = arena->first;
	arena->next = next;
	return arena;
}

struct arena *arena_new(void)
{
	return new_with(FIRST_CAPACITY, NEXT_CAPACITY);
}

struct arena *arena_new_small(void)
{
	return new_with(FIRST_CAPACITY_SMALL, 2 * FIRST_CAPACITY_SMALL);
}

void arena_reset(struct arena *arena)
{
	struct block *block, *next;

	for (block = arena->later; block; block = next) {
		next = block->next;
		block_free(block);
	}
	arena->later = NULL;
	arena->current = arena->first;
	arena->first->used = 0;
	arena->given = 0;
	ASAN_POISON_MEMORY_REGION(arena->first->bytes, arena->first->capacity);
}

void arena_free(struct arena *arena)
{
	if (!arena)
		return;
	arena_reset(arena);
	block_free(arena->first);
	free(arena);
}

/* A block with room for `room` bytes, when the current one has not. */
static struct block *block_for(struct arena *arena, size_t room)
{
	bool large = room >= LARGE(arena->next);
	struct block *block = block_new(large ? room : arena->next);

	block->next = arena->later;
	arena->later = block;
	if (!large) {
		arena->current = block;
		arena->next = MIN(2 * arena->next, NEXT_CAPACITY);
	}
	return block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	struct block *block = arena->current;
	size_t room;
	void *piece;

	assert(size < SIZE_BOUND);
	/* A piece of no bytes still gets an address of its own. */
	room = (MAX(size, 1) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT + GAP;
	if (room > block->capacity - block->used)
		block = block_for(arena, room);

	piece = block->bytes + block->used;
	block->used += room;
	assert(block->used <= block->capacity);
	arena->given += size;
	ASAN_UNPOISON_MEMORY_REGION(piece, size);
	return memset(piece, 0, size);
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
	size_t product;
	bool overflow = __builtin_mul_overflow(count, size, &product);

	assert(!overflow);
	return arena_alloc(arena, product);
}

char *arena_copy_bytes(struct arena *arena, const void *bytes, size_t length)
{
	char *copy;

	assert(length < SIZE_BOUND);
	copy = arena_alloc(arena, length + 1);
	if (length)
		memcpy(copy, bytes, length);
	return copy;
}

char *arena_copy_text(struct arena *arena, const char *text)
{
	return text ? arena_copy_bytes(arena, text, strlen(text)) : NULL;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
	char short_text[256];
	va_list args;
	char *text;
	int length;

	va_start(args, format);
	length = vsnprintf(short_text, sizeof(short_text), format, args);
	va_end(args);
	assert(length >= 0);
	if ((size_t)length < sizeof(short_text))
		return arena_copy_bytes(arena, short_text, (size_t)length);

	text = arena_alloc(arena, (size_t)length + 1);
	va_start(args, format);
	length = vsnprintf(text, (size_t)length + 1, format, args);
	va_end(args);
	assert(length >= 0);
	return text;
}

size_t arena_used(const struct arena *arena)
{
	return arena->given;
}
