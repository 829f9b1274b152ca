/* The routes that belong to no service. */
#include <string.h>

#include "base/config.h"
#include "base/html.h"
#include "base/metrics.h"
#include "base/process.h"
#include "gateway/gateway.h"
#include "platform/platform.h"
#include "runtime/fiber.h"

extern const char openapi_json[];

#ifdef __clang__
#define COMPILER __VERSION__
#else
#define COMPILER "gcc " __VERSION__
#endif

/* GET /healthz: the process runs and its loop turns. */
static enum err get_health(struct request *req, struct reply *reply)
{
	(void)req;
	reply_text(reply, 200, "application/json", "{\"status\":\"ok\"}");
	return OK;
}

struct readiness {
	struct out *out;
	bool ready;
};

static void write_dependency(const char *service, enum err err, void *arg)
{
	struct readiness *readiness = arg;

	out_open(readiness->out, NULL);
	out_text(readiness->out, "name", service);
	out_text(readiness->out, "kind", "sqlite");
	out_text(readiness->out, "status", err ? "failed" : "ok");
	if (err)
		out_text(readiness->out, "error", err_info(err)->slug);
	out_close(readiness->out);
	readiness->ready = readiness->ready && !err;
}

/* GET /readyz: whether every database answers; 503 where one does not. */
static enum err get_readiness(struct request *req, struct reply *reply)
{
	struct out out = out_new(req->arena);
	struct readiness readiness = {.out = &out, .ready = true};

	out_open(&out, NULL);
	out_open_list(&out, "dependencies");
	platform_check(write_dependency, &readiness);
	out_close_list(&out);
	out_text(&out, "status", readiness.ready ? "ok" : "failed");
	out_close(&out);
	reply_json(reply, readiness.ready ? 200 : 503, &out);
	return OK;
}

static void reply_metrics(struct reply *reply)
{
	struct out out = out_new(reply->arena);

	metric_set(metric_gauge("souk_fibers", "Fibers that run or wait.", ""),
		   (int64_t)fiber_count());
	metric_set(metric_gauge("souk_build_info", "What runs, in labels; always 1.",
				"version=\"" SOUK_VERSION "\",compiler=\"" COMPILER "\""),
		   1);
	process_metrics_write(&out);
	metrics_write(&out);
	reply_text(reply, 200, "text/plain; version=0.0.4; charset=utf-8", out.data);
}

/* GET /metrics, unless they have a listener of their own. */
static enum err get_metrics(struct request *req, struct reply *reply)
{
	(void)req;
	if (config_text("metrics-listen"))
		return ERR_NOT_FOUND;
	reply_metrics(reply);
	return OK;
}

void gateway_handle_metrics(struct request *req, struct reply *reply)
{
	bool known = strcmp(req->path, "/metrics") == 0;

	if (known && (req->method == HTTP_GET || req->method == HTTP_HEAD)) {
		reply_metrics(reply);
	} else {
		if (known)
			reply_header(reply, "Allow", "GET, HEAD");
		reply_problem(req, reply, known ? ERR_METHOD_NOT_ALLOWED : ERR_NOT_FOUND);
	}
	reply_header(reply, "Cache-Control", "no-store");
}

static enum err get_openapi(struct request *req, struct reply *reply)
{
	(void)req;
	reply_text(reply, 200, "application/json", openapi_json);
	reply_header(reply, "Cache-Control", "public, max-age=300");
	return OK;
}

/* --- /problems/:slug -------------------------------------------------------------------------- */

static const char *advice(const struct err_info *info)
{
	if (info->transient)
		return "The same request may succeed later: wait as long as Retry-After says, and "
		       "send it again with the same Idempotency-Key.";
	if (info->http_status >= 500)
		return "The fault is the server's. Its log has the cause under the request's id, "
		       "which is the problem's \"instance\".";
	if (info->http_status == 401)
		return "Log in, or refresh the access token, and send the request again.";
	return "The same request will be refused again: change it, guided by \"detail\" and, where "
	       "the body breaks a rule, by \"errors\".";
}

static enum err get_problem(struct request *req, struct reply *reply)
{
	enum err err = err_from_slug(request_parameter(req, "slug"));
	const struct err_info *info;
	const char *title;

	if (!err)
		return ERR_NOT_FOUND;
	info = err_info(err);
	title = html_escape(req->arena, info->title);
	reply_text(reply, 200, "text/html; charset=utf-8",
		   arena_printf(req->arena,
				"<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">"
				"<title>%s</title><meta name=\"viewport\" "
				"content=\"width=device-width\">"
				"<style>body{font:1rem/1.5 sans-serif;max-width:40rem;margin:3rem "
				"auto;padding:0 1rem}</style>"
				"<h1>%s</h1><p><code>%s</code>, HTTP status %d</p><p>%s</p></html>",
				info->slug, title, info->slug, info->http_status, advice(info)));
	reply_header(reply, "Cache-Control", "public, max-age=3600");
	return OK;
}

const struct route gateway_routes[] = {
	{HTTP_GET, "/healthz", get_health, ANYONE, ROUTE_NO_TOKEN | ROUTE_UNLIMITED, 0},
	{HTTP_GET, "/readyz", get_readiness, ANYONE, ROUTE_NO_TOKEN | ROUTE_UNLIMITED, 0},
	{HTTP_GET, "/metrics", get_metrics, ANYONE, ROUTE_NO_TOKEN, 0},
	{HTTP_GET, "/openapi.json", get_openapi, ANYONE, ROUTE_NO_TOKEN, 0},
	{HTTP_GET, "/problems/:slug", get_problem, ANYONE, ROUTE_NO_TOKEN, 0},
	{0},
};
