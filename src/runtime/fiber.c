/*
 * Fibers on ucontext.
 *
 * Invariants:
 *  1. A fiber is switched to only from its worker's loop, and switches only back to it.
 *  2. `sequence` grows with every ticket; a wake-up with another number than the current one is
 *     for a parking that is over, and does nothing. Wake-ups are delivered on the fiber's worker,
 *     so no lock is needed.
 *  3. A fiber's stack and record are never freed before its worker ends: a late wake-up finds
 *     valid memory.
 */
#include "runtime/fiber.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/env.h"
#include "runtime/internal.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#else
#define __sanitizer_start_switch_fiber(save, bottom, size) \
	((void)(save), (void)(bottom), (void)(size))
#define __sanitizer_finish_switch_fiber(save, bottom, size) \
	((void)(save), (void)(bottom), (void)(size))
#endif

/* Who sleeps: a fiber, or a thread that is no worker's. */
struct sleeper {
	bool is_thread;
	uint64_t sequence;
	bool woken;
};

struct fiber {
	struct sleeper sleeper;
	struct worker *worker;
	void (*main)(void *arg);
	void *arg;
	ucontext_t context;
	char *stack; /* above its guard page */
	void *fake_stack;
	bool parked, interruptible;
	uv_timer_t timer;
	struct log_context log;
	struct fiber *next_resting, *next_made;
};

struct sleeping_thread {
	struct sleeper sleeper;
	pthread_mutex_t lock;
	pthread_cond_t changed;
};

static _Thread_local struct sleeping_thread this_thread = {
	.sleeper = {.is_thread = true},
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.changed = PTHREAD_COND_INITIALIZER,
};

static atomic_size_t fibers_in_use;

static long guard_size(void)
{
	return sysconf(_SC_PAGESIZE);
}

/* --- switching -------------------------------------------------------------------------------- */

static void switch_to_fiber(struct fiber *fiber)
{
	struct worker *worker = fiber->worker;
	struct log_context loop_log;

	assert(!worker->running);
	worker->running = fiber;
	loop_log = log_set_context(fiber->log);
	__sanitizer_start_switch_fiber(&worker->loop_fake_stack, fiber->stack, FIBER_STACK_BYTES);
	swapcontext(&worker->loop_context, &fiber->context);
	__sanitizer_finish_switch_fiber(worker->loop_fake_stack, NULL, NULL);
	fiber->log = log_set_context(loop_log);
	worker->running = NULL;
}

static void switch_to_loop(struct fiber *fiber)
{
	struct worker *worker = fiber->worker;

	__sanitizer_start_switch_fiber(&fiber->fake_stack, worker->loop_stack,
				       worker->loop_stack_size);
	swapcontext(&fiber->context, &worker->loop_context);
	__sanitizer_finish_switch_fiber(fiber->fake_stack, &worker->loop_stack,
					&worker->loop_stack_size);
}

static void fiber_rest(struct fiber *fiber)
{
	struct worker *worker = fiber->worker;

	fiber->main = NULL;
	fiber->log = (struct log_context){0};
	fiber->sleeper.sequence++;
	fiber->next_resting = worker->resting;
	worker->resting = fiber;
	worker->fiber_count--;
	atomic_fetch_sub_explicit(&fibers_in_use, 1, memory_order_relaxed);
	if (worker->stopping && worker->fiber_count == 0)
		worker_fibers_ended(worker);
}

/* The whole life of a fiber's stack: one main after the other. */
static void fiber_life(void)
{
	struct worker *worker = worker_current;
	struct fiber *fiber = worker->running;

	__sanitizer_finish_switch_fiber(NULL, &worker->loop_stack, &worker->loop_stack_size);
	for (;;) {
		fiber->main(fiber->arg);
		log_set_context((struct log_context){0});
		fiber_rest(fiber);
		switch_to_loop(fiber);
	}
}

static struct fiber *fiber_make(struct worker *worker)
{
	struct fiber *fiber = must_alloc(sizeof(*fiber));
	size_t size = FIBER_STACK_BYTES + (size_t)guard_size();
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
	int failed;

	assert(memory != MAP_FAILED);
	failed = mprotect(memory, (size_t)guard_size(), PROT_NONE);
	assert(!failed);
	fiber->stack = memory + guard_size();
	fiber->worker = worker;
	failed = getcontext(&fiber->context);
	assert(!failed);
	fiber->context.uc_stack.ss_sp = fiber->stack;
	fiber->context.uc_stack.ss_size = FIBER_STACK_BYTES;
	makecontext(&fiber->context, fiber_life, 0);
	uv_timer_init(&worker->loop, &fiber->timer);
	fiber->timer.data = fiber;
	fiber->next_made = worker->all;
	worker->all = fiber;
	return fiber;
}

static void start_message(void *arg, uint64_t number)
{
	struct fiber *fiber = arg;

	(void)number;
	switch_to_fiber(fiber);
}

static struct fiber *fiber_take(struct worker *worker, void (*main)(void *arg), void *arg)
{
	struct fiber *fiber = worker->resting;

	if (fiber)
		worker->resting = fiber->next_resting;
	else
		fiber = fiber_make(worker);
	worker->fiber_count++;
	atomic_fetch_add_explicit(&fibers_in_use, 1, memory_order_relaxed);
	fiber->main = main;
	fiber->arg = arg;
	return fiber;
}

bool fiber_start(void (*main)(void *arg), void *arg)
{
	struct worker *worker = worker_current;
	struct fiber *fiber;

	assert(worker);
	if (worker->fiber_count >= worker->fibers_max)
		return false;
	fiber = fiber_take(worker, main, arg);
	if (worker->running)
		worker_send(worker, start_message, fiber, 0);
	else
		switch_to_fiber(fiber);
	return true;
}

struct start {
	void (*main)(void *arg);
	void *arg;
};

static void start_here(void *arg, uint64_t number)
{
	struct start *start = arg;

	(void)number;
	switch_to_fiber(fiber_take(worker_current, start->main, start->arg));
	free(start);
}

void fiber_start_on(size_t worker_index, void (*main)(void *arg), void *arg)
{
	struct start *start = must_alloc(sizeof(*start));

	start->main = main;
	start->arg = arg;
	worker_send(worker_at(worker_index), start_here, start, 0);
}

bool fiber_running(void)
{
	return worker_current && worker_current->running;
}

size_t fiber_count(void)
{
	return atomic_load_explicit(&fibers_in_use, memory_order_relaxed);
}

void fiber_forbid_parking(bool forbid)
{
	if (worker_current)
		worker_current->parking_forbidden = forbid;
}

/* --- waiting ---------------------------------------------------------------------------------- */

struct ticket fiber_ticket(void)
{
	struct sleeper *sleeper;

	if (worker_current) {
		assert(worker_current->running);
		sleeper = &worker_current->running->sleeper;
		sleeper->woken = false;
		return (struct ticket){sleeper, ++sleeper->sequence};
	}
	sleeper = &this_thread.sleeper;
	pthread_mutex_lock(&this_thread.lock);
	sleeper->woken = false;
	sleeper->sequence++;
	pthread_mutex_unlock(&this_thread.lock);
	return (struct ticket){sleeper, sleeper->sequence};
}

static bool park_thread(int64_t timeout_ms)
{
	/* Not of the wall clock, which may be set back. */
	struct timespec until = env_deadline(MAX(timeout_ms, 0));
	bool woken;
	int failed = 0;

	pthread_mutex_lock(&this_thread.lock);
	while (!this_thread.sleeper.woken && !failed)
		failed = timeout_ms < 0
				 ? pthread_cond_wait(&this_thread.changed, &this_thread.lock)
				 : pthread_cond_clockwait(&this_thread.changed, &this_thread.lock,
							  CLOCK_MONOTONIC, &until);
	woken = this_thread.sleeper.woken;
	this_thread.sleeper.sequence++;
	pthread_mutex_unlock(&this_thread.lock);
	return woken;
}

static void on_timeout(uv_timer_t *timer)
{
	struct fiber *fiber = timer->data;

	assert(fiber->parked);
	switch_to_fiber(fiber);
}

static bool park_fiber(struct fiber *fiber, int64_t timeout_ms, bool interruptible)
{
	assert(!fiber->worker->parking_forbidden);
	if (!fiber->sleeper.woken && !(interruptible && fiber->worker->stopping)) {
		fiber->parked = true;
		fiber->interruptible = interruptible;
		if (timeout_ms >= 0)
			uv_timer_start(&fiber->timer, on_timeout, (uint64_t)timeout_ms, 0);
		switch_to_loop(fiber);
		uv_timer_stop(&fiber->timer);
		fiber->parked = fiber->interruptible = false;
	}
	fiber->sleeper.sequence++;
	return fiber->sleeper.woken;
}

static bool park(int64_t timeout_ms, bool interruptible)
{
	if (!worker_current)
		return park_thread(timeout_ms);
	assert(worker_current->running);
	return park_fiber(worker_current->running, timeout_ms, interruptible);
}

bool fiber_park(int64_t timeout_ms)
{
	return park(timeout_ms, false);
}

bool fiber_wait(int64_t timeout_ms)
{
	return park(timeout_ms, true);
}

static void wake_here(void *arg, uint64_t sequence)
{
	struct fiber *fiber = arg;

	if (fiber->sleeper.sequence != sequence || fiber->sleeper.woken)
		return;
	fiber->sleeper.woken = true;
	if (fiber->parked)
		switch_to_fiber(fiber);
}

void fiber_wake(struct ticket ticket)
{
	struct sleeper *sleeper = ticket.sleeper;
	struct sleeping_thread *thread;

	if (!sleeper->is_thread) {
		worker_send(((struct fiber *)ticket.sleeper)->worker, wake_here, ticket.sleeper,
			    ticket.sequence);
		return;
	}
	thread = ticket.sleeper;
	pthread_mutex_lock(&thread->lock);
	if (sleeper->sequence == ticket.sequence) {
		sleeper->woken = true;
		pthread_cond_signal(&thread->changed);
	}
	pthread_mutex_unlock(&thread->lock);
}

void fiber_sleep(int64_t delay_ms)
{
	(void)fiber_ticket();
	(void)fiber_wait(delay_ms);
}

/* --- offloading ------------------------------------------------------------------------------- */

struct offloaded {
	uv_work_t work;
	void (*fn)(void *arg);
	void *arg;
	struct fiber *fiber;
	struct log_context log;
};

static void offload_run(uv_work_t *work)
{
	struct offloaded *offloaded = work->data;

	log_set_context(offloaded->log);
	offloaded->fn(offloaded->arg);
	log_set_context((struct log_context){0});
}

static void offload_done(uv_work_t *work, int status)
{
	struct offloaded *offloaded = work->data;

	(void)status;
	switch_to_fiber(offloaded->fiber);
}

void offload(void (*fn)(void *arg), void *arg)
{
	struct offloaded offloaded = {.fn = fn, .arg = arg};
	struct worker *worker = worker_current;

	if (!worker) {
		fn(arg);
		return;
	}
	assert(worker->running && !worker->parking_forbidden);
	offloaded.fiber = worker->running;
	offloaded.work.data = &offloaded;
	offloaded.log = log_set_context((struct log_context){0});
	log_set_context(offloaded.log);
	uv_queue_work(&worker->loop, &offloaded.work, offload_run, offload_done);
	switch_to_loop(offloaded.fiber);
}

/* --- a worker's end --------------------------------------------------------------------------- */

void fibers_interrupt(struct worker *worker)
{
	struct fiber *fiber;

	for (fiber = worker->all; fiber; fiber = fiber->next_made)
		if (fiber->parked && fiber->interruptible)
			switch_to_fiber(fiber);
}

void fibers_close(struct worker *worker)
{
	struct fiber *fiber;

	for (fiber = worker->all; fiber; fiber = fiber->next_made)
		uv_close((uv_handle_t *)&fiber->timer, NULL);
}

void fibers_free(struct worker *worker)
{
	while (worker->all) {
		struct fiber *fiber = worker->all;

		worker->all = fiber->next_made;
		munmap(fiber->stack - guard_size(), FIBER_STACK_BYTES + (size_t)guard_size());
		free(fiber);
	}
}
