/*
 * Waiting for news of one thing, by its key. Begin, look whether the news is there already, wait,
 * look again, end:
 *
 *	struct watch watch;
 *
 *	watch_begin(&watch, order->id.bytes);
 *	while (!settled(order) && watch_wait(&watch, deadline_ms))
 *		read(order);
 *	watch_end(&watch);
 */
#ifndef RUNTIME_WATCH_H
#define RUNTIME_WATCH_H

#include "base/id.h"
#include "runtime/fiber.h"

struct watch {
	struct id key;
	struct ticket ticket;
	bool news, waiting;
	struct watch *next, **link;
};

void watch_begin(struct watch *watch, const struct id *key);

/* True: there was news since watch_begin or the last watch_wait; false: the monotonic clock
 * reached `deadline_ms`, or the workers stop. */
bool watch_wait(struct watch *watch, int64_t deadline_ms) MUST_CHECK;

void watch_end(struct watch *watch);

/* Tells all who watch `key`; any thread. */
void watch_tell(const struct id *key);

#endif
