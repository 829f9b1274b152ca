/*
 * What the fuzz targets share. A target is one function, fuzz(), called with bytes of any kind: it
 * must not crash, hang, leak, or read beyond what it was given, and what it asserts must hold.
 *
 * The bytes lie in memory of exactly their size, with a NUL behind them where the subject takes
 * text, so that the address sanitizer sees a read too far.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

/* The target's. Whatever it needs is in the arena, which is reset behind it. */
void fuzz(struct arena *arena, const char *bytes, size_t length);

/* Once, before the first; a target that needs nothing has none. */
void fuzz_begin(void) __attribute__((weak));

/* The text up to the next line feed, or the end; *rest moves behind it. */
char *fuzz_line(struct arena *arena, const char **rest, const char *end);

/* The first byte, which chooses between a target's ways; 0 where there is none. */
unsigned fuzz_choice(const char **bytes, size_t *length);

#endif
