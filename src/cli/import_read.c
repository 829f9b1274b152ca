/* Reading a product export: the file, its characters, its header, its records. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/text.h"
#include "cli/import.h"

/* --- the file ---------------------------------------------------------------------------- */

/* The whole file, to be freed; NULL with a sentence. */
static char *read_file(struct import *import, size_t *ret_length, const char **ret_why)
{
	FILE *file = fopen(import->path, "rb");
	size_t capacity = 1 << 16, length = 0;
	char *text;

	if (!file) {
		*ret_why = arena_printf(import->arena, "%s", strerror(errno));
		return NULL;
	}
	text = must_alloc(capacity);
	for (;;) {
		size_t count = fread(text + length, 1, capacity - length, file);

		length += count;
		if (!count || length > IMPORT_FILE_BYTES_MAX)
			break;
		if (length == capacity)
			text = must_realloc(text, capacity *= 2);
	}
	if (ferror(file))
		*ret_why = arena_printf(import->arena, "%s", strerror(errno));
	else if (length > IMPORT_FILE_BYTES_MAX)
		*ret_why = arena_printf(import->arena, "it is larger than %d MiB",
					(int)(IMPORT_FILE_BYTES_MAX >> 20));
	else
		*ret_why = NULL;
	fclose(file);
	if (*ret_why) {
		free(text);
		return NULL;
	}
	*ret_length = length;
	return text;
}

/* --- characters -------------------------------------------------------------------------- */

/* The length of the UTF-8 character at `at`; 0 where there is none. */
static size_t character_length(const char *at, const char *end)
{
	unsigned char first = (unsigned char)*at;
	size_t length = first < 0x80		 ? 1
			: (first & 0xe0) == 0xc0 ? 2
			: (first & 0xf0) == 0xe0 ? 3
						 : 4;

	return (size_t)(end - at) >= length && text_is_utf8(at, length) ? length : 0;
}

/* Whether the file was written in another encoding: then most of what is not ASCII is no UTF-8. A
 * few bad rows in a file of UTF-8 are just that. */
static bool is_foreign(const char *text, size_t length)
{
	const char *end = text + length;
	size_t good = 0, bad = 0;

	for (const char *at = text; at < end;) {
		size_t step = character_length(at, end);

		good += step > 1;
		bad += step == 0;
		at += step ? step : 1;
	}
	return bad > good;
}

/* Windows-1252, of which Latin-1 is the part from U+00A0 on; what it leaves free is a space. */
static char *from_windows_1252(const char *text, size_t *length)
{
	static const uint16_t high[32] = {
		0x20ac, 0x20,	0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021,
		0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0x20,	0x017d, 0x20,
		0x20,	0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
		0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x20,	0x017e, 0x0178,
	};
	char *all = must_alloc(*length * 3 + 1), *to = all;

	for (size_t i = 0; i < *length; i++) {
		unsigned int c = (unsigned char)text[i];

		if (c >= 0x80 && c < 0xa0)
			c = high[c - 0x80];
		if (c < 0x80) {
			*to++ = (char)c;
		} else if (c < 0x800) {
			*to++ = (char)(0xc0 | c >> 6);
			*to++ = (char)(0x80 | (c & 0x3f));
		} else {
			*to++ = (char)(0xe0 | c >> 12);
			*to++ = (char)(0x80 | (c >> 6 & 0x3f));
			*to++ = (char)(0x80 | (c & 0x3f));
		}
	}
	*length = (size_t)(to - all);
	return all;
}

/* --- the header -------------------------------------------------------------------------- */

struct header {
	enum column columns[CSV_FIELDS_MAX];
	size_t count;
};

/* Some spreadsheets write semicolons or tabs: the header line says which. */
static char separator_of(const char *text, size_t length)
{
	static const char separators[] = ",;\t";
	size_t counts[sizeof(separators) - 1] = {0}, best = 0;

	for (size_t i = 0; i < length && text[i] != '\n'; i++)
		for (size_t j = 0; j < ARRAY_LENGTH(counts); j++)
			counts[j] += text[i] == separators[j];
	for (size_t j = 1; j < ARRAY_LENGTH(counts); j++)
		if (counts[j] > counts[best])
			best = j;
	return separators[best];
}

static bool read_header(struct import *import, struct csv *csv, struct arena *arena,
			struct header *header, const char **ret_why)
{
	bool *known = import->known;
	size_t count = 0;
	struct csv_record record;

	switch (csv_next(csv, arena, &record, ret_why)) {
	case CSV_END:
		*ret_why = "it is empty";
		return false;
	case CSV_MALFORMED:
		return false;
	case CSV_RECORD:
		break;
	}
	header->count = record.count;
	for (size_t i = 0; i < record.count; i++) {
		enum column column = column_from_name(text_trim(arena, record.fields[i]));

		/* A name that is there twice counts once. */
		header->columns[i] = column < COLUMNS && known[column] ? COLUMNS : column;
		if (column < COLUMNS && !known[column])
			known[column] = ++count;
	}
	*ret_why = NULL;
	if (!known[COLUMN_HANDLE])
		*ret_why = "its first line names no column Handle: it is no product export";
	else if (count == 1)
		*ret_why = "its first line names no column but Handle that is known";
	return !*ret_why;
}

/* --- records ----------------------------------------------------------------------------- */

static bool is_blank(const struct csv_record *record)
{
	for (size_t i = 0; i < record->count; i++)
		if (record->lengths[i] && strspn(record->fields[i], " \t") != record->lengths[i])
			return false;
	return true;
}

static void read_record(struct import *import, const struct header *header, int64_t line,
			const struct csv_record *record, struct arena *arena)
{
	struct row row = {.line = line};

	if (is_blank(record))
		return;
	import->row_count++;
	if (record->count != header->count) {
		import_skip(import, line, NULL, "it has %zu columns, and the header %zu",
			    record->count, header->count);
		return;
	}
	for (size_t i = 0; i < COLUMNS; i++)
		row.cells[i] = "";
	for (size_t i = 0; i < record->count; i++) {
		if (!text_is_utf8(record->fields[i], record->lengths[i])) {
			import_skip(import, line, NULL, "it is not UTF-8");
			return;
		}
		if (header->columns[i] < COLUMNS)
			row.cells[header->columns[i]] = text_trim(arena, record->fields[i]);
	}
	import_row(import, &row);
}

static bool read_records(struct import *import, const char *text, size_t length,
			 const char **ret_why)
{
	struct arena *arena = arena_new(); /* of one record */
	struct header header;
	struct csv csv;
	bool good;

	csv_begin(&csv, text, length);
	csv.separator = separator_of(text, length);
	good = read_header(import, &csv, arena, &header, ret_why);
	*ret_why = arena_copy_text(import->arena, *ret_why);
	if (good && !import_is_whole(import))
		import_note(import,
			    "it has not all columns of an export: what it has no column for,"
			    " and each variant that it does not list, stays as it is");
	while (good) {
		struct csv_record record;
		const char *why = NULL;
		enum csv_result result;

		arena_reset(arena);
		result = csv_next(&csv, arena, &record, &why);
		if (result == CSV_END)
			break;
		if (result == CSV_RECORD) {
			read_record(import, &header, csv.line, &record, arena);
			continue;
		}
		import->row_count++;
		import_skip(import, csv.line, NULL, "%s", why);
	}
	arena_free(arena);
	return good;
}

bool import_read(struct import *import, const char **ret_why)
{
	size_t length = 0;
	char *text = read_file(import, &length, ret_why);
	bool good;

	if (!text)
		return false;
	if (length >= 2 && (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0)) {
		*ret_why = "it is written in UTF-16; save it as UTF-8";
		free(text);
		return false;
	}
	if (is_foreign(text, length)) {
		char *converted = from_windows_1252(text, &length);

		free(text);
		text = converted;
		import_note(import, "it is not UTF-8, and was read as Windows-1252");
	}
	good = read_records(import, text, length, ret_why);
	free(text);
	return good;
}
