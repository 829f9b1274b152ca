/*
 * The query: name=value pairs as forms write them (percent-encoding, plus for space).
 *
 * A table of fields is applied to it by writing the parameters that the table knows as a JSON
 * object and reading that, so that bodies and queries have one set of rules and words.
 */
#include "http/request.h"

#include <string.h>

#include "base/text.h"
#include "http/router.h"

/* A list's text: longer ones hold more than QUERY_VALUES_MAX values of any use. */
#define QUERY_LIST_BYTES_MAX (8 * 1024)

/* Finds the raw value of the first pair with this name; a name alone has the value "". */
static const char *find_raw(const struct request *req, const char *name, size_t *ret_length)
{
	const char *at = req->query ? req->query : "";

	while (*at) {
		size_t pair = strcspn(at, "&");
		const char *equals = memchr(at, '=', pair);
		size_t name_length = equals ? (size_t)(equals - at) : pair;
		bool same = name_length == strlen(name) && memcmp(at, name, name_length) == 0;

		/* Names are seldom encoded: decoded only where they are. */
		if (!same && (memchr(at, '%', name_length) || memchr(at, '+', name_length))) {
			char *decoded = text_percent_decode(req->arena, at, name_length, true);

			same = decoded && strcmp(decoded, name) == 0;
		}
		if (same) {
			*ret_length = equals ? pair - name_length - 1 : 0;
			return equals ? equals + 1 : at + pair;
		}
		at += pair;
		if (*at == '&')
			at++;
	}
	return NULL;
}

const char *request_query(const struct request *req, const char *name)
{
	size_t length;
	const char *raw = find_raw(req, name, &length);
	char *decoded = raw ? text_percent_decode(req->arena, raw, length, true) : NULL;

	/* What cannot be decoded is there nevertheless, and fails where its content is checked. */
	return raw && !decoded ? arena_copy_bytes(req->arena, raw, length) : decoded;
}

/* Writes one value as the JSON that the field's kind asks for; false: it was a fault. */
static bool write_value(struct request *req, struct out *out, const struct field *field,
			const char *pointer, const char *name, const char *value)
{
	int64_t number;

	switch (field->kind) {
	case FIELD_KIND_INT:
		if (!text_to_int(value, &number)) {
			fault_add(&req->faults, pointer, "must be an integer");
			return false;
		}
		out_int(out, name, number);
		return true;
	case FIELD_KIND_BOOL:
		if (strcmp(value, "true") != 0 && strcmp(value, "false") != 0) {
			fault_add(&req->faults, pointer, "must be true or false");
			return false;
		}
		out_bool(out, name, value[0] == 't');
		return true;
	case FIELD_KIND_TEXT:
	case FIELD_KIND_ID:
	case FIELD_KIND_TIME:
	case FIELD_KIND_CHOICE:
		out_text(out, name, value);
		return true;
	default:
		assert(!"a query holds no such kind");
		return false;
	}
}

/* The values between commas; "" is the empty list. */
static bool write_list(struct request *req, struct out *out, const struct field *field,
		       const char *pointer, const char *value)
{
	size_t count = 0;
	bool good = true;

	assert(field->element);
	for (const char *at = value; *at; at++)
		count += *at == ',';
	if (count >= QUERY_VALUES_MAX || strlen(value) > QUERY_LIST_BYTES_MAX) {
		fault_add(&req->faults, pointer, "must hold at most %d values", QUERY_VALUES_MAX);
		return false;
	}

	out_open_list(out, field->name);
	while (*value) {
		size_t length = strcspn(value, ",");
		char *item = arena_copy_bytes(req->arena, value, length);

		good = write_value(req, out, field->element, pointer, NULL, item) && good;
		value += length;
		if (*value == ',')
			value++;
	}
	out_close_list(out);
	return good;
}

/* Writes the field's parameter, if it is there. False: it was a fault, and is told already. */
static bool write_parameter(struct request *req, struct out *out, const struct field *field)
{
	struct out before = *out;
	size_t length;
	const char *raw = find_raw(req, field->name, &length);
	char *value, *pointer;
	bool good;

	if (!raw)
		return true;
	pointer = arena_printf(req->arena, "?%s", field->name);
	value = text_percent_decode(req->arena, raw, length, true);
	if (!value) {
		fault_add(&req->faults, pointer, "must be percent-encoded UTF-8");
		return false;
	}
	if (text_has_control(value) || strpbrk(value, "\t\r\n")) {
		fault_add(&req->faults, pointer, "must not hold control characters");
		return false;
	}

	if (field->kind == FIELD_KIND_LIST)
		good = write_list(req, out, field, pointer, value);
	else
		good = write_value(req, out, field, pointer, field->name, value);
	if (!good) {
		/* What was written of it is forgotten: `out` only ever appends. */
		out->length = before.length;
		out->comma = before.comma;
		out->depth = before.depth;
	}
	return good;
}

/* "/ids/3" becomes "?ids": a parameter has no inside. */
static void move_faults(struct request *req, const struct faults *faults)
{
	for (const struct fault *fault = faults->first; fault; fault = fault->next) {
		const char *name = fault->pointer + (fault->pointer[0] == '/');

		fault_add(&req->faults,
			  arena_printf(req->arena, "?%.*s", (int)strcspn(name, "/"), name), "%s",
			  fault->detail);
	}
}

/* --- names ------------------------------------------------------------------------------------ */

static bool is_field(const struct field *fields, const char *name)
{
	for (; fields && fields->name; fields++)
		if (strcmp(fields->name, name) == 0)
			return true;
	return false;
}

static bool is_of_page(const struct request *req, const char *name)
{
	return req->route && (req->route->flags & ROUTE_PAGE) &&
	       (strcmp(name, "limit") == 0 || strcmp(name, "cursor") == 0);
}

/* Whether a pair before `at` has the same name. */
static bool was_before(const struct request *req, const char *at, const char *name)
{
	size_t length;
	const char *first = find_raw(req, name, &length);

	return first && first < at;
}

/* What would be passed over is a fault: whoever sent it meant something by it. */
static void check_names(struct request *req, const struct field *fields)
{
	const char *at = req->query ? req->query : "";

	req->faults.arena = req->arena;
	/* As many as are told of: each known one is looked for among those before it. */
	while (*at && req->faults.count < JSON_FAULTS_MAX) {
		size_t length = strcspn(at, "&"), name_length = MIN(strcspn(at, "="), length);
		char *name = text_percent_decode(req->arena, at, name_length, true);
		bool known = name && (is_field(fields, name) || is_of_page(req, name));

		if (!name || text_has_control(name))
			name = arena_copy_text(req->arena, "");
		if (length > 0 && !known)
			fault_add(&req->faults, arena_printf(req->arena, "?%s", name),
				  "is no parameter of this endpoint");
		else if (length > 0 && was_before(req, at, name))
			fault_add(&req->faults, arena_printf(req->arena, "?%s", name),
				  "is there twice");
		at += length;
		at += *at == '&';
	}
}

enum err request_query_refuse(struct request *req)
{
	check_names(req, NULL);
	return faults_err(&req->faults);
}

enum err request_query_read(struct request *req, const struct field *fields, void *target)
{
	struct faults faults = {.arena = req->arena};
	struct out out = out_new(req->arena);
	struct field *good;
	size_t count = 0, kept = 0;
	const char *why = NULL;
	json_t *object;
	enum err err;

	while (fields[count].name)
		count++;
	good = ARENA_ARRAY(req->arena, struct field, count + 1);
	check_names(req, fields);

	out_open(&out, NULL);
	for (size_t i = 0; i < count; i++) {
		if (write_parameter(req, &out, &fields[i]))
			good[kept++] = fields[i];
	}
	out_close(&out);

	err = json_parse(req->arena, out.data, out.length, &object, &why);
	if (err)
		return refuse(req, ERR_BAD_REQUEST, "The query cannot be read.");
	json_read_fields(object, good, "", target, &faults);
	move_faults(req, &faults);
	return faults_err(&req->faults);
}
