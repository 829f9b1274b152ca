/*
 * Text of all scripts, by Unicode's rules: ICU, which is named in this folder alone. Text is
 * well-formed UTF-8 and ends with a NUL. ASCII never wakes ICU, whose tables are cold at first.
 */
#ifndef BASE_UNICODE_H
#define BASE_UNICODE_H

#include "base/arena.h"

bool unicode_is_ascii(const char *text);

/* The text in normal form C (UAX 15), as all text is stored: `text` itself where it is so already. */
const char *unicode_nfc(struct arena *arena, const char *text);

/* In lower case by the rules of no language in particular, and of one width: normal form KC. */
char *unicode_lower(struct arena *arena, const char *text);

/* For comparing: case and width folded, what nobody sees left out, normal form KC (NFKC_Casefold of
 * Unicode's section 3.13). Accents stay. */
char *unicode_fold(struct arena *arena, const char *text);

/* Whether two texts are equal once they are folded. */
bool unicode_equal_folded(struct arena *arena, const char *a, const char *b);

#endif
