/*
 * Workers: a thread, a libuv loop and a mailbox each.
 *
 * A worker ends when workers_stop was called and its last fiber has ended; the mailbox is open
 * until then.
 */
#include "runtime/worker.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/env.h"
#include "base/log.h"
#include "runtime/internal.h"

_Thread_local struct worker *worker_current;

static struct worker *workers;
static size_t workers_running;
static atomic_bool stopping;
static atomic_size_t workers_ended;
static pthread_mutex_t end_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t end_changed = PTHREAD_COND_INITIALIZER;

struct alarm {
	uv_timer_t timer;
	void (*fn)(void *arg);
	void *arg;
};

struct watched {
	uv_poll_t poll;
	void (*fn)(void *arg);
	void *arg;
};

/* --- messages --------------------------------------------------------------------------------- */

struct worker *worker_at(size_t index)
{
	assert(index < workers_running);
	return &workers[index];
}

void worker_send(struct worker *worker, void (*fn)(void *arg, uint64_t number), void *arg,
		 uint64_t number)
{
	pthread_mutex_lock(&worker->lock);
	if (worker->message_count == worker->message_capacity) {
		worker->message_capacity = MAX(2 * worker->message_capacity, (size_t)64);
		worker->messages = must_realloc(
			worker->messages, worker->message_capacity * sizeof(*worker->messages));
	}
	worker->messages[worker->message_count++] = (struct message){fn, arg, number};
	pthread_mutex_unlock(&worker->lock);
	uv_async_send(&worker->mailbox);
}

/* Messages that come while these are delivered wait for the next turn of the loop. */
static void deliver(uv_async_t *mailbox)
{
	struct worker *worker = mailbox->data;
	struct message *messages;
	size_t capacity, count, i;

	pthread_mutex_lock(&worker->lock);
	messages = worker->messages;
	capacity = worker->message_capacity;
	count = worker->message_count;
	worker->messages = worker->taken;
	worker->message_capacity = worker->taken_capacity;
	worker->message_count = 0;
	worker->taken = messages;
	worker->taken_capacity = capacity;
	pthread_mutex_unlock(&worker->lock);
	for (i = 0; i < count; i++)
		messages[i].fn(messages[i].arg, messages[i].number);
}

struct posted {
	void (*fn)(void *arg);
	void *arg;
};

static void post_here(void *arg, uint64_t number)
{
	struct posted *posted = arg;

	(void)number;
	posted->fn(posted->arg);
	free(posted);
}

void worker_post(size_t index, void (*fn)(void *arg), void *arg)
{
	struct posted *posted = must_alloc(sizeof(*posted));

	posted->fn = fn;
	posted->arg = arg;
	worker_send(worker_at(index), post_here, posted, 0);
}

/* --- the loop --------------------------------------------------------------------------------- */

static void on_turn_end(uv_check_t *check)
{
	struct worker *worker = check->data;
	struct hook *hook;

	for (hook = worker->turn_hooks; hook; hook = hook->next)
		hook->fn(hook->arg);
}

static void free_owner(uv_handle_t *handle)
{
	free(handle->data);
}

/* Alarms and watched descriptors are memory of their own; fibers' timers are closing already. */
static void close_handle(uv_handle_t *handle, void *arg)
{
	bool owned = handle->type == UV_TIMER || handle->type == UV_POLL;

	(void)arg;
	if (!uv_is_closing(handle))
		uv_close(handle, owned ? free_owner : NULL);
}

static void *worker_main(void *arg)
{
	struct worker *worker = arg;
	struct hook *hook;

	worker_current = worker;
	uv_run(&worker->loop, UV_RUN_DEFAULT);
	fibers_close(worker);
	uv_walk(&worker->loop, close_handle, NULL);
	uv_run(&worker->loop, UV_RUN_DEFAULT);
	fibers_free(worker);
	while ((hook = worker->turn_hooks)) {
		worker->turn_hooks = hook->next;
		free(hook);
	}
	worker_current = NULL;
	pthread_mutex_lock(&end_lock);
	atomic_fetch_add(&workers_ended, 1);
	pthread_cond_signal(&end_changed);
	pthread_mutex_unlock(&end_lock);
	return NULL;
}

static void worker_init(struct worker *worker, size_t index, size_t fibers_max)
{
	int failed = uv_loop_init(&worker->loop);

	assert(!failed);
	worker->index = index;
	worker->fibers_max = fibers_max;
	pthread_mutex_init(&worker->lock, NULL);
	failed = uv_async_init(&worker->loop, &worker->mailbox, deliver);
	assert(!failed);
	worker->mailbox.data = worker;
	uv_check_init(&worker->loop, &worker->turn_end);
	worker->turn_end.data = worker;
	uv_check_start(&worker->turn_end, on_turn_end);
	uv_unref((uv_handle_t *)&worker->turn_end);
}

enum err workers_start(size_t count, size_t fibers_max)
{
	size_t i;
	char threads[8];

	assert(!workers && count >= 1 && count <= WORKERS_MAX);
	snprintf(threads, sizeof(threads), "%d", OFFLOAD_THREADS);
	setenv("UV_THREADPOOL_SIZE", threads, 0);
	atomic_store(&stopping, false);
	atomic_store(&workers_ended, 0);
	workers = must_alloc(count * sizeof(*workers));
	workers_running = count;
	for (i = 0; i < count; i++)
		worker_init(&workers[i], i, fibers_max);
	for (i = 0; i < count; i++) {
		int failed = pthread_create(&workers[i].thread, NULL, worker_main, &workers[i]);

		if (failed) {
			log_error("runtime.no-thread", "worker %zu cannot be started", i);
			return ERR_OVERLOADED;
		}
	}
	return OK;
}

void worker_fibers_ended(struct worker *worker)
{
	uv_stop(&worker->loop);
}

static void stop_here(void *arg, uint64_t number)
{
	struct worker *worker = arg;

	(void)number;
	worker->stopping = true;
	fibers_interrupt(worker);
	if (worker->fiber_count == 0)
		worker_fibers_ended(worker);
}

static void cut_here(void *arg, uint64_t number)
{
	struct worker *worker = arg;

	(void)number;
	log_warning("runtime.cut-off", "worker %zu ends with %zu fibers still waiting",
		    worker->index, worker->fiber_count);
	uv_stop(&worker->loop);
}

void workers_stop(int64_t patience_ms)
{
	struct timespec until;
	size_t i;

	if (!workers)
		return;
	atomic_store(&stopping, true);
	for (i = 0; i < workers_running; i++)
		worker_send(&workers[i], stop_here, &workers[i], 0);
	until = env_deadline(patience_ms);
	pthread_mutex_lock(&end_lock);
	while (atomic_load(&workers_ended) < workers_running)
		if (pthread_cond_clockwait(&end_changed, &end_lock, CLOCK_MONOTONIC, &until))
			break;
	pthread_mutex_unlock(&end_lock);
	for (i = 0; i < workers_running && atomic_load(&workers_ended) < workers_running; i++)
		worker_send(&workers[i], cut_here, &workers[i], 0);
	for (i = 0; i < workers_running; i++) {
		pthread_join(workers[i].thread, NULL);
		(void)uv_loop_close(&workers[i].loop);
		pthread_mutex_destroy(&workers[i].lock);
		free(workers[i].messages);
		free(workers[i].taken);
	}
	free(workers);
	workers = NULL;
	workers_running = 0;
}

/* --- on a worker ------------------------------------------------------------------------------ */

size_t worker_count(void)
{
	return workers_running;
}

bool worker_here(void)
{
	return worker_current;
}

size_t worker_index(void)
{
	assert(worker_current);
	return worker_current->index;
}

bool workers_stopping(void)
{
	return atomic_load_explicit(&stopping, memory_order_relaxed);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct watched *watched = poll->data;

	(void)status;
	(void)events;
	watched->fn(watched->arg);
}

void worker_watch(int descriptor, void (*fn)(void *arg), void *arg)
{
	struct watched *watched = must_alloc(sizeof(*watched));
	int failed;

	assert(worker_current);
	watched->fn = fn;
	watched->arg = arg;
	failed = uv_poll_init(&worker_current->loop, &watched->poll, descriptor);
	assert(!failed);
	watched->poll.data = watched;
	uv_poll_start(&watched->poll, UV_READABLE, on_readable);
}

void worker_after_turn(void (*fn)(void *arg), void *arg)
{
	struct hook *hook = must_alloc(sizeof(*hook));

	assert(worker_current);
	hook->fn = fn;
	hook->arg = arg;
	hook->next = worker_current->turn_hooks;
	worker_current->turn_hooks = hook;
}

static void on_alarm(uv_timer_t *timer)
{
	struct alarm *alarm = timer->data;

	alarm->fn(alarm->arg);
}

struct alarm *alarm_new(void (*fn)(void *arg), void *arg)
{
	struct alarm *alarm = must_alloc(sizeof(*alarm));

	assert(worker_current);
	alarm->fn = fn;
	alarm->arg = arg;
	uv_timer_init(&worker_current->loop, &alarm->timer);
	alarm->timer.data = alarm;
	return alarm;
}

void alarm_set(struct alarm *alarm, int64_t delay_ms)
{
	uv_timer_start(&alarm->timer, on_alarm, (uint64_t)MAX(delay_ms, 0), 0);
}

void alarm_clear(struct alarm *alarm)
{
	uv_timer_stop(&alarm->timer);
}
