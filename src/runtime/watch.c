/* Watches: a table of those who wait, by the key's hash, under one lock per part. */
#include "runtime/watch.h"

#include <pthread.h>
#include <string.h>

#include "base/env.h"
#include "base/hash.h"
#include "runtime/worker.h"

#define WATCH_PARTS 1024

struct part {
	pthread_mutex_t lock;
	struct watch *first;
};

static struct part parts[WATCH_PARTS];
static pthread_once_t parts_ready = PTHREAD_ONCE_INIT;

static void parts_init(void)
{
	size_t i;

	for (i = 0; i < WATCH_PARTS; i++)
		pthread_mutex_init(&parts[i].lock, NULL);
}

static struct part *part_of(const struct id *key)
{
	pthread_once(&parts_ready, parts_init);
	return &parts[hash_short(key->bytes, sizeof(key->bytes)) % WATCH_PARTS];
}

void watch_begin(struct watch *watch, const struct id *key)
{
	struct part *part = part_of(key);

	*watch = (struct watch){.key = *key};
	pthread_mutex_lock(&part->lock);
	watch->next = part->first;
	watch->link = &part->first;
	if (watch->next)
		watch->next->link = &watch->next;
	part->first = watch;
	pthread_mutex_unlock(&part->lock);
}

bool watch_wait(struct watch *watch, int64_t deadline_ms)
{
	struct part *part = part_of(&watch->key);
	bool news;

	for (;;) {
		int64_t left_ms = deadline_ms - env_monotonic_ms();

		pthread_mutex_lock(&part->lock);
		news = watch->news;
		watch->news = false;
		watch->waiting = !news && left_ms > 0 && !workers_stopping();
		if (watch->waiting)
			watch->ticket = fiber_ticket();
		pthread_mutex_unlock(&part->lock);
		if (news || left_ms <= 0 || workers_stopping())
			return news;
		fiber_wait(left_ms);
	}
}

void watch_end(struct watch *watch)
{
	struct part *part = part_of(&watch->key);

	pthread_mutex_lock(&part->lock);
	*watch->link = watch->next;
	if (watch->next)
		watch->next->link = watch->link;
	pthread_mutex_unlock(&part->lock);
}

void watch_tell(const struct id *key)
{
	struct part *part = part_of(key);
	struct watch *watch;

	pthread_mutex_lock(&part->lock);
	for (watch = part->first; watch; watch = watch->next) {
		if (!id_equal(&watch->key, key))
			continue;
		watch->news = true;
		if (watch->waiting)
			fiber_wake(watch->ticket);
		watch->waiting = false;
	}
	pthread_mutex_unlock(&part->lock);
}
