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
	GATE_CONNECTIONS,
	GATE_REASON_COUNT,
};

/* What came, besides the request's own headers. */
struct arrival {
	const char *method;   /* as sent */
	const char *uri;      /* as sent */
	const char *version;  /* "HTTP/1.1" */
	size_t header_bytes;  /* request line and headers */
	bool headers_omitted; /* there were more than REQUEST_HEADERS_MAX */
	bool bad_characters;  /* in a header's value: NUL, another control character */
	bool bad_lines;	      /* see gate_walk_end */
	size_t body_limit;    /* bytes */
};

/* Whether the bytes of a header's value may be there (RFC 9110, section 5.5). */
bool gate_value_is_clean(const char *value, size_t length);

/*
 * The daemon's parser cuts the head where it was read: NULs end its strings. Those before 0.9.77
 * take a bare line feed for a line's end, spaces where one belongs, lines that are folded, and a
 * NUL, behind which the rest is out of sight. All of it shows in where the strings lie: each must
 * begin where the one before says, and the head end where the last one says. (NULs in the place of a
 * line end's own bytes are what does not show; no proxy lets them pass.)
 */
struct gate_walk {
	const char *at;	 /* where the next string begins */
	const char *end; /* of the head */
	bool good;
};

void gate_walk_begin(struct gate_walk *walk, const char *method, size_t head_length,
		     const char *url, size_t url_length, const char *version);
void gate_walk_header(struct gate_walk *walk, const char *name, size_t name_length,
		      const char *value, size_t value_length);

/* Whether nothing lay between the strings but what RFC 9112 has there. */
bool gate_walk_end(const struct gate_walk *walk);

/* Whether what lies before a chunk's data in `buffer` may be there: the line end of the chunk before,
 * the size, an extension, a line end (RFC 9112, section 7.1). */
bool gate_chunk_line_is_clean(const char *buffer, const char *data);

/* OK, with the body's length in *ret_body_length (-1: chunked, not known); or what to refuse the
 * request with, its detail in req->detail, and the reason. */
enum err gate_check(struct request *req, const struct arrival *arrival, int64_t *ret_body_length,
		    enum gate_reason *ret_reason) MUST_CHECK;

/* Sets path and query from the address as sent, origin-form or absolute-form (RFC 9112, section
 * 3.2); what is neither stays as it is, and no route matches it. */
void gate_split_uri(struct request *req, const char *uri);

#endif
