/* CSV: every record ends, lines grow, and a record that is written again reads as the same. */
#include "base/csv.h"

#include "base/out.h"
#include "fuzz.h"

static void check_again(struct arena *arena, const struct csv *csv, const struct csv_record *record)
{
	struct out out = out_new(arena);
	struct csv_record again;
	const char *why = NULL;
	struct csv reader;

	for (size_t i = 0; i < record->count; i++) {
		out_bytes(&out, i ? &csv->separator : "", i ? 1 : 0);
		out_bytes(&out, "\"", 1);
		for (const char *at = record->fields[i]; *at; at++)
			out_bytes(&out, *at == '"' ? "\"\"" : at, *at == '"' ? 2 : 1);
		out_bytes(&out, "\"", 1);
	}
	csv_begin(&reader, out.data, out.length);
	reader.separator = csv->separator;
	if (csv_next(&reader, arena, &again, &why) != CSV_RECORD)
		assert(!"a record can be written and read again");
	assert(again.count == record->count);
	for (size_t i = 0; i < again.count; i++)
		assert(strcmp(again.fields[i], record->fields[i]) == 0);
	assert(csv_next(&reader, arena, &again, &why) == CSV_END);
}

/* Digits, and perhaps a sign before and a point among them. */
static bool is_number(const char *text)
{
	size_t sign = *text == '+' || *text == '-', whole = strspn(text + sign, "0123456789");

	text += sign + whole;
	if (*text == '.')
		text += 1 + strspn(text + 1, "0123456789");
	return whole > 0 && !*text;
}

/* What csv_quote writes is one field: the text, or the text behind an apostrophe, and nothing that a
 * spreadsheet would calculate, which some look for behind white space. */
static void check_quote(struct arena *arena, const char *text)
{
	static const char *const starts[] = {"=",      "+",	 "-",	   "@",
					     "\uff1d", "\uff0b", "\uff0d", "\uff20"};
	const char *line = arena_printf(arena, "x,%s", csv_quote(arena, text)), *why = NULL;
	struct csv_record record;
	const char *field;
	struct csv csv;

	csv_begin(&csv, line, strlen(line));
	if (csv_next(&csv, arena, &record, &why) != CSV_RECORD)
		assert(!"what we quote can be read");
	assert(record.count == 2);
	field = record.fields[1];
	assert(strcmp(field, text) == 0 || (field[0] == '\'' && strcmp(field + 1, text) == 0));
	if (is_number(field))
		return;
	assert(!field[0] || !strchr("\t\r\n", field[0]));
	field += strspn(field, " \t\r\n");
	for (size_t i = 0; i < ARRAY_LENGTH(starts); i++)
		assert(strncmp(field, starts[i], strlen(starts[i])) != 0);
}

void fuzz(struct arena *arena, const char *bytes, size_t length)
{
	static const char separators[] = ",;\t|";
	unsigned choice = fuzz_choice(&bytes, &length);
	int64_t line = 0;
	struct csv csv;

	csv_begin(&csv, bytes, length);
	csv.separator = separators[choice % 4];
	for (;;) {
		const char *before = csv.position, *why = NULL;
		struct csv_record record;
		enum csv_result result = csv_next(&csv, arena, &record, &why);

		if (result == CSV_END)
			break;
		assert(csv.position > before && csv.position <= bytes + length);
		assert(csv.line > line);
		line = csv.line;
		if (result == CSV_MALFORMED) {
			assert(why && why[0]);
			continue;
		}
		assert(record.count >= 1 && record.count <= CSV_FIELDS_MAX);
		for (size_t i = 0; i < record.count; i++)
			assert(strlen(record.fields[i]) == record.lengths[i] &&
			       record.lengths[i] <= CSV_FIELD_LENGTH_MAX);
		check_again(arena, &csv, &record);
		for (size_t i = 0; i < record.count; i++)
			check_quote(arena, record.fields[i]);
	}
	assert(csv.position == bytes + length);
}
