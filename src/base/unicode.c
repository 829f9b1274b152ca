/* Normal forms and folding. */
#include <string.h>

#include "base/unicode_internal.h"

#define MARKS_MAX 30

bool unicode_is_ascii(const char *text)
{
	size_t length = strlen(text);

	for (size_t i = 0; i < length; i++)
		if (text[i] & 0x80)
			return false;
	return true;
}

struct wide wide_from(struct arena *arena, const char *text)
{
	size_t length = strlen(text);
	struct wide wide = {.units = ARENA_ARRAY(arena, UChar, length + 1)};
	UErrorCode code = U_ZERO_ERROR;

	/* A byte gives one unit at most. */
	assert(length < INT32_MAX / 2);
	u_strFromUTF8WithSub(wide.units, (int32_t)length + 1, &wide.length, text, (int32_t)length,
			     0xfffd, NULL, &code);
	assert(U_SUCCESS(code));
	return wide;
}

char *wide_text(struct arena *arena, const UChar *units, int32_t length)
{
	int32_t size = 3 * length + 1; /* a unit gives three bytes at most */
	char *text = arena_alloc(arena, (size_t)size);
	UErrorCode code = U_ZERO_ERROR;

	u_strToUTF8WithSub(text, size, NULL, units, length, 0xfffd, NULL, &code);
	assert(U_SUCCESS(code));
	return text;
}

/* Of what is put in order behind one letter, the first MARKS_MAX: the time that it takes grows by the
 * square of their number (UAX 15, section 13). */
static struct wide without_stacks(struct arena *arena, const UNormalizer2 *form, struct wide from)
{
	struct wide to = {.units = ARENA_ARRAY(arena, UChar, (size_t)from.length + 1)};
	int marks = 0;

	for (int32_t i = 0; i < from.length;) {
		UChar32 c;

		U16_NEXT(from.units, i, from.length, c);
		marks = unorm2_hasBoundaryBefore(form, c) ? 0 : marks + 1;
		if (marks <= MARKS_MAX)
			U16_APPEND_UNSAFE(to.units, to.length, c);
	}
	return to;
}

struct wide wide_normal(struct arena *arena, normalizer_fn *form_of, struct wide from)
{
	struct wide to = {0};
	UErrorCode code = U_ZERO_ERROR;
	const UNormalizer2 *form = form_of(&code);
	int32_t room = 2 * from.length + 16;

	assert(U_SUCCESS(code));
	from = without_stacks(arena, form, from);
	to.units = ARENA_ARRAY(arena, UChar, (size_t)room);
	to.length = unorm2_normalize(form, from.units, from.length, to.units, room, &code);
	if (code == U_BUFFER_OVERFLOW_ERROR) {
		code = U_ZERO_ERROR;
		room = to.length + 1;
		to.units = ARENA_ARRAY(arena, UChar, (size_t)room);
		to.length = unorm2_normalize(form, from.units, from.length, to.units, room, &code);
	}
	assert(U_SUCCESS(code));
	return to;
}

const char *unicode_nfc(struct arena *arena, const char *text)
{
	UErrorCode code = U_ZERO_ERROR;
	struct wide wide;
	bool normal;

	if (unicode_is_ascii(text))
		return text;
	wide = wide_from(arena, text);
	normal = unorm2_isNormalized(unorm2_getNFCInstance(&code), wide.units, wide.length, &code);
	assert(U_SUCCESS(code));
	if (normal)
		return text;
	wide = wide_normal(arena, unorm2_getNFCInstance, wide);
	return wide_text(arena, wide.units, wide.length);
}

static char *lower_ascii(struct arena *arena, const char *text)
{
	char *copy = arena_copy_text(arena, text);

	for (char *c = copy; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	return copy;
}

char *unicode_lower(struct arena *arena, const char *text)
{
	struct wide from, to;
	UErrorCode code = U_ZERO_ERROR;
	int32_t room;

	if (unicode_is_ascii(text))
		return lower_ascii(arena, text);
	from = wide_normal(arena, unorm2_getNFKCInstance, wide_from(arena, text));
	/* One unit gives three at most (SpecialCasing.txt). */
	room = 3 * from.length + 1;
	to.units = ARENA_ARRAY(arena, UChar, (size_t)room);
	to.length = u_strToLower(to.units, room, from.units, from.length, "", &code);
	assert(U_SUCCESS(code));
	to = wide_normal(arena, unorm2_getNFKCInstance, to);
	return wide_text(arena, to.units, to.length);
}

char *unicode_fold(struct arena *arena, const char *text)
{
	struct wide wide;

	if (unicode_is_ascii(text))
		return lower_ascii(arena, text);
	/* Decomposed before (Unicode's definition D147): some marks fold otherwise within a letter. */
	wide = wide_normal(arena, unorm2_getNFDInstance, wide_from(arena, text));
	wide = wide_normal(arena, unorm2_getNFKCCasefoldInstance, wide);
	return wide_text(arena, wide.units, wide.length);
}

bool unicode_equal_folded(struct arena *arena, const char *a, const char *b)
{
	return strcmp(a, b) == 0 || strcmp(unicode_fold(arena, a), unicode_fold(arena, b)) == 0;
}
