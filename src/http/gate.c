/*
 * The gate: sizes, and all that could make us and a proxy in front of us see different requests in
 * the same bytes (request smuggling). libmicrohttpd has refused by now what it cannot parse.
 */
#include "http/gate.h"

#include <string.h>

#include "base/text.h"

bool gate_value_is_clean(const char *value, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)value[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

static bool is_between_strings(char c)
{
	return c == '\0' || c == '\r' || c == '\n' || c == ' ' || c == '\t';
}

bool gate_nothing_between(const char *from, const char *to)
{
	if (!to)
		return is_between_strings(from[0]) && is_between_strings(from[1]);
	while (from < to && is_between_strings(*from))
		from++;
	return from == to;
}

/* Visible ASCII alone; a fragment is never sent. */
static bool uri_is_clean(const char *uri)
{
	for (; *uri; uri++) {
		unsigned char c = (unsigned char)*uri;

		if (c <= ' ' || c >= 0x7f || c == '#')
			return false;
	}
	return true;
}

/* tchar (RFC 9110, section 5.6.2) */
static bool name_is_token(const char *name)
{
	static const bool is_tchar[256] = {
		['!'] = true,	      ['#'] = true,	    ['$'] = true, ['%'] = true,
		['&'] = true,	      ['\''] = true,	    ['*'] = true, ['+'] = true,
		['-'] = true,	      ['.'] = true,	    ['^'] = true, ['_'] = true,
		['`'] = true,	      ['|'] = true,	    ['~'] = true, ['0' ... '9'] = true,
		['A' ... 'Z'] = true, ['a' ... 'z'] = true,
	};

	if (*name == '\0')
		return false;
	for (; *name; name++) {
		if (!is_tchar[(unsigned char)*name])
			return false;
	}
	return true;
}

/* The headers that say where the request ends and whom it is for. */
struct framing {
	const char *host, *length, *encoding;
};

/* False: one of them is there twice. */
static bool find_framing(const struct request *req, struct framing *framing)
{
	for (size_t i = 0; i < req->header_count; i++) {
		const char *name = req->headers[i].name;
		const char **place = NULL;

		/* Most headers are passed over by their first letter. */
		switch (name[0] | 0x20) {
		case 'h':
			if (text_equal_ignoring_case(name, "Host"))
				place = &framing->host;
			break;
		case 'c':
			if (text_equal_ignoring_case(name, "Content-Length"))
				place = &framing->length;
			break;
		case 't':
			if (text_equal_ignoring_case(name, "Transfer-Encoding"))
				place = &framing->encoding;
			break;
		}
		if (place && *place)
			return false;
		if (place)
			*place = req->headers[i].value;
	}
	return true;
}

static enum err check_headers(struct request *req, const struct arrival *arrival,
			      enum gate_reason *reason)
{
	if (strlen(arrival->uri) > REQUEST_URI_MAX) {
		*reason = GATE_URI;
		return refuse(req, ERR_URI_TOO_LONG, "The limit is %d bytes.", REQUEST_URI_MAX);
	}
	if (arrival->header_bytes > REQUEST_HEADER_BYTES_MAX) {
		*reason = GATE_HEADERS;
		return refuse(req, ERR_HEADERS_TOO_LARGE, "The limit is %d bytes.",
			      REQUEST_HEADER_BYTES_MAX);
	}
	if (arrival->headers_omitted) {
		*reason = GATE_HEADERS;
		return refuse(req, ERR_HEADERS_TOO_LARGE, "The limit is %d headers.",
			      REQUEST_HEADERS_MAX);
	}

	*reason = GATE_MALFORMED;
	if (!uri_is_clean(arrival->uri))
		return refuse(req, ERR_BAD_REQUEST,
			      "The address holds characters that must be "
			      "percent-encoded.");
	if (arrival->bad_characters)
		return refuse(req, ERR_BAD_REQUEST,
			      "The request line or a header holds control "
			      "characters.");
	for (size_t i = 0; i < req->header_count; i++) {
		if (!name_is_token(req->headers[i].name))
			return refuse(req, ERR_BAD_REQUEST, "A header's name is malformed.");
	}
	return OK;
}

static enum err check_framing(struct request *req, const struct arrival *arrival,
			      int64_t *body_length, enum gate_reason *reason)
{
	struct framing framing = {0};
	int64_t length = 0;

	*reason = GATE_MALFORMED;
	if (!find_framing(req, &framing))
		return refuse(req, ERR_BAD_REQUEST,
			      "Host, Content-Length and Transfer-Encoding may be sent once.");
	/* RFC 9112, section 3.2. */
	if (!framing.host && strcmp(arrival->version, "HTTP/1.0") != 0)
		return refuse(req, ERR_BAD_REQUEST, "Host is missing.");
	if (framing.length && framing.encoding)
		return refuse(req, ERR_BAD_REQUEST,
			      "Content-Length and Transfer-Encoding "
			      "exclude each other.");
	if (framing.encoding) {
		/* RFC 9112, section 6.1: HTTP/1.0 has no transfer codings. */
		if (!text_equal_ignoring_case(framing.encoding, "chunked") ||
		    strcmp(arrival->version, "HTTP/1.0") == 0)
			return refuse(req, ERR_BAD_REQUEST,
				      "The only transfer coding is \"chunked\", of HTTP/1.1.");
		*body_length = -1;
		return OK;
	}
	if (framing.length && (framing.length[0] == '-' || framing.length[0] == '+' ||
			       !text_to_int(framing.length, &length)))
		return refuse(req, ERR_BAD_REQUEST, "Content-Length is not a number.");
	if ((uint64_t)length > arrival->body_limit) {
		*reason = GATE_BODY;
		return refuse(req, ERR_BODY_TOO_LARGE, "The limit is %zu bytes.",
			      arrival->body_limit);
	}
	*body_length = length;
	return OK;
}

enum err gate_check(struct request *req, const struct arrival *arrival, int64_t *ret_body_length,
		    enum gate_reason *ret_reason)
{
	enum err err = check_headers(req, arrival, ret_reason);

	if (err)
		return err;
	return check_framing(req, arrival, ret_body_length, ret_reason);
}

void gate_split_uri(struct request *req, const char *uri)
{
	size_t length;

	if (strncasecmp(uri, "http://", 7) == 0 || strncasecmp(uri, "https://", 8) == 0) {
		uri = strstr(uri, "//") + 2;
		uri += strcspn(uri, "/?");
	}
	length = strcspn(uri, "?");
	req->query = uri[length] == '?' ? arena_copy_text(req->arena, uri + length + 1) : "";
	req->path = length ? arena_copy_bytes(req->arena, uri, length) : "/";
}
