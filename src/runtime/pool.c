/*
 * Pools: a lock, threads, and the callers that have work in it.
 *
 * Invariants:
 *  1. A caller is in the list while it has work that runs or waits, and no longer.
 *  2. Of those that may run more, the one whose last turn is the longest ago is next; its own work
 *     is run in the order in which it came.
 *  3. Work lies on the stack of the fiber that waits for it: a thread touches it for the last time
 *     under the lock, where it says that it is done.
 */
#include "runtime/pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/env.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/metrics.h"
#include "runtime/fiber.h"
#include "runtime/worker.h"

#define LOOK_MS 100 /* how often a waiting fiber looks whether its client is there */
#define THREADS_MAX 64
#define NAME_SIZE 16 /* of a thread, the kernel's bound */

enum state { STATE_WAITING, STATE_RUNNING, STATE_DONE };

struct job {
	const struct pool_work *work;
	enum state state;
	struct ticket ticket;
	struct log_context log;
	atomic_bool abandoned;
	const struct pool *pool;
	struct job *next;
};

struct caller {
	uint64_t key; /* 0: the program itself */
	size_t running, waiting;
	uint64_t last_turn;
	struct job *first, **last;
	struct caller *next;
};

struct pool {
	struct pool_options options;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_t threads[THREADS_MAX];
	size_t started; /* of the threads: as many as were needed at once until now */
	struct caller *callers;
	size_t running, waiting;
	uint64_t turns;
	atomic_bool closing;
	struct metric *metric_running, *metric_waiting, *metric_refused, *metric_abandoned;
};

static _Thread_local const struct job *current;

bool pool_work_is_abandoned(void)
{
	return current && (atomic_load_explicit(&current->abandoned, memory_order_relaxed) ||
			   atomic_load_explicit(&current->pool->closing, memory_order_relaxed));
}

/* --- callers ---------------------------------------------------------------------------------- */

static uint64_t key_of(const char *name)
{
	return name ? MAX(hash_short(name, strlen(name)), UINT64_C(1)) : 0;
}

/* The place where the caller is named in the list; *place is NULL where it is not. */
static struct caller **place_of(struct pool *pool, uint64_t key)
{
	struct caller **place = &pool->callers;

	while (*place && (*place)->key != key)
		place = &(*place)->next;
	return place;
}

static struct caller *caller_add(struct caller **place, uint64_t key)
{
	struct caller *caller = must_alloc(sizeof(*caller));

	caller->key = key;
	caller->last = &caller->first;
	*place = caller;
	return caller;
}

static void caller_remove_if_idle(struct pool *pool, uint64_t key)
{
	struct caller **place = place_of(pool, key), *caller = *place;

	if (caller->running || caller->waiting)
		return;
	*place = caller->next;
	free(caller);
}

static bool has_share(const struct pool *pool, const struct caller *caller)
{
	return caller->key && pool->options.caller_max;
}

/* Of the threads one is left for the others. */
static bool may_run_more(const struct pool *pool, const struct caller *caller)
{
	return caller->waiting && (!has_share(pool, caller) || pool->options.threads == 1 ||
				   caller->running < pool->options.threads - 1);
}

/* --- the queue: all under the lock ------------------------------------------------------------ */

static void show(const struct pool *pool)
{
	metric_set(pool->metric_running, (int64_t)pool->running);
	metric_set(pool->metric_waiting, (int64_t)pool->waiting);
}

/* Takes it out of the line that it waits in. */
static void dequeue(struct pool *pool, struct job *job)
{
	uint64_t key = key_of(job->work->caller);
	struct caller *caller = *place_of(pool, key);
	struct job **link;

	assert(caller && caller->first);
	for (link = &caller->first; *link != job; link = &(*link)->next)
		assert((*link)->next);
	*link = job->next;
	if (!job->next)
		caller->last = link;
	caller->waiting--;
	pool->waiting--;
	caller_remove_if_idle(pool, key);
	show(pool);
}

/* NULL where nothing may run now. */
static struct job *take_next(struct pool *pool)
{
	struct caller *next = NULL;
	struct job *job;

	for (struct caller *caller = pool->callers; caller; caller = caller->next)
		if (may_run_more(pool, caller) && (!next || caller->last_turn < next->last_turn))
			next = caller;
	if (!next)
		return NULL;
	next->last_turn = ++pool->turns;
	job = next->first;
	next->running++;
	pool->running++;
	job->state = STATE_RUNNING;
	next->first = job->next;
	if (!next->first)
		next->last = &next->first;
	next->waiting--;
	pool->waiting--;
	show(pool);
	return job;
}

/* --- threads ---------------------------------------------------------------------------------- */

static void run(struct job *job)
{
	current = job;
	log_set_context(job->log);
	job->work->fn(job->work->arg);
	log_set_context((struct log_context){0});
	current = NULL;
}

static void *thread_main(void *arg)
{
	struct pool *pool = arg;
	char name[NAME_SIZE];
	struct job *job;

	snprintf(name, sizeof(name), "%s", pool->options.name);
	pthread_setname_np(pthread_self(), name);
	/* Of the thread alone, as Linux has it. */
	if (pool->options.niceness &&
	    setpriority(PRIO_PROCESS, (id_t)gettid(), pool->options.niceness))
		log_debug("runtime.niceness", "%s keeps its priority", name);
	pthread_mutex_lock(&pool->lock);
	while (!atomic_load(&pool->closing)) {
		struct ticket ticket;
		uint64_t key;

		job = take_next(pool);
		if (!job) {
			pthread_cond_wait(&pool->changed, &pool->lock);
			continue;
		}
		pthread_mutex_unlock(&pool->lock);
		run(job);
		pthread_mutex_lock(&pool->lock);
		key = key_of(job->work->caller);
		(*place_of(pool, key))->running--;
		caller_remove_if_idle(pool, key);
		pool->running--;
		show(pool);
		ticket = job->ticket;
		job->state = STATE_DONE;
		fiber_wake(ticket);
	}
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

/* Locked. Where it cannot be started the others do the work; one there is. */
static bool start_thread(struct pool *pool)
{
	if (pool->started < pool->options.threads &&
	    pool->started - pool->running <= pool->waiting &&
	    !pthread_create(&pool->threads[pool->started], NULL, thread_main, pool))
		pool->started++;
	return pool->started > 0;
}

/* Locked. */
static enum err enqueue(struct pool *pool, struct job *job)
{
	uint64_t key = key_of(job->work->caller);
	struct caller **place = place_of(pool, key), *caller = *place;

	if (!start_thread(pool) ||
	    pool->waiting >= pool->options.queue_max + pool->options.threads - pool->running ||
	    (caller && has_share(pool, caller) &&
	     caller->running + caller->waiting >= pool->options.caller_max)) {
		metric_add(pool->metric_refused, 1);
		return ERR_OVERLOADED;
	}
	if (!caller)
		caller = caller_add(place, key);
	*caller->last = job;
	caller->last = &job->next;
	caller->waiting++;
	pool->waiting++;
	show(pool);
	pthread_cond_signal(&pool->changed);
	return OK;
}

struct pool *pool_new(const struct pool_options *options)
{
	struct pool *pool = must_alloc(sizeof(*pool));
	char labels[64];

	assert(options->threads >= 1 && options->threads <= THREADS_MAX);
	pool->options = *options;
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->changed, NULL);
	snprintf(labels, sizeof(labels), "pool=\"%s\"", options->name);
	pool->metric_running = metric_gauge("souk_pool_running", "What runs in the pool.", labels);
	pool->metric_waiting =
		metric_gauge("souk_pool_waiting", "What waits for the pool.", labels);
	pool->metric_refused =
		metric_counter("souk_pool_refused_total", "What the pool refused.", labels);
	pool->metric_abandoned =
		metric_counter("souk_pool_abandoned_total",
			       "Work in the pool whose client went before its end.", labels);
	return pool;
}

void pool_free(struct pool *pool)
{
	if (!pool)
		return;
	pthread_mutex_lock(&pool->lock);
	atomic_store(&pool->closing, true);
	pthread_cond_broadcast(&pool->changed);
	pthread_mutex_unlock(&pool->lock);
	for (size_t i = 0; i < pool->started; i++)
		pthread_join(pool->threads[i], NULL);
	/* Of fibers that were cut off while they waited. */
	while (pool->callers) {
		struct caller *caller = pool->callers;

		pool->callers = caller->next;
		free(caller);
	}
	pthread_cond_destroy(&pool->changed);
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}

/* --- the fiber that waits --------------------------------------------------------------------- */

/* Looks, now and then, whether the work need still be done. Locked at its begin and end. */
static enum err wait_for(struct pool *pool, struct job *job, int64_t deadline_ms)
{
	const struct pool_work *work = job->work;

	while (job->state != STATE_DONE) {
		bool gone, late;

		job->ticket = fiber_ticket();
		pthread_mutex_unlock(&pool->lock);
		fiber_park(LOOK_MS);
		gone = work->client_is_gone && work->client_is_gone(work->client);
		late = env_monotonic_ms() >= deadline_ms;
		pthread_mutex_lock(&pool->lock);
		if (job->state == STATE_DONE)
			break;
		if (gone && !atomic_exchange(&job->abandoned, true))
			metric_add(pool->metric_abandoned, 1);
		if (job->state == STATE_WAITING && (gone || late)) {
			dequeue(pool, job);
			if (!gone)
				metric_add(pool->metric_refused, 1);
			return gone ? ERR_ABANDONED : ERR_OVERLOADED;
		}
	}
	return OK;
}

enum err pool_run(struct pool *pool, const struct pool_work *work, int64_t timeout_ms)
{
	struct job job = {.work = work, .pool = pool};
	enum err err;

	if (!worker_here()) {
		work->fn(work->arg);
		return OK;
	}
	job.log = log_set_context((struct log_context){0});
	log_set_context(job.log);
	pthread_mutex_lock(&pool->lock);
	err = enqueue(pool, &job);
	if (!err)
		err = wait_for(pool, &job, env_monotonic_ms() + timeout_ms);
	pthread_mutex_unlock(&pool->lock);
	return err;
}
