/* What a request holds: headers, parameters of its path, its body, and who sent it. */
#include "http/request.h"

#include <string.h>

#include "base/text.h"
#include "http/router.h"

const char *http_method_text(enum http_method method)
{
	static const char *const texts[] = {
		[HTTP_GET] = "GET",	    [HTTP_HEAD] = "HEAD",     [HTTP_POST] = "POST",
		[HTTP_PUT] = "PUT",	    [HTTP_DELETE] = "DELETE", [HTTP_PATCH] = "PATCH",
		[HTTP_OPTIONS] = "OPTIONS", [HTTP_OTHER] = "OTHER",
	};

	assert((size_t)method < ARRAY_LENGTH(texts));
	return texts[method];
}

const char *request_header(const struct request *req, const char *name)
{
	for (size_t i = 0; i < req->header_count; i++) {
		if (text_equal_ignoring_case(req->headers[i].name, name))
			return req->headers[i].value;
	}
	return NULL;
}

const char *request_parameter(const struct request *req, const char *name)
{
	size_t length = strlen(name);
	size_t index = 0;

	assert(req->route);
	for (const char *at = strchr(req->route->path, ':'); at; at = strchr(at, ':')) {
		at++;
		if (strncmp(at, name, length) == 0 && (at[length] == '/' || at[length] == '\0')) {
			assert(index < REQUEST_PARAMETERS_MAX && req->parameters[index]);
			return req->parameters[index];
		}
		index++;
	}
	assert(!"the route has no such parameter");
	return NULL;
}

enum err request_id(const struct request *req, const char *name, struct id *ret_id)
{
	return id_parse(request_parameter(req, name), ret_id) ? OK : ERR_NOT_FOUND;
}

enum err request_body_parse(struct request *req, const struct field *fields, void *target)
{
	const char *why = NULL;
	json_t *value;
	enum err err;

	if (req->body_length == 0)
		return refuse(req, ERR_BAD_JSON, "The body is empty.");

	value = req->body_value;
	err = value ? OK : json_parse(req->arena, req->body, req->body_length, &value, &why);
	if (err) {
		req->detail = why;
		return err;
	}

	req->faults.arena = req->arena;
	if (json_is_object(value))
		json_read_fields(value, fields, "", target, &req->faults);
	else
		fault_add(&req->faults, "", "must be an object");
	return OK;
}

enum err request_body(struct request *req, const struct field *fields, void *target)
{
	enum err err = request_body_parse(req, fields, target);

	if (err)
		return err;
	return faults_err(&req->faults);
}

bool request_has_role(const struct request *req, unsigned roles)
{
	return (req->caller.roles & roles) != 0;
}

bool request_is_user(const struct request *req, const struct id *user)
{
	return req->caller.roles != 0 && !id_is_zero(user) && id_equal(&req->caller.user, user);
}

bool request_is_service(const struct request *req, const char *service)
{
	const char *client = req->caller.client;

	if (!(req->caller.roles & ROLE_SERVICE) || !client)
		return false;
	if (text_starts_with(client, "souk:"))
		client += strlen("souk:");
	return strcmp(client, service) == 0;
}

/* Digits from `at` on; where they end, or NULL where there are none or too many. */
static const char *read_digits(const char *at, int64_t *ret_number)
{
	const char *begin = at;
	int64_t number = 0;

	for (; *at >= '0' && *at <= '9'; at++) {
		if (__builtin_mul_overflow(number, 10, &number) ||
		    __builtin_add_overflow(number, *at - '0', &number))
			return NULL;
	}
	*ret_number = number;
	return at > begin ? at : NULL;
}

/* Whether the tag, with its quotes, is one of ours for this version, and its revision has this upper
 * half (or NULL: any). */
static bool tag_has_version(const char *tag, size_t length, int64_t version, const uint32_t *part)
{
	int64_t number, revision;
	const char *at;

	if (length < 3 || tag[0] != '"')
		return false;
	at = read_digits(tag + 1, &number);
	if (!at || (*at != '.' && *at != '"') || number != version)
		return false;
	if (!part)
		return true;
	return *at == '.' && (at = read_digits(at + 1, &revision)) && *at == '"' &&
	       revision >> 32 == (int64_t)*part;
}

/* Whether the list has a tag for this version, or is "*". A weak tag begins with W/; it matches
 * nothing where tags are compared strongly (RFC 9110, section 8.8.3.2). */
static bool list_has_version(const char *at, int64_t version, const uint32_t *part, bool strong)
{
	for (;;) {
		size_t length;

		at += strspn(at, " \t,");
		if (*at == '\0')
			return false;
		/* Our tags hold no comma, so one within a foreign tag cannot make a match. */
		length = strcspn(at, " \t,");
		if (length == 1 && *at == '*')
			return true;
		if (!strong && length > 2 && at[0] == 'W' && at[1] == '/') {
			at += 2;
			length -= 2;
		}
		if (tag_has_version(at, length, version, part))
			return true;
		at += length;
	}
}

static enum err check_preconditions(const struct request *req, int64_t version,
				    const uint32_t *part)
{
	bool wanted = false, matches = false;

	for (size_t i = 0; i < req->header_count; i++) {
		const struct header *header = &req->headers[i];

		if (text_equal_ignoring_case(header->name, "If-Match")) {
			wanted = true;
			matches = matches || list_has_version(header->value, version, part, true);
		} else if (text_equal_ignoring_case(header->name, "If-None-Match") &&
			   list_has_version(header->value, version, part, false)) {
			return ERR_VERSION_MISMATCH;
		}
	}
	return wanted && !matches ? ERR_VERSION_MISMATCH : OK;
}

enum err request_if_match(const struct request *req, int64_t version)
{
	return check_preconditions(req, version, NULL);
}

enum err request_if_match_part(const struct request *req, int64_t version, uint32_t part)
{
	return check_preconditions(req, version, &part);
}

bool request_prefers(const struct request *req, const char *preference)
{
	size_t wanted = strlen(preference);

	for (size_t i = 0; i < req->header_count; i++) {
		const char *at = req->headers[i].value;

		if (!text_equal_ignoring_case(req->headers[i].name, "Prefer"))
			continue;
		while (*at) {
			at += strspn(at, " \t,");
			if (strncasecmp(at, preference, wanted) == 0 &&
			    (at[wanted] == '\0' || strchr(" \t,;", at[wanted])))
				return true;
			at += strcspn(at, ",");
		}
	}
	return false;
}
