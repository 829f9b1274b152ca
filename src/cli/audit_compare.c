/*
 * Sums and keys of rows. A sum needs no order and no memory: rows of two tables are each read once,
 * as they lie, where a join looks every row of the one up in the other.
 */
#include "cli/audit_compare.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

#define HASHED_MAX 512
#define PLAIN_MAX 64 /* bytes of a value; of a longer one its hash stands for it */

static struct sql_value value_of(struct sql_rows *rows, int column)
{
	struct sql_value value = {.type = sql_type_of(rows, column)};

	if (value.type == SQL_INT)
		value.number = sql_get_int(rows, column);
	else if (value.type != SQL_NULL)
		value.bytes = sql_peek_blob(rows, column, &value.length);
	return value;
}

/* --- sums ------------------------------------------------------------------------------------- */

/* Type, length and bytes: no two rows are written alike. */
static size_t put_value(uint8_t *to, const struct sql_value *value)
{
	uint64_t hash;
	size_t at = 0;

	to[at++] = (uint8_t)value->type;
	if (value->type == SQL_INT) {
		memcpy(to + at, &value->number, sizeof(value->number));
		return at + sizeof(value->number);
	}
	if (value->type == SQL_NULL)
		return at;
	memcpy(to + at, &value->length, sizeof(value->length));
	at += sizeof(value->length);
	if (value->length > PLAIN_MAX) {
		hash = hash_short(value->bytes, value->length);
		memcpy(to + at, &hash, sizeof(hash));
		return at + sizeof(hash);
	}
	if (value->length)
		memcpy(to + at, value->bytes, value->length);
	return at + value->length;
}

void audit_sum_add(struct audit_sum *sum, struct sql_rows *rows, int64_t number, int first_column,
		   int columns)
{
	uint8_t bytes[HASHED_MAX];
	size_t length = 0;
	uint64_t hash;

	for (int i = 0; i < columns; i++) {
		struct sql_value value = value_of(rows, first_column + i);

		/* What is full goes on with its hash. */
		if (length + PLAIN_MAX + sizeof(size_t) + 1 > sizeof(bytes)) {
			hash = hash_short(bytes, length);
			memcpy(bytes, &hash, sizeof(hash));
			length = sizeof(hash);
		}
		length += put_value(bytes + length, &value);
	}
	sum->total += (__int128)number * hash_short(bytes, length);
}

static enum err sum_up(struct sql *sql, const char *text, struct audit_sum *sum)
{
	struct sql_rows *rows = sql_query(sql, text);

	while (sql_next(rows))
		audit_sum_add(sum, rows, sql_get_int(rows, 0), 1, sql_columns(rows) - 1);
	return sql_end(rows);
}

enum err audit_same(struct sql *sql, const char *one, const char *other, bool *ret_same)
{
	struct audit_sum first = {0}, second = {0};
	enum err err = sum_up(sql, one, &first);

	if (!err)
		err = sum_up(sql, other, &second);
	if (!err)
		*ret_same = first.total == second.total;
	return err;
}

/* --- keys ------------------------------------------------------------------------------------- */

static int compare_bytes(const struct sql_value *a, const struct sql_value *b, bool nocase)
{
	size_t length = MIN(a->length, b->length);
	int order = 0;

	if (length)
		order = nocase ? strncasecmp(a->bytes, b->bytes, length)
			       : memcmp(a->bytes, b->bytes, length);
	if (order)
		return order;
	return (a->length > b->length) - (a->length < b->length);
}

/* NULL, numbers, texts, blobs: the types are numbered in this order. */
static int compare_values(const struct sql_value *a, const struct sql_value *b, bool nocase)
{
	if (a->type != b->type)
		return a->type < b->type ? -1 : 1;
	if (a->type == SQL_INT)
		return (a->number > b->number) - (a->number < b->number);
	return a->type == SQL_NULL ? 0 : compare_bytes(a, b, nocase && a->type == SQL_TEXT);
}

int audit_key_compare(struct sql_rows *rows, int first_column, int columns, uint64_t nocase,
		      const struct audit_key *key)
{
	int order = 0;

	for (int i = 0; !order && i < columns; i++) {
		struct sql_value value = value_of(rows, first_column + i);

		order = compare_values(&value, &key->values[i], nocase >> i & 1);
	}
	return order;
}

void audit_key_keep(struct audit_key *key, struct sql_rows *rows, int first_column, int columns)
{
	size_t length = 0, at = 0;

	assert(columns <= SQL_PARAMETERS_MAX);
	key->columns = columns;
	for (int i = 0; i < columns; i++) {
		key->values[i] = value_of(rows, first_column + i);
		length += key->values[i].length;
	}
	if (length > key->room) {
		key->room = 2 * length;
		key->bytes = must_realloc(key->bytes, key->room);
	}
	for (int i = 0; i < columns; i++) {
		struct sql_value *value = &key->values[i];

		if (value->length)
			memcpy(key->bytes + at, value->bytes, value->length);
		value->bytes = key->bytes + at;
		at += value->length;
	}
}

void audit_key_release(struct audit_key *key)
{
	free(key->bytes);
}

enum err audit_all_among(struct sql *sql, const char *all, const char *of, bool *ret_so)
{
	struct sql_rows *some = sql_query(sql, all), *others = sql_query(sql, of);
	struct audit_key key = {0};
	bool so = true, left = true;
	enum err err, other_err;

	while (so && sql_next(some)) {
		audit_key_keep(&key, some, 0, 1);
		while ((left = sql_next(others)) && audit_key_compare(others, 0, 1, 0, &key) < 0)
			;
		so = left && audit_key_compare(others, 0, 1, 0, &key) == 0;
	}
	audit_key_release(&key);
	other_err = sql_end(others);
	err = sql_end(some);
	if (!err && !other_err)
		*ret_so = so;
	return err ? err : other_err;
}
