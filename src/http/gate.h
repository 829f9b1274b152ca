/* What is refused before any handler sees it. Private to http/. */
#ifndef HTTP_GATE_H
#define HTTP_GATE_H

#include "http/request.h"

#define REQUEST_URI_MAX (8 * 1024)

/* Why a request was refused: the label of souk_http_requests_refused_total. */
enum gate_reason {
	GATE_MALFORMED, /* characters that may not be there, or what says where the request ends */
	GATE_URI,
	GATE_HEADERS,
	GATE_BODY,
	GATE_FIBERS,
	GATE_REASON_COUNT,
};

/* What came, besides the request's own headers. */
struct arrival {
	const char *uri;      /* as sent */
	const char *version;  /* "HTTP/1.1" */
	size_t header_bytes;  /* request line and headers */
	bool headers_omitted; /* there were more than REQUEST_HEADERS_MAX */
	bool bad_characters;  /* in the request line or a header: NUL, another control character */
	size_t body_limit;    /* bytes */
};

/* Whether the bytes of a header's value may be there (RFC 9110, section 5.5). */
bool gate_value_is_clean(const char *value, size_t length);

/*
 * The daemon's parser ends its strings with NULs in the buffer that the request was read into;
 * those before 0.9.77 let a NUL in their midst pass, and what stands behind it is out of sight.
 * It shows between two strings that follow each other: whether there are but white space and line
 * ends there. `to` may be NULL where nothing follows. A folded line fails too (RFC 9112, section
 * 5.2).
 */
bool gate_nothing_between(const char *from, const char *to);

/* OK, with the body's length in *ret_body_length (-1: chunked, not known); or what to refuse the
 * request with, its detail in req->detail, and the reason. */
enum err gate_check(struct request *req, const struct arrival *arrival, int64_t *ret_body_length,
		    enum gate_reason *ret_reason) MUST_CHECK;

/* Sets path and query from the address as sent, origin-form or absolute-form (RFC 9112, section
 * 3.2); what is neither stays as it is, and no route matches it. */
void gate_split_uri(struct request *req, const char *uri);

#endif
