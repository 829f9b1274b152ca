/* Words of the language that every file shares. */
#ifndef BASE_BASE_H
#define BASE_BASE_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The result of the function must be looked at. */
#define MUST_CHECK __attribute__((warn_unused_result))

/* The function takes a printf format, never NULL, as its argument number `format_at`, its values
 * from `first`. */
#define PRINTF_LIKE(format_at, first) \
	__attribute__((format(printf, format_at, first), nonnull(format_at)))

#define ARRAY_LENGTH(array) (sizeof(array) / sizeof((array)[0]))

#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

#endif
