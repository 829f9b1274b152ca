/*
 * The world outside: the system's clocks, and libsodium's randomness, a pool of it per thread,
 * since ids ask for a few bytes at a time and each system call costs more than the rest of an id.
 *
 * Bytes of the pool are erased as they are handed out, and a forked child never uses its parent's.
 */
#include "base/env.h"

#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#define POOL_SIZE 512

static _Thread_local struct {
	uint8_t bytes[POOL_SIZE];
	size_t left;	  /* the last `left` bytes are unused */
	unsigned process; /* the value of `forks` when it was filled */
} pool;

static atomic_uint forks;
static pthread_once_t sodium_once = PTHREAD_ONCE_INIT;
static unsigned world_count;

static void in_forked_child(void)
{
	atomic_fetch_add(&forks, 1);
}

static void start_sodium(void)
{
	int failed = sodium_init() < 0;

	assert(!failed);
	failed = pthread_atfork(NULL, NULL, in_forked_child);
	assert(!failed);
}

static void real_random(void *world, void *bytes, size_t length)
{
	unsigned process;

	(void)world;
	pthread_once(&sodium_once, start_sodium);
	if (length > POOL_SIZE / 4) {
		randombytes_buf(bytes, length);
		return;
	}
	process = atomic_load(&forks);
	if (pool.left < length || pool.process != process) {
		randombytes_buf(pool.bytes, POOL_SIZE);
		pool.left = POOL_SIZE;
		pool.process = process;
	}
	memcpy(bytes, pool.bytes + POOL_SIZE - pool.left, length);
	sodium_memzero(pool.bytes + POOL_SIZE - pool.left, length);
	pool.left -= length;
}

static int64_t clock_ns(clockid_t clock)
{
	struct timespec now;
	int failed = clock_gettime(clock, &now);

	assert(!failed);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

struct timespec env_deadline(int64_t delay_ms)
{
	int64_t at_ns = clock_ns(CLOCK_MONOTONIC) + delay_ms * 1000000;

	return (struct timespec){.tv_sec = at_ns / 1000000000, .tv_nsec = at_ns % 1000000000};
}

int64_t env_thread_cpu_ns(void)
{
	return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

static int64_t real_now_ms(void *world)
{
	(void)world;
	return clock_ns(CLOCK_REALTIME) / 1000000;
}

static int64_t real_monotonic_ns(void *world)
{
	(void)world;
	return clock_ns(CLOCK_MONOTONIC);
}

static const struct env real_env = {
	.now_ms = real_now_ms,
	.monotonic_ns = real_monotonic_ns,
	.random = real_random,
};

static struct env current = {
	.now_ms = real_now_ms,
	.monotonic_ns = real_monotonic_ns,
	.random = real_random,
};

void env_set(const struct env *env)
{
	current = env ? *env : real_env;
	world_count++;
}

unsigned env_world_count(void)
{
	return world_count;
}

int64_t env_now_ms(void)
{
	return current.now_ms(current.world);
}

int64_t env_monotonic_ns(void)
{
	return current.monotonic_ns(current.world);
}

int64_t env_monotonic_ms(void)
{
	return env_monotonic_ns() / 1000000;
}

void env_random(void *bytes, size_t length)
{
	if (length)
		current.random(current.world, bytes, length);
}

uint32_t env_random_below(uint32_t bound)
{
	uint32_t number, unfair;

	assert(bound >= 1);
	/* 2^32 mod bound: so many of the lowest numbers would come once too often. */
	unfair = -bound % bound;
	do {
		env_random(&number, sizeof(number));
	} while (number < unfair);
	return number % bound;
}
