/*
 * JSON in: parsing within limits, and reading an object into a struct by a table of its fields,
 * so that every fault of a body is found and named.
 *
 *	static const struct field address_fields[] = {
 *		FIELD(struct address, city, "city", TEXT, .flags = REQUIRED, .min = 1, .max = 100),
 *		FIELD_END,
 *	};
 *
 * Parsing (RFC 8259) is strict: UTF-8 without NUL or control characters, no member twice, at most
 * JSON_DEPTH_MAX levels and JSON_VALUES_MAX values, integers within int64_t.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <jansson.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/id.h"
#include "base/money.h"

#define JSON_DEPTH_MAX 16
#define JSON_VALUES_MAX 100000	/* in one text: they take far more memory than their bytes */
#define JSON_MEMBER_DEPTH_MAX 8 /* levels of a FIELD_KIND_JSON, so that it fits into an event */
#define JSON_FAULTS_MAX 100	/* faults told of one body; further ones are only counted */

/* A parsed value. It lives in the arena and goes with it, whoever counts references; it must not be
 * changed otherwise than by json_remove. ERR_BAD_JSON where it is not JSON, with *ret_why (may be
 * NULL) set to a sentence with line and column. */
enum err json_parse(struct arena *arena, const char *text, size_t length, json_t **ret_value,
		    const char **ret_why) MUST_CHECK;

/* The same of text that this program wrote: only its syntax is checked, not its bounds. */
enum err json_parse_own(struct arena *arena, const char *text, size_t length, json_t **ret_value)
	MUST_CHECK;

/* The value with all names and texts within in normal form C (base/unicode.h): itself where they are
 * so already, else a copy. */
const json_t *json_normal(struct arena *arena, const json_t *value);

/* Takes the member, if it is there, out of an object that was parsed into this arena. */
void json_remove(struct arena *arena, json_t *object, const char *name);

/* Compact text of any value. */
char *json_text(struct arena *arena, const json_t *value);

/* Appends the one text of all texts of this value: two of them are the same exactly where the values
 * are (see json_canonical.c). It is no JSON. */
struct out;
void json_write_canonical(struct out *out, const json_t *value);

/* Members of an object that we wrote ourselves (events, answers of other services): NULL, 0 or
 * false where it is missing or of another type. */
const char *json_get_text(const json_t *object, const char *name);
int64_t json_get_int(const json_t *object, const char *name);
bool json_get_bool(const json_t *object, const char *name);
bool json_get_id(const json_t *object, const char *name, struct id *ret_id);
bool json_get_money(const json_t *object, const char *name, struct money *ret_money);
bool json_get_time(const json_t *object, const char *name, int64_t *ret_time_ms);

/* --- building ---------------------------------------------------------------------------- */

/* Values made next to the text that `out` writes (base/out.h), as json_parse would make them of it:
 * a name within an object, NULL elsewhere. All of it lives in the arena; names and texts are
 * copied. */
struct json_builder;

struct json_builder *json_builder_new(struct arena *arena);
json_t *json_builder_value(const struct json_builder *builder); /* once all is closed */

void json_build_open(struct json_builder *builder, const char *name, bool list);
void json_build_close(struct json_builder *builder);
void json_build_text(struct json_builder *builder, const char *name, const char *text,
		     size_t length);
void json_build_int(struct json_builder *builder, const char *name, int64_t number);

/* `json` is the text of any value. */
void json_build_json(struct json_builder *builder, const char *name, const char *json,
		     size_t length);

/* --- faults ------------------------------------------------------------------------------ */

struct fault {
	const char *pointer; /* RFC 6901; "" is the whole, "?limit" a parameter of the query */
	const char *detail;  /* a sentence */
	struct fault *next;
};

/* The faults of one request in the order they were found. Zeroed but for the arena it is empty. */
struct faults {
	struct arena *arena;
	struct fault *first, *last;
	int count;
	bool stored; /* what is read was stored by an earlier release: VISIBLE counts not */
};

void fault_add(struct faults *faults, const char *pointer, const char *format, ...)
	PRINTF_LIKE(3, 4);

/* Takes back what was added since `before` was copied from them. */
void faults_restore(struct faults *faults, const struct faults *before);

/* ERR_INVALID if any fault was added, else OK. */
enum err faults_err(const struct faults *faults) MUST_CHECK;

/* --- fields ------------------------------------------------------------------------------ */

enum field_kind {
	FIELD_KIND_TEXT,   /* char *, in normal form C: min..max code points */
	FIELD_KIND_ID,	   /* struct id */
	FIELD_KIND_INT,	   /* int64_t: min..max; 0..0 means any */
	FIELD_KIND_BOOL,   /* bool */
	FIELD_KIND_TIME,   /* int64_t milliseconds, from RFC 3339 text */
	FIELD_KIND_MONEY,  /* struct money: amount min..max (0..0: any from 0), known currency */
	FIELD_KIND_CHOICE, /* int: index into `choices`, a NULL-ended list of words */
	FIELD_KIND_OBJECT, /* struct x *: NULL if absent; `fields`, `size` */
	/* struct list: min..max elements; of objects by `fields`, `size`, else of `element` */
	FIELD_KIND_LIST,
	/* json_t *: an object of any members, in normal form C, its compact text at most `max` bytes */
	FIELD_KIND_JSON,
	FIELD_KIND_ANY,	      /* json_t *: any value, borrowed, not looked at: the caller does */
	FIELD_KIND_READ_ONLY, /* of the resource, sent back by a client: not looked at */
};

enum field_flags {
	OPTIONAL = 0,
	REQUIRED = 1,
	NULLABLE = 2,  /* null is taken, and counts as present: see `given` */
	SECRET = 4,    /* a text with whatever it has, as sent (passwords) */
	MULTILINE = 8, /* text that may hold tab, line feed and carriage return */
	VISIBLE = 16,  /* a name: no character that nobody sees (unicode_has_hidden) */
};

struct field {
	const char *name;
	enum field_kind kind;
	unsigned flags;
	size_t offset;
	int64_t min, max;
	bool (*check)(const char *text); /* of text, once its length is right; NULL: none */
	const char *expected;		 /* what `check` asks for: "must be an e-mail address" */
	const char *const *choices;	 /* ends with NULL */
	const struct field *fields;	 /* of an object, or of a list's elements */
	size_t size;			 /* of the struct, or of the list's scalar */
	const struct field *element;	 /* of a list of scalars: one field with offset 0 */
	size_t given; /* GIVEN(...): where a bool says that the member was there, be it null; 0: none */
};

struct list {
	void *items; /* an array of the element's struct, or of char *, struct id, int64_t, ... */
	size_t count;
};

/*
 *	FIELD(struct address, city, "city", TEXT, .flags = REQUIRED, .min = 1, .max = 100)
 *	FIELD(struct draft, lines, "items", LIST, .min = 1, .max = 100,
 *	      STRUCT_OF(line_fields, struct line))
 */
#define FIELD(type, member, member_name, field_type, ...)               \
	{                                                               \
		.name = (member_name), .kind = FIELD_KIND_##field_type, \
		.offset = offsetof(type, member), ##__VA_ARGS__         \
	}
#define GIVEN(type, member) .given = (offsetof(type, member) + 1)
#define STRUCT_OF(member_fields, type) .fields = (member_fields), .size = sizeof(type)
#define LIST_OF(scalar_field, type) .element = (scalar_field), .size = sizeof(type)
#define FIELD_READ_ONLY(member_name)                                \
	{                                                           \
		.name = (member_name), .kind = FIELD_KIND_READ_ONLY \
	}
#define FIELD_END            \
	{                    \
		.name = NULL \
	}

/*
 * Reads `object` into the zeroed struct at `target`. Every fault (missing, wrong type, out of
 * bounds, unknown member, ...) is added with its pointer, which begins with `pointer`. What has
 * no fault, nor holds one, is set. Copies are in faults->arena; FIELD_KIND_JSON may borrow from
 * `object`.
 */
void json_read_fields(const json_t *object, const struct field *fields, const char *pointer,
		      void *target, struct faults *faults);

#endif
