/* Hashes: BLAKE2b for fingerprints and secrets that are random themselves, SipHash for tables. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include "base/base.h"

#define HASH_SIZE 32

struct hash {
	uint8_t bytes[HASH_SIZE];
};

/* BLAKE2b-256 (RFC 7693) of the bytes. */
struct hash hash_of(const void *bytes, size_t length);
struct hash hash_of_text(const char *text);
bool hash_equal(const struct hash *a, const struct hash *b); /* in constant time */

/* SHA-256 (FIPS 180-4), where a standard asks for it. */
struct hash sha256_of(const void *bytes, size_t length);

/* The same of bytes that come piece by piece. */
struct sha256 {
	_Alignas(16) uint8_t state[128];
};
void sha256_begin(struct sha256 *sha256);
void sha256_add(struct sha256 *sha256, const void *bytes, size_t length);
struct hash sha256_end(struct sha256 *sha256);

/* SipHash-2-4 with a key drawn at start: what a client sends cannot aim at one bucket. */
uint64_t hash_short(const void *bytes, size_t length);

#endif
