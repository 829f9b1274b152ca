/*
 * Aggregates for whoever looks at stored data as a whole (souk audit): they see values where they
 * lie, once per row, where a row that is handed out costs a call for each of its columns.
 *
 *	row_sum(number, key ...)
 *		The sum over the rows of a number times the hash of the row's key, as 16 bytes. Sums
 *		of the same numbers for the same keys are equal, in whatever order they came and
 *		however they were parted into rows; other sums differ but by a chance of 2^-64
 *		(SipHash, with a key drawn at start).
 *	sum_of(sum, sum)
 *		Two sums of rows as one; no aggregate.
 *	in_order(unique, nocase, key ...)
 *		1 where each row's key comes behind that of the row before it, else 0. If unique is
 *		not 0, no two rows have the same first so many columns either, but for those with a
 *		NULL among them. Column i is told apart without case where bit i of nocase is set.
 *		Who asks sees to it that the rows come as they lie.
 *	money(amount, currency)
 *		The sum as people read it: "19.90 EUR"; no aggregate.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/money.h"
#include "store/sqlite_internal.h"

#define HASHED_MAX 512
#define PLAIN_MAX 64 /* bytes of a value; of a longer one its hash stands for it */

/* Borrowed until the row is left. */
static struct sql_value value_of(sqlite3_value *from)
{
	struct sql_value value = {.type = SQL_BLOB};

	switch (sqlite3_value_type(from)) {
	case SQLITE_NULL:
		value.type = SQL_NULL;
		return value;
	case SQLITE_INTEGER:
		value.type = SQL_INT;
		value.number = sqlite3_value_int64(from);
		return value;
	case SQLITE_TEXT:
		value.type = SQL_TEXT;
		break;
	default:
		break;
	}
	value.bytes = sqlite3_value_blob(from);
	value.length = (size_t)sqlite3_value_bytes(from);
	assert(value.bytes || value.length == 0);
	return value;
}

/* --- row_sum ---------------------------------------------------------------------------------- */

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

static uint64_t hash_of_key(sqlite3_value **key, int columns)
{
	uint8_t bytes[HASHED_MAX];
	size_t length = 0;
	uint64_t hash;

	for (int i = 0; i < columns; i++) {
		struct sql_value value = value_of(key[i]);

		/* What is full goes on with its hash. */
		if (length + PLAIN_MAX + sizeof(size_t) + 1 > sizeof(bytes)) {
			hash = hash_short(bytes, length);
			memcpy(bytes, &hash, sizeof(hash));
			length = sizeof(hash);
		}
		length += put_value(bytes + length, &value);
	}
	return hash_short(bytes, length);
}

static void row_sum_step(sqlite3_context *context, int count, sqlite3_value **values)
{
	__int128 *sum = sqlite3_aggregate_context(context, sizeof(*sum));
	__int128 total;

	if (!sum || count < 2) {
		sqlite3_result_error_code(context, sum ? SQLITE_MISUSE : SQLITE_NOMEM);
		return;
	}
	/* The engine's memory lies on eight bytes, not on sixteen. */
	memcpy(&total, sum, sizeof(total));
	total += (__int128)sqlite3_value_int64(values[0]) * hash_of_key(values + 1, count - 1);
	memcpy(sum, &total, sizeof(total));
}

static void row_sum_end(sqlite3_context *context)
{
	static const uint8_t none[sizeof(__int128)];
	const void *sum = sqlite3_aggregate_context(context, 0);

	sqlite3_result_blob(context, sum ? sum : none, sizeof(none), SQLITE_TRANSIENT);
}

static void add_sums(sqlite3_context *context, int count, sqlite3_value **sums)
{
	__int128 total = 0, sum;

	for (int i = 0; i < count; i++) {
		struct sql_value value = value_of(sums[i]);

		if (value.length != sizeof(sum)) {
			sqlite3_result_error_code(context, SQLITE_MISMATCH);
			return;
		}
		memcpy(&sum, value.bytes, sizeof(sum));
		total += sum;
	}
	sqlite3_result_blob(context, &total, sizeof(total), SQLITE_TRANSIENT);
}

/* --- in_order --------------------------------------------------------------------------------- */

/* The row before. */
struct last_row {
	bool begun, disordered;
	struct sql_value values[SQL_PARAMETERS_MAX];
	char *bytes;
	size_t room;
};

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

/* Whether the row comes behind the last one; of the first `unique` columns, and of all. */
static bool comes_behind(const struct last_row *last, const struct sql_value *row, int columns,
			 int unique, int64_t nocase)
{
	bool null = false;

	for (int i = 0; i < columns; i++) {
		int order = compare_values(&row[i], &last->values[i], nocase >> i & 1);

		null |= row[i].type == SQL_NULL;
		if (order)
			return order > 0;
		if (i + 1 == unique && !null)
			return false;
	}
	return false;
}

static void keep(struct last_row *last, const struct sql_value *row, int columns)
{
	size_t length = 0, at = 0;

	for (int i = 0; i < columns; i++)
		length += row[i].length;
	if (length > last->room) {
		last->room = 2 * length;
		last->bytes = must_realloc(last->bytes, last->room);
	}
	for (int i = 0; i < columns; i++) {
		last->values[i] = row[i];
		if (row[i].length)
			memcpy(last->bytes + at, row[i].bytes, row[i].length);
		last->values[i].bytes = last->bytes + at;
		at += row[i].length;
	}
	last->begun = true;
}

static void in_order_step(sqlite3_context *context, int count, sqlite3_value **values)
{
	struct last_row *last = sqlite3_aggregate_context(context, sizeof(*last));
	struct sql_value row[SQL_PARAMETERS_MAX];
	int columns = count - 2;

	if (!last || columns < 1 || columns > SQL_PARAMETERS_MAX) {
		sqlite3_result_error_code(context, last ? SQLITE_MISUSE : SQLITE_NOMEM);
		return;
	}
	if (last->disordered)
		return;
	for (int i = 0; i < columns; i++)
		row[i] = value_of(values[i + 2]);
	last->disordered =
		last->begun && !comes_behind(last, row, columns, sqlite3_value_int(values[0]),
					     sqlite3_value_int64(values[1]));
	keep(last, row, columns);
}

static void in_order_end(sqlite3_context *context)
{
	struct last_row *last = sqlite3_aggregate_context(context, 0);

	sqlite3_result_int(context, !last || !last->disordered);
	if (last)
		free(last->bytes);
}

/* --- money ------------------------------------------------------------------------------------ */

static void format_money(sqlite3_context *context, int count, sqlite3_value **values)
{
	const char *currency = (const char *)sqlite3_value_text(values[1]);
	struct money money = {.amount = sqlite3_value_int64(values[0])};
	char text[MONEY_TEXT_SIZE];

	snprintf(money.currency, sizeof(money.currency), "%.3s", currency ? currency : "");
	money_format(&money, text, sizeof(text));
	sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT);
}

enum err connection_add_sums(struct connection *connection)
{
	sqlite3 *handle = connection->handle;
	int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC;
	int code = sqlite3_create_function(handle, "row_sum", -1, flags, NULL, NULL, row_sum_step,
					   row_sum_end);

	if (code == SQLITE_OK)
		code = sqlite3_create_function(handle, "sum_of", 2, flags, NULL, add_sums, NULL,
					       NULL);
	if (code == SQLITE_OK)
		code = sqlite3_create_function(handle, "in_order", -1, flags, NULL, NULL,
					       in_order_step, in_order_end);
	if (code == SQLITE_OK)
		code = sqlite3_create_function(handle, "money", 2, flags, NULL, format_money, NULL,
					       NULL);
	return connection_err(connection, code, "", "sums");
}
