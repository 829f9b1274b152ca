/* What worker.c and fiber.c know of each other; for this folder alone. */
#ifndef RUNTIME_INTERNAL_H
#define RUNTIME_INTERNAL_H

#include <pthread.h>
#include <ucontext.h>
#include <uv.h>

#include "base/log.h"
#include "runtime/fiber.h"
#include "runtime/worker.h"

/* A message to a worker: `fn(arg, number)` is called on its loop. */
struct message {
	void (*fn)(void *arg, uint64_t number);
	void *arg;
	uint64_t number;
};

struct hook {
	void (*fn)(void *arg);
	void *arg;
	struct hook *next;
};

struct worker {
	size_t index;
	pthread_t thread;
	uv_loop_t loop;
	uv_async_t mailbox;
	uv_check_t turn_end;

	pthread_mutex_t lock; /* of the messages */
	struct message *messages, *taken;
	size_t message_count, message_capacity, taken_capacity;

	struct hook *turn_hooks;

	/* Fibers: all that were ever made, and of these the ones that rest. */
	ucontext_t loop_context;
	struct fiber *running;
	struct fiber *all, *resting;
	size_t fiber_count, fibers_max; /* in use */
	bool parking_forbidden;
	bool stopping;
	void *loop_fake_stack;
	const void *loop_stack;
	size_t loop_stack_size;
};

extern _Thread_local struct worker *worker_current;

struct worker *worker_at(size_t index);
void worker_send(struct worker *worker, void (*fn)(void *arg, uint64_t number), void *arg,
		 uint64_t number);

/* The last fiber ended while the worker stops. */
void worker_fibers_ended(struct worker *worker);

/* Wakes all fibers that wait with fiber_wait. */
void fibers_interrupt(struct worker *worker);

/* Gives back the memory of all fibers, once their timers are closed. */
void fibers_close(struct worker *worker);
void fibers_free(struct worker *worker);

#endif
