/*
 * CSV (RFC 4180), a record at a time, from text in memory: quoted fields hold commas, quotes and
 * line breaks; lines end with LF or CRLF; a byte order mark and empty lines are passed over. Bytes
 * are taken as they are: whether they are UTF-8 is the caller's question.
 */
#ifndef BASE_CSV_H
#define BASE_CSV_H

#include "base/arena.h"

#define CSV_FIELDS_MAX 512
#define CSV_FIELD_LENGTH_MAX (1u << 20)

struct csv {
	const char *position, *end;
	char separator; /* a comma, unless changed after csv_begin */
	int64_t line;	/* of the record last read, from 1 */
	int64_t next_line;
};

struct csv_record {
	char **fields; /* NUL-terminated, in the arena */
	size_t *lengths;
	size_t count;
};

enum csv_result { CSV_RECORD, CSV_END, CSV_MALFORMED };

void csv_begin(struct csv *csv, const char *text, size_t length);

/* CSV_MALFORMED: *ret_why says what is wrong; the next call goes on behind that line (behind the
 * one that a quote stands in that is never closed). */
enum csv_result csv_next(struct csv *csv, struct arena *arena, struct csv_record *ret_record,
			 const char **ret_why);

/* A field for output: quoted where it must be, and defused (a leading apostrophe) where a
 * spreadsheet would take it for a formula. */
char *csv_quote(struct arena *arena, const char *text);

#endif
