/*
 * A secret of the program's own: keyed fingerprints, and sealing what is kept on disk so that who
 * has the file alone reads nothing in it.
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include "base/arena.h"
#include "base/hash.h"

#define SECRET_SIZE 32

struct secret {
	uint8_t bytes[SECRET_SIZE];
};

/* BLAKE2b-256 with the secret as its key (RFC 7693, section 2.9). */
struct hash secret_hash(const struct secret *secret, const void *bytes, size_t length);

/* Encrypts and authenticates (XSalsa20-Poly1305 with a random nonce, which stands in front). */
void *secret_seal(struct arena *arena, const struct secret *secret, const void *bytes,
		  size_t length, size_t *ret_length);

/* What was sealed, with a NUL behind it; NULL where it was not, or not with this secret. */
char *secret_unseal(struct arena *arena, const struct secret *secret, const void *sealed,
		    size_t length, size_t *ret_length);

#endif
