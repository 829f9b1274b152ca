/*
 * JSON out, the hot path of every answer: room is asked for once per value, and text is copied
 * eight bytes at a time as long as none of them needs an escape.
 *
 * Invariants: length < capacity and data[length] is NUL after every public call; a value stands
 * within a list without a name, within an object with one, at the top alone.
 */
#include "base/out.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/time.h"

#define CAPACITY_START 512
#define NUMBER_SIZE 24 /* a sign, 19 digits, a point */
#define ESCAPED_SIZE 6 /* \u001f */

struct out out_new(struct arena *arena)
{
	return (struct out){
		.arena = arena,
		.data = arena_alloc(arena, CAPACITY_START),
		.capacity = CAPACITY_START,
	};
}

struct out out_new_kept(struct arena *arena, struct arena *kept)
{
	struct out out = out_new(arena);

	out.builder = json_builder_new(kept);
	return out;
}

json_t *out_kept(const struct out *out)
{
	assert(out->depth == 0);
	return out->builder ? json_builder_value(out->builder) : NULL;
}

static void grow(struct out *out, size_t room)
{
	size_t capacity = out->capacity;
	char *data;

	assert(room < SIZE_MAX / 4 && out->length < SIZE_MAX / 4);
	while (capacity <= out->length + room)
		capacity *= 2;
	data = arena_alloc(out->arena, capacity);
	memcpy(data, out->data, out->length);
	out->data = data;
	out->capacity = capacity;
}

/* Makes room for `room` bytes and a NUL. */
static inline void reserve(struct out *out, size_t room)
{
	if (room >= out->capacity - out->length)
		grow(out, room);
}

static inline void put(struct out *out, char c)
{
	out->data[out->length++] = c;
}

static inline void put_end(struct out *out)
{
	out->data[out->length] = '\0';
}

/* --- text ----------------------------------------------------------------------------------- */

static inline bool needs_escape(unsigned char c)
{
	return c < 0x20 || c == '"' || c == '\\';
}

/* Whether one of the eight bytes needs an escape: the high bit of each byte of a sum is set where
 * that byte is below 0x20, or becomes 0 when compared. */
static inline bool any_needs_escape(uint64_t word)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), highs = ones << 7;
	uint64_t quote = word ^ ones * '"', backslash = word ^ ones * '\\';
	uint64_t below = (word - ones * 0x20) & ~word;
	uint64_t equal = ((quote - ones) & ~quote) | ((backslash - ones) & ~backslash);

	return (below | equal) & highs;
}

static void put_escape(struct out *out, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	char letter = c == '"' || c == '\\' ? (char)c
		      : c == '\n'	    ? 'n'
		      : c == '\r'	    ? 'r'
		      : c == '\t'	    ? 't'
		      : c == '\b'	    ? 'b'
		      : c == '\f'	    ? 'f'
					    : 'u';

	put(out, '\\');
	put(out, letter);
	if (letter != 'u')
		return;
	put(out, '0');
	put(out, '0');
	put(out, hex[c >> 4]);
	put(out, hex[c & 0x0f]);
}

static void put_quoted(struct out *out, const char *text)
{
	size_t left = strlen(text);

	reserve(out, left + 2);
	put(out, '"');
	while (left) {
		uint64_t word;

		if (left >= sizeof(word)) {
			memcpy(&word, text, sizeof(word));
			if (!any_needs_escape(word)) {
				memcpy(out->data + out->length, &word, sizeof(word));
				out->length += sizeof(word);
				text += sizeof(word);
				left -= sizeof(word);
				continue;
			}
		}
		/* Room for the rest as it is was made; an escape is longer than that. */
		if (needs_escape((unsigned char)*text)) {
			reserve(out, left + ESCAPED_SIZE + 1);
			put_escape(out, (unsigned char)*text);
		} else {
			put(out, *text);
		}
		text++;
		left--;
	}
	put(out, '"');
}

/* --- structure ------------------------------------------------------------------------------ */

/* What stands before a value: a comma, and its name. */
static void begin(struct out *out, const char *name)
{
	if (out->depth) {
		bool in_list = out->lists >> (out->depth - 1) & 1;

		assert(in_list == !name);
	} else {
		assert(!name && !out->comma);
	}
	reserve(out, 1);
	if (out->comma)
		put(out, ',');
	out->comma = true;
	if (!name)
		return;
	put_quoted(out, name);
	reserve(out, 1);
	put(out, ':');
}

static void open_with(struct out *out, const char *name, char bracket)
{
	uint32_t bit;

	begin(out, name);
	assert(out->depth < OUT_DEPTH_MAX);
	bit = UINT32_C(1) << out->depth++;
	out->lists = bracket == '[' ? out->lists | bit : out->lists & ~bit;
	out->comma = false;
	reserve(out, 1);
	put(out, bracket);
	put_end(out);
	if (out->builder)
		json_build_open(out->builder, name, bracket == '[');
}

static void close_with(struct out *out, char bracket)
{
	assert(out->depth > 0);
	out->depth--;
	assert((out->lists >> out->depth & 1) == (bracket == ']'));
	out->comma = true;
	reserve(out, 1);
	put(out, bracket);
	put_end(out);
	if (out->builder)
		json_build_close(out->builder);
}

void out_open(struct out *out, const char *name)
{
	open_with(out, name, '{');
}

void out_close(struct out *out)
{
	close_with(out, '}');
}

void out_open_list(struct out *out, const char *name)
{
	open_with(out, name, '[');
}

void out_close_list(struct out *out)
{
	close_with(out, ']');
}

/* --- values --------------------------------------------------------------------------------- */

static void put_bytes(struct out *out, const char *bytes, size_t length)
{
	reserve(out, length);
	memcpy(out->data + out->length, bytes, length);
	out->length += length;
}

/* Writes the digits of `number` so that they end before `end`, at least `least` of them. */
static char *digits_before(char *end, uint64_t number, int least)
{
	static const char pairs[] = "00010203040506070809101112131415161718192021222324"
				    "25262728293031323334353637383940414243444546474849"
				    "50515253545556575859606162636465666768697071727374"
				    "75767778798081828384858687888990919293949596979899";
	char *start = end;

	while (number >= 100) {
		start -= 2;
		memcpy(start, pairs + number % 100 * 2, 2);
		number /= 100;
	}
	if (number >= 10) {
		start -= 2;
		memcpy(start, pairs + number * 2, 2);
	} else if (number || start == end) {
		*--start = (char)('0' + number);
	}
	while (end - start < least)
		*--start = '0';
	return start;
}

static inline uint64_t magnitude(int64_t number)
{
	return number < 0 ? -(uint64_t)number : (uint64_t)number;
}

void out_text(struct out *out, const char *name, const char *text)
{
	if (!text)
		return;
	begin(out, name);
	put_quoted(out, text);
	put_end(out);
	if (out->builder)
		json_build_text(out->builder, name, text, strlen(text));
}

void out_int(struct out *out, const char *name, int64_t number)
{
	char text[NUMBER_SIZE], *end = text + sizeof(text);
	char *start = digits_before(end, magnitude(number), 1);

	if (number < 0)
		*--start = '-';
	begin(out, name);
	put_bytes(out, start, (size_t)(end - start));
	put_end(out);
	if (out->builder)
		json_build_int(out->builder, name, number);
}

static void put_json(struct out *out, const char *name, const char *json, size_t length)
{
	begin(out, name);
	put_bytes(out, json, length);
	put_end(out);
	if (out->builder)
		json_build_json(out->builder, name, json, length);
}

void out_decimal(struct out *out, const char *name, int64_t scaled, int digits)
{
	char text[NUMBER_SIZE], *end = text + sizeof(text), *start;
	uint64_t whole = magnitude(scaled), power = 1, part;

	assert(digits >= 0 && digits <= 18);
	/* Zeros at the end say nothing. */
	while (digits && whole % 10 == 0) {
		whole /= 10;
		digits--;
	}
	for (int i = 0; i < digits; i++)
		power *= 10;
	part = whole % power;
	whole /= power;

	start = end;
	if (digits) {
		start = digits_before(start, part, digits);
		*--start = '.';
	}
	start = digits_before(start, whole, 1);
	if (scaled < 0)
		*--start = '-';
	put_json(out, name, start, (size_t)(end - start));
}

void out_bool(struct out *out, const char *name, bool value)
{
	out_json(out, name, value ? "true" : "false");
}

void out_null(struct out *out, const char *name)
{
	out_json(out, name, "null");
}

/* Text that needs no escapes, quoted. */
static void put_plain(struct out *out, const char *name, const char *text, size_t length)
{
	begin(out, name);
	reserve(out, length + 2);
	put(out, '"');
	memcpy(out->data + out->length, text, length);
	out->length += length;
	put(out, '"');
	put_end(out);
	if (out->builder)
		json_build_text(out->builder, name, text, length);
}

void out_id(struct out *out, const char *name, const struct id *id)
{
	char text[ID_TEXT_SIZE];

	if (!id)
		return;
	id_format(id, text);
	put_plain(out, name, text, ID_TEXT_SIZE - 1);
}

void out_time(struct out *out, const char *name, int64_t time_ms)
{
	char text[TIME_TEXT_SIZE];

	if (!time_ms)
		return;
	time_format(time_ms, text);
	put_plain(out, name, text, TIME_TEXT_SIZE - 1);
}

void out_money(struct out *out, const char *name, const struct money *money)
{
	if (!money)
		return;
	out_open(out, name);
	out_int(out, "amount", money->amount);
	out_text(out, "currency", money->currency);
	out_close(out);
}

void out_json(struct out *out, const char *name, const char *json)
{
	if (json)
		put_json(out, name, json, strlen(json));
}

/* --- raw ------------------------------------------------------------------------------------ */

/* At the top, raw text may separate values: lines of JSON. */
static void after_raw(struct out *out)
{
	assert(!out->builder);
	if (!out->depth)
		out->comma = false;
	put_end(out);
}

void out_bytes(struct out *out, const char *bytes, size_t length)
{
	if (length)
		put_bytes(out, bytes, length);
	after_raw(out);
}

void out_printf(struct out *out, const char *format, ...)
{
	size_t spare = out->capacity - out->length;
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(out->data + out->length, spare, format, args);
	va_end(args);
	assert(length >= 0);
	if ((size_t)length >= spare) {
		reserve(out, (size_t)length);
		va_start(args, format);
		length = vsnprintf(out->data + out->length, (size_t)length + 1, format, args);
		va_end(args);
		assert(length >= 0);
	}
	out->length += (size_t)length;
	after_raw(out);
}
