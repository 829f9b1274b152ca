/* ICU converts through UTF-16, a piece at a time, so that large files need no second copy. */
#include "base/charset.h"

#include <stdlib.h>
#include <string.h>
#include <unicode/ucnv.h>
#include <unicode/ucsdet.h>

#include "base/arena.h"

#define PIVOT_UNITS 4096
#define SAMPLE_BYTES_MAX (64 << 10)
#define CONFIDENCE_MIN 80 /* of 100: below it ICU takes Chinese for Korean */

const char *charset_told(const char *bytes, size_t length, size_t *ret_mark)
{
	UErrorCode code = U_ZERO_ERROR;
	int32_t mark = 0;
	const char *name =
		ucnv_detectUnicodeSignature(bytes, (int32_t)MIN(length, 8), &mark, &code);

	*ret_mark = U_SUCCESS(code) && name ? (size_t)mark : 0;
	if (*ret_mark)
		return name;
	if (length < 2 || !bytes[0] == !bytes[1])
		return NULL;
	return bytes[0] ? "UTF-16LE" : "UTF-16BE";
}

static bool is_ascii(const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)bytes[i] >= 0x80)
			return false;
	return true;
}

/* The first cells that are not ASCII, a line each: the others speak for English alone. */
static size_t take_sample(const char *bytes, size_t length, char *sample)
{
	size_t size = 0;

	for (size_t start = 0, i = 0; i <= length && size < SAMPLE_BYTES_MAX; i++) {
		size_t cell = i - start;

		if (i < length && !memchr(",;\t\"\r\n", bytes[i], 6))
			continue;
		if (size + cell < SAMPLE_BYTES_MAX && !is_ascii(bytes + start, cell)) {
			memcpy(sample + size, bytes + start, cell);
			size += cell;
			sample[size++] = '\n';
		}
		start = i + 1;
	}
	return size;
}

/* Whether it can be Windows-1252: there letters with marks stand alone between others, four in a row
 * are of another script, and some of its characters hardly anybody writes. */
static bool is_latin(const char *sample, size_t size)
{
	size_t all = 0, strange = 0, row = 0;

	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)sample[i];

		row = c >= 0x80 ? row + 1 : 0;
		all += c >= 0x80;
		if (c >= 0x80 && memchr("\x81\x8d\x8f\x90\x9d", c, 5))
			return false;
		if (row == 4)
			strange += row;
		else if (row > 4 || (c >= 0x80 && memchr("\x83\x86\x87\x88\x89", c, 5)))
			strange++;
	}
	return 3 * strange <= all;
}

/* What ICU says of other scripts, where it is sure; NULL where it is not. */
static const char *telling_charset(const char *sample, size_t size)
{
	static const char *const charsets[] = {
		"Shift_JIS",	"EUC-JP", "EUC-KR",	  "GB18030",	  "Big5",
		"windows-1251", "KOI8-R", "windows-1253", "windows-1255", "windows-1256",
	};
	UErrorCode code = U_ZERO_ERROR;
	UCharsetDetector *detector = ucsdet_open(&code);
	const UCharsetMatch *match;
	const char *name = NULL, *found = NULL;

	ucsdet_setText(detector, sample, (int32_t)size, &code);
	match = ucsdet_detect(detector, &code);
	if (U_SUCCESS(code) && match && ucsdet_getConfidence(match, &code) >= CONFIDENCE_MIN)
		name = ucsdet_getName(match, &code);
	for (size_t i = 0; name && i < ARRAY_LENGTH(charsets); i++)
		if (strcmp(charsets[i], name) == 0)
			found = charsets[i];
	ucsdet_close(detector);
	return found;
}

const char *charset_guess(const char *bytes, size_t length)
{
	char *sample = must_alloc(SAMPLE_BYTES_MAX);
	size_t size = take_sample(bytes, length, sample);
	const char *charset =
		is_latin(sample, size) ? "Windows-1252" : telling_charset(sample, size);

	free(sample);
	return charset;
}

bool charset_is_known(const char *charset)
{
	UErrorCode code = U_ZERO_ERROR;
	UConverter *converter = ucnv_open(charset, &code);

	ucnv_close(converter);
	return U_SUCCESS(code);
}

char *charset_to_utf8(const char *bytes, size_t length, const char *charset, size_t *ret_length)
{
	UErrorCode code = U_ZERO_ERROR;
	UConverter *from = ucnv_open(charset, &code), *to = ucnv_open("UTF-8", &code);
	UChar pivot[PIVOT_UNITS], *pivot_from = pivot, *pivot_to = pivot;
	/* No byte gives more than four. */
	size_t size = 4 * length + 1;
	char *text = NULL, *end;

	if (U_SUCCESS(code)) {
		text = end = must_alloc(size);
		ucnv_convertEx(to, from, &end, text + size, &bytes, bytes + length, pivot,
			       &pivot_from, &pivot_to, pivot + PIVOT_UNITS, true, true, &code);
		assert(U_SUCCESS(code));
		*ret_length = (size_t)(end - text);
	}
	ucnv_close(from);
	ucnv_close(to);
	return text;
}
