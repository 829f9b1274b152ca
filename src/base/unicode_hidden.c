/* Characters that nobody sees. */
#include <string.h>
#include <unicode/uchar.h>

#include "base/text.h"
#include "base/unicode.h"

#define ZERO_WIDTH_NON_JOINER 0x200c
#define ZERO_WIDTH_JOINER 0x200d
#define KEYCAP 0x20e3
#define BLACK_FLAG 0x1f3f4
#define FIRST_TAG 0xe0020
#define LAST_TAG 0xe007f
#define VIRAMA_CLASS 9

/* A character, and the ones around it; 0 at the ends. */
struct around {
	UChar32 before, it, behind;
	UChar32 letter; /* the last before it that is no mark */
};

static bool is_mark(UChar32 c)
{
	return (U_GET_GC_MASK(c) & U_GC_M_MASK) != 0;
}

static bool is_pictograph(UChar32 c)
{
	return u_hasBinaryProperty(c, UCHAR_EXTENDED_PICTOGRAPHIC);
}

/* RFC 5892, appendices A.1 and A.2, and emoji of several (UTS 51). */
static bool joins(const struct around *around)
{
	int joining = u_getIntPropertyValue(around->letter, UCHAR_JOINING_TYPE);
	bool letter_follows =
		(U_GET_GC_MASK(around->behind) & (U_GC_L_MASK | U_GC_M_MASK)) != 0 &&
		!u_hasBinaryProperty(around->behind, UCHAR_DEFAULT_IGNORABLE_CODE_POINT);

	if (u_getCombiningClass(around->before) == VIRAMA_CLASS)
		return true;
	if (around->it == ZERO_WIDTH_JOINER && is_pictograph(around->behind))
		return is_pictograph(around->letter) || around->before == 0xfe0f ||
		       u_hasBinaryProperty(around->before, UCHAR_EMOJI_MODIFIER);
	return letter_follows &&
	       (joining == U_JT_DUAL_JOINING || joining == U_JT_LEFT_JOINING ||
		(around->it == ZERO_WIDTH_JOINER && joining == U_JT_RIGHT_JOINING));
}

/* Which of several shapes the character before has. */
static bool selects(const struct around *around)
{
	UChar32 c = around->it, before = around->before;

	if (c == 0xfe0e || c == 0xfe0f)
		return u_hasBinaryProperty(before, UCHAR_EMOJI) &&
		       (before >= 0x80 || around->behind == KEYCAP);
	if (c >= 0x180b && c <= 0x180f)
		return before >= 0x1800 && before < 0x18b0;
	return u_hasBinaryProperty(before, UCHAR_IDEOGRAPHIC);
}

static bool is_hidden(const struct around *around)
{
	UChar32 c = around->it;

	if (c < 0x80)
		return false;
	/* Separators of lines, marks of annotations, a blank that is none; what is no character. */
	if (c == 0x2028 || c == 0x2029 || (c >= 0xfff9 && c <= 0xfffb) || c == 0x2800 ||
	    u_hasBinaryProperty(c, UCHAR_NONCHARACTER_CODE_POINT))
		return true;
	if (!u_hasBinaryProperty(c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT) &&
	    !u_hasBinaryProperty(c, UCHAR_BIDI_CONTROL))
		return false;
	if (c == ZERO_WIDTH_JOINER || c == ZERO_WIDTH_NON_JOINER)
		return !joins(around);
	if (u_hasBinaryProperty(c, UCHAR_VARIATION_SELECTOR))
		return !selects(around);
	if (c >= FIRST_TAG && c <= LAST_TAG)
		return around->before != BLACK_FLAG &&
		       !(around->before >= FIRST_TAG && around->before < LAST_TAG);
	return true;
}

/* Moves on by one character; false at the end. */
static bool next(const char **text, struct around *around)
{
	const char *behind;

	if (!**text)
		return false;
	if (around->it && !is_mark(around->it))
		around->letter = around->it;
	around->before = around->it;
	around->it = (UChar32)text_next(text);
	behind = *text;
	around->behind = *behind ? (UChar32)text_next(&behind) : 0;
	return true;
}

bool unicode_has_hidden(const char *text)
{
	struct around around = {0};

	if (unicode_is_ascii(text))
		return false;
	while (next(&text, &around))
		if (is_hidden(&around))
			return true;
	return false;
}

char *unicode_without_hidden(struct arena *arena, const char *text)
{
	char *copy = arena_copy_text(arena, text), *to = copy;
	struct around around = {0}, before;
	const char *from = text;

	if (unicode_is_ascii(text))
		return copy;
	for (before = around; next(&text, &around); from = text, before = around) {
		if (is_hidden(&around)) {
			/* As if it had not been there. */
			around = before;
			continue;
		}
		memcpy(to, from, (size_t)(text - from));
		to += text - from;
	}
	*to = '\0';
	return copy;
}
