/* Limiters: a lock, two counts, and a line of tickets. */
#include "runtime/limiter.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/metrics.h"
#include "runtime/fiber.h"

/* One who waits, on the waiter's own stack. `inside` is set by whoever gives the place on. */
struct waiter {
	struct ticket ticket;
	bool inside;
	struct waiter *next;
};

struct limiter {
	pthread_mutex_t lock;
	size_t width, queue_max;
	size_t running, waiting;
	struct waiter *first, **last;
	struct metric *metric_running, *metric_waiting, *metric_refused;
};

struct limiter *limiter_new(const char *name, size_t width, size_t queue_max)
{
	struct limiter *limiter = must_alloc(sizeof(*limiter));
	char labels[64];

	assert(width > 0);
	pthread_mutex_init(&limiter->lock, NULL);
	limiter->width = width;
	limiter->queue_max = queue_max;
	limiter->last = &limiter->first;
	snprintf(labels, sizeof(labels), "limiter=\"%s\"", name);
	limiter->metric_running =
		metric_gauge("souk_limiter_running", "What runs within the limiter.", labels);
	limiter->metric_waiting =
		metric_gauge("souk_limiter_waiting", "What waits for the limiter.", labels);
	limiter->metric_refused =
		metric_counter("souk_limiter_refused_total", "What the limiter refused.", labels);
	return limiter;
}

void limiter_free(struct limiter *limiter)
{
	/* Fibers that were cut off inside (workers_stop) may still be named by it. */
	if (!limiter || limiter->running || limiter->waiting)
		return;
	pthread_mutex_destroy(&limiter->lock);
	free(limiter);
}

static void show(const struct limiter *limiter)
{
	metric_set(limiter->metric_running, (int64_t)limiter->running);
	metric_set(limiter->metric_waiting, (int64_t)limiter->waiting);
}

/* The waiter leaves the line, unless it was let in at the last moment. */
static bool give_up(struct limiter *limiter, struct waiter *waiter)
{
	struct waiter **link;
	bool inside;

	pthread_mutex_lock(&limiter->lock);
	inside = waiter->inside;
	for (link = &limiter->first; !inside && *link; link = &(*link)->next) {
		if (*link != waiter)
			continue;
		*link = waiter->next;
		if (!waiter->next)
			limiter->last = link;
		limiter->waiting--;
		break;
	}
	show(limiter);
	pthread_mutex_unlock(&limiter->lock);
	return !inside;
}

enum err limiter_enter(struct limiter *limiter, int64_t timeout_ms)
{
	struct waiter waiter = {0};
	enum err err = OK;

	pthread_mutex_lock(&limiter->lock);
	if (limiter->running < limiter->width) {
		limiter->running++;
		waiter.inside = true;
	} else if (limiter->waiting >= limiter->queue_max) {
		err = ERR_OVERLOADED;
	} else {
		waiter.ticket = fiber_ticket();
		limiter->waiting++;
		*limiter->last = &waiter;
		limiter->last = &waiter.next;
	}
	show(limiter);
	pthread_mutex_unlock(&limiter->lock);
	if (!err && !waiter.inside) {
		fiber_park(timeout_ms);
		if (give_up(limiter, &waiter))
			err = ERR_OVERLOADED;
	}
	if (err)
		metric_add(limiter->metric_refused, 1);
	return err;
}

void limiter_leave(struct limiter *limiter)
{
	struct waiter *waiter;
	struct ticket ticket;

	pthread_mutex_lock(&limiter->lock);
	assert(limiter->running > 0);
	waiter = limiter->first;
	if (waiter) {
		limiter->first = waiter->next;
		if (!limiter->first)
			limiter->last = &limiter->first;
		limiter->waiting--;
		ticket = waiter->ticket;
		waiter->inside = true;
	} else {
		limiter->running--;
	}
	show(limiter);
	pthread_mutex_unlock(&limiter->lock);
	if (waiter)
		fiber_wake(ticket);
}
