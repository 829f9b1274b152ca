/* Counters of failures in fixed windows, that begin with the first failure. */
#include "services/user/attempts.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/env.h"
#include "base/map.h"
#include "base/metrics.h"
#include "base/time.h"

#define COUNTERS_MAX 50000
#define KEY_SIZE 320 /* longer names share a counter by their first bytes */
#define WINDOW_MS (ATTEMPTS_WINDOW_MINUTES * MINUTE_MS)

struct counter {
	int64_t since_ms; /* monotonic */
	int64_t failures;
};

static struct {
	pthread_mutex_t lock;
	struct map *counters;
	int64_t per_account;
	struct metric *failed, *refused;
} attempts = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Accounts and addresses are kept apart by the first byte. */
static size_t write_key(char key[static KEY_SIZE], char kind, const char *name)
{
	int length = snprintf(key, KEY_SIZE, "%c%s", kind, name);

	return MIN((size_t)length, (size_t)KEY_SIZE - 1);
}

void attempts_start(int64_t per_account)
{
	pthread_mutex_lock(&attempts.lock);
	map_free(attempts.counters);
	attempts.counters = map_new(COUNTERS_MAX, true, free);
	attempts.per_account = per_account;
	attempts.failed = metric_counter("souk_login_failures_total",
					 "Wrong passwords, and addresses of nobody.", "");
	attempts.refused = metric_counter("souk_login_refused_total",
					  "Log-ins that were refused after too many failures.", "");
	pthread_mutex_unlock(&attempts.lock);
}

/* The milliseconds until another attempt may be made. Locked. */
static int64_t wait_ms(char kind, const char *name, int64_t most, int64_t now_ms)
{
	char key[KEY_SIZE];
	const struct counter *counter = map_get(attempts.counters, key, write_key(key, kind, name));

	if (!counter || counter->failures < most || now_ms - counter->since_ms >= WINDOW_MS)
		return 0;
	return counter->since_ms + WINDOW_MS - now_ms;
}

enum err attempts_check(const char *account, const char *address, int64_t *ret_wait_s)
{
	int64_t now_ms = env_monotonic_ms(), wait = 0;

	pthread_mutex_lock(&attempts.lock);
	if (attempts.per_account)
		wait = wait_ms('a', account, attempts.per_account, now_ms);
	if (attempts.per_account && address)
		wait = MAX(wait, wait_ms('n', address, ATTEMPTS_PER_ADDRESS * attempts.per_account,
					 now_ms));
	pthread_mutex_unlock(&attempts.lock);
	if (wait == 0)
		return OK;
	metric_add(attempts.refused, 1);
	*ret_wait_s = (wait + SECOND_MS - 1) / SECOND_MS;
	return ERR_RATE_LIMITED;
}

/* Locked. */
static void count_failure(char kind, const char *name, int64_t now_ms)
{
	char key[KEY_SIZE];
	size_t length = write_key(key, kind, name);
	struct counter *counter = map_get(attempts.counters, key, length);
	bool kept;

	if (!counter) {
		counter = must_alloc(sizeof(*counter));
		counter->since_ms = now_ms;
		kept = map_put(attempts.counters, key, length, counter);
		assert(kept);
	}
	if (now_ms - counter->since_ms >= WINDOW_MS)
		*counter = (struct counter){.since_ms = now_ms};
	counter->failures++;
}

void attempts_failed(const char *account, const char *address)
{
	int64_t now_ms = env_monotonic_ms();

	pthread_mutex_lock(&attempts.lock);
	count_failure('a', account, now_ms);
	if (address)
		count_failure('n', address, now_ms);
	pthread_mutex_unlock(&attempts.lock);
	metric_add(attempts.failed, 1);
}

void attempts_succeeded(const char *account)
{
	char key[KEY_SIZE];

	pthread_mutex_lock(&attempts.lock);
	map_remove(attempts.counters, key, write_key(key, 'a', account));
	pthread_mutex_unlock(&attempts.lock);
}
