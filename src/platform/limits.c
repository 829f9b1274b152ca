/* Rate limits: see limits.h. The table is in parts, each behind a lock of its own. */
#include "platform/limits.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/config.h"
#include "base/env.h"
#include "base/hash.h"
#include "base/map.h"
#include "platform/internal.h"

#define PARTS 16
#define CALLERS_PER_PART_MAX 8192
#define SECOND_NS INT64_C(1000000000)
#define KEY_SIZE (CALLER_NAME_SIZE + 32)

struct bucket {
	int64_t level_ns; /* what is in it, as the time that it takes to come back */
	int64_t seen_ns;
};

static struct {
	pthread_mutex_t lock;
	struct map *buckets;
} parts[PARTS];

void limits_open(void)
{
	size_t i;

	for (i = 0; i < PARTS; i++) {
		pthread_mutex_init(&parts[i].lock, NULL);
		parts[i].buckets = map_new(CALLERS_PER_PART_MAX, true, free);
	}
}

void limits_close(void)
{
	size_t i;

	for (i = 0; i < PARTS; i++) {
		map_free(parts[i].buckets);
		pthread_mutex_destroy(&parts[i].lock);
	}
}

static size_t caller_key(const struct request *req, const struct limit_policy *policy,
			 char key[static KEY_SIZE])
{
	char name[CALLER_NAME_SIZE] = "all";
	int length;

	if (!policy->of_all && !caller_name(req, name))
		snprintf(name, sizeof(name), "platform");
	length = snprintf(key, KEY_SIZE, "%s %s", policy->name, name);
	return (size_t)MIN(length, KEY_SIZE - 1);
}

/* What is left in the caller's bucket, as time; negative: it was empty, and nothing was taken. */
static int64_t take(const char *key, size_t length, int64_t full_ns, int64_t price_ns)
{
	size_t part = hash_short(key, length) % PARTS;
	int64_t now_ns = env_monotonic_ns(), left_ns;
	struct bucket *bucket;

	pthread_mutex_lock(&parts[part].lock);
	bucket = map_get(parts[part].buckets, key, length);
	if (!bucket) {
		bucket = must_alloc(sizeof(*bucket));
		bucket->level_ns = full_ns;
		bucket->seen_ns = now_ns;
		if (!map_put(parts[part].buckets, key, length, bucket))
			assert(!"a table that evicts has room");
	}
	bucket->level_ns = MIN(full_ns, bucket->level_ns + now_ns - bucket->seen_ns);
	bucket->seen_ns = now_ns;
	left_ns = bucket->level_ns - price_ns;
	if (left_ns >= 0)
		bucket->level_ns = left_ns;
	pthread_mutex_unlock(&parts[part].lock);
	return left_ns;
}

static enum err refuse_rate(struct request *req, struct reply *reply,
			    const struct limit_policy *policy, int64_t missing_ns)
{
	reply_header(reply, "Retry-After", "%" PRId64, missing_ns / SECOND_NS + 1);
	return refuse(req, ERR_RATE_LIMITED,
		      "At most %" PRId64 " %s at once, and %" PRId64 " a second%s.", policy->burst,
		      policy->unit, policy->per_second, policy->of_all ? ", of all callers" : "");
}

enum err limits_take(struct request *req, struct reply *reply, const struct limit_policy *policy)
{
	int64_t price_ns = SECOND_NS / policy->per_second;
	int64_t full_ns = policy->burst * price_ns;
	int64_t window_s = MAX(policy->burst / policy->per_second, 1), left_ns;
	char key[KEY_SIZE];

	if (!config_flag("rate-limits"))
		return OK;
	left_ns = take(key, caller_key(req, policy, key), full_ns, price_ns);
	reply_header(reply, "RateLimit-Policy", "\"%s\";q=%" PRId64 ";w=%" PRId64, policy->name,
		     policy->burst, window_s);
	reply_header(reply, "RateLimit", "\"%s\";r=%" PRId64 ";t=%" PRId64, policy->name,
		     MAX(left_ns, 0) / price_ns, (full_ns - MAX(left_ns, 0)) / SECOND_NS + 1);
	return left_ns < 0 ? refuse_rate(req, reply, policy, -left_ns) : OK;
}

enum err limits_take_amount(struct request *req, struct reply *reply,
			    const struct limit_policy *policy, int64_t amount)
{
	int64_t full_ns = policy->burst * SECOND_NS / policy->per_second;
	int64_t price_ns = MIN(amount, policy->burst) * SECOND_NS / policy->per_second, left_ns;
	char key[KEY_SIZE];

	if (!config_flag("rate-limits"))
		return OK;
	left_ns = take(key, caller_key(req, policy, key), full_ns, price_ns);
	return left_ns < 0 ? refuse_rate(req, reply, policy, -left_ns) : OK;
}
