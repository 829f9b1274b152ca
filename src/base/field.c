/*
 * Reading a JSON object into a struct by a table of its fields (see json.h).
 *
 *  1. Every member is looked at, so that every fault is found; none stops the reading.
 *  2. A target is written only where its value, with all that it holds, has no fault.
 *  3. Work and memory are bounded by the table: a list longer than its bound is refused before
 *     its elements are looked at, and recursion goes only as deep as tables nest.
 *  4. Pointers are made only for faults: a good body costs none.
 */
#include "base/json.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "base/time.h"
#include "base/unicode.h"

#define POINTER_NAME_MAX 100 /* bytes shown of a member's name that a client chose */
#define COMPOSED_MAX 4	     /* characters that normal form C makes one of, at most */

/* Where a value lies: a member of, or an element of, what lies above. */
struct place {
	const struct place *above; /* NULL: `name` is the pointer that the caller gave */
	const char *name;	   /* NULL: the element `index` */
	size_t index;
};

/* One value on its way into a struct. */
struct item {
	const struct field *field;
	const json_t *value;
	const struct place *place;
	void *target;
	struct faults *faults;
};

static void read_item(const struct item *item);
static void read_members(const json_t *object, const struct field *fields,
			 const struct place *place, void *target, struct faults *faults);

/* --- pointers ----------------------------------------------------------------------------- */

/* RFC 6901, section 3: ~ is ~0 and / is ~1. A name too long to show is cut between characters. */
static char *escape_name(struct arena *arena, const char *name)
{
	size_t length = strnlen(name, POINTER_NAME_MAX + 1);
	bool cut = length > POINTER_NAME_MAX;
	char *text, *end;

	if (cut) {
		length = POINTER_NAME_MAX;
		while (length > 0 && ((unsigned char)name[length] & 0xc0) == 0x80)
			length--;
	}
	text = end = arena_alloc(arena, 2 * length + sizeof("..."));
	for (size_t i = 0; i < length; i++) {
		if (name[i] == '~' || name[i] == '/') {
			*end++ = '~';
			*end++ = name[i] == '~' ? '0' : '1';
		} else {
			*end++ = name[i];
		}
	}
	if (cut)
		memcpy(end, "...", sizeof("..."));
	return text;
}

static const char *place_pointer(const struct place *place, struct arena *arena)
{
	const char *above;

	if (!place->above)
		return place->name;
	above = place_pointer(place->above, arena);
	if (place->name)
		return arena_printf(arena, "%s/%s", above, escape_name(arena, place->name));
	return arena_printf(arena, "%s/%zu", above, place->index);
}

/* Faults beyond those told are counted only, and need no pointer. */
static const char *pointer_to(const struct place *place, const struct faults *faults)
{
	if (faults->count >= JSON_FAULTS_MAX)
		return "";
	return place_pointer(place, faults->arena);
}

#define FAULT(item, ...) \
	fault_add((item)->faults, pointer_to((item)->place, (item)->faults), __VA_ARGS__)

/* --- scalars ------------------------------------------------------------------------------ */

static void fault_count(const struct item *item, const char *unit)
{
	int64_t min = item->field->min, max = item->field->max;

	if (min == max)
		FAULT(item, "must have exactly %" PRId64 " %s", max, unit);
	else if (min <= 0)
		FAULT(item, "must have at most %" PRId64 " %s", max, unit);
	else
		FAULT(item, "must have %" PRId64 " to %" PRId64 " %s", min, max, unit);
}

static bool has_bad_control(const char *text, unsigned flags)
{
	if (flags & SECRET)
		return false;
	return text_has_control(text) || (!(flags & MULTILINE) && strpbrk(text, "\t\n\r"));
}

static void read_text(const struct item *item)
{
	const struct field *field = item->field;
	const char *sent = json_string_value(item->value), *text;
	int64_t length;

	assert(field->max > 0 && field->min <= field->max);
	if (!sent) {
		FAULT(item, "must be text");
		return;
	}
	if ((int64_t)text_length(sent) > COMPOSED_MAX * field->max) {
		fault_count(item, "characters");
		return;
	}
	text = unicode_nfc(item->faults->arena, sent);
	length = (int64_t)text_length(text);
	if (length < field->min || length > field->max) {
		fault_count(item, "characters");
	} else if (has_bad_control(text, field->flags)) {
		FAULT(item, "must not have control characters");
	} else if (field->flags & VISIBLE && !item->faults->stored && unicode_has_hidden(text)) {
		FAULT(item, "must not have characters that nobody sees");
	} else if (field->check && !field->check(text)) {
		assert(field->expected);
		FAULT(item, "%s", field->expected);
	} else {
		*(char **)item->target =
			arena_copy_text(item->faults->arena, field->flags & SECRET ? sent : text);
	}
}

static void read_id(const struct item *item)
{
	const char *text = json_string_value(item->value);
	struct id id;

	if (text && id_parse(text, &id))
		*(struct id *)item->target = id;
	else
		FAULT(item, "must be a UUID");
}

static void read_int(const struct item *item)
{
	int64_t min = item->field->min, max = item->field->max;
	int64_t number = json_integer_value(item->value);
	bool bounded = min != 0 || max != 0;

	assert(min <= max);
	if (json_is_integer(item->value) && (!bounded || (number >= min && number <= max)))
		*(int64_t *)item->target = number;
	else if (bounded)
		FAULT(item, "must be a whole number from %" PRId64 " to %" PRId64, min, max);
	else
		FAULT(item, "must be a whole number");
}

static void read_bool(const struct item *item)
{
	if (json_is_boolean(item->value))
		*(bool *)item->target = json_is_true(item->value);
	else
		FAULT(item, "must be true or false");
}

static void read_time(const struct item *item)
{
	const char *text = json_string_value(item->value);
	int64_t time_ms;

	if (text && time_parse(text, &time_ms))
		*(int64_t *)item->target = time_ms;
	else
		FAULT(item, "must be a time as in RFC 3339, such as 2026-11-22T13:16:00.000Z");
}

static void read_choice(const struct item *item)
{
	const char *const *choices = item->field->choices;
	const char *text = json_string_value(item->value);
	const char *allowed = "";

	assert(choices && choices[0]);
	for (int i = 0; text && choices[i]; i++) {
		if (strcmp(text, choices[i]) == 0) {
			*(int *)item->target = i;
			return;
		}
	}
	if (item->faults->count < JSON_FAULTS_MAX) {
		for (int i = 0; choices[i]; i++)
			allowed = arena_printf(item->faults->arena, "%s%s%s", allowed,
					       i ? ", " : "", choices[i]);
	}
	FAULT(item, "must be one of: %s", allowed);
}

static void read_money(const struct item *item)
{
	struct draft {
		int64_t amount;
		char *currency;
	} draft = {0};
	bool bounded = item->field->min != 0 || item->field->max != 0;
	const struct field fields[] = {
		FIELD(struct draft, amount, "amount", INT, .flags = REQUIRED,
		      .min = item->field->min, .max = bounded ? item->field->max : MONEY_MAX),
		FIELD(struct draft, currency, "currency", TEXT, .flags = REQUIRED, .min = 3,
		      .max = 3, .check = currency_known,
		      .expected = "must be an ISO 4217 currency such as EUR"),
		FIELD_END,
	};
	int faults_before = item->faults->count;
	struct money money = {0};

	if (!json_is_object(item->value)) {
		FAULT(item, "must be an amount of money such as "
			    "{\"amount\": 1999, \"currency\": \"EUR\"}");
		return;
	}
	read_members(item->value, fields, item->place, &draft, item->faults);
	if (item->faults->count > faults_before)
		return;
	money.amount = draft.amount;
	memcpy(money.currency, draft.currency, sizeof(money.currency));
	*(struct money *)item->target = money;
}

/* --- what holds other values -------------------------------------------------------------- */

static void read_object(const struct item *item)
{
	int faults_before = item->faults->count;
	void *object;

	assert(item->field->fields && item->field->size > 0);
	object = arena_alloc(item->faults->arena, item->field->size);
	read_members(item->value, item->field->fields, item->place, object, item->faults);
	if (item->faults->count == faults_before)
		*(void **)item->target = object;
}

static void read_element(const struct item *list, size_t index, char *target)
{
	const struct place place = {.above = list->place, .index = index};
	const struct item element = {
		.field = list->field->element,
		.value = json_array_get(list->value, index),
		.place = &place,
		.target = target,
		.faults = list->faults,
	};

	if (list->field->fields)
		read_members(element.value, list->field->fields, &place, target, list->faults);
	else if (json_is_null(element.value) && !(element.field->flags & NULLABLE))
		FAULT(&element, "must not be null");
	else if (!json_is_null(element.value))
		read_item(&element);
}

static void read_list(const struct item *item)
{
	const struct field *field = item->field;
	size_t count = json_array_size(item->value);
	int faults_before = item->faults->count;
	struct list list = {.count = count};
	char *items;

	assert(field->max > 0 && field->min <= field->max);
	assert(field->size > 0 && (field->fields || field->element));
	if (!json_is_array(item->value)) {
		FAULT(item, "must be a list");
		return;
	}
	if ((int64_t)count < field->min || (int64_t)count > field->max) {
		fault_count(item, "items");
		return;
	}
	if (count > 0)
		list.items = arena_array(item->faults->arena, count, field->size);
	items = list.items;
	for (size_t i = 0; i < count; i++)
		read_element(item, i, items + i * field->size);
	if (item->faults->count == faults_before)
		*(struct list *)item->target = list;
}

/* Whether all text within is free of control characters, and nesting within `depth` levels. */
static bool is_plain(const json_t *value, int depth)
{
	const json_t *element;
	const char *name;
	size_t i;

	if (json_is_string(value))
		return !text_has_control(json_string_value(value));
	if ((json_is_object(value) || json_is_array(value)) && depth == 0)
		return false;
	json_array_foreach (value, i, element) {
		if (!is_plain(element, depth - 1))
			return false;
	}
	json_object_foreach ((json_t *)value, name, element) {
		if (has_bad_control(name, 0) || !is_plain(element, depth - 1))
			return false;
	}
	return true;
}

static void read_json(const struct item *item)
{
	int64_t max = item->field->max;
	const json_t *value;

	assert(max > 0);
	if (!json_is_object(item->value)) {
		FAULT(item, "must be an object");
		return;
	}
	if (!is_plain(item->value, JSON_MEMBER_DEPTH_MAX)) {
		FAULT(item, "must have at most %d levels and no control characters",
		      JSON_MEMBER_DEPTH_MAX);
		return;
	}
	value = json_normal(item->faults->arena, item->value);
	if ((int64_t)json_dumpb(value, NULL, 0, JSON_COMPACT) > max)
		FAULT(item, "must have at most %" PRId64 " bytes as compact JSON", max);
	else
		*(json_t **)item->target = (json_t *)value;
}

static void read_item(const struct item *item)
{
	switch (item->field->kind) {
	case FIELD_KIND_TEXT:
		read_text(item);
		break;
	case FIELD_KIND_ID:
		read_id(item);
		break;
	case FIELD_KIND_INT:
		read_int(item);
		break;
	case FIELD_KIND_BOOL:
		read_bool(item);
		break;
	case FIELD_KIND_TIME:
		read_time(item);
		break;
	case FIELD_KIND_MONEY:
		read_money(item);
		break;
	case FIELD_KIND_CHOICE:
		read_choice(item);
		break;
	case FIELD_KIND_OBJECT:
		read_object(item);
		break;
	case FIELD_KIND_LIST:
		read_list(item);
		break;
	case FIELD_KIND_JSON:
		read_json(item);
		break;
	case FIELD_KIND_ANY:
		*(json_t **)item->target = (json_t *)item->value;
		break;
	case FIELD_KIND_READ_ONLY:
		break;
	}
}

/* --- the object itself -------------------------------------------------------------------- */

static void read_member(const json_t *object, const struct field *field, const struct place *above,
			char *target, struct faults *faults)
{
	const struct place place = {.above = above, .name = field->name};
	const struct item item = {
		.field = field,
		.value = json_object_get(object, field->name),
		.place = &place,
		.target = target + field->offset,
		.faults = faults,
	};

	if (!item.value) {
		if (field->flags & REQUIRED)
			FAULT(&item, "is required");
		return;
	}
	if (field->given)
		*(bool *)(target + field->given - 1) = true;
	if (field->kind == FIELD_KIND_READ_ONLY)
		return;
	if (!json_is_null(item.value))
		read_item(&item);
	else if (!(field->flags & NULLABLE))
		FAULT(&item, "must not be null");
}

static bool is_known(const struct field *fields, const char *name)
{
	for (; fields->name; fields++) {
		if (strcmp(fields->name, name) == 0)
			return true;
	}
	return false;
}

static void read_members(const json_t *object, const struct field *fields,
			 const struct place *place, void *target, struct faults *faults)
{
	const json_t *value;
	const char *name;

	if (!json_is_object(object)) {
		fault_add(faults, pointer_to(place, faults), "must be an object");
		return;
	}
	for (const struct field *field = fields; field->name; field++)
		read_member(object, field, place, target, faults);

	json_object_foreach ((json_t *)object, name, value) {
		const struct place member = {.above = place, .name = name};

		if (!is_known(fields, name))
			fault_add(faults, pointer_to(&member, faults), "is not a known field");
	}
}

void json_read_fields(const json_t *object, const struct field *fields, const char *pointer,
		      void *target, struct faults *faults)
{
	const struct place place = {.name = pointer};

	read_members(object, fields, &place, target, faults);
}
