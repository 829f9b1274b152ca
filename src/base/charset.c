/* ICU converts through UTF-16, a piece at a time, so that large files need no second copy. */
#include "base/charset.h"

#include <stdlib.h>
#include <unicode/ucnv.h>

#include "base/arena.h"

#define PIVOT_UNITS 4096

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

char *charset_to_utf8(const char *bytes, size_t length, const char *charset, size_t *ret_length)
{
	UErrorCode code = U_ZERO_ERROR;
	UConverter *from = ucnv_open(charset, &code), *to = ucnv_open("UTF-8", &code);
	UChar pivot[PIVOT_UNITS], *pivot_from = pivot, *pivot_to = pivot;
	/* Neither a byte nor a unit of two bytes gives more than three. */
	size_t size = 3 * length + 1;
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
