/* Refusals and faults as problem+json (RFC 9457). */
#include "http/request.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"

#define DETAIL_LENGTH_MAX 1024 /* longer sentences are cut */

PRINTF_LIKE(2, 0)
static void note(struct request *req, const char *format, va_list arguments)
{
	char text[DETAIL_LENGTH_MAX];
	int length = vsnprintf(text, sizeof(text), format, arguments);

	assert(length >= 0);
	if ((size_t)length >= sizeof(text)) {
		/* Not within a character of UTF-8, which has four bytes at most. */
		length = sizeof(text) - 1;
		for (int i = 0; i < 3 && !text_is_utf8(text, (size_t)length); i++)
			length--;
	}
	req->detail = arena_copy_bytes(req->arena, text, (size_t)length);
}

enum err refuse(struct request *req, enum err err, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	note(req, format, arguments);
	va_end(arguments);
	return err;
}

enum err refuse_with(struct request *req, enum err err, const struct out *members,
		     const char *format, ...)
{
	va_list arguments;

	assert(members->depth == 0 && members->length >= 2 && members->data[0] == '{');
	va_start(arguments, format);
	note(req, format, arguments);
	va_end(arguments);
	req->members = members->data;
	return err;
}

/* A fault of ours is told here, once; what is only load is counted elsewhere. */
static void log_fault(const struct request *req, enum err err)
{
	const struct err_info *info = err_info(err);
	const char *detail = req->detail ? req->detail : info->title;

	if (err == ERR_INTERNAL)
		log_error("http.fault", "%s %s: %s: %s", http_method_text(req->method), req->path,
			  info->name, detail);
	else if (err_is_fault(err) && err != ERR_OVERLOADED && err != ERR_NOT_IMPLEMENTED)
		log_warning("http.fault", "%s %s: %s: %s", http_method_text(req->method), req->path,
			    info->name, detail);
}

/* The members within the braces of `object`. */
static void write_members(struct out *out, const char *object)
{
	size_t length = strlen(object);

	assert(length >= 2 && object[0] == '{' && object[length - 1] == '}');
	if (length == 2)
		return;
	if (out->comma)
		out_bytes(out, ",", 1);
	out_bytes(out, object + 1, length - 2);
	out->comma = true;
}

static void write_faults(struct out *out, const struct faults *faults)
{
	int told = 0;

	out_open_list(out, "errors");
	for (const struct fault *fault = faults->first; fault && told < JSON_FAULTS_MAX;
	     fault = fault->next) {
		out_open(out, NULL);
		if (fault->pointer[0] == '?')
			out_text(out, "parameter", fault->pointer + 1);
		else
			out_text(out, "pointer", fault->pointer);
		out_text(out, "detail", fault->detail);
		out_close(out);
		told++;
	}
	out_close_list(out);
	if (faults->count > told)
		out_int(out, "errorsOmitted", faults->count - told);
}

static const char *detail_of(const struct request *req, enum err err)
{
	if (err == ERR_INTERNAL)
		return NULL;
	if (req->detail)
		return req->detail;
	if (err != ERR_INVALID || req->faults.count == 0)
		return NULL;
	if (req->faults.count == 1)
		return "1 field breaks a rule.";
	return arena_printf(req->arena, "%d fields break a rule.", req->faults.count);
}

static void add_headers(const struct request *req, struct reply *reply, enum err err)
{
	const struct err_info *info = err_info(err);

	if (info->transient && !reply_get_header(reply, "Retry-After"))
		reply_header(reply, "Retry-After", "1");
	/* RFC 6750, section 3: an error is named only to who came with a token. */
	if (info->http_status == 401 && !reply_get_header(reply, "WWW-Authenticate")) {
		if (err == ERR_UNAUTHENTICATED && request_header(req, "Authorization"))
			reply_header(reply, "WWW-Authenticate",
				     "Bearer realm=\"souk\", error=\"invalid_token\"");
		else
			reply_header(reply, "WWW-Authenticate", "Bearer realm=\"souk\"");
	}
}

void reply_problem(struct request *req, struct reply *reply, enum err err)
{
	const struct err_info *info = err_info(err);
	struct out out = out_new(reply->arena);

	log_fault(req, err);

	out_open(&out, NULL);
	out_text(&out, "type", arena_printf(reply->arena, "/problems/%s", info->slug));
	out_text(&out, "title", info->title);
	out_int(&out, "status", info->http_status);
	out_text(&out, "detail", detail_of(req, err));
	out_text(&out, "instance", req->id);
	if (req->faults.count > 0 && err == ERR_INVALID)
		write_faults(&out, &req->faults);
	if (req->members && err != ERR_INTERNAL)
		write_members(&out, req->members);
	out_close(&out);

	reply_json(reply, info->http_status, &out);
	reply->content_type = "application/problem+json";
	add_headers(req, reply, err);
}
