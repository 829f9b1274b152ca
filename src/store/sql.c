/* SQL, the part that no engine matters to: values, and statements built of parts. */
#include "store/sql.h"

#include <stdio.h>
#include <string.h>

struct sql_value sql_int(int64_t number)
{
	return (struct sql_value){.type = SQL_INT, .number = number};
}

struct sql_value sql_bool(bool value)
{
	return sql_int(value);
}

struct sql_value sql_text(const char *text)
{
	if (!text)
		return sql_null();
	return (struct sql_value){.type = SQL_TEXT, .bytes = text, .length = strlen(text)};
}

struct sql_value sql_id(const struct id *id)
{
	return id ? sql_blob(id->bytes, sizeof(id->bytes)) : sql_null();
}

struct sql_value sql_blob(const void *bytes, size_t length)
{
	return (struct sql_value){.type = SQL_BLOB, .bytes = bytes, .length = length};
}

struct sql_value sql_null(void)
{
	return (struct sql_value){.type = SQL_NULL};
}

enum err sql_first(struct sql_rows *rows)
{
	enum err err;

	if (sql_next(rows))
		return OK;
	err = sql_end(rows);
	return err ? err : ERR_NOT_FOUND;
}

enum err sql_end_any(struct sql_rows *rows, bool *ret_any)
{
	bool any = sql_next(rows);
	enum err err = sql_end(rows);

	if (!err)
		*ret_any = any;
	return err;
}

enum err sql_end_run(struct sql_rows *rows)
{
	while (sql_next(rows))
		;
	return sql_end(rows);
}

struct sql_builder sql_builder_new(struct arena *arena)
{
	struct sql_builder builder = {.arena = arena, .capacity = 1024};

	builder.text = arena_alloc(arena, builder.capacity);
	return builder;
}

static void append(struct sql_builder *builder, const char *bytes, size_t length)
{
	if (builder->length + length + 1 > builder->capacity) {
		char *text;

		builder->capacity = 2 * (builder->length + length + 1);
		text = arena_alloc(builder->arena, builder->capacity);
		memcpy(text, builder->text, builder->length);
		builder->text = text;
	}
	memcpy(builder->text + builder->length, bytes, length);
	builder->length += length;
	builder->text[builder->length] = '\0';
}

void sql_add_values(struct sql_builder *builder, const char *part, const struct sql_value *values)
{
	for (;;) {
		size_t length = strcspn(part, "?");
		char number[16];

		append(builder, part, length);
		if (!part[length])
			return;
		assert(builder->count < SQL_PARAMETERS_MAX);
		builder->values[builder->count++] = *values++;
		append(builder, number,
		       (size_t)snprintf(number, sizeof(number), "$%zu", builder->count));
		part += length + 1;
	}
}

struct sql_rows *sql_query_built(struct sql *sql, struct sql_builder *builder)
{
	return sql_query_values(sql, builder->text, builder->values, builder->count);
}
