/*
 * The signing keys on disk: <data>/keys/<millisecond it was made>.key, each the seed of an Ed25519
 * key in base64url, for the owner's eyes alone. Files are whole or absent: written aside, synced,
 * renamed. Changes hold a lock on the directory, so `souk keys rotate` and servers may meet.
 *
 * The newest key signs, once it has been there for KEY_SETTLE_MS, so that others have seen it; the
 * older ones verify for as long as tokens that they signed may live.
 */
#ifndef SERVICES_AUTH_KEY_FILES_H
#define SERVICES_AUTH_KEY_FILES_H

#include "base/arena.h"
#include "base/err.h"
#include "base/jwt.h"

#define KEY_SETTLE_MS 5000
#define KEY_LIFE_MAX_MS \
	INT64_C(86400000) /* of an access token: the setting access-minutes' bound */

/* All keys, the newest first; none where there is no directory yet. *ret_why, a sentence, lives in
 * `arena`, here and below. */
enum err key_files_read(const char *data_directory, struct arena *arena, struct jwt_keys *ret_keys,
			const char **ret_why) MUST_CHECK;

/* Makes another key; with `only_first` nothing where there is one. ERR_CONFLICT where JWT_KEYS_MAX
 * are there. */
enum err key_files_add(const char *data_directory, bool only_first, struct arena *arena,
		       const char **ret_why) MUST_CHECK;

/* Removes the keys that no living token is signed with, where these live `life_ms`. */
enum err key_files_prune(const char *data_directory, int64_t life_ms, struct arena *arena,
			 size_t *ret_removed, const char **ret_why) MUST_CHECK;

/* The key that signs at this moment, of keys read as above; there is at least one. */
const struct jwt_key *key_that_signs(const struct jwt_keys *keys, int64_t now_ms);

/* Whether the key at this index may go: its successor has signed for so long already. */
bool key_is_needless(const struct jwt_keys *keys, size_t index, int64_t life_ms, int64_t now_ms);

#endif
