/*
 * Memory of one request: given out piece by piece, taken back at once.
 *
 * Allocation never returns NULL: what a client can make us allocate is bounded by limits on
 * bodies, headers and lists, and when the machine itself is out of memory the process stops, and
 * recovers at its next start. An arena belongs to one thread at a time.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/base.h"

struct arena;

struct arena *arena_new(void);

/* The same for something of a few KiB that stays for a while: it takes little more than it is asked
 * for. */
struct arena *arena_new_small(void);

/* Gives back all that was allocated, and keeps the first block for the next use. */
void arena_reset(struct arena *arena);

/* Accepts NULL. */
void arena_free(struct arena *arena);

/* `size` bytes, all zero, aligned for any type. */
void *arena_alloc(struct arena *arena, size_t size) __attribute__((malloc, returns_nonnull));

/* An array of `count` zeroed elements; asserts that the product does not overflow. */
void *arena_array(struct arena *arena, size_t count, size_t size)
	__attribute__((malloc, returns_nonnull));

#define ARENA_NEW(arena, type) ((type *)arena_alloc((arena), sizeof(type)))
#define ARENA_ARRAY(arena, type, count) ((type *)arena_array((arena), (count), sizeof(type)))

/* Copies; `arena_copy_text` of NULL is NULL, and `length` bytes get a NUL behind them. */
char *arena_copy_text(struct arena *arena, const char *text);
char *arena_copy_bytes(struct arena *arena, const void *bytes, size_t length);

char *arena_printf(struct arena *arena, const char *format, ...) PRINTF_LIKE(2, 3);

/* Bytes handed out since it was made or reset. */
size_t arena_used(const struct arena *arena);

/* Memory for what lives longer than a request: zeroed, never NULL, freed with free(). */
void *must_alloc(size_t size) __attribute__((malloc, returns_nonnull));
void *must_realloc(void *memory, size_t size) __attribute__((returns_nonnull));
char *must_copy_text(const char *text) __attribute__((malloc, returns_nonnull));

#endif
