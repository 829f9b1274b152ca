/* Reading a product export: the file, its characters, its header, its records. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/charset.h"
#include "base/csv.h"
#include "base/text.h"
#include "cli/import.h"
#include "cli/import_cells.h"

#define COLUMN_NAME_MAX 100
#define NAMES_MAX 10 /* in one note */

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

/* The file in UTF-8, in place of *text: as its mark says, or as what is no UTF-8 shows. Spreadsheets of
 * old end their lines with a carriage return alone. */
static const char *to_utf8(struct import *import, char **text, size_t *length)
{
	size_t mark = 0;
	const char *charset = charset_told(*text, *length, &mark);
	char *converted;

	if (import->encoding && !mark) {
		charset = import->encoding;
	} else if (!charset && is_foreign(*text, *length)) {
		charset = charset_guess(*text, *length);
		if (!charset)
			return "its encoding is not known: --encoding NAME says it";
	}
	if (charset && strcmp(charset, "UTF-8") != 0) {
		converted = charset_to_utf8(*text + mark, *length - mark, charset, length);
		if (!converted)
			return "its encoding is not known";
		free(*text);
		*text = converted;
		import_note(import, "it is not UTF-8, and was read as %s%s", charset,
			    import->encoding || mark ? "" : "; --encoding NAME says another");
	}
	if (!memchr(*text, '\n', *length))
		for (size_t i = 0; i < *length; i++)
			if ((*text)[i] == '\r')
				(*text)[i] = '\n';
	return NULL;
}

/* --- the header -------------------------------------------------------------------------- */

struct header {
	enum column columns[CSV_FIELDS_MAX];
	const char *names[CSV_FIELDS_MAX];
	bool ignored[CSV_FIELDS_MAX]; /* there is something in a column that is not taken */
	size_t count;
};

/* The length of a first line `sep=;`, by which spreadsheets tell each other what stands between cells;
 * 0 where there is none. */
static size_t separator_line(const char *text, size_t length, char *ret_separator)
{
	size_t quote = length && *text == '"', at = quote + strlen("sep=");

	if (length <= at || strncasecmp(text + quote, "sep=", strlen("sep=")) != 0 ||
	    strchr("\"\r\n", text[at]))
		return 0;
	*ret_separator = text[at++];
	at += quote && at < length && text[at] == '"';
	at += at < length && text[at] == '\r';
	if (at < length && text[at] != '\n')
		return 0;
	return MIN(at + 1, length);
}

/* Some spreadsheets write semicolons or tabs: the header line says which. */
static char separator_of(const char *text, size_t length)
{
	static const char separators[] = ",;\t";
	size_t counts[sizeof(separators) - 1] = {0}, best = 0;

	size_t i = 0;

	while (i < length && (text[i] == '\n' || text[i] == '\r'))
		i++;
	for (; i < length && text[i] != '\n'; i++)
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
		enum column column;
		char *name;

		if (!text_is_utf8(record.fields[i], record.lengths[i])) {
			*ret_why = "its first line is not UTF-8";
			return false;
		}
		name = cell_cut(import->arena, record.fields[i], COLUMN_NAME_MAX);
		column = column_from_name(name);

		header->names[i] = name;
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

/* Spreadsheets leave a row's last empty cells away, or write more of them than there are columns. */
static bool is_too_long(const struct csv_record *record, const struct header *header)
{
	for (size_t i = header->count; i < record->count; i++)
		if (strspn(record->fields[i], " \t") != record->lengths[i])
			return true;
	return false;
}

/* Why the record is no row, or NULL. */
static const char *record_fault(struct import *import, const struct csv_record *record,
				const struct header *header)
{
	if (is_too_long(record, header))
		return arena_printf(import->arena, "it has %zu columns, and the header %zu",
				    record->count, header->count);
	for (size_t i = 0; i < MIN(record->count, header->count); i++)
		if (!text_is_utf8(record->fields[i], record->lengths[i]))
			return "it is not UTF-8";
	return NULL;
}

static void read_record(struct import *import, struct header *header, int64_t line,
			const struct csv_record *record, struct arena *arena)
{
	struct row row = {.line = line};
	const char *why;

	if (is_blank(record))
		return;
	import->row_count++;
	why = record_fault(import, record, header);
	for (size_t i = 0; i < COLUMNS; i++)
		row.cells[i] = "";
	for (size_t i = 0; i < MIN(record->count, header->count); i++) {
		if (why && (header->columns[i] != COLUMN_HANDLE ||
			    !text_is_utf8(record->fields[i], record->lengths[i])))
			continue;
		if (header->columns[i] < COLUMNS)
			row.cells[header->columns[i]] = text_trim(arena, record->fields[i]);
		else if (record->lengths[i])
			header->ignored[i] = true;
	}
	if (why)
		import_lose_row(import, &row, why);
	else
		import_row(import, &row);
}

/* Skips a line that is no record: nobody knows whose it is. */
static void lose_line(struct import *import, int64_t line, const char *reason)
{
	struct row row = {.line = line};

	for (size_t i = 0; i < COLUMNS; i++)
		row.cells[i] = "";
	import_lose_row(import, &row, reason);
}

/* Names the columns that say something to which the shop has nothing alike. */
static void note_ignored(struct import *import, const struct header *header)
{
	struct out names = out_new(import->arena);
	size_t count = 0;

	for (size_t i = 0; i < header->count; i++)
		if (header->ignored[i])
			out_printf(&names, "%s\"%s\"", count++ ? ", " : "", header->names[i]);
	if (count)
		import_note(import, "%zu column%s not taken: %s", count,
			    count == 1 ? " was" : "s were", names.data);
}

static void note_gift_cards(struct import *import)
{
	struct import_product **products = import->products.items;
	struct out handles = out_new(import->arena);
	size_t count = 0;

	for (size_t i = 0; i < import->products.count; i++)
		if (products[i]->is_gift_card && ++count <= NAMES_MAX)
			out_printf(&handles, "%s%s", count > 1 ? ", " : "", products[i]->handle);
	if (count)
		import_note(import, "%zu gift card%s not sold as goods, and made a draft: %s%s",
			    count, count == 1 ? " is" : "s are", handles.data,
			    count > NAMES_MAX ? ", ..." : "");
}

static bool read_records(struct import *import, const char *text, size_t length,
			 const char **ret_why)
{
	struct arena *arena = arena_new(); /* of one record */
	struct header header = {0};
	struct csv csv;
	size_t told;
	bool good;

	if (length >= 3 && memcmp(text, "\ufeff", 3) == 0) {
		text += 3;
		length -= 3;
	}
	told = separator_line(text, length, &import->separator);
	if (!told)
		import->separator = separator_of(text, length);
	csv_begin(&csv, text + told, length - told);
	csv.separator = import->separator;
	csv.next_line += told > 0;
	good = read_header(import, &csv, arena, &header, ret_why);
	*ret_why = arena_copy_text(import->arena, *ret_why);
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
		lose_line(import, csv.line, why);
	}
	note_ignored(import, &header);
	if (import->categories_left)
		import_note(import,
			    "a product's category is its type: %zu of the column Product Category"
			    " %s not taken",
			    import->categories_left, import->categories_left == 1 ? "was" : "were");
	note_gift_cards(import);
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
	*ret_why = to_utf8(import, &text, &length);
	if (*ret_why) {
		free(text);
		return false;
	}
	good = read_records(import, text, length, ret_why);
	free(text);
	return good;
}
