/*
 * Passwords: argon2id by libsodium, and the ones that everybody tries first.
 *
 * The list holds only what the rules beside it do not find: one or two characters over and over,
 * and steps along the alphabet, the digits or a row of the keyboard.
 */
#include "base/password.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/unicode.h"

#define BYTES_MAX (4 * PASSWORD_LENGTH_MAX) /* PASSWORD_LENGTH_MAX characters of UTF-8 */
#define WELL_KNOWN_LENGTH_MAX 32

_Static_assert(PASSWORD_HASH_SIZE == crypto_pwhash_STRBYTES, "libsodium's text fits");

/* In lower case, sorted by byte. */
static const char *const well_known[] = {
#include "base/password_list.h"
};

/* --- hashing ------------------------------------------------------------------------------ */

/* Picks the machine's quickest code for argon2, the first time. */
static void start(void)
{
	int failed = sodium_init() < 0;

	assert(!failed);
}

/* Of Unicode's category Zs, beyond ASCII's own. */
static bool is_other_space(uint32_t c)
{
	return c >= 0xa0 && c != 0x2028 && c != 0x2029 && c != 0xfeff && text_is_white_space(c);
}

/* Blanks of all kinds are that of ASCII, and all of it is in normal form C; nothing else changes. */
static const char *prepare(struct arena *arena, const char *password)
{
	char *copy = arena_copy_text(arena, password), *to = copy;

	while (*password) {
		const char *from = password;
		uint32_t c = text_next(&password);

		if (is_other_space(c)) {
			*to++ = ' ';
		} else {
			memcpy(to, from, (size_t)(password - from));
			to += password - from;
		}
	}
	*to = '\0';
	return unicode_nfc(arena, copy);
}

static bool hash_prepared(const char *password, char ret_hash[static PASSWORD_HASH_SIZE])
{
	size_t length = strlen(password);

	if (length > BYTES_MAX)
		return false;
	start();
	return !crypto_pwhash_str_alg(ret_hash, password, length, PASSWORD_PASSES,
				      PASSWORD_MEMORY_BYTES, crypto_pwhash_ALG_ARGON2ID13);
}

static bool matches_prepared(const char *hash, const char *password)
{
	size_t length = strlen(password);

	if (length > BYTES_MAX || strlen(hash) >= PASSWORD_HASH_SIZE)
		return false;
	start();
	errno = 0;
	if (!crypto_pwhash_str_verify(hash, password, length))
		return true;
	/* Nobody is told that a password is wrong because there was no memory to check it. */
	assert(errno != ENOMEM);
	return false;
}

bool password_hash(const char *password, char ret_hash[static PASSWORD_HASH_SIZE])
{
	struct arena *arena = arena_new_small();
	bool done = hash_prepared(prepare(arena, password), ret_hash);

	arena_free(arena);
	return done;
}

bool password_matches(const char *hash, const char *password)
{
	struct arena *arena = arena_new_small();
	const char *prepared = prepare(arena, password);
	bool matches = matches_prepared(hash, prepared);

	if (!matches && strcmp(prepared, password) != 0)
		matches = matches_prepared(hash, password);
	arena_free(arena);
	return matches;
}

const char *password_dummy_hash(void)
{
	/* Salt and hash are all zero: nobody knows a password that gives that. */
	return "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$"
	       "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
}

/* --- what everybody tries ----------------------------------------------------------------- */

static int compare_words(const void *a, const void *b)
{
	return strcmp(a, *(const char *const *)b);
}

/* Whether it is its first one or two characters over and over: aaaaaaaa, 12121212. */
static bool is_repetition(const char *text)
{
	for (size_t i = 2; text[i]; i++) {
		if (text[i] != text[i - 2])
			return false;
	}
	return true;
}

/* Whether it is a piece of one of these, forwards or backwards. */
static bool is_row(const char *text)
{
	static const char *const rows[] = {
		"abcdefghijklmnopqrstuvwxyz",
		"012345678901234567890123456789",
		"qwertyuiop[]",
		"qwertzuiop",
		"azertyuiop",
		"asdfghjkl;'",
		"zxcvbnm,./",
		"!@#$%^&*()_+",
		"1qaz2wsx3edc4rfv5tgb6yhn7ujm",
		"1q2w3e4r5t6y7u8i9o0p",
		"q1w2e3r4t5y6u7i8o9p0",
		"qazwsxedcrfvtgbyhnujm",
	};
	char backwards[WELL_KNOWN_LENGTH_MAX + 1] = {0};
	size_t length = strlen(text);

	for (size_t i = 0; i < length; i++)
		backwards[i] = text[length - 1 - i];
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		if (strstr(rows[i], text) || strstr(rows[i], backwards))
			return true;
	}
	return false;
}

bool password_is_well_known(const char *password)
{
	char text[WELL_KNOWN_LENGTH_MAX + 1] = {0};
	size_t length = strlen(password);

	if (length < 2 || is_repetition(password))
		return true;
	if (length > WELL_KNOWN_LENGTH_MAX)
		return false;
	for (size_t i = 0; i < length; i++) {
		char c = password[i];

		text[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
	}
	return is_repetition(text) || is_row(text) ||
	       bsearch(text, well_known, ARRAY_LENGTH(well_known), sizeof(well_known[0]),
		       compare_words);
}
