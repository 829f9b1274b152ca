/*
 * JSON in: jansson behind limits of our own, and getters for what we wrote ourselves.
 *
 * jansson recurses as deep as the text nests, and we run on small stacks, so the text is looked
 * over first: its nesting, its number of values and its control characters are bounded before
 * jansson sees it. Both read strings alike up to jansson's first error, so nothing slips through
 * between the two.
 *
 * Sentences about malformed text never quote it: it may be anything.
 */
#include "base/json.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/out.h"
#include "base/text.h"
#include "base/time.h"
#include "base/unicode.h"

#define REAL_DIGITS 15
#define REAL_MAX 1.79769313486231e308 /* the largest of so many digits */

/* --- memory ------------------------------------------------------------------------------- */

/* While a text is parsed its values are made in this arena, and go with it: one that is nobody's
 * to change needs no malloc and free for each of its nodes. */
static _Thread_local struct arena *parsing;

/* As all memory of ours it never lacks (base/arena.h): jansson would call good text malformed. */
static void *allocate(size_t size)
{
	return parsing ? arena_alloc(parsing, size) : must_realloc(NULL, size);
}

static void release(void *memory)
{
	if (!parsing)
		free(memory);
}

__attribute__((constructor)) static void take_memory(void)
{
	json_set_alloc_funcs(allocate, release);
}

/* --- parsing ------------------------------------------------------------------------------ */

static bool is_control(const unsigned char *at, size_t left)
{
	if (*at < 0x20)
		return *at != '\t' && *at != '\n' && *at != '\r';
	/* DEL, and U+0080 to U+009F in UTF-8. */
	return *at == 0x7f || (*at == 0xc2 && left > 1 && at[1] >= 0x80 && at[1] <= 0x9f);
}

/* The same, written as an escape: `at` is behind the backslash. NUL is left to jansson, which has
 * a sentence for it. */
static bool is_escaped_control(const char *at, size_t left)
{
	unsigned char code = 0;

	if (left > 0 && (*at == 'b' || *at == 'f'))
		return true;
	if (left < 5 || memcmp(at, "u00", 3) != 0)
		return false;
	for (size_t i = 3; i < 5; i++) {
		const char *digit = strchr("0123456789abcdef", at[i] | 0x20);

		if (!digit)
			return false;
		code = (unsigned char)(code << 4 | (digit - "0123456789abcdef"));
	}
	if (code < 0x20)
		return code != 0 && code != '\t' && code != '\n' && code != '\r';
	return code >= 0x7f && code <= 0x9f;
}

/* What of our limits the text breaks, with the place, or NULL. *ret_fractions: it may hold numbers
 * that are not integers. */
static const char *find_excess(const char *text, size_t length, size_t *ret_position,
			       bool *ret_fractions)
{
	size_t depth = 0, values = 1;
	bool in_string = false;

	for (size_t i = 0; i < length; i++) {
		char byte = text[i];

		*ret_position = i;
		if (is_control((const unsigned char *)text + i, length - i))
			return "a control character";
		if (in_string) {
			if (byte == '\\' && is_escaped_control(text + i + 1, length - i - 1))
				return "a control character";
			/* What is escaped may be a quote, or a control character. */
			if (byte == '\\' && i + 1 < length &&
			    (text[i + 1] == '"' || text[i + 1] == '\\'))
				i++;
			else if (byte == '"')
				in_string = false;
			continue;
		}
		if (byte == '"')
			in_string = true;
		else if ((byte == '[' || byte == '{') && ++depth > JSON_DEPTH_MAX)
			return "it is nested too deeply";
		else if ((byte == ']' || byte == '}') && depth > 0)
			depth--;
		if ((byte == ',' || byte == '[' || byte == '{') && ++values > JSON_VALUES_MAX)
			return "it has too many values";
		/* Not the e of true. */
		if (byte == '.' || ((byte | 0x20) == 'e' && i > 0 && text[i - 1] <= '9'))
			*ret_fractions = true;
	}
	return NULL;
}

/* Whether what json_text writes of it can be read again: the last numbers before infinity are
 * rounded to infinity. */
static bool can_be_written(const json_t *value)
{
	const char *name;
	json_t *item;
	size_t i;

	if (json_is_real(value))
		return fabs(json_real_value(value)) <= REAL_MAX;
	if (json_is_array(value)) {
		json_array_foreach (value, i, item) {
			if (!can_be_written(item))
				return false;
		}
	} else if (json_is_object(value)) {
		json_object_foreach ((json_t *)(uintptr_t)value, name, item) {
			if (!can_be_written(item))
				return false;
		}
	}
	return true;
}

static const char *place_text(struct arena *arena, const char *text, size_t position,
			      const char *what)
{
	size_t line = 1, column = 1;

	for (size_t i = 0; i < position; i++) {
		if (text[i] == '\n') {
			line++;
			column = 1;
		} else if (((unsigned char)text[i] & 0xc0) != 0x80) {
			column++;
		}
	}
	return arena_printf(arena, "Line %zu, column %zu: %s.", line, column, what);
}

static const char *jansson_sentence(enum json_error_code code)
{
	switch (code) {
	case json_error_premature_end_of_input:
		return "the text ends too early";
	case json_error_end_of_input_expected:
		return "something follows the value";
	case json_error_invalid_utf8:
		return "it is not UTF-8";
	case json_error_duplicate_key:
		return "a member appears twice in one object";
	case json_error_numeric_overflow:
		return "a number is too large";
	case json_error_null_character:
	case json_error_null_byte_in_key:
		return "a text holds U+0000";
	default:
		return "the syntax is wrong";
	}
}

enum err json_parse(struct arena *arena, const char *text, size_t length, json_t **ret_value,
		    const char **ret_why)
{
	size_t position = 0;
	bool fractions = false;
	const char *excess = find_excess(text, length, &position, &fractions);
	json_error_t error;
	json_t *value;

	if (excess) {
		if (ret_why)
			*ret_why = place_text(arena, text, position, excess);
		return ERR_BAD_JSON;
	}
	parsing = arena;
	value = json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	parsing = NULL;
	if (!value) {
		if (ret_why)
			*ret_why = arena_printf(arena, "Line %d, column %d: %s.", error.line,
						error.column,
						jansson_sentence(json_error_code(&error)));
		return ERR_BAD_JSON;
	}
	if (fractions && !can_be_written(value)) {
		if (ret_why)
			*ret_why = "A number is too large.";
		return ERR_BAD_JSON;
	}
	*ret_value = value;
	return OK;
}

enum err json_parse_own(struct arena *arena, const char *text, size_t length, json_t **ret_value)
{
	json_t *value;

	parsing = arena;
	value = json_loadb(text, length, 0, NULL);
	parsing = NULL;
	if (!value)
		return ERR_BAD_JSON;
	*ret_value = value;
	return OK;
}

void json_remove(struct arena *arena, json_t *object, const char *name)
{
	parsing = arena;
	json_object_del(object, name);
	parsing = NULL;
}

static bool is_normal(struct arena *arena, const json_t *value)
{
	const json_t *item;
	const char *name;
	size_t i;

	if (json_is_string(value))
		return unicode_nfc(arena, json_string_value(value)) == json_string_value(value);
	json_array_foreach (value, i, item) {
		if (!is_normal(arena, item))
			return false;
	}
	json_object_foreach ((json_t *)value, name, item) {
		if (unicode_nfc(arena, name) != name || !is_normal(arena, item))
			return false;
	}
	return true;
}

/* While `parsing` is set. Of two names that become one the later counts. */
static json_t *normal_copy(struct arena *arena, const json_t *value)
{
	const json_t *item;
	const char *name;
	json_t *copy;
	size_t i;

	if (json_is_string(value))
		return json_string_nocheck(unicode_nfc(arena, json_string_value(value)));
	if (json_is_array(value)) {
		copy = json_array();
		json_array_foreach (value, i, item)
			json_array_append_new(copy, normal_copy(arena, item));
		return copy;
	}
	if (json_is_object(value)) {
		copy = json_object();
		json_object_foreach ((json_t *)value, name, item)
			json_object_set_new_nocheck(copy, unicode_nfc(arena, name),
						    normal_copy(arena, item));
		return copy;
	}
	return (json_t *)value;
}

const json_t *json_normal(struct arena *arena, const json_t *value)
{
	if (is_normal(arena, value))
		return value;
	parsing = arena;
	value = normal_copy(arena, value);
	parsing = NULL;
	return value;
}

char *json_text(struct arena *arena, const json_t *value)
{
	/* With 15 digits every decimal of up to 15 comes out as it went in; 17 would make
	 * 0.10000000000000001 of 0.1. */
	size_t flags = JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(REAL_DIGITS);
	size_t length = json_dumpb(value, NULL, 0, flags);
	char *text = arena_alloc(arena, length + 1);
	size_t written = json_dumpb(value, text, length, flags);

	assert(length > 0 && written == length);
	return text;
}

/* --- building ----------------------------------------------------------------------------- */

struct json_builder {
	struct arena *arena;
	json_t *top;
	json_t *open[OUT_DEPTH_MAX];
	size_t depth;
};

struct json_builder *json_builder_new(struct arena *arena)
{
	struct json_builder *builder = ARENA_NEW(arena, struct json_builder);

	builder->arena = arena;
	return builder;
}

json_t *json_builder_value(const struct json_builder *builder)
{
	assert(builder->depth == 0 && builder->top);
	return builder->top;
}

/* Where it belongs; `parsing` is set, so that what holds it grows in the arena. */
static void place(struct json_builder *builder, const char *name, json_t *value)
{
	json_t *holder = builder->depth ? builder->open[builder->depth - 1] : NULL;
	int failed = 0;

	assert(value);
	if (!holder)
		builder->top = value;
	else if (json_is_array(holder))
		failed = json_array_append_new(holder, value);
	else
		failed = json_object_set_new_nocheck(holder, name, value);
	assert(!failed);
}

void json_build_open(struct json_builder *builder, const char *name, bool list)
{
	json_t *value;

	assert(builder->depth < ARRAY_LENGTH(builder->open));
	parsing = builder->arena;
	value = list ? json_array() : json_object();
	place(builder, name, value);
	parsing = NULL;
	builder->open[builder->depth++] = value;
}

void json_build_close(struct json_builder *builder)
{
	assert(builder->depth > 0);
	builder->depth--;
}

void json_build_text(struct json_builder *builder, const char *name, const char *text,
		     size_t length)
{
	parsing = builder->arena;
	place(builder, name, json_stringn_nocheck(text, length));
	parsing = NULL;
}

void json_build_int(struct json_builder *builder, const char *name, int64_t number)
{
	parsing = builder->arena;
	place(builder, name, json_integer(number));
	parsing = NULL;
}

void json_build_json(struct json_builder *builder, const char *name, const char *json,
		     size_t length)
{
	parsing = builder->arena;
	place(builder, name, json_loadb(json, length, JSON_DECODE_ANY, NULL));
	parsing = NULL;
}

/* --- getters ------------------------------------------------------------------------------ */

const char *json_get_text(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

int64_t json_get_int(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

bool json_get_bool(const json_t *object, const char *name)
{
	return json_is_true(json_object_get(object, name));
}

bool json_get_id(const json_t *object, const char *name, struct id *ret_id)
{
	const char *text = json_get_text(object, name);

	return text && id_parse(text, ret_id);
}

bool json_get_money(const json_t *object, const char *name, struct money *ret_money)
{
	const json_t *value = json_object_get(object, name);
	const json_t *number = json_object_get(value, "amount");
	const char *currency = json_get_text(value, "currency");
	int64_t amount = json_integer_value(number);

	if (!json_is_integer(number) || amount > MONEY_MAX || amount < -MONEY_MAX)
		return false;
	if (!currency || !currency_known(currency))
		return false;
	ret_money->amount = amount;
	memcpy(ret_money->currency, currency, sizeof(ret_money->currency));
	return true;
}

bool json_get_time(const json_t *object, const char *name, int64_t *ret_time_ms)
{
	const char *text = json_get_text(object, name);

	return text && time_parse(text, ret_time_ms);
}

/* --- faults ------------------------------------------------------------------------------- */

void fault_add(struct faults *faults, const char *pointer, const char *format, ...)
{
	struct fault *fault;
	char *detail;
	va_list args;
	int length;

	if (faults->count++ >= JSON_FAULTS_MAX)
		return;

	va_start(args, format);
	length = vsnprintf(NULL, 0, format, args);
	va_end(args);
	assert(length >= 0);
	detail = arena_alloc(faults->arena, (size_t)length + 1);
	va_start(args, format);
	vsnprintf(detail, (size_t)length + 1, format, args);
	va_end(args);

	fault = ARENA_NEW(faults->arena, struct fault);
	fault->pointer = arena_copy_text(faults->arena, pointer);
	fault->detail = detail;
	if (faults->last)
		faults->last->next = fault;
	else
		faults->first = fault;
	faults->last = fault;
}

void faults_restore(struct faults *faults, const struct faults *before)
{
	*faults = *before;
	if (faults->last)
		faults->last->next = NULL;
}

enum err faults_err(const struct faults *faults)
{
	return faults->count > 0 ? ERR_INVALID : OK;
}
