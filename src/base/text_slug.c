/*
 * Slugs: what of a name can stand in an address. Letters, digits and the marks on them stay,
 * whatever their script, in lower case and of one width; all else separates. Letters of the Latin
 * script become those of ASCII that they are built on, as readers of Latin expect of addresses.
 */
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>

#include "base/text.h"
#include "base/unicode.h"

#define LETTERS_SIZE 8

/* --- characters ----------------------------------------------------------------------------- */

/* What the tables do not hold: the letter itself, in bytes. */
static void write_letter(uint32_t c, char letters[LETTERS_SIZE])
{
	size_t length = 0;

	if (c < 0x80) {
		letters[length++] = (char)c;
	} else if (c < 0x800) {
		letters[length++] = (char)(0xc0 | c >> 6);
		letters[length++] = (char)(0x80 | (c & 0x3f));
	} else if (c < 0x10000) {
		letters[length++] = (char)(0xe0 | c >> 12);
		letters[length++] = (char)(0x80 | (c >> 6 & 0x3f));
		letters[length++] = (char)(0x80 | (c & 0x3f));
	} else {
		letters[length++] = (char)(0xf0 | c >> 18);
		letters[length++] = (char)(0x80 | (c >> 12 & 0x3f));
		letters[length++] = (char)(0x80 | (c >> 6 & 0x3f));
		letters[length++] = (char)(0x80 | (c & 0x3f));
	}
	letters[length] = '\0';
}

static bool is_one_of(uint32_t c, uint32_t categories)
{
	return (U_MASK(u_charType((UChar32)c)) & categories) != 0;
}

enum part {
	PART_LETTERS,	/* letters or a digit */
	PART_MARK,	/* belongs to the letter before it */
	PART_NOTHING,	/* nobody sees it */
	PART_SEPARATOR, /* all else */
};

/* What a character, in lower case, is to a slug. */
static enum part part_of(uint32_t c, char letters[LETTERS_SIZE])
{
	const char *plain;

	letters[0] = '\0';
	if (c < 0x80) {
		letters[0] = (char)c;
		letters[1] = '\0';
		return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? PART_LETTERS
									: PART_SEPARATOR;
	}
	plain = unicode_plain_latin(c);
	if (plain) {
		memcpy(letters, plain, strlen(plain) + 1);
		return PART_LETTERS;
	}
	if (u_hasBinaryProperty((UChar32)c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT))
		return PART_NOTHING;
	write_letter(c, letters);
	if (is_one_of(c, U_GC_M_MASK))
		return PART_MARK;
	return is_one_of(c, U_GC_L_MASK | U_GC_N_MASK) ? PART_LETTERS : PART_SEPARATOR;
}

/* --- slugs ---------------------------------------------------------------------------------- */

struct slug {
	char *text;
	size_t length, count; /* in bytes, in characters */
	size_t most;
	bool separated; /* something that separates came behind the last letter */
	bool full;
};

/* Appends the letters of one character, or the mark on the one before, if there is room. */
static void append(struct slug *slug, enum part part, const char *letters)
{
	bool separated = slug->separated && slug->count > 0;
	size_t more = text_length(letters);

	if (slug->count + separated + more > slug->most) {
		slug->full = true;
		return;
	}
	if (separated)
		slug->text[slug->length++] = '-';
	slug->separated = false;
	memcpy(slug->text + slug->length, letters, strlen(letters));
	slug->length += strlen(letters);
	slug->count += separated + more;
}

/* Where letters have a form of another width, or are one symbol, NFKC gives what they stand for. It
 * does so to symbols too ("TM" in small): these go before. */
static char *without_symbols(struct arena *arena, const char *text)
{
	char *copy = arena_alloc(arena, 2 * strlen(text) + 1), *to = copy;

	while (*text) {
		const char *from = text;
		uint32_t c = text_next(&text);

		const char *plain = unicode_plain_latin(c);

		if (plain) {
			memcpy(to, plain, strlen(plain));
			to += strlen(plain);
		} else if (c < 0x80 || is_one_of(c, U_GC_L_MASK | U_GC_N_MASK | U_GC_M_MASK) ||
			   u_hasBinaryProperty((UChar32)c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT)) {
			memcpy(to, from, (size_t)(text - from));
			to += text - from;
		} else {
			*to++ = ' ';
		}
	}
	return copy;
}

char *text_slug(struct arena *arena, const char *text, size_t most)
{
	struct slug slug = {.most = most};
	char letters[LETTERS_SIZE];
	bool marks = false; /* the last letter keeps those that follow it */

	text = unicode_lower(arena, without_symbols(arena, unicode_nfc(arena, text)));
	/* A letter gives as many bytes as it has, or two of ASCII; a hyphen stands for another. */
	slug.text = arena_alloc(arena, 2 * strlen(text) + 1);
	while (*text && !slug.full) {
		enum part part = part_of(text_next(&text), letters);

		if (part == PART_MARK && (!marks || slug.separated || !slug.count))
			continue;
		if (part == PART_SEPARATOR)
			slug.separated = true;
		if (part == PART_LETTERS)
			marks = (letters[0] & 0x80) != 0;
		if (part == PART_LETTERS || part == PART_MARK)
			append(&slug, part, letters);
	}
	slug.text[slug.length] = '\0';
	return slug.text;
}

/* Whether the character can stand in a slug: a letter, digit or mark, in lower case, that does not
 * stand for another. */
static bool is_slug_letter(uint32_t c)
{
	if (c < 0x80)
		return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
	return is_one_of(c, U_GC_L_MASK | U_GC_N_MASK | U_GC_M_MASK) &&
	       !u_hasBinaryProperty((UChar32)c, UCHAR_CHANGES_WHEN_LOWERCASED) &&
	       !u_hasBinaryProperty((UChar32)c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT) &&
	       u_getIntPropertyValue((UChar32)c, UCHAR_NFKC_QUICK_CHECK) != UNORM_NO;
}

bool text_is_slug(const char *text)
{
	bool separated = true;

	while (*text) {
		uint32_t c = text_next(&text);

		/* A mark needs a letter before it. */
		if (separated && (c == '-' || is_one_of(c, U_GC_M_MASK)))
			return false;
		if (c != '-' && !is_slug_letter(c))
			return false;
		separated = c == '-';
	}
	return !separated;
}
