/*
 * The world outside: clock and randomness. Everything that needs either asks here, so that the
 * whole platform can run on a simulated world, repeatably from a seed.
 */
#ifndef BASE_ENV_H
#define BASE_ENV_H

#include <time.h>

#include "base/base.h"

struct env {
	/* Milliseconds since 1970-01-01T00:00:00Z; may step back and forth. */
	int64_t (*now_ms)(void *world);
	/* Nanoseconds since some moment; never steps back. */
	int64_t (*monotonic_ns)(void *world);
	/* Fills `bytes` with what nobody can predict. */
	void (*random)(void *world, void *bytes, size_t length);
	void *world;
};

/* Puts another world in place, before any thread is started; NULL brings the real one back. */
void env_set(const struct env *env);

/* How often the world was changed: what remembers a world's clock (base/id.c) forgets it then. */
unsigned env_world_count(void);

int64_t env_now_ms(void);
int64_t env_monotonic_ms(void);
int64_t env_monotonic_ns(void);

/* The moment `delay_ms` from now, for pthread_cond_clockwait with CLOCK_MONOTONIC. Of the machine,
 * also where the world is simulated: a thread that waits for a thread waits in real time. */
struct timespec env_deadline(int64_t delay_ms);

/* What the running thread has taken of a core. Of the machine, too. */
int64_t env_thread_cpu_ns(void);

void env_random(void *bytes, size_t length);

/* A number from 0 to `bound` - 1, each as likely; `bound` is at least 1. */
uint32_t env_random_below(uint32_t bound);

#endif
