/*
 * Text of all scripts, by Unicode's rules: ICU, which is named in this folder alone. Text is
 * well-formed UTF-8 and ends with a NUL. ASCII never wakes ICU, whose tables are cold at first.
 */
#ifndef BASE_UNICODE_H
#define BASE_UNICODE_H

#include "base/arena.h"

bool unicode_is_ascii(const char *text);

/* The text in normal form C (UAX 15), as all text is stored: `text` itself where it is so already. Here
 * and below a letter that bears more than 30 marks loses the others. */
const char *unicode_nfc(struct arena *arena, const char *text);

/*
 * Whether it holds a character that nobody sees, or that changes the direction of what is around it: two
 * names that look the same must be the same. Joiners and the like pass where they show: between
 * letters of scripts that join, behind a virama, within emoji, behind ideographs.
 */
bool unicode_has_hidden(const char *text);

/* The text without these. */
char *unicode_without_hidden(struct arena *arena, const char *text);

/* In lower case by the rules of no language in particular, and of one width: normal form KC. */
char *unicode_lower(struct arena *arena, const char *text);

/* For comparing: case and width folded, what nobody sees left out, normal form KC (NFKC_Casefold of
 * Unicode's section 3.13). Accents stay. */
char *unicode_fold(struct arena *arena, const char *text);

/* Whether two texts are equal once they are folded. */
bool unicode_equal_folded(struct arena *arena, const char *a, const char *b);

/* The letters of ASCII, in lower case, that a letter of the Latin script beyond it is built on; NULL
 * of all else. */
const char *unicode_plain_latin(uint32_t code_point);

/* Bytes that sort as the text does by the Unicode collation of no language in particular (CLDR's
 * root). They compare with those of the same unicode_edition alone. */
const void *unicode_sort_key(struct arena *arena, const char *text, size_t *ret_length);

/* Names what sort keys and words are made by, ICU and the code here: what was stored of another
 * edition is to be made anew. */
const char *unicode_edition(struct arena *arena);

/* --- words ---------------------------------------------------------------------------------- */

/* Takes one word; false: no more. */
typedef bool unicode_word_fn(void *arg, const char *word, size_t length);

/*
 * The words of text, as searches compare them: letters, digits and the marks that belong to them,
 * folded as unicode_fold does, and without accents. Where a script puts blanks between words a word
 * is what stands between them; where it does not (Chinese, Japanese, Thai, ...), and in Korean, which
 * joins words freely, each character is one, so that a phrase of them is found wherever it stands.
 * What is made of words alone gives the same words again. False where `take` wanted no more.
 */
bool unicode_words(struct arena *arena, const char *text, unicode_word_fn *take, void *arg);

#endif
