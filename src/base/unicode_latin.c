/*
 * Letters of the Latin script that are built on those of ASCII: by a table where they are commonest
 * (Latin-1 and Latin Extended-A), which also knows those that Unicode does not take apart, and by
 * Unicode's decompositions beyond it.
 */
#include <unicode/unorm2.h>
#include <unicode/uscript.h>

#include "base/unicode.h"

#define FIRST_LATIN 0xc0
#define LAST_LATIN 0x17f
#define PARTS_MAX 8

/* clang-format off */
/* By code point from U+00C0: the letters in ASCII, or NULL for what is no letter. */
static const char *const latin[LAST_LATIN - FIRST_LATIN + 1] = {
	/* U+00C0 */
	"a", "a", "a", "a", "a", "a", "ae", "c", "e", "e", "e", "e", "i", "i", "i", "i",
	"d", "n", "o", "o", "o", "o", "o", NULL, "o", "u", "u", "u", "u", "y", "th", "ss",
	"a", "a", "a", "a", "a", "a", "ae", "c", "e", "e", "e", "e", "i", "i", "i", "i",
	"d", "n", "o", "o", "o", "o", "o", NULL, "o", "u", "u", "u", "u", "y", "th", "y",
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

/* As text of one character. */
static const char *ascii_text(UChar unit)
{
	static const char letters[26][2] = {"a", "b", "c", "d", "e", "f", "g", "h", "i",
					    "j", "k", "l", "m", "n", "o", "p", "q", "r",
					    "s", "t", "u", "v", "w", "x", "y", "z"};

	if (unit >= 'A' && unit <= 'Z')
		unit = (UChar)(unit - 'A' + 'a');
	return unit >= 'a' && unit <= 'z' ? letters[unit - 'a'] : NULL;
}

const char *unicode_plain_latin(uint32_t c)
{
	UErrorCode code = U_ZERO_ERROR;
	UChar parts[PARTS_MAX];
	const UNormalizer2 *nfd;
	int32_t length;

	if (c < FIRST_LATIN)
		return NULL;
	if (c <= LAST_LATIN)
		return latin[c - FIRST_LATIN];
	if (uscript_getScript((UChar32)c, &code) != USCRIPT_LATIN || U_FAILURE(code))
		return NULL;
	nfd = unorm2_getNFDInstance(&code);
	if (U_FAILURE(code))
		return NULL;
	length = unorm2_getDecomposition(nfd, (UChar32)c, parts, PARTS_MAX, &code);
	return length > 0 && U_SUCCESS(code) ? ascii_text(parts[0]) : NULL;
}
