/*
 * Workers: threads that each run one event loop (libuv). Nothing is shared between them but what
 * says so. The functions with `index` may be called from any thread, the others on a worker.
 */
#ifndef RUNTIME_WORKER_H
#define RUNTIME_WORKER_H

#include "base/err.h"

#define WORKERS_MAX 64

/* Starts `count` workers (1..WORKERS_MAX), each with at most `fibers_max` fibers at once. */
enum err workers_start(size_t count, size_t fibers_max) MUST_CHECK;

/* Tells every worker to end once its fibers have ended, and waits for them at most
 * `patience_ms`; whatever still runs then is cut off. */
void workers_stop(int64_t patience_ms);

size_t worker_count(void);

/* Whether the running thread is a worker's, and which one (0 based; asserts). */
bool worker_here(void);
size_t worker_index(void);

/* Whether workers_stop was called: long waits and loops end. Any thread. */
bool workers_stopping(void);

/* Calls `fn(arg)` on that worker's loop, soon, outside of any fiber. */
void worker_post(size_t index, void (*fn)(void *arg), void *arg);

/* Calls `fn(arg)` when `descriptor` is readable; for the worker's whole life. */
void worker_watch(int descriptor, void (*fn)(void *arg), void *arg);

/* Calls `fn(arg)` once at the end of every turn of the loop in which anything happened. */
void worker_after_turn(void (*fn)(void *arg), void *arg);

/* Alarms: one call of `fn(arg)` after `delay_ms`; set again, it moves. Freed with its worker. */
struct alarm;
struct alarm *alarm_new(void (*fn)(void *arg), void *arg);
void alarm_set(struct alarm *alarm, int64_t delay_ms);
void alarm_clear(struct alarm *alarm);

#endif
