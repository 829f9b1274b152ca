/*
 * A request's way through the gateway:
 *
 *	security headers -> CORS -> route -> token -> rate limit -> dispatcher -> metrics, access log
 */
#include "gateway/gateway.h"

#include <string.h>
#include <strings.h>

#include "base/config.h"
#include "base/env.h"
#include "base/text.h"
#include "gateway/cors.h"
#include "gateway/measure.h"
#include "platform/limits.h"
#include "platform/platform.h"

/* Requests that write without saying who asks are dearer than the others. */
static const struct limit_policy general_limit = {"general", "requests", 2000, 500, false};
static const struct limit_policy anonymous_write_limit = {"anonymous-write", "requests", 500, 100,
							  false};

static struct gateway_options gateway;

void gateway_open(const struct gateway_options *options)
{
	gateway = *options;
	limits_open();
	measure_open();
}

void gateway_close(void)
{
	measure_close();
	limits_close();
}

/* --- who asks --------------------------------------------------------------------------------- */

static enum err read_token(struct request *req)
{
	const char *authorization = request_header(req, "Authorization");
	const char *token;

	if (!authorization || (req->route && (req->route->flags & ROUTE_NO_TOKEN)))
		return OK;
	if (req->route && (req->route->flags & ROUTE_CLIENT) &&
	    strncasecmp(authorization, "Basic ", 6) == 0)
		return OK;
	if (strncasecmp(authorization, "Bearer ", 7) != 0)
		return refuse(req, ERR_UNAUTHENTICATED, "Authorization takes a Bearer token here.");
	token = authorization + 7 + strspn(authorization + 7, " ");
	return gateway.check_token(req->arena, token, &req->caller);
}

/* Whether the caller is a part of the platform, rather than a client with the role service. */
static bool is_platform(const struct caller *caller)
{
	return (caller->roles & ROLE_SERVICE) && text_starts_with(caller->client, "souk:");
}

static enum err take_rate(struct request *req, struct reply *reply)
{
	const struct route *route = req->route;
	bool writes = route && route->method != HTTP_GET;

	if (route && (route->flags & ROUTE_UNLIMITED))
		return OK;
	return limits_take(req, reply,
			   writes && !req->caller.roles ? &anonymous_write_limit : &general_limit);
}

/* --- headers ---------------------------------------------------------------------------------- */

static void write_security_headers(struct reply *reply)
{
	reply_header(reply, "X-Content-Type-Options", "nosniff");
	reply_header(reply, "X-Frame-Options", "DENY");
	reply_header(reply, "Referrer-Policy", "no-referrer");
	reply_header(reply, "Content-Security-Policy",
		     "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'");
}

/* Answers are kept by nobody, but those with an ETag may be kept and asked about. */
static void write_cache_header(const struct request *req, struct reply *reply)
{
	const char *etag = reply_get_header(reply, "ETag");

	if (reply_get_header(reply, "Cache-Control"))
		return;
	if (!etag)
		reply_header(reply, "Cache-Control", "no-store");
	else
		reply_header(reply, "Cache-Control",
			     req->caller.roles ? "private, no-cache" : "no-cache");
}

/* --- the way through -------------------------------------------------------------------------- */

/* OPTIONS outside of CORS: which methods the resource knows, or the server (RFC 9110, section
 * 9.3.7). */
static enum err answer_options(struct request *req, struct reply *reply)
{
	enum err err;

	if (strcmp(req->path, "*") == 0) {
		reply_header(reply, "Allow", "GET, HEAD, POST, PUT, DELETE, OPTIONS");
		reply_empty(reply, 204);
		return OK;
	}
	err = dispatch_find(req, reply, false);

	if (err && err != ERR_METHOD_NOT_ALLOWED)
		return err;
	reply_empty(reply, 204);
	return OK;
}

static enum err admit(struct request *req, struct reply *reply)
{
	enum err route_err, token_err, err;

	route_err = dispatch_find(req, reply, true);
	token_err = read_token(req);
	err = take_rate(req, reply);
	if (err)
		return err;
	if (route_err)
		return route_err;
	if ((req->route->flags & ROUTE_INTERNAL) && !is_platform(&req->caller))
		return ERR_NOT_FOUND;
	return token_err;
}

static void handle(struct request *req, struct reply *reply)
{
	enum err err;

	write_security_headers(reply);
	if (cors_handle(req, reply))
		return;
	if (req->method == HTTP_OPTIONS)
		err = answer_options(req, reply);
	else
		err = admit(req, reply);
	if (err)
		reply_problem(req, reply, err);
	else if (!reply->status)
		dispatch_run(req, reply);
}

void gateway_handle(struct request *req, struct reply *reply)
{
	int64_t start_ns = env_monotonic_ns();

	handle(req, reply);
	write_cache_header(req, reply);
	measure_request(req, reply, env_monotonic_ns() - start_ns);
}
