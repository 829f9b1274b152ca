/*
 * The gate: all that could make us and a proxy in front of us see different requests in the same
 * bytes (request smuggling). What is no head at all was refused by its reader (head.c).
 */
#include "http/gate.h"

#include <string.h>

#include "base/text.h"

#define PORT_DIGITS_MAX 5

bool gate_value_is_clean(const char *value, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)value[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

/* --- characters ------------------------------------------------------------------------------- */

/* A host, and perhaps a port (RFC 9110, section 7.2): no user, and no comma, with which two hosts
 * may have been joined. */
static bool host_is_clean(const char *host, size_t length)
{
	static const bool is_name[256] = {
		['!'] = true,	      ['$'] = true,	    ['%'] = true, ['&'] = true,
		['\''] = true,	      ['('] = true,	    [')'] = true, ['*'] = true,
		['+'] = true,	      ['-'] = true,	    ['.'] = true, [';'] = true,
		['='] = true,	      ['_'] = true,	    ['~'] = true, ['0' ... '9'] = true,
		['A' ... 'Z'] = true, ['a' ... 'z'] = true,
	};
	size_t at = 0, name, digits;

	if (length > 0 && host[0] == '[') {
		size_t literal = strspn(host + 1, "0123456789abcdefABCDEF:.");

		at = literal + 2;
		if (literal == 0 || at > length || host[at - 1] != ']')
			return false;
		name = literal;
	} else {
		while (at < length && is_name[(unsigned char)host[at]])
			at++;
		name = at;
	}
	if (name == 0 || at == length)
		return name > 0;
	digits = strspn(host + at + 1, "0123456789");
	return host[at] == ':' && digits <= PORT_DIGITS_MAX && at + 1 + digits == length;
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

/* What may stand once (RFC 9110, section 5.3): of two one may be somebody else's. */
enum single {
	SINGLE_HOST,
	SINGLE_LENGTH,
	SINGLE_ENCODING,
	SINGLE_COUNT = 14,
};

static const char *const single_names[] = {
	[SINGLE_HOST] = "Host",
	[SINGLE_LENGTH] = "Content-Length",
	[SINGLE_ENCODING] = "Transfer-Encoding",
	"Authorization",
	"Idempotency-Key",
	"Content-Type",
	"Cart-Secret",
	"Order-Secret",
	"Origin",
	"Access-Control-Request-Method",
	"If-Modified-Since",
	"If-Unmodified-Since",
	"If-Range",
	"Range",
};
_Static_assert(ARRAY_LENGTH(single_names) == SINGLE_COUNT, "a name for each");

/* The values of the single headers by their places; or the name of one that is there twice. */
static const char *find_singles(const struct request *req, const char *values[SINGLE_COUNT])
{
	for (size_t i = 0; i < req->header_count; i++) {
		const char *name = req->headers[i].name;

		for (size_t single = 0; single < SINGLE_COUNT; single++) {
			/* Most are told apart by their first letter. */
			if ((name[0] | 0x20) != (single_names[single][0] | 0x20) ||
			    !text_equal_ignoring_case(name, single_names[single]))
				continue;
			if (values[single])
				return single_names[single];
			values[single] = req->headers[i].value;
		}
	}
	return NULL;
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
	if (!authority && arrival->uri[0] != '/' &&
	    (strcmp(arrival->uri, "*") != 0 || req->method != HTTP_OPTIONS))
		return refuse(req, ERR_BAD_REQUEST, "The address is malformed.");
	if (authority && !host_is_clean(authority, length))
		return refuse(req, ERR_BAD_REQUEST, "The host in the address is malformed.");
	if (authority && host &&
	    (strlen(host) != length || strncasecmp(host, authority, length) != 0))
		return refuse(req, ERR_BAD_REQUEST, "Host is not the one in the address.");
	return OK;
}

/* Where the body ends (RFC 9112, section 6). */
static enum err check_framing(struct request *req, const struct arrival *arrival,
			      const char *content_length, const char *encoding,
			      int64_t *body_length, enum gate_reason *reason)
{
	int64_t length = 0;

	if (content_length && encoding)
		return refuse(req, ERR_BAD_REQUEST,
			      "Content-Length and Transfer-Encoding "
			      "exclude each other.");
	if (encoding) {
		/* RFC 9112, section 6.1: HTTP/1.0 has no transfer codings. */
		if (!text_equal_ignoring_case(encoding, "chunked") ||
		    strcmp(arrival->version, "HTTP/1.0") == 0)
			return refuse(req, ERR_BAD_REQUEST,
				      "The only transfer coding is \"chunked\", of HTTP/1.1.");
		*body_length = -1;
		return OK;
	}
	if (content_length && strspn(content_length, "0123456789") != strlen(content_length))
		return refuse(req, ERR_BAD_REQUEST, "Content-Length is not a number.");
	if (content_length &&
	    (!text_to_int(content_length, &length) || (uint64_t)length > arrival->body_limit)) {
		if (content_length[0] == '\0')
			return refuse(req, ERR_BAD_REQUEST, "Content-Length is not a number.");
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
	const char *singles[SINGLE_COUNT] = {0};
	const char *twice = find_singles(req, singles);
	enum err err;

	*ret_reason = GATE_MALFORMED;
	if (twice)
		return refuse(req, ERR_BAD_REQUEST, "%s may be sent once.", twice);
	err = check_target(req, arrival, singles[SINGLE_HOST]);
	if (err)
		return err;
	return check_framing(req, arrival, singles[SINGLE_LENGTH], singles[SINGLE_ENCODING],
			     ret_body_length, ret_reason);
}

/* --- the address ------------------------------------------------------------------------------ */

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
		return (c | 0x20) - 'a' + 10;
	return -1;
}

/* RFC 3986, section 2.3 */
static bool is_unreserved(int c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       c == '-' || c == '.' || c == '_' || c == '~';
}

/* Behind the octet at `at`, percent-encoded or not, which is *ret_octet; NULL: it is malformed. */
static const char *read_octet(const char *at, int *ret_octet)
{
	int high, low;

	*ret_octet = (unsigned char)at[0];
	if (at[0] != '%')
		return at + 1;
	high = hex_value(at[1]);
	low = high >= 0 ? hex_value(at[2]) : -1;
	*ret_octet = 16 * high + low;
	return low >= 0 ? at + 3 : NULL;
}

/* In place. What is malformed stays as it is: half of it decoded might be an encoding. */
static void decode_unreserved(char *path)
{
	char *to = path;
	const char *at = path;
	int octet;

	while (at && *at)
		at = read_octet(at, &octet);
	if (!at)
		return;
	for (at = path; *at;) {
		const char *next = read_octet(at, &octet);
		size_t length = (size_t)(next - at);

		if (length == 1 || is_unreserved(octet)) {
			*to++ = (char)octet;
		} else {
			memmove(to, at, length);
			to += length;
		}
		at = next;
	}
	*to = '\0';
}

void gate_split_uri(struct request *req, const char *uri)
{
	size_t length;
	const char *authority = authority_of(uri, &length);
	char *path;

	if (authority)
		uri = authority + length;
	length = strcspn(uri, "?");
	req->query = uri[length] == '?' ? arena_copy_text(req->arena, uri + length + 1) : "";
	path = length ? arena_copy_bytes(req->arena, uri, length) : NULL;
	if (path)
		decode_unreserved(path);
	req->path = path ? path : "/";
}
