/*
 * Slugs: what of a name can stand in an address. Letters of Latin-1 and Latin Extended-A (U+00C0
 * to U+017F) become the letters they are built on; marks that follow their letter (U+0300 to
 * U+036F) vanish; all else separates.
 */
#include <string.h>

#include "base/text.h"

#define FIRST_LATIN 0xc0
#define LAST_LATIN 0x17f

/* clang-format off */
/* By code point from U+00C0: the letters in ASCII, or "" for what is no letter. */
static const char *const latin[LAST_LATIN - FIRST_LATIN + 1] = {
	/* U+00C0 */
	"a", "a", "a", "a", "a", "a", "ae", "c", "e", "e", "e", "e", "i", "i", "i", "i",
	"d", "n", "o", "o", "o", "o", "o", "", "o", "u", "u", "u", "u", "y", "th", "ss",
	"a", "a", "a", "a", "a", "a", "ae", "c", "e", "e", "e", "e", "i", "i", "i", "i",
	"d", "n", "o", "o", "o", "o", "o", "", "o", "u", "u", "u", "u", "y", "th", "y",
	/* U+0100 */
	"a", "a", "a", "a", "a", "a", "c", "c", "c", "c", "c", "c", "c", "c", "d", "d",
	"d", "d", "e", "e", "e", "e", "e", "e", "e", "e", "e", "e", "g", "g", "g", "g",
	"g", "g", "g", "g", "h", "h", "h", "h", "i", "i", "i", "i", "i", "i", "i", "i",
	"i", "i", "ij", "ij", "j", "j", "k", "k", "k", "l", "l", "l", "l", "l", "l", "l",
	/* U+0140 */
	"l", "l", "l", "n", "n", "n", "n", "n", "n", "n", "n", "n", "o", "o", "o", "o",
	"o", "o", "oe", "oe", "r", "r", "r", "r", "r", "r", "s", "s", "s", "s", "s", "s",
	"s", "s", "t", "t", "t", "t", "t", "t", "u", "u", "u", "u", "u", "u", "u", "u",
	"u", "u", "u", "u", "w", "w", "y", "y", "y", "z", "z", "z", "z", "z", "z", "s",
};
/* clang-format on */

/* What the character at *text, which is moved behind it, gives: letters or a digit, "" for a
 * separator, NULL for a mark that belongs to the letter before. */
static const char *next_letters(const char **text, char one[2])
{
	const unsigned char *at = (const unsigned char *)*text;
	uint32_t c;

	one[0] = (char)at[0];
	one[1] = '\0';
	*text += 1;
	if (at[0] >= 'A' && at[0] <= 'Z')
		one[0] = (char)(at[0] - 'A' + 'a');
	if ((one[0] >= 'a' && one[0] <= 'z') || (one[0] >= '0' && one[0] <= '9'))
		return one;
	if ((at[0] & 0xe0) != 0xc0 || (at[1] & 0xc0) != 0x80)
		return "";

	/* Two bytes reach to U+07FF, which is all that the table and the marks need. */
	*text += 1;
	c = (uint32_t)(at[0] & 0x1f) << 6 | (at[1] & 0x3f);
	if (c >= 0x300 && c <= 0x36f)
		return NULL;
	return c >= FIRST_LATIN && c <= LAST_LATIN ? latin[c - FIRST_LATIN] : "";
}

char *text_slug(struct arena *arena, const char *text, size_t most)
{
	/* A letter of one byte gives one, of two bytes at most two; a hyphen stands for another. */
	char *slug = arena_alloc(arena, strlen(text) + 1);
	bool separated = false;
	size_t length = 0;
	char one[2];

	while (*text) {
		const char *letters = next_letters(&text, one);
		size_t more;

		if (!letters)
			continue;
		if (!*letters) {
			separated = length > 0;
			continue;
		}
		more = strlen(letters);
		if (length + separated + more > most)
			break;
		if (separated)
			slug[length++] = '-';
		separated = false;
		memcpy(slug + length, letters, more);
		length += more;
	}
	slug[length] = '\0';
	return slug;
}
