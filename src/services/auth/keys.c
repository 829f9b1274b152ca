/*
 * The keyring: replaced as a whole under a lock, used under the same lock shared.
 *
 * A keyring that cannot be read again (a damaged file, no permission) stays as it was: what was
 * signed before goes on being good, and the log tells.
 */
#include "services/auth/keys.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/env.h"
#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "base/time.h"
#include "runtime/fiber.h"
#include "services/auth/key_files.h"
#include "services/auth/store.h"

#define LOOK_EVERY_MS SECOND_MS

static struct {
	pthread_rwlock_t lock;
	struct jwt_keys keys;
	char *directory;
	atomic_int_least64_t looked_ms; /* monotonic: when an unknown key last led to the disk */
} ring = {.lock = PTHREAD_RWLOCK_INITIALIZER};

/* --- reading ---------------------------------------------------------------------------------- */

static bool same_keys(const struct jwt_keys *a, const struct jwt_keys *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->keys[i].key_id, b->keys[i].key_id) != 0)
			return false;
	return true;
}

static enum err read_ring(struct arena *arena, const char **ret_why)
{
	struct jwt_keys keys;
	enum err err = key_files_read(ring.directory, arena, &keys, ret_why);

	if (err)
		return err;
	if (keys.count == 0) {
		*ret_why = "there is no signing key";
		return ERR_STORAGE;
	}
	pthread_rwlock_wrlock(&ring.lock);
	if (!same_keys(&ring.keys, &keys)) {
		log_info("auth.keys", "%zu keys; the newest is %s", keys.count,
			 keys.keys[0].key_id);
		ring.keys = keys;
	}
	pthread_rwlock_unlock(&ring.lock);
	explicit_bzero(&keys, sizeof(keys));
	return OK;
}

enum err keys_open(const char *data_directory, struct arena *arena, const char **ret_why)
{
	struct jwt_keys keys;
	enum err err = key_files_read(data_directory, arena, &keys, ret_why);
	bool none = !err && keys.count == 0, sessions = false;

	explicit_bzero(&keys, sizeof(keys));
	if (!err && none)
		err = token_store_any_session(&sessions);
	if (!err)
		err = key_files_add(data_directory, true, arena, ret_why);
	if (err)
		return err;
	if (sessions)
		log_warning(
			"auth.keys-lost",
			"%s/keys was empty, and a new signing key was made: whoever is logged in"
			" has to log in again, or to use a refresh token",
			data_directory);
	free(ring.directory);
	ring.directory = must_copy_text(data_directory);
	return read_ring(arena, ret_why);
}

static void reload(void *arg)
{
	struct arena *arena = arena_new();
	const char *why;

	if (read_ring(arena, &why))
		log_error("auth.keys", "the signing keys cannot be read again: %s", why);
	arena_free(arena);
}

void keys_reload(void)
{
	offload(reload, NULL);
}

static void prune(void *arg)
{
	struct arena *arena = arena_new();
	const char *why;
	size_t removed;

	if (key_files_prune(ring.directory, *(const int64_t *)arg, arena, &removed, &why))
		log_error("auth.keys", "old signing keys cannot be removed: %s", why);
	else if (removed > 0)
		log_info("auth.keys", "%zu old signing keys were removed", removed);
	arena_free(arena);
}

void keys_prune(int64_t life_ms)
{
	offload(prune, &life_ms);
}

/* --- using ------------------------------------------------------------------------------------ */

char *keys_sign(struct arena *arena, const struct token_claims *claims)
{
	char *token;

	pthread_rwlock_rdlock(&ring.lock);
	token = token_sign(arena, key_that_signs(&ring.keys, env_now_ms()), claims);
	pthread_rwlock_unlock(&ring.lock);
	return token;
}

static enum err verify(struct arena *arena, const char *token, const char *const *issuers,
		       struct token_claims *ret_claims)
{
	enum err err;

	pthread_rwlock_rdlock(&ring.lock);
	err = token_verify(arena, &ring.keys, token, issuers, NULL, env_now_ms() / SECOND_MS,
			   ret_claims);
	pthread_rwlock_unlock(&ring.lock);
	return err;
}

/* The key that the token's header names; NULL where that cannot be read. */
static const char *key_id_of(struct arena *arena, const char *token)
{
	const char *part = arena_copy_bytes(arena, token, strcspn(token, "."));
	json_t *header;
	uint8_t *bytes;
	size_t length;

	if (!base64url_decode(arena, part, &bytes, &length) ||
	    json_parse(arena, (const char *)bytes, length, &header, NULL))
		return NULL;
	return json_get_text(header, "kid");
}

static bool is_known(const char *key_id)
{
	bool known = false;

	pthread_rwlock_rdlock(&ring.lock);
	for (size_t i = 0; i < ring.keys.count && !known; i++)
		known = strcmp(ring.keys.keys[i].key_id, key_id) == 0;
	pthread_rwlock_unlock(&ring.lock);
	return known;
}

/* Whether the disk may be looked at now; then it is this caller's to do. */
static bool may_look(void)
{
	int64_t now_ms = env_monotonic_ms(), looked_ms = atomic_load(&ring.looked_ms);

	return now_ms - looked_ms >= LOOK_EVERY_MS &&
	       atomic_compare_exchange_strong(&ring.looked_ms, &looked_ms, now_ms);
}

enum err keys_verify(struct arena *arena, const char *token, const char *const *issuers,
		     struct token_claims *ret_claims)
{
	const char *key_id;
	enum err err;

	if (strnlen(token, JWT_LENGTH_MAX + 1) > JWT_LENGTH_MAX)
		return ERR_UNAUTHENTICATED;
	err = verify(arena, token, issuers, ret_claims);
	if (!err)
		return OK;
	key_id = key_id_of(arena, token);
	if (!key_id || is_known(key_id) || !may_look())
		return err;
	keys_reload();
	return verify(arena, token, issuers, ret_claims);
}

char *keys_jwks(struct arena *arena)
{
	char *text;

	pthread_rwlock_rdlock(&ring.lock);
	text = jwt_keys_jwks(arena, &ring.keys);
	pthread_rwlock_unlock(&ring.lock);
	return text;
}
