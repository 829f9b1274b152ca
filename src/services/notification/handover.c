/* Handing messages over: a queue, of which the front part is committed. */
#include "services/notification/handover.h"

#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct id ids[HANDOVER_MAX];
static size_t taken, committed, offered; /* since the start; in this order they never fall */

bool handover_has_room(void)
{
	bool room;

	pthread_mutex_lock(&lock);
	room = offered - taken < HANDOVER_MAX;
	pthread_mutex_unlock(&lock);
	return room;
}

void handover_offer(const struct id *message)
{
	pthread_mutex_lock(&lock);
	assert(offered - taken < HANDOVER_MAX);
	ids[offered++ % HANDOVER_MAX] = *message;
	pthread_mutex_unlock(&lock);
}

void handover_commit(void)
{
	pthread_mutex_lock(&lock);
	committed = offered;
	pthread_mutex_unlock(&lock);
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
