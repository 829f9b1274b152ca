/* What is refused before any handler sees it. Private to http/. */
#ifndef HTTP_GATE_H
#define HTTP_GATE_H

#include "http/request.h"

#define REQUEST_URI_MAX (8 * 1024)

/* Why a request was refused: the label of souk_http_requests_refused_total. */
enum gate_reason {
	GATE_MALFORMED, /* what is no request, or could be read as two */
	GATE_URI,
	GATE_HEADERS,
	GATE_BODY,
	GATE_FIBERS,
	GATE_CONNECTIONS,
	GATE_REASON_COUNT,
};

/* What came, besides the request's own headers. */
struct arrival {
	const char *uri;     /* as sent */
	const char *version; /* "HTTP/1.1" */
	size_t body_limit;   /* bytes */
};

/* Whether the bytes of a header's value may be there (RFC 9110, section 5.5). */
bool gate_value_is_clean(const char *value, size_t length);

/* OK, with the body's length in *ret_body_length (-1: chunked, not known); or what to refuse the
 * request with, its detail in req->detail, and the reason. */
enum err gate_check(struct request *req, const struct arrival *arrival, int64_t *ret_body_length,
		    enum gate_reason *ret_reason) MUST_CHECK;

/* Sets path and query from the address as sent, origin-form or absolute-form (RFC 9112, section
 * 3.2); what is neither stays as it is, and no route matches it. In the path what is percent-encoded
 * without need is decoded: both are one address (RFC 3986, section 6.2.2.2). */
void gate_split_uri(struct request *req, const char *uri);

#endif
