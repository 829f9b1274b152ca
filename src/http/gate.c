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

/* --- what the daemon does not show ------------------------------------------------------------ */

void gate_walk_begin(struct gate_walk *walk, const char *method, size_t head_length,
		     const char *url, size_t url_length, const char *version)
{
	walk->good = url == method + strlen(method) + 1 && version == url + url_length + 1;
	walk->at = version + strlen(version) + 2;
	walk->end = method + head_length;
}

void gate_walk_header(struct gate_walk *walk, const char *name, size_t name_length,
		      const char *value, size_t value_length)
{
	const char *at = name + name_length + 1; /* behind the colon */

	if (name != walk->at || value < at || value + value_length > walk->end) {
		walk->good = false;
		return;
	}
	while (at < value && (*at == ' ' || *at == '\t'))
		at++;
	walk->good = walk->good && at == value;
	walk->at = value + value_length + 2;
}

bool gate_walk_end(const struct gate_walk *walk)
{
	/* A line that begins with a NUL passes for the empty one. */
	return walk->good && walk->at + 2 == walk->end && memcmp(walk->end - 4, "\0\0\0", 4) == 0;
}

bool gate_chunk_line_is_clean(const char *buffer, const char *data)
{
	const char *end = data - 2, *line = end;

	if (data - buffer < 3 || memcmp(end, "\r\n", 2) != 0)
		return false;
	while (line > buffer && line[-1] != '\n')
		line--;
	if (line > buffer && (line - buffer < 2 || line[-2] != '\r'))
		return false;
	return gate_value_is_clean(line, (size_t)(end - line));
}

/* --- characters ------------------------------------------------------------------------------- */

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

/* A host, and perhaps a port (RFC 9110, section 7.2): no user, and no comma, with which two hosts
 * may have been joined. */
static bool host_is_clean(const char *host, size_t length)
{
	static const bool is_host[256] = {
		['!'] = true,	      ['$'] = true, ['%'] = true,	  ['&'] = true,
		['\''] = true,	      ['('] = true, [')'] = true,	  ['*'] = true,
		['+'] = true,	      ['-'] = true, ['.'] = true,	  [':'] = true,
		[';'] = true,	      ['='] = true, ['['] = true,	  [']'] = true,
		['_'] = true,	      ['~'] = true, ['0' ... '9'] = true, ['A' ... 'Z'] = true,
		['a' ... 'z'] = true,
	};

	for (size_t i = 0; i < length; i++) {
		if (!is_host[(unsigned char)host[i]])
			return false;
	}
	return length > 0 && host[0] != ':';
}

/* What an absolute-form address names as its host; NULL where the address is of another form. */
static const char *authority_of(const char *uri, size_t *ret_length)
{
	if (strncasecmp(uri, "http://", 7) != 0 && strncasecmp(uri, "https://", 8) != 0)
		return NULL;
	uri = strstr(uri, "//") + 2;
	*ret_length = strcspn(uri, "/?");
	return uri;
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
	if (!name_is_token(arrival->method))
		return refuse(req, ERR_BAD_REQUEST, "The method is malformed.");
	if (arrival->bad_characters)
		return refuse(req, ERR_BAD_REQUEST, "A header holds control characters.");
	if (arrival->bad_lines)
		return refuse(req, ERR_BAD_REQUEST,
			      "The request line or a header holds a NUL, is folded, or does not "
			      "end with CR LF.");
	for (size_t i = 0; i < req->header_count; i++) {
		if (!name_is_token(req->headers[i].name))
			return refuse(req, ERR_BAD_REQUEST, "A header's name is malformed.");
	}
	return OK;
}

/* Whom it is for (RFC 9112, section 3.2). A host in the address is the one in Host, or two servers
 * may each believe another one. */
static enum err check_target(struct request *req, const struct arrival *arrival, const char *host)
{
	size_t length = 0;
	const char *authority = authority_of(arrival->uri, &length);

	if (!host && strcmp(arrival->version, "HTTP/1.0") != 0)
		return refuse(req, ERR_BAD_REQUEST, "Host is missing.");
	if (host && !host_is_clean(host, strlen(host)))
		return refuse(req, ERR_BAD_REQUEST, "Host is malformed.");
	if (!authority && arrival->uri[0] != '/' && strcmp(arrival->uri, "*") != 0)
		return refuse(req, ERR_BAD_REQUEST, "The address is malformed.");
	if (authority && !host_is_clean(authority, length))
		return refuse(req, ERR_BAD_REQUEST, "The host in the address is malformed.");
	if (authority && host &&
	    (strlen(host) != length || strncasecmp(host, authority, length) != 0))
		return refuse(req, ERR_BAD_REQUEST, "Host is not the one in the address.");
	return OK;
}

static enum err check_framing(struct request *req, const struct arrival *arrival,
			      int64_t *body_length, enum gate_reason *reason)
{
	struct framing framing = {0};
	int64_t length = 0;
	enum err err;

	*reason = GATE_MALFORMED;
	if (!find_framing(req, &framing))
		return refuse(req, ERR_BAD_REQUEST,
			      "Host, Content-Length and Transfer-Encoding may be sent once.");
	err = check_target(req, arrival, framing.host);
	if (err)
		return err;
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
	const char *authority = authority_of(uri, &length);

	if (authority)
		uri = authority + length;
	length = strcspn(uri, "?");
	req->query = uri[length] == '?' ? arena_copy_text(req->arena, uri + length + 1) : "";
	req->path = length ? arena_copy_bytes(req->arena, uri, length) : "/";
}
