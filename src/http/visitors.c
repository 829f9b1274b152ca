/* Visitors: a line in which the longest is first, looked at now and then. */
#include "http/visitors.h"

#include <stdlib.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/env.h"
#include "base/metrics.h"
#include "runtime/worker.h"

#define STEP_MS 250

static void leave_line(struct visitors *visitors, struct visitor *visitor)
{
	if (!visitor->in_line)
		return;
	*(visitor->before ? &visitor->before->next : &visitors->first) = visitor->next;
	*(visitor->next ? &visitor->next->before : &visitors->last) = visitor->before;
	visitor->next = visitor->before = NULL;
	visitor->in_line = false;
}

/* Its socket is shut; the daemon finds it closed, and tells of that. */
static void sweep(void *arg)
{
	struct visitors *visitors = arg;
	int64_t until_ms = env_monotonic_ms() - visitors->patience_ms;
	struct visitor *visitor;

	while ((visitor = visitors->first) && visitor->since_ms <= until_ms) {
		leave_line(visitors, visitor);
		shutdown(visitor->socket, SHUT_RDWR);
		metric_add(visitors->slow, 1);
	}
	if (visitors->first)
		alarm_set(visitors->alarm, STEP_MS);
}

void visitors_init(struct visitors *visitors, int64_t patience_ms, size_t served_max)
{
	visitors->alarm = alarm_new(sweep, visitors);
	visitors->patience_ms = patience_ms;
	visitors->served_max = served_max;
	visitors->slow =
		metric_counter("souk_http_connections_slow_total",
			       "Connections closed because their client was too slow.", "");
}

struct visitor *visitor_new(struct visitors *visitors, int socket)
{
	struct visitor *visitor = must_alloc(sizeof(*visitor));

	visitor->socket = socket;
	visitor->surplus = ++visitors->count > visitors->served_max;
	visitor_turn(visitors, visitor);
	return visitor;
}

void visitor_turn(struct visitors *visitors, struct visitor *visitor)
{
	if (!visitors->first)
		alarm_set(visitors->alarm, STEP_MS);
	leave_line(visitors, visitor);
	visitor->since_ms = env_monotonic_ms();
	visitor->before = visitors->last;
	*(visitors->last ? &visitors->last->next : &visitors->first) = visitor;
	visitors->last = visitor;
	visitor->in_line = true;
}

void visitor_wait(struct visitors *visitors, struct visitor *visitor)
{
	leave_line(visitors, visitor);
}

void visitor_free(struct visitors *visitors, struct visitor *visitor)
{
	leave_line(visitors, visitor);
	visitors->count--;
	free(visitor);
}

void visitors_clear(struct visitors *visitors)
{
	alarm_clear(visitors->alarm);
}
