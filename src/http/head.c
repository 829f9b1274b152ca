/* See head.h. */
#include "http/head.h"

#include <string.h>

/* What a request line has besides the method and the address: " ", " HTTP/1.1", CR. */
#define VERSION_LENGTH 8
#define LINE_OTHER_LENGTH (1 + 1 + VERSION_LENGTH + 1)

/* tchar (RFC 9110, section 5.6.2) */
static const bool is_tchar[256] = {
	['!'] = true,	      ['#'] = true,	    ['$'] = true, ['%'] = true,
	['&'] = true,	      ['\''] = true,	    ['*'] = true, ['+'] = true,
	['-'] = true,	      ['.'] = true,	    ['^'] = true, ['_'] = true,
	['`'] = true,	      ['|'] = true,	    ['~'] = true, ['0' ... '9'] = true,
	['A' ... 'Z'] = true, ['a' ... 'z'] = true,
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Behind the token at `at`. */
static char *skip_token(char *at, const char *end)
{
	while (at < end && is_tchar[(unsigned char)*at])
		at++;
	return at;
}

/* --- sizes, while the line grows -------------------------------------------------------------- */

static enum err check_request_line_size(struct request *req, const char *line, size_t length,
					enum gate_reason *reason)
{
	size_t method = MIN(length, (size_t)HEAD_METHOD_LENGTH_MAX + 1);
	const char *space = memchr(line, ' ', method);

	*reason = GATE_MALFORMED;
	/* What cannot become a request (a TLS handshake) need not end either. */
	if (length > 0 && line[0] != '\r' && line[0] != '\n' && !is_tchar[(unsigned char)line[0]])
		return refuse(req, ERR_BAD_REQUEST, "The method is malformed.");
	if (!space && method > HEAD_METHOD_LENGTH_MAX)
		return refuse(req, ERR_BAD_REQUEST, "The method is too long.");
	if (space && length > (size_t)(space - line) + LINE_OTHER_LENGTH + REQUEST_URI_MAX) {
		*reason = GATE_URI;
		return refuse(req, ERR_URI_TOO_LONG, "The limit is %d bytes.", REQUEST_URI_MAX);
	}
	return OK;
}

/* `length`: of what has come, up to the end of the next line where that is there. */
static enum err check_size(const struct head *head, struct request *req, size_t length,
			   enum gate_reason *reason)
{
	if (head->headers_at == 0)
		return check_request_line_size(req, head->bytes + head->at, length - head->at,
					       reason);
	*reason = GATE_HEADERS;
	if (length - head->headers_at > REQUEST_HEADER_BYTES_MAX)
		return refuse(req, ERR_HEADERS_TOO_LARGE, "The limit is %d bytes.",
			      REQUEST_HEADER_BYTES_MAX);
	return OK;
}

/* --- lines ------------------------------------------------------------------------------------ */

/* Visible ASCII alone; a fragment is never sent. */
static bool uri_is_clean(const char *uri, const char *end)
{
	for (; uri < end; uri++) {
		unsigned char c = (unsigned char)*uri;

		if (c <= ' ' || c >= 0x7f || c == '#')
			return false;
	}
	return true;
}

/* method SP request-target SP HTTP-version (RFC 9112, section 3) */
static enum err read_request_line(struct head *head, struct request *req, char *line, char *end)
{
	char *method_end = skip_token(line, end);
	char *uri = method_end + 1;
	char *uri_end, *version;

	if (method_end == line || method_end == end || *method_end != ' ')
		return refuse(req, ERR_BAD_REQUEST, "The method is malformed.");
	uri_end = memchr(uri, ' ', (size_t)(end - uri));
	if (!uri_end)
		return refuse(req, ERR_BAD_REQUEST, "The request line has no version of HTTP.");
	if (uri_end == uri || !uri_is_clean(uri, uri_end))
		return refuse(req, ERR_BAD_REQUEST,
			      "The address holds characters that must be percent-encoded.");
	version = uri_end + 1;
	if (end - version != VERSION_LENGTH || memcmp(version, "HTTP/", 5) != 0 ||
	    !is_digit(version[5]) || version[6] != '.' || !is_digit(version[7]))
		return refuse(req, ERR_BAD_REQUEST,
			      "The request line does not end with one version of HTTP.");
	*method_end = *uri_end = *end = '\0';
	head->method = line;
	head->uri = uri;
	head->version = version;
	/* 1.2 would be spoken to as 1.1 (RFC 9110, section 2.5). */
	if (version[5] != '1')
		return refuse(req, ERR_HTTP_VERSION, "This is HTTP/1.1; %s is not spoken.",
			      version);
	return OK;
}

/* field-name ":" OWS field-value OWS (RFC 9112, section 5) */
static enum err read_header(struct request *req, char *line, char *end)
{
	char *colon = skip_token(line, end);
	char *value = colon + 1;

	if (is_blank(line[0]))
		return refuse(req, ERR_BAD_REQUEST, "A header is folded.");
	if (colon == line || colon == end || *colon != ':')
		return refuse(req, ERR_BAD_REQUEST, "A header's name is malformed.");
	while (value < end && is_blank(*value))
		value++;
	while (end > value && is_blank(end[-1]))
		end--;
	if (!gate_value_is_clean(value, (size_t)(end - value)))
		return refuse(req, ERR_BAD_REQUEST, "A header holds control characters.");
	*colon = *end = '\0';
	req->headers[req->header_count].name = line;
	req->headers[req->header_count].value = value;
	req->header_count++;
	return OK;
}

/* The line ends at `end`, where its CR is. */
static enum err read_line(struct head *head, struct request *req, char *line, char *end,
			  bool *ret_whole, enum gate_reason *reason)
{
	enum err err;

	*reason = GATE_MALFORMED;
	if (head->headers_at == 0) {
		if (line == end && ++head->empty_lines <= HEAD_EMPTY_LINES_MAX)
			return OK;
		err = read_request_line(head, req, line, end);
		if (!err && strlen(head->uri) > REQUEST_URI_MAX) {
			*reason = GATE_URI;
			return refuse(req, ERR_URI_TOO_LONG, "The limit is %d bytes.",
				      REQUEST_URI_MAX);
		}
		head->headers_at = head->at;
		return err;
	}
	if (line == end) {
		*ret_whole = true;
		return OK;
	}
	if (req->header_count == REQUEST_HEADERS_MAX) {
		*reason = GATE_HEADERS;
		return refuse(req, ERR_HEADERS_TOO_LARGE, "The limit is %d headers.",
			      REQUEST_HEADERS_MAX);
	}
	return read_header(req, line, end);
}

enum err head_read(struct head *head, struct request *req, size_t length, bool *ret_whole,
		   enum gate_reason *ret_reason)
{
	bool whole = false;
	enum err err;

	while (!whole) {
		char *line = head->bytes + head->at;
		char *end = memchr(head->bytes + head->seen, '\n', length - head->seen);

		err = check_size(head, req, end ? (size_t)(end - head->bytes) : length, ret_reason);
		if (err)
			return err;
		if (!end) {
			head->seen = length;
			break;
		}
		head->at = head->seen = (size_t)(end + 1 - head->bytes);
		if (end == line || end[-1] != '\r') {
			*ret_reason = GATE_MALFORMED;
			return refuse(req, ERR_BAD_REQUEST, "A line does not end with CR LF.");
		}
		err = read_line(head, req, line, end - 1, &whole, ret_reason);
		if (err)
			return err;
	}
	*ret_whole = whole;
	return OK;
}
