/* Handing messages over: a queue, with room kept for those whose transaction is running. */
#include "services/notification/handover.h"

#include <pthread.h>
#include <stdlib.h>

struct offer {
	struct sql_hook hook;
	struct id message;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct id ids[HANDOVER_MAX];
static size_t taken, committed; /* since the start; in this order they never fall */
static size_t running;		/* offered, and it is not known yet what became of it */

bool handover_has_room(void)
{
	bool room;

	pthread_mutex_lock(&lock);
	room = running + committed - taken < HANDOVER_MAX;
	pthread_mutex_unlock(&lock);
	return room;
}

/* The last one of a batch wakes the deliverer, so that it carries them together. */
static void on_end(struct sql_hook *hook, bool is_committed)
{
	struct offer *offer = (struct offer *)hook;
	bool last;

	pthread_mutex_lock(&lock);
	last = --running == 0;
	if (is_committed)
		ids[committed++ % HANDOVER_MAX] = offer->message;
	pthread_mutex_unlock(&lock);
	free(offer);
	if (last)
		job_poke(&notification_jobs[JOB_DELIVER]);
}

void handover_offer(struct sql *sql, const struct id *message)
{
	struct offer *offer = must_alloc(sizeof(*offer));

	*offer = (struct offer){.hook.end = on_end, .message = *message};
	pthread_mutex_lock(&lock);
	assert(running + committed - taken < HANDOVER_MAX);
	running++;
	pthread_mutex_unlock(&lock);
	sql_on_end(sql, &offer->hook);
}

size_t handover_take(struct id *ret_messages, size_t most)
{
	size_t count = 0;

	pthread_mutex_lock(&lock);
	while (count < most && taken < committed)
		ret_messages[count++] = ids[taken++ % HANDOVER_MAX];
	pthread_mutex_unlock(&lock);
	return count;
}
