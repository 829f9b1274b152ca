/*
 * Verified and dead tokens in memory.
 *
 * Invariants:
 *  1. What is dead in the store and has not expired is in `dead`, or `overflow_ms` lies ahead.
 *  2. An entry of `dead` leaves only when it has expired: no token lives again.
 */
#include "services/auth/marks.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/env.h"
#include "base/map.h"
#include "base/metrics.h"

#define VERIFIED_MAX 20000
#define DEAD_MAX 200000
#define SWEEP_MAX 4096 /* at a time, under the lock */
#define CLIENT_SIZE 64 /* a client's name with more is not remembered */

struct verified {
	struct caller caller; /* without its text */
	char client[CLIENT_SIZE];
};

struct dead {
	int64_t expires_ms;
	struct id before; /* of a holder; of a token unused */
};

/* Tokens and holders lie in one table, apart by their first byte. */
struct dead_key {
	char kind; /* 't' or 'h' */
	uint8_t id[16];
};

static struct {
	pthread_mutex_t lock;
	struct map *verified;
	struct map *dead;
	int64_t overflow_ms; /* until then the store knows more than `dead` */
	struct metric *dead_count;
} marks = {.lock = PTHREAD_MUTEX_INITIALIZER};

void marks_start(void)
{
	pthread_mutex_lock(&marks.lock);
	map_free(marks.verified);
	map_free(marks.dead);
	marks.verified = map_new(VERIFIED_MAX, true, free);
	marks.dead = map_new(DEAD_MAX, false, free);
	marks.overflow_ms = 0;
	marks.dead_count =
		metric_gauge("souk_auth_dead_tokens",
			     "Tokens, and holders of tokens, that died before they expired.", "");
	pthread_mutex_unlock(&marks.lock);
}

/* --- verified tokens -------------------------------------------------------------------------- */

bool marks_find_verified(const struct hash *token, struct arena *arena, struct caller *ret_caller)
{
	const struct verified *verified;

	pthread_mutex_lock(&marks.lock);
	verified = map_get(marks.verified, token->bytes, HASH_SIZE);
	if (verified) {
		*ret_caller = verified->caller;
		ret_caller->client = arena_copy_text(arena, verified->client);
	}
	pthread_mutex_unlock(&marks.lock);
	return verified != NULL;
}

void marks_add_verified(const struct hash *token, const struct caller *caller)
{
	size_t length = strlen(caller->client);
	struct verified *verified;
	bool kept;

	if (length >= CLIENT_SIZE)
		return;
	verified = must_alloc(sizeof(*verified));
	verified->caller = *caller;
	verified->caller.client = NULL;
	memcpy(verified->client, caller->client, length + 1);
	pthread_mutex_lock(&marks.lock);
	kept = map_put(marks.verified, token->bytes, HASH_SIZE, verified);
	pthread_mutex_unlock(&marks.lock);
	assert(kept);
}

/* --- dead tokens ------------------------------------------------------------------------------ */

static struct dead_key key_of(char kind, const struct id *id)
{
	struct dead_key key = {.kind = kind};

	memcpy(key.id, id->bytes, sizeof(key.id));
	return key;
}

/* Locked. A holder whose tokens were ended before is replaced by the later ending. */
static void add(char kind, const struct id *id, const struct dead *value)
{
	struct dead_key key = key_of(kind, id);
	struct dead *dead = must_alloc(sizeof(*dead));

	*dead = *value;
	if (map_put(marks.dead, &key, sizeof(key), dead)) {
		metric_set(marks.dead_count, (int64_t)map_count(marks.dead));
		return;
	}
	free(dead);
	marks.overflow_ms = MAX(marks.overflow_ms, value->expires_ms);
}

void marks_kill(const struct token_mark *tokens, size_t count)
{
	pthread_mutex_lock(&marks.lock);
	for (size_t i = 0; i < count; i++)
		add('t', &tokens[i].token, &(struct dead){.expires_ms = tokens[i].expires_ms});
	pthread_mutex_unlock(&marks.lock);
}

void marks_end_holder(const struct id *holder, const struct id *before, int64_t expires_ms)
{
	struct dead_key key = key_of('h', holder);
	const struct dead *known;

	pthread_mutex_lock(&marks.lock);
	known = map_get(marks.dead, &key, sizeof(key));
	if (!known || id_compare(&known->before, before) < 0)
		add('h', holder, &(struct dead){.expires_ms = expires_ms, .before = *before});
	pthread_mutex_unlock(&marks.lock);
}

enum mark marks_look(const struct id *token, const struct id *holder)
{
	struct dead_key token_key = key_of('t', token), holder_key = key_of('h', holder);
	enum mark mark = MARK_ALIVE;
	const struct dead *ended;

	pthread_mutex_lock(&marks.lock);
	ended = map_get(marks.dead, &holder_key, sizeof(holder_key));
	if ((ended && id_compare(token, &ended->before) < 0) ||
	    map_get(marks.dead, &token_key, sizeof(token_key)))
		mark = MARK_DEAD;
	else if (marks.overflow_ms > env_now_ms())
		mark = MARK_UNKNOWN;
	pthread_mutex_unlock(&marks.lock);
	return mark;
}

struct sweeping {
	int64_t now_ms;
	struct dead_key keys[SWEEP_MAX];
	size_t count;
};

static bool collect(const void *key, size_t key_length, void *value, void *arg)
{
	struct sweeping *sweeping = arg;
	const struct dead *dead = value;

	assert(key_length == sizeof(struct dead_key));
	if (dead->expires_ms <= sweeping->now_ms)
		memcpy(&sweeping->keys[sweeping->count++], key, key_length);
	return sweeping->count < SWEEP_MAX;
}

void marks_sweep(int64_t now_ms)
{
	struct sweeping *sweeping = must_alloc(sizeof(*sweeping));

	sweeping->now_ms = now_ms;
	do {
		sweeping->count = 0;
		pthread_mutex_lock(&marks.lock);
		map_each(marks.dead, collect, sweeping);
		for (size_t i = 0; i < sweeping->count; i++)
			map_remove(marks.dead, &sweeping->keys[i], sizeof(sweeping->keys[i]));
		metric_set(marks.dead_count, (int64_t)map_count(marks.dead));
		pthread_mutex_unlock(&marks.lock);
	} while (sweeping->count == SWEEP_MAX);
	free(sweeping);
}
