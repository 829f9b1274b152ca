/* See cors.h. */
#include "gateway/cors.h"

#include <string.h>

#include "base/config.h"

#define METHODS "GET, HEAD, POST, PUT, DELETE"
#define REQUEST_HEADERS                                                                  \
	"Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Prefer," \
	" Cart-Secret, X-Request-Id, traceparent"
#define REPLY_HEADERS                                                                             \
	"ETag, Location, Link, Retry-After, Idempotency-Replayed, Preference-Applied, RateLimit," \
	" RateLimit-Policy, X-Request-Id"
#define PREFLIGHT_SECONDS 7200

/* Whether `origin` is one of the comma-separated `allowed`, or these are "*". */
static bool is_allowed(const char *allowed, const char *origin)
{
	size_t length = strlen(origin);

	if (strcmp(allowed, "*") == 0)
		return true;
	while (*allowed) {
		size_t one;

		allowed += strspn(allowed, ", ");
		one = strcspn(allowed, ", ");
		if (one == length && memcmp(allowed, origin, length) == 0)
			return true;
		allowed += one;
	}
	return false;
}

bool cors_handle(struct request *req, struct reply *reply)
{
	const char *allowed = config_text("cors-origins");
	const char *origin = request_header(req, "Origin");

	if (!allowed || allowed[0] == '\0')
		return false;
	/* Without one, or with one that is refused, the answer would be another one too. */
	reply_header(reply, "Vary", "Origin");
	if (!origin || !is_allowed(allowed, origin) || strpbrk(origin, "\r\n"))
		return false;
	reply_header(reply, "Access-Control-Allow-Origin", "%s", origin);
	if (req->method != HTTP_OPTIONS || !request_header(req, "Access-Control-Request-Method")) {
		reply_header(reply, "Access-Control-Expose-Headers", "%s", REPLY_HEADERS);
		return false;
	}
	reply_header(reply, "Access-Control-Allow-Methods", "%s", METHODS);
	reply_header(reply, "Access-Control-Allow-Headers", "%s", REQUEST_HEADERS);
	reply_header(reply, "Access-Control-Max-Age", "%d", PREFLIGHT_SECONDS);
	reply_empty(reply, 204);
	return true;
}
