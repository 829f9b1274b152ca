/*
 * The head of a request, read as RFC 9112 writes it and in no other way: where one reads leniently
 * and a proxy in front of us does not, requests are smuggled. The lines may come in any number of
 * pieces; no byte is searched twice. Private to http/.
 */
#ifndef HTTP_HEAD_H
#define HTTP_HEAD_H

#include "http/gate.h"

/* Empty lines before the request line are passed over (RFC 9112, section 2.2). */
#define HEAD_EMPTY_LINES_MAX 4
#define HEAD_METHOD_LENGTH_MAX 64

/* The most that is taken before a head is refused for its size. */
#define HEAD_BYTES_MAX (HEAD_METHOD_LENGTH_MAX + REQUEST_URI_MAX + REQUEST_HEADER_BYTES_MAX + 64)

struct head {
	char *bytes;	   /* the caller's, which is cut into strings; it does not move meanwhile */
	size_t at;	   /* where the next line begins; once the head is whole, the body */
	size_t seen;	   /* no line ends between `at` and here */
	size_t headers_at; /* 0: the request line is not there yet */
	size_t empty_lines;
	const char *method, *uri, *version; /* as sent */
};

/*
 * Reads the lines that are whole within the first `length` bytes; their headers go to `req`, values
 * without the blanks around them. *ret_whole: the head is. Or what to refuse the request with, as
 * soon as it shows: a head that is too long need not end.
 */
enum err head_read(struct head *head, struct request *req, size_t length, bool *ret_whole,
		   enum gate_reason *ret_reason) MUST_CHECK;

#endif
