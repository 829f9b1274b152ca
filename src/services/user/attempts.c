/* Counters of failures in fixed windows, that begin with the first failure. */
#include "services/user/attempts.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/env.h"
#include "base/hash.h"
#include "base/map.h"
#include "base/metrics.h"
#include "base/text.h"
#include "base/time.h"

#define COUNTERS_MAX 60000
#define REGION_SIZE 64
#define WINDOW_MS (ATTEMPTS_WINDOW_MINUTES * MINUTE_MS)

enum limit { LIMIT_PAIR, LIMIT_PLACE, LIMIT_ACCOUNT, LIMIT_REGION, LIMIT_COUNT };

static const char *const limit_labels[] = {
	"limit=\"account and place\"",
	"limit=\"place\"",
	"limit=\"account\"",
	"limit=\"account and region\"",
};

struct counter {
	int64_t since_ms; /* monotonic */
	int64_t failures;
};

static struct {
	pthread_mutex_t lock;
	struct map *counters; /* by hash */
	int64_t most;
	struct metric *failed, *refused[LIMIT_COUNT];
} attempts = {.lock = PTHREAD_MUTEX_INITIALIZER};

void attempts_start(int64_t most)
{
	pthread_mutex_lock(&attempts.lock);
	map_free(attempts.counters);
	attempts.counters = map_new(COUNTERS_MAX, true, free);
	attempts.most = most;
	attempts.failed = metric_counter("souk_login_failures_total",
					 "Wrong passwords, and addresses of nobody.", "");
	for (size_t i = 0; i < LIMIT_COUNT; i++)
		attempts.refused[i] = metric_counter(
			"souk_login_refused_total",
			"Log-ins that were refused after too many failures.", limit_labels[i]);
	pthread_mutex_unlock(&attempts.lock);
}

/* --- which counters --------------------------------------------------------------------------- */

struct key {
	struct hash hash;
	int64_t most;
	bool counts; /* this limit holds for the attempt */
};

/* Hashes of one length: no two names give the same bytes. */
static struct hash name_of(enum limit limit, const struct attempt *attempt, const char *account,
			   const char *place)
{
	struct hash parts[3] = {hash_of_text(account), hash_of_text(place)};

	parts[2].bytes[0] = (uint8_t)limit;
	parts[2].bytes[1] = (uint8_t)attempt->purpose;
	parts[2].bytes[2] = place == attempt->device;
	return hash_of(parts, sizeof(parts));
}

/* The /24 or /48 that a place is in; what is neither is a region of its own. */
static void region_of(const char *place, char region[static REGION_SIZE])
{
	struct in_addr old;
	struct in6_addr address;

	snprintf(region, REGION_SIZE, "%.*s", (int)strcspn(place, "/"), place);
	if (inet_pton(AF_INET, region, &old) == 1) {
		*strrchr(region, '.') = '\0';
	} else if (inet_pton(AF_INET6, region, &address) == 1) {
		memset(address.s6_addr + 6, 0, sizeof(address) - 6);
		inet_ntop(AF_INET6, &address, region, REGION_SIZE);
	}
}

/* Whoever changes an account holds a token of it: the place's count is for log-ins. */
static void keys_of(const struct attempt *attempt, struct key keys[static LIMIT_COUNT])
{
	const char *who = attempt->device ? attempt->device : attempt->place;
	bool log_in = attempt->purpose == ATTEMPT_LOG_IN;
	char region[REGION_SIZE];

	keys[LIMIT_PAIR] = (struct key){.most = attempts.most, .counts = who};
	keys[LIMIT_PLACE] = (struct key){
		.most = ATTEMPTS_WIDE * attempts.most,
		.counts = log_in && attempt->place && !attempt->device,
	};
	keys[LIMIT_ACCOUNT] = (struct key){
		.most = ATTEMPTS_WIDE * attempts.most,
		.counts = !log_in || !(attempt->device || attempt->place_is_known),
	};
	keys[LIMIT_REGION] = (struct key){
		.most = MIN(attempts.most, (int64_t)ATTEMPTS_FEW),
		.counts = keys[LIMIT_ACCOUNT].counts && log_in && attempt->place,
	};
	if (who)
		keys[LIMIT_PAIR].hash = name_of(LIMIT_PAIR, attempt, attempt->account, who);
	if (attempt->place)
		keys[LIMIT_PLACE].hash = name_of(LIMIT_PLACE, attempt, "", attempt->place);
	keys[LIMIT_ACCOUNT].hash = name_of(LIMIT_ACCOUNT, attempt, attempt->account, "");
	if (keys[LIMIT_REGION].counts) {
		region_of(attempt->place, region);
		keys[LIMIT_REGION].hash = name_of(LIMIT_REGION, attempt, attempt->account, region);
	}
}

/* --- counting --------------------------------------------------------------------------------- */

/* The milliseconds until another attempt may be made. Locked. */
static int64_t wait_ms(const struct key *key, int64_t now_ms)
{
	const struct counter *counter = map_get(attempts.counters, &key->hash, sizeof(key->hash));

	if (!counter || counter->failures < key->most || now_ms - counter->since_ms >= WINDOW_MS)
		return 0;
	return counter->since_ms + WINDOW_MS - now_ms;
}

enum err attempts_check(const struct attempt *attempt, int64_t *ret_wait_s)
{
	int64_t now_ms = env_monotonic_ms(), longest = 0, waits[LIMIT_COUNT] = {0};
	struct key keys[LIMIT_COUNT];

	pthread_mutex_lock(&attempts.lock);
	keys_of(attempt, keys);
	for (size_t i = 0; attempts.most && i < LIMIT_COUNT; i++)
		waits[i] = keys[i].counts ? wait_ms(&keys[i], now_ms) : 0;
	/* Where both are used up, and not before. */
	if (keys[LIMIT_REGION].counts)
		waits[LIMIT_ACCOUNT] = waits[LIMIT_REGION] =
			MIN(waits[LIMIT_ACCOUNT], waits[LIMIT_REGION]);
	for (size_t i = 0; i < LIMIT_COUNT; i++) {
		if (waits[i])
			metric_add(attempts.refused[i], 1);
		longest = MAX(longest, waits[i]);
	}
	pthread_mutex_unlock(&attempts.lock);
	if (longest == 0)
		return OK;
	*ret_wait_s = (longest + SECOND_MS - 1) / SECOND_MS;
	return ERR_RATE_LIMITED;
}

/* Locked. */
static void count_failure(const struct key *key, int64_t now_ms)
{
	struct counter *counter = map_get(attempts.counters, &key->hash, sizeof(key->hash));
	bool kept;

	if (!counter) {
		counter = must_alloc(sizeof(*counter));
		counter->since_ms = now_ms;
		kept = map_put(attempts.counters, &key->hash, sizeof(key->hash), counter);
		assert(kept);
	}
	if (now_ms - counter->since_ms >= WINDOW_MS)
		*counter = (struct counter){.since_ms = now_ms};
	counter->failures++;
}

void attempts_failed(const struct attempt *attempt)
{
	int64_t now_ms = env_monotonic_ms();
	struct key keys[LIMIT_COUNT];

	pthread_mutex_lock(&attempts.lock);
	keys_of(attempt, keys);
	for (size_t i = 0; i < LIMIT_COUNT; i++)
		if (keys[i].counts)
			count_failure(&keys[i], now_ms);
	pthread_mutex_unlock(&attempts.lock);
	metric_add(attempts.failed, 1);
}

void attempts_succeeded(const struct attempt *attempt)
{
	struct key keys[LIMIT_COUNT];

	pthread_mutex_lock(&attempts.lock);
	keys_of(attempt, keys);
	if (keys[LIMIT_PAIR].counts)
		map_remove(attempts.counters, &keys[LIMIT_PAIR].hash,
			   sizeof(keys[LIMIT_PAIR].hash));
	pthread_mutex_unlock(&attempts.lock);
}
