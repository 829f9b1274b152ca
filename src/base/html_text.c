/*
 * The characters of HTML's text: UTF-8, and references to characters (HTML standard, section
 * 13.2.5.72 and following). Names need their semicolon: without it they stand for themselves.
 */
#include "base/html_scan.h"

#include <stdlib.h>
#include <string.h>

#define NAME_LENGTH_MAX 32
#define REPLACEMENT 0xfffd
#define CODE_MAX 0x10ffff

struct entity {
	const char *name;
	uint32_t code;
};

static const struct entity entities[] = {
#include "base/html_entities.h"
};

/* What 0x80 to 0x9f mean in a number: windows-1252, as the standard has it. */
static const uint16_t windows_codes[32] = {
	0x20ac, 0x81,	0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
	0x2039, 0x0152, 0x8d,	0x017d, 0x8f,	0x90,	0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
	0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x9d,	0x017e, 0x0178,
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alphanumeric(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int digit_value(char c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : 16;
}

/* --- references --------------------------------------------------------------------------- */

/* The length of the name at `at`, where a semicolon follows it, else 0. */
static size_t name_length(const char *at, const char *end)
{
	size_t length = 0;

	while (at + length < end && length < NAME_LENGTH_MAX && is_alphanumeric(at[length]))
		length++;
	if (length == 0 || is_digit(*at) || at + length == end || at[length] != ';')
		return 0;
	return length;
}

bool html_is_named_reference(const char *at, const char *end)
{
	return at < end && *at == '&' && name_length(at + 1, end) > 0;
}

static int compare_entities(const void *name, const void *entity)
{
	return strcmp(name, ((const struct entity *)entity)->name);
}

/* The character of the name at `at`, and *at behind its semicolon; 0 where we do not know it. */
static uint32_t read_named(const char **at, const char *end)
{
	size_t length = name_length(*at, end);
	char name[NAME_LENGTH_MAX + 1] = {0};
	const struct entity *entity;

	memcpy(name, *at, length);
	entity = bsearch(name, entities, ARRAY_LENGTH(entities), sizeof(entities[0]),
			 compare_entities);
	if (!entity)
		return 0;
	*at += length + 1;
	return entity->code;
}

/* Likewise for the number behind a number sign; 0 where there is none. */
static uint32_t read_numeric(const char **at, const char *end)
{
	const char *start, *digit = *at;
	int base = 10;
	uint32_t code = 0;

	if (digit < end && (*digit == 'x' || *digit == 'X')) {
		base = 16;
		digit++;
	}
	for (start = digit; digit < end && digit_value(*digit) < base; digit++)
		code = MIN(code * (uint32_t)base + (uint32_t)digit_value(*digit), CODE_MAX + 1);
	if (digit == start)
		return 0;
	*at = digit + (digit < end && *digit == ';');
	if (code >= 0x80 && code <= 0x9f)
		return windows_codes[code - 0x80];
	if (code == 0 || code > CODE_MAX || (code >= 0xd800 && code <= 0xdfff))
		return REPLACEMENT;
	return code;
}

/* --- UTF-8 -------------------------------------------------------------------------------- */

/* One sequence, or its first byte where it is ill-formed. */
static uint32_t read_sequence(const char **at, const char *end)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *bytes = (const unsigned char *)*at;
	unsigned char lead = bytes[0];
	int length = lead < 0xc0 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf8 ? 4 : 0;
	uint32_t code = lead & (0x7fu >> length);

	*at += 1;
	if (lead < 0x80)
		return lead;
	if (length == 0 || end - *at < length - 1)
		return REPLACEMENT;
	for (int i = 1; i < length; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return REPLACEMENT;
		code = code << 6 | (bytes[i] & 0x3f);
	}
	if (code < least[length] || code > CODE_MAX || (code >= 0xd800 && code <= 0xdfff))
		return REPLACEMENT;
	*at += length - 1;
	return code;
}

size_t html_put_character(char bytes[static 4], uint32_t character)
{
	if (character < 0x80) {
		bytes[0] = (char)character;
		return 1;
	}
	if (character < 0x800) {
		bytes[0] = (char)(0xc0 | character >> 6);
		bytes[1] = (char)(0x80 | (character & 0x3f));
		return 2;
	}
	if (character < 0x10000) {
		bytes[0] = (char)(0xe0 | character >> 12);
		bytes[1] = (char)(0x80 | (character >> 6 & 0x3f));
		bytes[2] = (char)(0x80 | (character & 0x3f));
		return 3;
	}
	bytes[0] = (char)(0xf0 | character >> 18);
	bytes[1] = (char)(0x80 | (character >> 12 & 0x3f));
	bytes[2] = (char)(0x80 | (character >> 6 & 0x3f));
	bytes[3] = (char)(0x80 | (character & 0x3f));
	return 4;
}

/* --- one character ------------------------------------------------------------------------ */

uint32_t html_character(const char **at, const char *end)
{
	uint32_t code = 0;

	if (**at == '&' && end - *at > 1) {
		const char *behind = *at + 1;

		if (*behind == '#') {
			behind++;
			code = read_numeric(&behind, end);
		} else {
			code = read_named(&behind, end);
		}
		if (code)
			*at = behind;
	}
	if (!code)
		code = read_sequence(at, end);
	if (code == '\t' || code == '\n' || code == '\r')
		return code;
	return code < 0x20 || (code >= 0x7f && code <= 0x9f) ? 0 : code;
}
