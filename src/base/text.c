/*
 * What is asked of text that comes from outside. Nothing here depends on a locale: letters and
 * digits are ASCII's, and white space is Unicode's. What knows letters of all scripts is in
 * base/unicode.h and text_slug.c.
 */
#include "base/text.h"

#include <string.h>

#define WEB_ADDRESS_LENGTH_MAX 2048
#define PORT_MAX 65535

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_alphanumeric(char c)
{
	return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z');
}

/* --- UTF-8 ---------------------------------------------------------------------------------- */

static bool is_continuation(unsigned char c)
{
	return (c & 0xc0) == 0x80;
}

/* The length of the well-formed sequence that begins `bytes`, of which there are `left`; 0: none.
 * What may follow a lead byte is RFC 3629's table: its ranges exclude all that is too long, a
 * surrogate or beyond U+10FFFF. */
static size_t sequence_length(const unsigned char *bytes, size_t left)
{
	unsigned char lead = bytes[0], least = 0x80, most = 0xbf;
	size_t length;

	if (lead < 0x80)
		return 1;
	if (lead < 0xc2 || lead > 0xf4)
		return 0;
	length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
	if (lead == 0xe0)
		least = 0xa0;
	else if (lead == 0xed)
		most = 0x9f;
	else if (lead == 0xf0)
		least = 0x90;
	else if (lead == 0xf4)
		most = 0x8f;
	if (left < length || bytes[1] < least || bytes[1] > most)
		return 0;
	for (size_t i = 2; i < length; i++)
		if (!is_continuation(bytes[i]))
			return 0;
	return length;
}

bool text_is_utf8(const char *bytes, size_t length)
{
	const unsigned char *at = (const unsigned char *)bytes;

	while (length) {
		uint64_t word;
		size_t step;

		/* Eight of ASCII at once: the most there is. */
		if (length >= sizeof(word)) {
			memcpy(&word, at, sizeof(word));
			if (!(word & UINT64_C(0x8080808080808080))) {
				at += sizeof(word);
				length -= sizeof(word);
				continue;
			}
		}
		step = sequence_length(at, length);
		if (!step)
			return false;
		at += step;
		length -= step;
	}
	return true;
}

uint32_t text_next(const char **text)
{
	const unsigned char *at = (const unsigned char *)*text;
	size_t length = sequence_length(at, strnlen(*text, 4));
	uint32_t code_point = at[0];

	if (!length) {
		*text += 1;
		return 0xfffd;
	}
	if (length > 1) {
		code_point &= 0x7fu >> length;
		for (size_t i = 1; i < length; i++)
			code_point = code_point << 6 | (at[i] & 0x3f);
	}
	*text += length;
	return code_point;
}

static bool is_control(uint32_t code_point)
{
	return code_point < 0x20 || (code_point >= 0x7f && code_point < 0xa0);
}

bool text_is_white_space(uint32_t c)
{
	return (c >= 0x09 && c <= 0x0d) || c == 0x20 || c == 0x85 || c == 0xa0 || c == 0x1680 ||
	       (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f ||
	       c == 0x205f || c == 0x3000 || c == 0xfeff;
}

bool text_has_control(const char *text)
{
	while (*text) {
		uint32_t c = text_next(&text);

		if (is_control(c) && c != '\t' && c != '\n' && c != '\r')
			return true;
	}
	return false;
}

size_t text_length(const char *text)
{
	size_t length = 0;

	for (; *text; text++)
		length += !is_continuation((unsigned char)*text);
	return length;
}

/* --- copies --------------------------------------------------------------------------------- */

char *text_lower(struct arena *arena, const char *text)
{
	char *copy = arena_copy_text(arena, text);

	for (char *c = copy; *c; c++)
		*c = lower(*c);
	return copy;
}

char *text_trim(struct arena *arena, const char *text)
{
	const char *start = NULL, *end = text;

	while (*text) {
		const char *before = text;

		if (text_is_white_space(text_next(&text)))
			continue;
		if (!start)
			start = before;
		end = text;
	}
	return start ? arena_copy_bytes(arena, start, (size_t)(end - start))
		     : arena_copy_bytes(arena, "", 0);
}

/* --- forms ---------------------------------------------------------------------------------- */

bool text_is_mobile(const char *text)
{
	size_t digits = 0;

	if (text[0] != '+' || text[1] == '0')
		return false;
	while (digits <= 15 && is_digit(text[1 + digits]))
		digits++;
	return digits >= 7 && digits <= 15 && !text[1 + digits];
}

/* A host and an optional port. User information is refused: it makes one host look like another,
 * and RFC 9110, section 4.2.4, wants none. Names beyond ASCII and escapes are left to resolvers. */
static bool is_authority(const char *text, size_t length)
{
	size_t host = 0;
	int port = 0;

	if (length && text[0] == '[') {
		for (host = 1; host < length && text[host] != ']'; host++)
			if (!is_alphanumeric(text[host]) && text[host] != ':' && text[host] != '.')
				return false;
		if (host < 3 || host == length)
			return false;
		host++;
	} else {
		while (host < length && (is_alphanumeric(text[host]) || (text[host] & 0x80) ||
					 strchr("-._~%", text[host])))
			host++;
		if (!host || text[0] == '.')
			return false;
	}
	if (host == length)
		return true;
	if (text[host] != ':' || host + 1 == length || length - host > 6)
		return false;
	for (size_t i = host + 1; i < length; i++) {
		if (!is_digit(text[i]))
			return false;
		port = port * 10 + (text[i] - '0');
	}
	return port <= PORT_MAX;
}

bool text_is_web_address(const char *text)
{
	const char *authority;

	if (strnlen(text, WEB_ADDRESS_LENGTH_MAX + 1) > WEB_ADDRESS_LENGTH_MAX)
		return false;
	for (const char *at = text; *at;) {
		uint32_t c = text_next(&at);

		if (text_is_white_space(c) || is_control(c))
			return false;
	}
	authority = strstr(text, "://");
	if (!authority || authority - text < 4 || authority - text > 5)
		return false;
	for (size_t i = 0; text + i < authority; i++)
		if (lower(text[i]) != "https"[i])
			return false;
	authority += 3;
	return is_authority(authority, strcspn(authority, "/?#"));
}

bool text_to_int(const char *text, int64_t *ret_number)
{
	bool minus = *text == '-';
	int64_t number = 0;

	text += minus;
	if (!*text)
		return false;
	for (; *text; text++) {
		int digit = *text - '0';

		if (!is_digit(*text))
			return false;
		/* Counted downwards: the least number has no positive counterpart. */
		if (__builtin_mul_overflow(number, 10, &number) ||
		    __builtin_sub_overflow(number, digit, &number))
			return false;
	}
	if (!minus && __builtin_sub_overflow(0, number, &number))
		return false;
	*ret_number = number;
	return true;
}

bool text_starts_with(const char *text, const char *start)
{
	return !strncmp(text, start, strlen(start));
}

bool text_equal_ignoring_case(const char *a, const char *b)
{
	while (*a && lower(*a) == lower(*b)) {
		a++;
		b++;
	}
	return lower(*a) == lower(*b);
}
