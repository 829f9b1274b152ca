/*
 * CSV, read strictly: a quote stands only around a whole field, or twice within one.
 *
 * Reading goes on behind what was wrong without looking at any byte more than twice: only a quote
 * that never closes leads to a second look, and from the line behind it on quotes come in pairs.
 *
 * Invariant: `position` is at the beginning of a line between calls.
 */
#include "base/csv.h"

#include <string.h>

#define FIELDS_START 16

static const char too_long[] = "a field is too long";

void csv_begin(struct csv *csv, const char *text, size_t length)
{
	*csv = (struct csv){
		.position = text,
		.end = text + length,
		.separator = ',',
		.next_line = 1,
	};
	if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		csv->position += 3;
}

/* --- one field ---------------------------------------------------------------------------- */

/* The length of the line's end at `at`; 0 where there is none. */
static size_t line_end_length(const struct csv *csv, const char *at)
{
	if (at < csv->end && *at == '\n')
		return 1;
	return csv->end - at >= 2 && at[0] == '\r' && at[1] == '\n' ? 2 : 0;
}

static bool ends_field(const struct csv *csv, const char *at)
{
	return at == csv->end || *at == csv->separator || line_end_length(csv, at) > 0;
}

/* Passes over the rest of the line. */
static void skip_line(struct csv *csv)
{
	const char *end = memchr(csv->position, '\n', (size_t)(csv->end - csv->position));

	csv->position = end ? end + 1 : csv->end;
	csv->next_line += end != NULL;
}

/* Reads up to the end of a field without quotes around it; what is wrong with it, or NULL. */
static const char *read_plain(struct csv *csv, struct arena *arena, char **ret_field,
			      size_t *ret_length)
{
	const char *start = csv->position, *at = start;

	for (; !ends_field(csv, at); at++) {
		csv->position = at;
		if (*at == '"')
			return "a quote stands in a field without quotes around it";
		if (*at == '\r')
			return "a carriage return stands without a line feed";
		if (*at == '\0')
			return "a NUL";
		if (at - start >= CSV_FIELD_LENGTH_MAX)
			return too_long;
	}
	csv->position = at;
	*ret_length = (size_t)(at - start);
	*ret_field = arena_copy_bytes(arena, start, *ret_length);
	return NULL;
}

/* Copies what stands between quotes, of which two are one. */
static char *unquote(struct arena *arena, const char *from, const char *end, size_t *ret_length)
{
	char *field = arena_alloc(arena, (size_t)(end - from) + 1), *to = field;

	for (; from < end; from++) {
		*to++ = *from;
		from += *from == '"';
	}
	*ret_length = (size_t)(to - field);
	return field;
}

/* Likewise for a field with quotes; `position` is at the first. Where no quote ends it, `position`
 * stays. */
static const char *read_quoted(struct csv *csv, struct arena *arena, char **ret_field,
			       size_t *ret_length)
{
	const char *start = csv->position + 1, *at;
	int64_t lines = 0;

	for (at = start; at < csv->end; at++) {
		if (at - start > CSV_FIELD_LENGTH_MAX)
			return too_long;
		if (*at == '\0')
			return "a NUL";
		lines += *at == '\n';
		if (*at != '"')
			continue;
		if (at + 1 < csv->end && at[1] == '"')
			at++;
		else
			break;
	}
	if (at >= csv->end)
		return "a quote is never closed";
	csv->position = at + 1;
	csv->next_line += lines;
	if (!ends_field(csv, csv->position))
		return "something follows a quoted field";
	*ret_field = unquote(arena, start, at, ret_length);
	return NULL;
}

/* --- one record --------------------------------------------------------------------------- */

/* Makes room for one more field, of at most CSV_FIELDS_MAX. */
static void make_room(struct arena *arena, struct csv_record *record, size_t *capacity)
{
	size_t more = *capacity ? 2 * *capacity : FIELDS_START;
	char **fields;
	size_t *lengths;

	if (record->count < *capacity)
		return;
	fields = ARENA_ARRAY(arena, char *, more);
	lengths = ARENA_ARRAY(arena, size_t, more);
	if (record->count) {
		memcpy(fields, record->fields, record->count * sizeof(*fields));
		memcpy(lengths, record->lengths, record->count * sizeof(*lengths));
	}
	record->fields = fields;
	record->lengths = lengths;
	*capacity = more;
}

/* Reads fields up to the line's end, which stays; what is wrong, or NULL. */
static const char *read_record(struct csv *csv, struct arena *arena, struct csv_record *record)
{
	size_t capacity = 0;

	for (;;) {
		bool quoted = csv->position < csv->end && *csv->position == '"';
		char *field = NULL;
		size_t length = 0;
		const char *why;

		if (record->count == CSV_FIELDS_MAX)
			return "too many fields";
		why = quoted ? read_quoted(csv, arena, &field, &length)
			     : read_plain(csv, arena, &field, &length);
		if (why)
			return why;
		make_room(arena, record, &capacity);
		record->fields[record->count] = field;
		record->lengths[record->count++] = length;
		if (csv->position == csv->end || *csv->position != csv->separator)
			return NULL;
		csv->position++;
	}
}

enum csv_result csv_next(struct csv *csv, struct arena *arena, struct csv_record *ret_record,
			 const char **ret_why)
{
	struct csv_record record = {0};
	const char *why;
	size_t end;

	/* Empty lines are no records. */
	while ((end = line_end_length(csv, csv->position)) > 0) {
		csv->position += end;
		csv->next_line++;
	}
	csv->line = csv->next_line;
	if (csv->position == csv->end)
		return CSV_END;

	why = read_record(csv, arena, &record);
	if (why) {
		skip_line(csv);
		*ret_why = why;
		return CSV_MALFORMED;
	}
	end = line_end_length(csv, csv->position);
	csv->position += end;
	csv->next_line += end > 0;
	*ret_record = record;
	return CSV_RECORD;
}

/* --- output ------------------------------------------------------------------------------- */

/* Digits with a sign and a point at most: no formula, whatever it begins with. */
static bool is_number(const char *text)
{
	text += *text == '-' || *text == '+';
	if (*text < '0' || *text > '9')
		return false;
	text += strspn(text, "0123456789");
	if (*text == '.')
		text += 1 + strspn(text + 1, "0123456789");
	return *text == '\0';
}

/* Whether a spreadsheet would calculate it: it begins with = + - @, narrow or full width, which
 * some look for behind white space. */
static bool is_formula(const char *text)
{
	static const char *const wide[] = {"\uff1d", "\uff0b", "\uff0d", "\uff20"};
	const char *start = text + strspn(text, " \t\r\n");

	if (is_number(text))
		return false;
	if (*text == '\t' || *text == '\r' || *text == '\n')
		return true;
	for (size_t i = 0; i < ARRAY_LENGTH(wide); i++) {
		if (strncmp(start, wide[i], strlen(wide[i])) == 0)
			return true;
	}
	return *start && strchr("=+-@", *start);
}

char *csv_quote(struct arena *arena, const char *text)
{
	bool formula = is_formula(text), edge;
	size_t length = strlen(text);
	char *field, *to;

	edge = length > 0 && (text[0] == ' ' || text[length - 1] == ' ');
	if (!formula && !edge && !strpbrk(text, ",;\t\"\r\n"))
		return arena_copy_bytes(arena, text, length);
	field = to = arena_array(arena, length + 2, 2);
	*to++ = '"';
	if (formula)
		*to++ = '\'';
	for (; *text; text++) {
		if (*text == '"')
			*to++ = '"';
		*to++ = *text;
	}
	*to++ = '"';
	return field;
}
