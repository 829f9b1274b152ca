/*
 * The HTTP client (libcurl): one exchange at a time, with bounds on time and size. In a fiber it
 * is offloaded; elsewhere it blocks. Redirects are not followed, and no protocol but http and
 * https is spoken.
 */
#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H

#include "http/request.h"

#define CLIENT_ANSWER_BYTES_MAX (16u << 20)

struct exchange {
	enum http_method method;
	const char *url;
	const struct header *headers;
	size_t header_count;
	const char *body; /* or NULL */
	size_t body_length;
	int64_t timeout_ms;
};

struct answer {
	int status;
	struct header *headers; /* names in lower case */
	size_t header_count;
	char *body; /* NUL-terminated */
	size_t length;
};

/* ERR_UNAVAILABLE: no connection (nothing was sent); ERR_UPSTREAM: no whole answer came, whether
 * it was carried out is unknown. *ret_why (may be NULL) is a sentence. */
enum err http_exchange(struct arena *arena, const struct exchange *exchange,
		       struct answer *ret_answer, const char **ret_why) MUST_CHECK;

#endif
