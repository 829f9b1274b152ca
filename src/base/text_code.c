/* Text that stands for bytes: percent-encoding, base64url and hexadecimal digits. */
#include <string.h>

#include "base/text.h"

static const char base64url_digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

char *text_percent_decode(struct arena *arena, const char *text, size_t length, bool plus_is_space)
{
	char *decoded = arena_alloc(arena, length + 1);
	size_t count = 0;

	for (size_t i = 0; i < length; i++) {
		char c = text[i];

		if (c == '%') {
			int high = length - i > 2 ? hex_value(text[i + 1]) : -1;
			int low = high < 0 ? -1 : hex_value(text[i + 2]);

			if (low < 0)
				return NULL;
			c = (char)(high << 4 | low);
			i += 2;
		} else if (c == '+' && plus_is_space) {
			c = ' ';
		}
		if (!c)
			return NULL;
		decoded[count++] = c;
	}
	return text_is_utf8(decoded, count) ? decoded : NULL;
}

static bool is_unreserved(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '-' || c == '.' || c == '_' || c == '~';
}

char *text_percent_encode(struct arena *arena, const char *text)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t count = 0;
	char *encoded, *to;

	for (const char *c = text; *c; c++)
		count += is_unreserved(*c) ? 1 : 3;
	encoded = to = arena_alloc(arena, count + 1);
	for (; *text; text++) {
		unsigned char byte = (unsigned char)*text;

		if (is_unreserved(*text)) {
			*to++ = *text;
			continue;
		}
		*to++ = '%';
		*to++ = digits[byte >> 4];
		*to++ = digits[byte & 0x0f];
	}
	return encoded;
}

char *base64url_encode(struct arena *arena, const void *bytes, size_t length)
{
	const uint8_t *from = bytes;
	char *text, *to;

	assert(length < SIZE_MAX / 8);
	text = to = arena_alloc(arena, (length * 4 + 2) / 3 + 1);
	for (size_t i = 0; i < length; i += 3) {
		size_t left = MIN(length - i, 3);
		uint32_t three = (uint32_t)from[i] << 16;

		if (left > 1)
			three |= (uint32_t)from[i + 1] << 8;
		if (left > 2)
			three |= from[i + 2];
		for (size_t digit = 0; digit <= left; digit++)
			*to++ = base64url_digits[three >> (18 - 6 * digit) & 0x3f];
	}
	return text;
}

static int base64url_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '-')
		return 62;
	return c == '_' ? 63 : -1;
}

bool base64url_decode(struct arena *arena, const char *text, uint8_t **ret_bytes,
		      size_t *ret_length)
{
	size_t length = strlen(text), count = 0;
	uint32_t bits = 0;
	int held = 0; /* so many low bits of `bits` are not yet given out */
	uint8_t *bytes;

	if (length % 4 == 1)
		return false;
	bytes = arena_alloc(arena, length / 4 * 3 + 3);
	for (; *text; text++) {
		int value = base64url_value(*text);

		if (value < 0)
			return false;
		bits = bits << 6 | (uint32_t)value;
		held += 6;
		if (held >= 8) {
			held -= 8;
			bytes[count++] = (uint8_t)(bits >> held);
		}
	}
	if (bits & ((1u << held) - 1))
		return false;
	*ret_bytes = bytes;
	*ret_length = count;
	return true;
}

char *hex_encode(struct arena *arena, const void *bytes, size_t length)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *from = bytes;
	char *text;

	assert(length < SIZE_MAX / 4);
	text = arena_alloc(arena, length * 2 + 1);
	for (size_t i = 0; i < length; i++) {
		text[2 * i] = digits[from[i] >> 4];
		text[2 * i + 1] = digits[from[i] & 0x0f];
	}
	return text;
}
