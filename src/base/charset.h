/* Bytes in other encodings than UTF-8, as spreadsheets write them: ICU's converters. */
#ifndef BASE_CHARSET_H
#define BASE_CHARSET_H

#include <stdbool.h>
#include <stddef.h>

/* The encoding that the bytes begin to tell, as ICU calls it: by a byte order mark of UTF-8, UTF-16 or
 * UTF-32, of *ret_mark bytes, or by the zeros of UTF-16 without one, as text that begins with a letter
 * of ASCII has them. NULL where they tell none. */
const char *charset_told(const char *bytes, size_t length, size_t *ret_mark);

/* The encoding of text that has no mark and is no UTF-8, as ICU calls it, by its first cells that are not
 * ASCII (a cell is what stands between commas, semicolons, tabs, quotes or ends of lines): Windows-1252
 * where they look Latin, and else what ICU is sure of. NULL where it is not. */
const char *charset_guess(const char *bytes, size_t length);

/* Whether ICU knows an encoding of the name. */
bool charset_is_known(const char *charset);

/* The bytes in UTF-8, to be freed. What is no character in their encoding becomes U+FFFD. NULL where ICU
 * does not know the encoding. */
char *charset_to_utf8(const char *bytes, size_t length, const char *charset, size_t *ret_length);

#endif
