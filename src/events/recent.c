/*
 * What a service told lately, kept in memory until all who hear it have handled it: a subscriber
 * that keeps up neither reads an outbox nor parses what is in it.
 *
 * Invariants:
 *  1. It holds events that are on disk, one run of the outbox without gaps, which ends with the
 *     last one. What is not in it is read from the outbox.
 *  2. An event in it does not change; whoever looks at it has taken it.
 */
#include <stddef.h>

#include "events/internal.h"

struct told {
	struct sql_hook hook;  /* until the transaction ends */
	struct arena *arena;   /* which holds all of it but the text, this too */
	struct member *source; /* NULL: nobody hears its service */
	int64_t seq;	       /* 0: not published */
	size_t bytes;	       /* of the arena, once published */
	atomic_int taken;      /* by the list, and by subscribers */
	struct out data;
	struct event event;
};

void told_give_back(struct told *told)
{
	if (atomic_fetch_sub(&told->taken, 1) == 1)
		arena_free(told->arena);
}

static void on_end(struct sql_hook *hook, bool committed)
{
	struct told *told = (struct told *)hook;

	if (committed && told->seq && told->source)
		recent_add(&told->source->recent, told);
	else
		told_give_back(told);
}

struct told *told_new(struct sql *sql, struct arena *arena)
{
	struct arena *own = arena_new_small();
	struct told *told = ARENA_NEW(own, struct told);

	told->hook.end = on_end;
	told->arena = own;
	told->source = sql_owner(sql);
	told->data = out_new_kept(arena, own);
	atomic_store(&told->taken, 1);
	sql_on_end(sql, &told->hook);
	return told;
}

struct out *told_data(struct told *told)
{
	return &told->data;
}

void told_fill(struct out *data, int64_t seq, const struct event *event)
{
	struct told *told = (struct told *)((char *)data - offsetof(struct told, data));

	assert(!told->seq);
	told->seq = seq;
	told->event = *event;
	told->event.traceparent = arena_copy_text(told->arena, event->traceparent);
	told->bytes = arena_used(told->arena);
}

const struct event *told_event(const struct told *told)
{
	return &told->event;
}

/* --- the list --------------------------------------------------------------------------------- */

void recent_open(struct recent *recent, struct metric *held)
{
	recent->held = held;
	pthread_mutex_init(&recent->lock, NULL);
}

static void forget_up_to(struct recent *recent, int64_t seq)
{
	while (recent->count && recent->last - (int64_t)recent->count < seq) {
		recent->bytes -= recent->events[recent->first]->bytes;
		told_give_back(recent->events[recent->first]);
		recent->first = (recent->first + 1) % RECENT_MAX;
		recent->count--;
	}
	metric_set(recent->held, (int64_t)recent->bytes);
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
		while (recent->count == RECENT_MAX || recent->bytes > RECENT_BYTES_MAX)
			forget_up_to(recent, recent->last - (int64_t)recent->count + 1);
		recent->bytes += told->bytes;
		recent->events[(recent->first + recent->count++) % RECENT_MAX] = told;
		recent->last = told->seq;
		metric_set(recent->held, (int64_t)recent->bytes);
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
