/* What the files of unicode.h know of each other; for these alone. ICU works on UTF-16: text goes there
 * and back in an arena. */
#ifndef BASE_UNICODE_INTERNAL_H
#define BASE_UNICODE_INTERNAL_H

#include <unicode/unorm2.h>
#include <unicode/ustring.h>

#include "base/unicode.h"

struct wide {
	UChar *units;
	int32_t length;
};

/* Gives one of ICU's normalizers, which it makes once per process and keeps. */
typedef const UNormalizer2 *normalizer_fn(UErrorCode *code);

struct wide wide_from(struct arena *arena, const char *text);
char *wide_text(struct arena *arena, const UChar *units, int32_t length);
struct wide wide_normal(struct arena *arena, normalizer_fn *form_of, struct wide from);

#endif
