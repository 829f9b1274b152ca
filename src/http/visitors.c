/* Visitors: lines in which the longest is first, looked at now and then. */
#include "http/visitors.h"

#include <stdlib.h>
#include <sys/socket.h>

#include "base/env.h"
#include "base/metrics.h"
#include "runtime/worker.h"

#define STEP_MS 250
#define SURPLUS_SILENCE_MS 2000

static void leave(struct place *place)
{
	struct line *line = place->line;

	if (!line)
		return;
	*(place->before ? &place->before->next : &line->first) = place->next;
	*(place->next ? &place->next->before : &line->last) = place->before;
	place->next = place->before = NULL;
	place->line = NULL;
}

static void enter(struct line *line, struct place *place)
{
	leave(place);
	place->since_ms = env_monotonic_ms();
	place->line = line;
	place->before = line->last;
	*(line->last ? &line->last->next : &line->first) = place;
	line->last = place;
}

/* Their sockets are shut; the loop finds them closed. How many these were. */
static int64_t hang_up(struct line *line)
{
	int64_t until_ms = env_monotonic_ms() - line->patience_ms, count = 0;
	struct place *place;

	while ((place = line->first) && place->since_ms <= until_ms) {
		shutdown(place->visitor->socket, SHUT_RDWR);
		visitor_leave(place->visitor);
		count++;
	}
	return count;
}

bool visitors_make_way(struct visitors *visitors)
{
	const struct place *place = visitors->silent.first;

	if (!place || !visitors->crowded_silence_ms ||
	    place->since_ms > env_monotonic_ms() - visitors->crowded_silence_ms)
		return false;
	metric_add(visitors->crowded_count, 1);
	shutdown(place->visitor->socket, SHUT_RDWR);
	visitor_leave(place->visitor);
	return true;
}

static void sweep(void *arg)
{
	struct visitors *visitors = arg;

	metric_add(visitors->slow_count, hang_up(&visitors->slow));
	hang_up(&visitors->silent);
	hang_up(&visitors->surplus);
	if (visitors->slow.first)
		alarm_set(visitors->alarm, STEP_MS);
}

void visitors_init(struct visitors *visitors, int64_t patience_ms, int64_t silence_ms,
		   int64_t crowded_silence_ms)
{
	visitors->crowded_silence_ms = crowded_silence_ms;
	visitors->alarm = alarm_new(sweep, visitors);
	visitors->slow.patience_ms = patience_ms;
	visitors->silent.patience_ms = silence_ms;
	visitors->surplus.patience_ms = SURPLUS_SILENCE_MS;
	visitors->slow_count =
		metric_counter("souk_http_connections_slow_total",
			       "Connections closed because their client was too slow.", "");
	visitors->crowded_count =
		metric_counter("souk_http_connections_crowded_total",
			       "Silent connections closed to make way for others.", "");
}

void visitor_enter(struct visitors *visitors, struct visitor *visitor, int socket, bool surplus)
{
	visitor->socket = socket;
	visitor->surplus = surplus;
	visitor->turn.visitor = visitor->silence.visitor = visitor;
	visitor_turn(visitors, visitor);
}

void visitor_turn(struct visitors *visitors, struct visitor *visitor)
{
	/* Whoever is in one of the other lines is in this one too. */
	if (!visitors->slow.first)
		alarm_set(visitors->alarm, STEP_MS);
	enter(&visitors->slow, &visitor->turn);
	enter(visitor->surplus ? &visitors->surplus : &visitors->silent, &visitor->silence);
}

void visitor_wait(struct visitor *visitor)
{
	visitor_leave(visitor);
}

void visitor_stirs(struct visitors *visitors, struct visitor *visitor)
{
	if (visitor->silence.line)
		enter(visitor->surplus ? &visitors->surplus : &visitors->silent, &visitor->silence);
}

void visitor_leave(struct visitor *visitor)
{
	leave(&visitor->turn);
	leave(&visitor->silence);
}

void visitors_clear(struct visitors *visitors)
{
	alarm_clear(visitors->alarm);
}
