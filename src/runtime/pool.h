/*
 * Pools: threads for one kind of work that takes long (a hash, a search, a report), so that no kind
 * keeps another waiting. So much runs at once, so much waits, the rest is refused.
 *
 * Callers take turns, however much each of them has waiting; and where shares are asked for, one
 * caller fills neither the queue nor all of the threads. Work whose client has gone is dropped where
 * it waits, and is told so where it runs (pool_work_is_abandoned).
 */
#ifndef RUNTIME_POOL_H
#define RUNTIME_POOL_H

#include "base/err.h"

struct pool;

struct pool_options {
	const char *
		name; /* the label of souk_pool_running, _waiting, _refused_total, _abandoned_total */
	size_t threads, queue_max;
	size_t caller_max; /* running and waiting, of one caller; 0: as much as there is room for */
	int niceness;	   /* of its threads, below that of the workers: 0..19 */
};

struct pool *pool_new(const struct pool_options *options);

/* Once nobody is within: what runs is told that it is abandoned, and waited for. Accepts NULL. */
void pool_free(struct pool *pool);

struct pool_work {
	void (*fn)(void *arg);
	void *arg;
	const char *caller; /* whose work it is; NULL: the program's own, which has no share */
	/* Whether its client has gone; asked now and then on the caller's own worker. NULL: it has not. */
	bool (*client_is_gone)(const void *client);
	const void *client;
};

/* Runs the work on a thread of the pool, the fiber parked meanwhile; on a thread that is no worker's
 * it is called at once. ERR_OVERLOADED where there is no room, or the work did not begin in
 * `timeout_ms`; ERR_ABANDONED where its client has gone before: it was not run. */
enum err pool_run(struct pool *pool, const struct pool_work *work, int64_t timeout_ms) MUST_CHECK;

/* On a pool's thread: whether nobody waits any more for what it does. Elsewhere false. */
bool pool_work_is_abandoned(void);

#endif
