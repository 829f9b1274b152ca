/*
 * Words. They are not cut by a dictionary: what one finds in a phrase depends on what stands around
 * it and on its edition, so that a word of a query would often not be found in a text that has it.
 */
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/uscript.h>
#include <unicode/utf16.h>

#include "base/unicode_internal.h"

#define WORD_UNITS_MAX 100 /* of UTF-16; what is longer is cut */
#define BREVE 0x306
#define VOICED 0x3099 /* marks of Kana */
#define HALF_VOICED 0x309a
#define TATWEEL 0x640
/* Among the letters that modify others: what is also typed as an apostrophe, which is none. */
#define APOSTROPHE_FIRST 0x2b9
#define APOSTROPHE_LAST 0x2bf

enum letter {
	LETTER_NONE,  /* separates */
	LETTER_OF,    /* of a word of several */
	LETTER_ALONE, /* a word of its own */
	LETTER_MARK,  /* belongs to the one before */
};

/* Whether a mark changes how a letter sounds or is stressed, and not which letter it is: in scripts of
 * India or Thailand vowels are marks too. The voice marks of Kana make other letters; so does the
 * breve of Cyrillic. */
static bool is_accent(UChar32 mark, UScriptCode before)
{
	UErrorCode code = U_ZERO_ERROR;

	switch (uscript_getScript(mark, &code)) {
	case USCRIPT_INHERITED:
		return mark != VOICED && mark != HALF_VOICED &&
		       !(mark == BREVE && before == USCRIPT_CYRILLIC);
	case USCRIPT_ARABIC:
	case USCRIPT_CYRILLIC:
	case USCRIPT_GREEK:
	case USCRIPT_HEBREW:
	case USCRIPT_SYRIAC:
		return true;
	default:
		return false;
	}
}

static bool is_mark(UChar32 c)
{
	return (U_GET_GC_MASK(c) & U_GC_M_MASK) != 0;
}

/* Appends the letter as it is compared. */
static void append_plain(struct wide *to, UChar32 c)
{
	const char *plain = unicode_plain_latin((uint32_t)c);
	int32_t digit = u_charDigitValue(c);

	if (plain) {
		for (; *plain; plain++)
			to->units[to->length++] = (UChar)*plain;
	} else if (digit >= 0) {
		to->units[to->length++] = (UChar)('0' + digit);
	} else {
		U16_APPEND_UNSAFE(to->units, to->length, c);
	}
}

/* Folded, without accents. */
static struct wide plain_from(struct arena *arena, const char *text)
{
	struct wide from = wide_normal(arena, unorm2_getNFDInstance, wide_from(arena, text));
	UScriptCode script = USCRIPT_COMMON;
	UErrorCode code = U_ZERO_ERROR;
	struct wide to = {0};

	from = wide_normal(arena, unorm2_getNFKCCasefoldInstance, from);
	from = wide_normal(arena, unorm2_getNFDInstance, from);
	to.units = ARENA_ARRAY(arena, UChar, 2 * (size_t)from.length + 1);
	for (int32_t i = 0; i < from.length;) {
		UChar32 c;

		U16_NEXT(from.units, i, from.length, c);
		if (c < 0x80) {
			script = USCRIPT_LATIN;
			to.units[to.length++] = (UChar)c;
		} else if (is_mark(c)) {
			if (!is_accent(c, script))
				U16_APPEND_UNSAFE(to.units, to.length, c);
		} else if (c != TATWEEL) {
			script = uscript_getScript(c, &code);
			append_plain(&to, c);
		}
	}
	return wide_normal(arena, unorm2_getNFCInstance, to);
}

static enum letter letter_of(UChar32 c)
{
	UErrorCode code = U_ZERO_ERROR;
	UScriptCode script;

	if (c < 0x80)
		return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? LETTER_OF : LETTER_NONE;
	if (is_mark(c))
		return LETTER_MARK;
	if (!(U_GET_GC_MASK(c) & (U_GC_L_MASK | U_GC_N_MASK)) ||
	    (c >= APOSTROPHE_FIRST && c <= APOSTROPHE_LAST))
		return LETTER_NONE;
	script = uscript_getScript(c, &code);
	/* What lengthens a vowel of Kana is of no script in particular. */
	if (script == USCRIPT_HANGUL || uscript_breaksBetweenLetters(script) ||
	    (script == USCRIPT_COMMON && uscript_hasScript(c, USCRIPT_KATAKANA)))
		return LETTER_ALONE;
	return LETTER_OF;
}

/* The word that is being read. */
struct word {
	unicode_word_fn *take;
	void *arg;
	int32_t begin, end; /* none where they are equal */
};

static bool end_word(struct word *word, const UChar *units)
{
	char bytes[3 * WORD_UNITS_MAX + 1];
	int32_t length = MIN(word->end - word->begin, WORD_UNITS_MAX);
	UErrorCode code = U_ZERO_ERROR;

	if (length == 0)
		return true;
	u_strToUTF8WithSub(bytes, sizeof(bytes), &length, units + word->begin, length, 0xfffd, NULL,
			   &code);
	assert(U_SUCCESS(code));
	word->begin = word->end;
	return word->take(word->arg, bytes, (size_t)length);
}

static bool words_of_wide(const struct wide *text, struct word *word)
{
	bool alone = false; /* the last letter takes nothing but marks */

	for (int32_t i = 0; i < text->length;) {
		int32_t begin = i;
		enum letter letter;
		UChar32 c;

		U16_NEXT(text->units, i, text->length, c);
		letter = letter_of(c);
		if (letter == LETTER_MARK && word->begin < word->end) {
			word->end = i;
			continue;
		}
		if (letter != LETTER_OF || alone) {
			if (!end_word(word, text->units))
				return false;
			word->begin = word->end = begin;
		}
		if (letter == LETTER_OF || letter == LETTER_ALONE)
			word->end = i;
		else
			word->begin = word->end = i;
		alone = letter == LETTER_ALONE;
	}
	return end_word(word, text->units);
}

/* The same of ASCII, which is most of what there is. */
static bool words_of_ascii(const char *text, unicode_word_fn *take, void *arg)
{
	char word[WORD_UNITS_MAX];
	size_t length = 0;

	for (;; text++) {
		char c = *text;

		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
			if (length < sizeof(word))
				word[length++] = c;
			continue;
		}
		if (length && !take(arg, word, length))
			return false;
		length = 0;
		if (!c)
			return true;
	}
}

bool unicode_words(struct arena *arena, const char *text, unicode_word_fn *take, void *arg)
{
	struct word word = {.take = take, .arg = arg};
	struct wide plain;

	if (unicode_is_ascii(text))
		return words_of_ascii(text, take, arg);
	plain = plain_from(arena, text);
	return words_of_wide(&plain, &word);
}
