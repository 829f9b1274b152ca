/*
 * Passwords: argon2id (RFC 9106) by libsodium, in its own text form with salt and cost. Hashing
 * and checking take tens of milliseconds and PASSWORD_MEMORY_BYTES: never on an event loop.
 */
#ifndef BASE_PASSWORD_H
#define BASE_PASSWORD_H

#include "base/base.h"

/* Spellings of one password are one: it is prepared as RFC 8265 has it (OpaqueString, section 4.2). A
 * hash that was made before they were is matched by the password as it was typed then. */
#define PASSWORD_HASH_SIZE 128
#define PASSWORD_MEMORY_BYTES (19u * 1024 * 1024)
#define PASSWORD_PASSES 2
#define PASSWORD_LENGTH_MIN 8
#define PASSWORD_LENGTH_MAX 128

bool password_hash(const char *password, char ret_hash[static PASSWORD_HASH_SIZE]) MUST_CHECK;
bool password_matches(const char *hash, const char *password) MUST_CHECK;

/* A hash that no password matches, of the usual cost: for checking those of unknown accounts. */
const char *password_dummy_hash(void);

/* Whether it is one of the passwords that everybody tries first. Any case. */
bool password_is_well_known(const char *password);

#endif
