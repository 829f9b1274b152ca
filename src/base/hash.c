/* Hashes, all by libsodium. */
#include "base/hash.h"

#include <pthread.h>
#include <sodium.h>
#include <string.h>

#include "base/env.h"

static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static uint8_t key[crypto_shorthash_KEYBYTES];

struct hash hash_of(const void *bytes, size_t length)
{
	struct hash hash;

	crypto_generichash(hash.bytes, HASH_SIZE, bytes, length, NULL, 0);
	return hash;
}

struct hash hash_of_text(const char *text)
{
	return hash_of(text, strlen(text));
}

bool hash_equal(const struct hash *a, const struct hash *b)
{
	return !sodium_memcmp(a->bytes, b->bytes, HASH_SIZE);
}

struct hash sha256_of(const void *bytes, size_t length)
{
	struct hash hash;

	_Static_assert(HASH_SIZE == crypto_hash_sha256_BYTES, "SHA-256 fills a hash");
	crypto_hash_sha256(hash.bytes, bytes, length);
	return hash;
}

static void draw_key(void)
{
	env_random(key, sizeof(key));
}

_Static_assert(sizeof(crypto_hash_sha256_state) <= sizeof(struct sha256), "it has room");

void sha256_begin(struct sha256 *sha256)
{
	crypto_hash_sha256_init((crypto_hash_sha256_state *)sha256->state);
}

void sha256_add(struct sha256 *sha256, const void *bytes, size_t length)
{
	crypto_hash_sha256_update((crypto_hash_sha256_state *)sha256->state, bytes, length);
}

struct hash sha256_end(struct sha256 *sha256)
{
	struct hash hash;

	crypto_hash_sha256_final((crypto_hash_sha256_state *)sha256->state, hash.bytes);
	return hash;
}

uint64_t hash_short(const void *bytes, size_t length)
{
	uint8_t hash[crypto_shorthash_BYTES];
	uint64_t number;

	pthread_once(&key_once, draw_key);
	crypto_shorthash(hash, bytes, length, key);
	memcpy(&number, hash, sizeof(number));
	return number;
}
