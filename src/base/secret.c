/* See secret.h; libsodium does the work. */
#include "base/secret.h"

#include <sodium.h>
#include <string.h>

#include "base/env.h"

_Static_assert(SECRET_SIZE == crypto_secretbox_KEYBYTES, "the box's key");

#define NONCE crypto_secretbox_NONCEBYTES
#define OVERHEAD (NONCE + crypto_secretbox_MACBYTES)

struct hash secret_hash(const struct secret *secret, const void *bytes, size_t length)
{
	struct hash hash;

	crypto_generichash(hash.bytes, HASH_SIZE, bytes, length, secret->bytes, SECRET_SIZE);
	return hash;
}

void *secret_seal(struct arena *arena, const struct secret *secret, const void *bytes,
		  size_t length, size_t *ret_length)
{
	uint8_t *sealed = arena_alloc(arena, length + OVERHEAD);

	env_random(sealed, NONCE);
	crypto_secretbox_easy(sealed + NONCE, bytes, length, sealed, secret->bytes);
	*ret_length = length + OVERHEAD;
	return sealed;
}

char *secret_unseal(struct arena *arena, const struct secret *secret, const void *sealed,
		    size_t length, size_t *ret_length)
{
	const uint8_t *nonce = sealed;
	char *text;

	if (length < OVERHEAD)
		return NULL;
	text = arena_alloc(arena, length - OVERHEAD + 1);
	if (crypto_secretbox_open_easy((uint8_t *)text, nonce + NONCE, length - NONCE, nonce,
				       secret->bytes))
		return NULL;
	*ret_length = length - OVERHEAD;
	return text;
}
