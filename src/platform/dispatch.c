/*
 * The dispatcher: everything between a request and its handler that the route's row asks for, and
 * everything between the handler's error and the answer.
 */
#include <string.h>
#include <strings.h>

#include "base/config.h"
#include "base/text.h"
#include "platform/internal.h"

/* --- before the handler ----------------------------------------------------------------------- */

enum err dispatch_find(struct request *req, struct reply *reply, bool internal)
{
	enum http_method method = req->method == HTTP_HEAD ? HTTP_GET : req->method;
	const char *allow = NULL;
	struct match match;
	enum err err;

	err = router_find(platform_router(), req->arena, method, req->path, &match, &allow);
	if (err == ERR_METHOD_NOT_ALLOWED)
		reply_header(reply, "Allow", "%s", allow);
	if (err)
		return err;
	if ((match.route->flags & ROUTE_INTERNAL) && !internal)
		return ERR_NOT_FOUND;
	req->route = match.route;
	req->service = match.owner;
	memcpy(req->parameters, match.parameters, sizeof(req->parameters));
	return OK;
}

static enum err check_role(const struct request *req)
{
	unsigned who = req->route->who;

	if (who == ANYONE || (req->caller.roles & who))
		return OK;
	if (!req->caller.roles && (req->route->flags & ROUTE_CLIENT))
		return OK;
	return req->caller.roles ? ERR_FORBIDDEN : ERR_UNAUTHENTICATED;
}

/* The media type without its parameters equals `type`. */
static bool media_type_is(const char *value, const char *type)
{
	size_t length = strcspn(value, "; \t");

	return length == strlen(type) && strncasecmp(value, type, length) == 0;
}

static enum err check_body(struct request *req)
{
	const struct route *route = req->route;
	const char *type = request_header(req, "Content-Type");
	const char *encoding = request_header(req, "Content-Encoding");

	if (!(route->flags & ROUTE_BODY) || (req->body_length == 0 && !type))
		return OK;
	if (encoding && strcasecmp(encoding, "identity") != 0)
		return refuse(req, ERR_UNSUPPORTED_MEDIA_TYPE,
			      "No Content-Encoding is taken here.");
	if (route->body_limit && req->body_length > route->body_limit)
		return refuse(req, ERR_BODY_TOO_LARGE, "This resource takes at most %zu bytes.",
			      route->body_limit);
	if (type && media_type_is(type, "application/json"))
		return OK;
	if (type && (route->flags & ROUTE_FORM) &&
	    media_type_is(type, "application/x-www-form-urlencoded"))
		return OK;
	if (req->body_length == 0)
		return OK;
	return refuse(req, ERR_UNSUPPORTED_MEDIA_TYPE, "Content-Type must be application/json%s.",
		      route->flags & ROUTE_FORM ? " or application/x-www-form-urlencoded" : "");
}

/*
 * The preconditions of a request that changes something, where its handler leaves them to us: they
 * are about what a GET of the same address shows, to this caller. Where that shows nothing only
 * If-Match fails. (Resources whose version changes with such a request check it in its transaction:
 * ROUTE_VERSIONED.)
 */
static enum err check_preconditions(const struct request *req)
{
	struct reply shown = {.arena = req->arena};
	struct request *get;
	struct match match;
	const char *allow;

	if (!request_header(req, "If-Match") && !request_header(req, "If-None-Match"))
		return OK;
	if (router_find(platform_router(), req->arena, HTTP_GET, req->path, &match, &allow) ||
	    (match.route->flags & ROUTE_INTERNAL))
		return request_header(req, "If-Match") ? ERR_VERSION_MISMATCH : OK;
	get = ARENA_NEW(req->arena, struct request);
	*get = *req;
	get->method = HTTP_GET;
	get->query = get->body = "";
	get->body_length = 0;
	get->body_value = NULL;
	get->route = match.route;
	get->service = match.owner;
	get->idempotency = NULL;
	get->faults = (struct faults){.arena = req->arena};
	memcpy(get->parameters, match.parameters, sizeof(get->parameters));
	if (check_role(get) || match.route->handler(get, &shown) || shown.status > 299)
		return OK; /* it is not for this caller to see: the handler says so */
	return reply_precondition(req, &shown) == PRECONDITION_HOLDS ? OK : ERR_VERSION_MISMATCH;
}

/* --- the handler ------------------------------------------------------------------------------ */

static enum err run(struct request *req, struct reply *reply)
{
	enum err err;

	err = check_role(req);
	if (err)
		return err;
	if (!(req->route->flags & ROUTE_QUERY)) {
		err = request_query_refuse(req);
		if (err)
			return err;
	}
	err = check_body(req);
	if (err)
		return err;
	if (req->route->flags & ROUTE_IDEMPOTENT) {
		err = idempotency_begin(req, reply);
		if (err || reply->status)
			return err;
	}
	if (req->route->method != HTTP_GET && !(req->route->flags & ROUTE_VERSIONED)) {
		err = check_preconditions(req);
		if (err)
			return err;
	}
	return req->route->handler(req, reply);
}

/* The preconditions of a GET or HEAD are looked at in its answer, which had so many headers before. */
static void apply_preconditions(struct request *req, struct reply *reply, size_t headers)
{
	switch (req->route->method == HTTP_GET ? reply_precondition(req, reply)
					       : PRECONDITION_HOLDS) {
	case PRECONDITION_HOLDS:
		break;
	case PRECONDITION_NOT_MODIFIED:
		reply_not_modified(reply);
		break;
	case PRECONDITION_FAILED:
		reply->header_count = headers;
		reply_problem(req, reply, ERR_VERSION_MISMATCH);
		break;
	}
}

void dispatch_run(struct request *req, struct reply *reply)
{
	size_t headers = reply->header_count;
	enum err err = run(req, reply);

	if (err)
		reply_problem(req, reply, err);
	assert(reply->status);
	idempotency_end(req, reply);
	apply_preconditions(req, reply, headers);
}

/* --- what handlers ask for -------------------------------------------------------------------- */

static struct database *database_of(const struct request *req)
{
	const struct running_service *service = req->service;

	assert(service);
	return service->database;
}

struct effect {
	struct request *req;
	struct reply *reply;
	sql_body *body;
	void *arg;
	/* As they were before the body, which may run more than once. */
	size_t headers;
	struct faults faults;
	bool rendered; /* the body has come to its end, and so has what it made of the reply */
};

static enum err run_effect(struct sql *sql, void *arg)
{
	struct effect *effect = arg;
	struct idempotency *claim = effect->req->idempotency;
	struct reply *reply = effect->reply;
	enum err err;

	reply->status = 0;
	reply->content_type = reply->body = NULL;
	reply->length = 0;
	reply->value = NULL;
	reply->header_count = effect->headers;
	faults_restore(&effect->req->faults, &effect->faults);
	err = effect->body(sql, effect->arg);
	effect->rendered = !err;
	if (err || !claim || claim->effected)
		return err;
	return idempotency_store(sql, claim, reply);
}

enum err request_transaction(struct request *req, struct reply *reply, sql_body *body, void *arg)
{
	struct effect effect = {
		.req = req,
		.reply = reply,
		.body = body,
		.arg = arg,
		.headers = reply->header_count,
		.faults = req->faults,
	};
	enum err err = sql_transaction(database_of(req), run_effect, &effect);

	/* What was not stored is not told of: neither where it is, nor which version. */
	if (err && effect.rendered)
		reply->header_count = effect.headers;

	if (!err && req->idempotency)
		req->idempotency->effected = true;
	return err;
}

enum err request_read(struct request *req, sql_body *body, void *arg)
{
	return sql_read(database_of(req), body, arg);
}

void request_effect(struct request *req, int status, const char *location)
{
	if (!req->idempotency)
		return;
	req->idempotency->status = status;
	req->idempotency->location = location;
}
