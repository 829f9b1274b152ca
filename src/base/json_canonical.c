/*
 * One text for all texts of one JSON value: to tell whether a request is the one that came before.
 * Members stand in the order of their names' bytes, white space is gone, a number is written by its
 * value (1, 1.0 and 1e0 are one), and texts by their length, with no escapes.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/out.h"

#define INTEGERS_END 9223372036854775808.0 /* 2^63: the first that no int64_t is */

static void write_text(struct out *out, const char *text, size_t length)
{
	out_printf(out, "%zu:", length);
	out_bytes(out, text, length);
}

static void write_number(struct out *out, const json_t *value)
{
	double real = json_number_value(value);

	if (json_is_integer(value))
		out_printf(out, "%" JSON_INTEGER_FORMAT ";", json_integer_value(value));
	else if (real >= -INTEGERS_END && real < INTEGERS_END && trunc(real) == real)
		out_printf(out, "%" PRId64 ";", (int64_t)real);
	else
		out_printf(out, "%.17g;", real);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void write_object(struct out *out, const json_t *object)
{
	size_t size = json_object_size(object), count = 0;
	const char **names = ARENA_ARRAY(out->arena, const char *, size + 1);
	const char *name;
	json_t *member;

	json_object_foreach ((json_t *)object, name, member)
		names[count++] = name;
	qsort(names, count, sizeof(*names), compare_names);
	out_bytes(out, "{", 1);
	for (size_t i = 0; i < count; i++) {
		write_text(out, names[i], strlen(names[i]));
		json_write_canonical(out, json_object_get(object, names[i]));
	}
	out_bytes(out, "}", 1);
}

void json_write_canonical(struct out *out, const json_t *value)
{
	const json_t *item;
	size_t i;

	switch (json_typeof(value)) {
	case JSON_OBJECT:
		write_object(out, value);
		break;
	case JSON_ARRAY:
		out_bytes(out, "[", 1);
		json_array_foreach (value, i, item)
			json_write_canonical(out, item);
		out_bytes(out, "]", 1);
		break;
	case JSON_STRING:
		out_bytes(out, "\"", 1);
		write_text(out, json_string_value(value), json_string_length(value));
		break;
	case JSON_INTEGER:
	case JSON_REAL:
		write_number(out, value);
		break;
	case JSON_TRUE:
		out_bytes(out, "t", 1);
		break;
	case JSON_FALSE:
		out_bytes(out, "f", 1);
		break;
	case JSON_NULL:
	default:
		out_bytes(out, "n", 1);
		break;
	}
}
