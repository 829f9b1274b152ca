/*
 * Fibers: straight-line code that waits without holding up its worker's loop.
 *
 * A fiber has a stack of FIBER_STACK_BYTES with a guard page below, runs on the worker that
 * started it and never on another, and gives the worker back only where it parks. Stacks are
 * pooled. The log context goes with the fiber.
 *
 * Waiting is done in three steps: take a ticket, hand it to whoever will know, park. A wake-up
 * that comes before the parking is not lost, and one that comes too late (after a time-out) meets
 * nobody: a ticket is good for one parking.
 *
 *	struct ticket ticket = fiber_ticket();
 *	queue_add(queue, job, ticket);
 *	fiber_park(WAIT_FOREVER);
 *
 * On a thread that is no worker's (the command line, tests, the writers) the same three steps put
 * the whole thread to sleep. On a worker's loop outside of a fiber they assert.
 */
#ifndef RUNTIME_FIBER_H
#define RUNTIME_FIBER_H

#include "base/base.h"

#if defined(__SANITIZE_ADDRESS__)
#define FIBER_STACK_BYTES (512 * 1024) /* its frames have red zones */
#else
#define FIBER_STACK_BYTES (64 * 1024)
#endif
#define WAIT_FOREVER (-1)

struct fiber;

struct ticket {
	void *sleeper; /* the fiber, or the thread */
	uint64_t sequence;
};

/* Starts `main(arg)` on the running worker: called on its loop, at once, until it parks or ends;
 * called in a fiber, soon. False where the worker has as many fibers as it may: nothing was
 * started. */
bool fiber_start(void (*main)(void *arg), void *arg) MUST_CHECK;

/* As fiber_start, soon, on the worker with that index, from any thread; asserts it can: meant for
 * the bounded set of a service's own loops. */
void fiber_start_on(size_t worker_index, void (*main)(void *arg), void *arg);

bool fiber_running(void);

struct ticket fiber_ticket(void);

/* True: woken; false: `timeout_ms` passed first (WAIT_FOREVER never does). */
bool fiber_park(int64_t timeout_ms);

/* As fiber_park, but answers false too when the workers stop: for waits that may be long. */
bool fiber_wait(int64_t timeout_ms);

/* Any thread. */
void fiber_wake(struct ticket ticket);

/* Ends early when the workers stop. */
void fiber_sleep(int64_t delay_ms);

/* Runs `fn(arg)` on a thread of libuv's pool (OFFLOAD_THREADS), parked meanwhile. On a thread that
 * is no worker's it is called at once. */
#define OFFLOAD_THREADS 4
void offload(void (*fn)(void *arg), void *arg);

/* While a worker's shared thing (its read connection) is in use no fiber may park: asserted. */
void fiber_forbid_parking(bool forbid);

/* Fibers running or parked on all workers. */
size_t fiber_count(void);

#endif
