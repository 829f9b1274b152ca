/* Metrics per route, and the access log: a JSON line per request, without query, body or token. */
#include "gateway/measure.h"

#include <stdlib.h>
#include <string.h>

#include "base/config.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/time.h"
#include "http/router.h"
#include "platform/platform.h"

#define PATH_SHOWN_BYTES 256
#define CLASSES 6 /* of status: 0 is for all that is none */

struct route_metrics {
	const struct route *route; /* NULL: requests that found none */
	struct metric *answered[CLASSES];
	struct metric *took;
};

static struct {
	struct route_metrics *routes; /* sorted by the route's address */
	size_t count, capacity;
	bool log;
} measured;

static void add(const struct route *route, void *owner, void *arg)
{
	struct route_metrics *metrics;
	char labels[160];
	int class;

	(void)owner;
	(void)arg;
	if (measured.count == measured.capacity) {
		measured.capacity = MAX(2 * measured.capacity, (size_t)128);
		measured.routes =
			must_realloc(measured.routes, measured.capacity * sizeof(*measured.routes));
	}
	metrics = &measured.routes[measured.count++];
	*metrics = (struct route_metrics){.route = route};
	for (class = 1; class < CLASSES; class ++) {
		snprintf(labels, sizeof(labels), "method=\"%s\",route=\"%s\",status=\"%dxx\"",
			 route ? http_method_text(route->method) : "", route ? route->path : "",
			 class);
		metrics->answered[class] =
			metric_counter("souk_http_requests_total", "Requests answered.", labels);
	}
	metrics->answered[0] = metrics->answered[5];
	snprintf(labels, sizeof(labels), "method=\"%s\",route=\"%s\"",
		 route ? http_method_text(route->method) : "", route ? route->path : "");
	metrics->took = metric_histogram("souk_http_request_seconds",
					 "From the request's last byte to its answer.", labels);
}

static int compare(const void *a, const void *b)
{
	const struct route_metrics *left = a, *right = b;

	return (left->route > right->route) - (left->route < right->route);
}

void measure_open(void)
{
	add(NULL, NULL, NULL);
	router_each(platform_router(), add, NULL);
	qsort(measured.routes, measured.count, sizeof(*measured.routes), compare);
	measured.log = config_flag("log-access");
}

void measure_close(void)
{
	free(measured.routes);
	measured.routes = NULL;
	measured.count = measured.capacity = 0;
}

/* As much of it as tells requests apart: a client may send 8 KiB. */
static const char *shown_path(const struct request *req)
{
	int length = PATH_SHOWN_BYTES;

	if (strlen(req->path) <= PATH_SHOWN_BYTES)
		return req->path;
	while (length > 0 && (req->path[length] & 0xc0) == 0x80) /* within a character */
		length--;
	return arena_printf(req->arena, "%.*s...", length, req->path);
}

static void write_access(const struct request *req, const struct reply *reply, int64_t took_ns)
{
	struct out out = out_new(req->arena);

	out_open(&out, NULL);
	out_time(&out, "time", req->received_ms);
	out_text(&out, "level", "info");
	out_text(&out, "event", "http.request");
	out_text(&out, "method", http_method_text(req->method));
	out_text(&out, "path", shown_path(req));
	out_int(&out, "status", reply->status);
	out_decimal(&out, "ms", took_ns / 1000, 3);
	out_int(&out, "bytes", (int64_t)reply->length);
	if (req->route)
		out_text(&out, "route", req->route->path);
	out_text(&out, "address", req->client_address);
	if (!id_is_zero(&req->caller.user))
		out_id(&out, "userId", &req->caller.user);
	else if (req->caller.roles)
		out_text(&out, "client", req->caller.client);
	out_text(&out, "requestId", req->id);
	out_text(&out, "traceparent", req->traceparent);
	out_close(&out);
	out_bytes(&out, "\n", 1);
	log_raw(out.data, out.length);
}

void measure_request(const struct request *req, const struct reply *reply, int64_t took_ns)
{
	const struct route_metrics key = {.route = req->route};
	const struct route_metrics *metrics =
		bsearch(&key, measured.routes, measured.count, sizeof(*measured.routes), compare);
	int class = reply->status / 100;

	assert(metrics);
	metric_add(metrics->answered[class > 0 && class < CLASSES ? class : 0], 1);
	metric_observe_ns(metrics->took, took_ns);
	if (measured.log)
		write_access(req, reply, took_ns);
}
