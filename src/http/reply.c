/* Answers: body, headers, and what validators (ETag) make of them. */
#include "http/request.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

void reply_json(struct reply *reply, int status, const struct out *out)
{
	assert(out->depth == 0);
	reply->status = status;
	reply->content_type = "application/json";
	reply->body = out->data;
	reply->length = out->length;
	reply->value = out_kept(out);
}

void reply_text(struct reply *reply, int status, const char *content_type, const char *text)
{
	reply->status = status;
	reply->content_type = content_type;
	reply->body = text;
	reply->length = strlen(text);
	reply->value = NULL;
}

void reply_empty(struct reply *reply, int status)
{
	reply->status = status;
	reply->content_type = NULL;
	reply->body = NULL;
	reply->length = 0;
	reply->value = NULL;
}

void reply_header(struct reply *reply, const char *name, const char *format, ...)
{
	char short_value[256];
	va_list arguments;
	char *value;
	int length;

	assert(reply->header_count < REPLY_HEADERS_MAX);
	assert(name[0] != '\0' && !strpbrk(name, "\r\n: "));

	va_start(arguments, format);
	length = vsnprintf(short_value, sizeof(short_value), format, arguments);
	va_end(arguments);
	assert(length >= 0);
	if ((size_t)length < sizeof(short_value)) {
		value = arena_copy_bytes(reply->arena, short_value, (size_t)length);
	} else {
		value = arena_alloc(reply->arena, (size_t)length + 1);
		va_start(arguments, format);
		vsnprintf(value, (size_t)length + 1, format, arguments);
		va_end(arguments);
	}

	assert(!strpbrk(value, "\r\n"));
	reply->headers[reply->header_count].name = name;
	reply->headers[reply->header_count].value = value;
	reply->header_count++;
}

const char *reply_get_header(const struct reply *reply, const char *name)
{
	for (size_t i = 0; i < reply->header_count; i++) {
		if (text_equal_ignoring_case(reply->headers[i].name, name))
			return reply->headers[i].value;
	}
	return NULL;
}

void reply_etag(struct reply *reply, int64_t version, int64_t revision)
{
	reply_header(reply, "ETag", "\"%" PRId64 ".%" PRId64 "\"", version, revision);
}

/* Whether the list names the tag, or is "*"; compared weakly, or strongly (RFC 9110, section
 * 8.8.3.2). `tag` is NULL where the resource has none. Our own hold no comma. */
static bool list_has_tag(const char *list, const char *tag, bool strong)
{
	size_t wanted = tag ? strlen(tag) : 0;

	for (const char *at = list; *at;) {
		size_t length;

		at += strspn(at, " \t,");
		length = strcspn(at, " \t,");
		if (length == 1 && *at == '*')
			return true;
		if (!strong && length > 2 && at[0] == 'W' && at[1] == '/') {
			at += 2;
			length -= 2;
		}
		if (tag && length == wanted && memcmp(at, tag, length) == 0)
			return true;
		at += length;
	}
	return false;
}

/* Whether one of the headers of this name has the tag; *ret_any: whether there is one. */
static bool header_has_tag(const struct request *req, const char *name, const char *tag,
			   bool strong, bool *ret_any)
{
	*ret_any = false;
	for (size_t i = 0; i < req->header_count; i++) {
		if (!text_equal_ignoring_case(req->headers[i].name, name))
			continue;
		*ret_any = true;
		if (list_has_tag(req->headers[i].value, tag, strong))
			return true;
	}
	return false;
}

enum precondition reply_precondition(const struct request *req, const struct reply *reply)
{
	bool reads = req->method == HTTP_GET || req->method == HTTP_HEAD;
	const char *tag = reply_get_header(reply, "ETag");
	bool any;

	/* RFC 9110, section 13.2.1 and 13.2.2; no resource of ours has a Last-Modified, and without
	 * one the conditions on time are ignored. */
	if (reply->status < 200 || reply->status > 299)
		return PRECONDITION_HOLDS;
	if (!header_has_tag(req, "If-Match", tag, true, &any) && any)
		return PRECONDITION_FAILED;
	if (header_has_tag(req, "If-None-Match", tag, false, &any))
		return reads ? PRECONDITION_NOT_MODIFIED : PRECONDITION_FAILED;
	return PRECONDITION_HOLDS;
}

void reply_not_modified(struct reply *reply)
{
	reply->status = 304;
}
