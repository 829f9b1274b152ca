/* The parameters of OAuth's endpoints. */
#include "services/auth/parameters.h"

#include <string.h>
#include <strings.h>

#include "base/text.h"

static const char form_type[] = "application/x-www-form-urlencoded";

bool body_is_form(const struct request *req)
{
	const char *type = request_header(req, "Content-Type");

	return type && strcspn(type, "; \t") == strlen(form_type) &&
	       strncasecmp(type, form_type, strlen(form_type)) == 0;
}

const char *parameters_get(const struct parameters *parameters, const char *name)
{
	for (size_t i = 0; i < parameters->count; i++)
		if (strcmp(parameters->items[i].name, name) == 0)
			return parameters->items[i].value;
	return NULL;
}

/* False, with the reason, where there is no place for it. */
static bool add(struct parameters *parameters, const char *name, const char *value,
		const char **ret_why)
{
	for (size_t i = 0; i < parameters->count; i++) {
		if (strcmp(parameters->items[i].name, name) == 0) {
			*ret_why = "A parameter is there twice.";
			return false;
		}
	}
	if (parameters->count == PARAMETERS_MAX) {
		*ret_why = "There are too many parameters.";
		return false;
	}
	parameters->items[parameters->count++] = (struct header){.name = name, .value = value};
	return true;
}

/* One pair of a form; a second one of the same name counts, be both without a value. */
static bool add_pair(struct arena *arena, const char *pair, size_t length,
		     struct parameters *parameters, const char **ret_why)
{
	const char *equals = memchr(pair, '=', length);
	size_t name_length = equals ? (size_t)(equals - pair) : length;
	const char *value_start = equals ? equals + 1 : pair + length;
	size_t value_length = (size_t)(pair + length - value_start);
	char *name = text_percent_decode(arena, pair, name_length, true);
	char *value = text_percent_decode(arena, value_start, value_length, true);

	if (!name || !value || text_has_control(name) || text_has_control(value)) {
		*ret_why = "The form is malformed.";
		return false;
	}
	return add(parameters, name, value, ret_why);
}

static bool read_form(struct request *req, struct parameters *parameters, const char **ret_why)
{
	const char *at = req->body, *end = req->body + req->body_length;

	while (at < end) {
		const char *and = memchr(at, '&', (size_t)(end - at));
		size_t length = (size_t)((and? and : end) - at);

		if (length > 0 && !add_pair(req->arena, at, length, parameters, ret_why))
			return false;
		at += length + 1;
	}
	return true;
}

static bool read_json(struct request *req, struct parameters *parameters, const char **ret_why)
{
	const json_t *member;
	const char *name;
	json_t *object;

	if (json_parse(req->arena, req->body, req->body_length, &object, ret_why))
		return false;
	if (!json_is_object(object)) {
		*ret_why = "The body must be an object.";
		return false;
	}
	json_object_foreach (object, name, member) {
		if (json_is_null(member))
			continue;
		if (!json_is_string(member)) {
			*ret_why = "A parameter is no text.";
			return false;
		}
		if (!add(parameters, name, json_string_value(member), ret_why))
			return false;
	}
	return true;
}

static void leave_out_empty(struct parameters *parameters)
{
	size_t kept = 0;

	for (size_t i = 0; i < parameters->count; i++)
		if (*parameters->items[i].value)
			parameters->items[kept++] = parameters->items[i];
	parameters->count = kept;
}

enum err parameters_read(struct request *req, struct parameters *ret_parameters,
			 const char **ret_why)
{
	struct parameters parameters = {.count = 0};
	bool good = body_is_form(req) ? read_form(req, &parameters, ret_why)
				      : read_json(req, &parameters, ret_why);

	if (!good)
		return ERR_BAD_REQUEST;
	leave_out_empty(&parameters);
	*ret_parameters = parameters;
	return OK;
}
