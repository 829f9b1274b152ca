/*
 * What a service told lately, kept in memory until all who hear it have handled it: a subscriber
 * that keeps up neither reads an outbox nor parses what another has parsed.
 *
 * Invariants:
 *  1. It holds events that are on disk, one run of the outbox without gaps, which ends with the
 *     last one. What is not in it is read from the outbox.
 *  2. An event in it does not change, but for being parsed once; whoever looks at it has taken it.
 */
#include <stdlib.h>
#include <string.h>

#include "events/internal.h"

struct told {
	struct sql_hook hook; /* until it is on disk */
	struct member *source;
	int64_t seq;
	atomic_int taken; /* by the list, and by subscribers */
	struct event event;
	pthread_mutex_t lock; /* of what follows */
	struct arena *arena;  /* NULL: not parsed yet */
	char texts[];
};

static char *put_text(char **end, const char *text)
{
	char *begin = *end;
	size_t size;

	if (!text)
		return NULL;
	size = strlen(text) + 1;
	memcpy(begin, text, size);
	*end += size;
	return begin;
}

void told_give_back(struct told *told)
{
	if (atomic_fetch_sub(&told->taken, 1) > 1)
		return;
	arena_free(told->arena);
	pthread_mutex_destroy(&told->lock);
	free(told);
}

static void on_end(struct sql_hook *hook, bool committed)
{
	struct told *told = (struct told *)hook;

	if (committed)
		recent_add(&told->source->recent, told);
	else
		told_give_back(told);
}

void told_hook(struct sql *sql, struct member *source, int64_t seq, const struct event *event)
{
	size_t size = strlen(event->data) + 1;
	struct told *told;
	char *end;

	if (event->traceparent)
		size += strlen(event->traceparent) + 1;
	told = must_alloc(sizeof(*told) + size);
	told->hook.end = on_end;
	told->source = source;
	told->seq = seq;
	atomic_store(&told->taken, 1);
	pthread_mutex_init(&told->lock, NULL);
	told->event = *event;
	end = told->texts;
	told->event.data = put_text(&end, event->data);
	told->event.traceparent = put_text(&end, event->traceparent);
	sql_on_end(sql, &told->hook);
}

const char *told_type(const struct told *told)
{
	return told->event.type;
}

const struct event *told_event(struct told *told)
{
	pthread_mutex_lock(&told->lock);
	if (!told->arena) {
		told->arena = arena_new();
		event_parse(&told->event, told->arena);
	}
	pthread_mutex_unlock(&told->lock);
	return &told->event;
}

/* --- the list --------------------------------------------------------------------------------- */

void recent_open(struct recent *recent)
{
	pthread_mutex_init(&recent->lock, NULL);
}

static void forget_up_to(struct recent *recent, int64_t seq)
{
	while (recent->count && recent->last - (int64_t)recent->count < seq) {
		told_give_back(recent->events[recent->first]);
		recent->first = (recent->first + 1) % RECENT_MAX;
		recent->count--;
	}
}

void recent_close(struct recent *recent)
{
	forget_up_to(recent, recent->last);
	pthread_mutex_destroy(&recent->lock);
}

void recent_add(struct recent *recent, struct told *told)
{
	pthread_mutex_lock(&recent->lock);
	if (told->seq <= recent->last) {
		/* Who looked at the outbox has seen it there before. */
		told_give_back(told);
	} else {
		if (told->seq != recent->last + 1)
			forget_up_to(recent, recent->last);
		else if (recent->count == RECENT_MAX)
			forget_up_to(recent, recent->last - RECENT_MAX + 1);
		recent->events[(recent->first + recent->count++) % RECENT_MAX] = told;
		recent->last = told->seq;
	}
	pthread_mutex_unlock(&recent->lock);
}

void recent_know(struct recent *recent, int64_t last)
{
	pthread_mutex_lock(&recent->lock);
	recent->known = true;
	if (last > recent->last) {
		forget_up_to(recent, recent->last);
		recent->last = last;
	}
	pthread_mutex_unlock(&recent->lock);
}

bool recent_has_news(struct recent *recent, int64_t after)
{
	bool news;

	pthread_mutex_lock(&recent->lock);
	news = !recent->known || recent->last > after;
	pthread_mutex_unlock(&recent->lock);
	return news;
}

size_t recent_take(struct recent *recent, int64_t after, struct told **told, size_t most)
{
	int64_t begin;
	size_t count = 0;

	pthread_mutex_lock(&recent->lock);
	begin = recent->last - (int64_t)recent->count; /* the last one before the list */
	if (after >= begin)
		for (size_t i = (size_t)(after - begin); i < recent->count && count < most; i++) {
			told[count] = recent->events[(recent->first + i) % RECENT_MAX];
			atomic_fetch_add(&told[count++]->taken, 1);
		}
	pthread_mutex_unlock(&recent->lock);
	return count;
}

void recent_forget(struct recent *recent, int64_t up_to)
{
	pthread_mutex_lock(&recent->lock);
	forget_up_to(recent, MIN(up_to, recent->last));
	pthread_mutex_unlock(&recent->lock);
}
