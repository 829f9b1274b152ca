/*
 * The keyring of this process: the keys on disk, kept in memory, and read again when they change.
 * Any thread.
 */
#ifndef SERVICES_AUTH_KEYS_H
#define SERVICES_AUTH_KEYS_H

#include "base/jwt.h"

/* Reads the keys, and makes the first. *ret_why lives in `arena`. */
enum err keys_open(const char *data_directory, struct arena *arena, const char **ret_why)
	MUST_CHECK;

/* Notices what changed on disk. Reads on the thread pool. */
void keys_reload(void);

/* Removes the keys that no token of `life_ms` needs any more. */
void keys_prune(int64_t life_ms);

char *keys_sign(struct arena *arena, const struct token_claims *claims);

/* As token_verify, of tokens whose audience is their issuer. A key that is not known may have been made a moment ago: then the disk is looked
 * at, at most once a second. */
enum err keys_verify(struct arena *arena, const char *token, const char *const *issuers,
		     struct token_claims *ret_claims) MUST_CHECK;

char *keys_jwks(struct arena *arena);

#endif
