/*
 * A request, its reply, and what handlers do with them. Both live in the request's arena.
 */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/jwt.h"
#include "base/out.h"

#define REQUEST_HEADERS_MAX 64
#define REQUEST_HEADER_BYTES_MAX (16 * 1024) /* request line and headers together */
#define REQUEST_PARAMETERS_MAX 4	     /* of a path */
#define REPLY_HEADERS_MAX 24
#define PAGE_LIMIT_DEFAULT 20
#define PAGE_LIMIT_MAX 100
#define QUERY_VALUES_MAX 100 /* of a comma-separated query parameter such as ids */

enum http_method {
	HTTP_GET,
	HTTP_HEAD,
	HTTP_POST,
	HTTP_PUT,
	HTTP_DELETE,
	HTTP_PATCH,
	HTTP_OPTIONS,
	HTTP_OTHER,
};
const char *http_method_text(enum http_method method);

struct header {
	const char *name;
	const char *value;
};

/* Who asks. Nobody: roles is 0. */
struct caller {
	unsigned roles;	    /* enum role bits */
	struct id user;	    /* zero for nobody, and for clients that act for themselves */
	const char *client; /* the client's name: "souk" or a service's */
	struct id token;    /* jti */
	int64_t expires_s;
};

struct idempotency; /* platform's */
struct route;

struct request {
	struct arena *arena;
	enum http_method method;
	const char *path;  /* as sent, without the query */
	const char *query; /* as sent, without the question mark; "" */
	struct header headers[REQUEST_HEADERS_MAX];
	size_t header_count;
	const char *body; /* NUL-terminated */
	size_t body_length;
	json_t *body_value;	    /* the body, where a call within the process kept it; or NULL */
	const char *client_address; /* text of the peer's, without port */
	const char *client_network; /* what it is counted by: itself; of IPv6, its /64 */
	const char *id;		    /* X-Request-Id: theirs if sane, else a new one */
	const char *traceparent;    /* W3C Trace Context, with a span of ours */
	int64_t received_ms;	    /* the wall clock when it came */
	const struct request *outer; /* whom a call within the process is made for; or NULL */
	/* Whether nobody waits for the answer any more; on the request's own worker. NULL: somebody. */
	bool (*client_is_gone)(const struct request *req);
	struct caller caller;

	/* Set by the dispatcher. */
	const struct route *route;
	const char
		*parameters[REQUEST_PARAMETERS_MAX]; /* values, in the order of the path's names */
	void *service;				     /* the running service: platform/service.h */
	struct idempotency *idempotency;

	/* What a refusal says beyond its title: see refuse(). */
	const char *detail;
	const char *members; /* a JSON object whose members are added to the problem; or NULL */
	struct faults faults;
};

struct reply {
	struct arena *arena;
	int status; /* 0: not answered yet */
	const char *content_type;
	const char *body;
	size_t length;
	json_t *value; /* the body, where who wrote it has kept it; or NULL */
	struct header headers[REPLY_HEADERS_MAX];
	size_t header_count;
	bool close; /* the connection, behind this reply */
};

/* --- reading ------------------------------------------------------------------------------- */

/* The header's value, names compared without case; NULL where it is absent. */
const char *request_header(const struct request *req, const char *name);

/* The value of the path's parameter, decoded; asserts that the route has it. */
const char *request_parameter(const struct request *req, const char *name);

/* The parameter as an id; ERR_NOT_FOUND where it is not one. */
enum err request_id(const struct request *req, const char *name, struct id *ret_id) MUST_CHECK;

/* The first value of the query's parameter, decoded, or as sent where it is malformed; NULL where
 * it is absent. */
const char *request_query(const struct request *req, const char *name);

/* Reads the body by a table of fields into the zeroed struct at `target`: ERR_BAD_JSON, or
 * ERR_INVALID with every fault in req->faults. A caller with rules of its own adds its faults and
 * asks faults_err() again: json_read_fields has been done for all fields that were right. */
enum err request_body(struct request *req, const struct field *fields, void *target) MUST_CHECK;

/* As request_body, but goes on with faults, so that further rules can add theirs: only what makes
 * the body unreadable is returned. End with faults_err(&req->faults). */
enum err request_body_parse(struct request *req, const struct field *fields, void *target)
	MUST_CHECK;

/* The same table for the query: text, ids, ints, bools (true, false), times, choices, and lists of
 * scalars with commas between. Parameters that neither a field names nor, on a list's route, a page,
 * and those that are there twice, are faults. Faults have the pointer "?name". */
enum err request_query_read(struct request *req, const struct field *fields, void *target)
	MUST_CHECK;

/* For the dispatcher, of routes that do not read their queries by a table: as it, with no field. */
enum err request_query_refuse(struct request *req) MUST_CHECK;

/* Whether the caller has one of the roles. */
bool request_has_role(const struct request *req, unsigned roles);

/* Whether the caller is this user. */
bool request_is_user(const struct request *req, const struct id *user);

/* Whether the caller is this service of the platform. Clients that an admin has made are none, what
 * ever they are called: they are known by their ids. */
bool request_is_service(const struct request *req, const char *service);

/* OK where the request's preconditions hold for this version of a resource that is there: If-Match is
 * absent, "*", or names it, and If-None-Match is absent or names others; else ERR_VERSION_MISMATCH.
 * For handlers of routes with ROUTE_VERSIONED, in the transaction of the effect. See reply_etag. */
enum err request_if_match(const struct request *req, int64_t version) MUST_CHECK;

/* As request_if_match, where `part` too must be the upper half of the tag's revision: what the one
 * who asks has seen of the resource beyond its version. */
enum err request_if_match_part(const struct request *req, int64_t version, uint32_t part)
	MUST_CHECK;

/* Whether Prefer asks for it: "respond-async" (RFC 7240). */
bool request_prefers(const struct request *req, const char *preference);

/* --- lists --------------------------------------------------------------------------------- */

/* Where a page begins: behind the item with these sort values. */
struct cursor {
	int64_t number;
	const char *text; /* or NULL */
	struct id id;
};

struct page {
	int64_t limit; /* 1..PAGE_LIMIT_MAX */
	bool has_after;
	struct cursor after;
};

/* Reads `limit` and `cursor`; `kind` names the list and its order ("products/price"), and a cursor
 * of another kind is a fault (ERR_INVALID). Ask the store for limit + 1 items. */
enum err request_page(struct request *req, const char *kind, struct page *ret_page) MUST_CHECK;

/* Ends a list that was begun with reply_list_begin: {"items": [...], "nextCursor": ...} and the
 * Link header. `next` is the last item's cursor where there are more, else NULL. Between
 * reply_list_end_items and reply_list_end other members (facets, summary) may be written. */
struct out reply_list_begin(struct reply *reply);
void reply_list_end_items(struct out *out);
void reply_list_end(struct request *req, struct reply *reply, struct out *out, const char *kind,
		    const struct cursor *next);

/* --- answering ------------------------------------------------------------------------------ */

/* JSON that was written whole. */
void reply_json(struct reply *reply, int status, const struct out *out);
void reply_text(struct reply *reply, int status, const char *content_type, const char *text);
void reply_empty(struct reply *reply, int status);

/* `value` is copied. Asserts that there is room and that neither holds a line break. */
void reply_header(struct reply *reply, const char *name, const char *format, ...) PRINTF_LIKE(3, 4);
const char *reply_get_header(const struct reply *reply, const char *name);

/* ETag "version.revision": `version` counts the changes that clients make, and is what If-Match
 * compares; `revision` counts what happens to the resource besides (stock, ratings). */
void reply_etag(struct reply *reply, int64_t version, int64_t revision);

/* What If-Match and If-None-Match make of a request to the resource that `reply`, the answer to a
 * GET, shows (RFC 9110, section 13). */
enum precondition { PRECONDITION_HOLDS, PRECONDITION_FAILED, PRECONDITION_NOT_MODIFIED };
enum precondition reply_precondition(const struct request *req, const struct reply *reply);

/* Turns a 200 into its 304: the body is not sent, its length is. */
void reply_not_modified(struct reply *reply);

/* --- refusing ------------------------------------------------------------------------------- */

/* Notes what to say, and returns `err`: return refuse(req, ERR_CONFLICT, "..."); */
enum err refuse(struct request *req, enum err err, const char *format, ...) PRINTF_LIKE(3, 4);

/* As refuse, with further members of the problem: `members` is a JSON object. */
enum err refuse_with(struct request *req, enum err err, const struct out *members,
		     const char *format, ...) PRINTF_LIKE(4, 5);

/* Writes the problem+json (RFC 9457) for `err`, with req's detail, members and faults, and the
 * headers that belong to it (Retry-After, WWW-Authenticate). Headers set before stay. */
void reply_problem(struct request *req, struct reply *reply, enum err err);

#endif
