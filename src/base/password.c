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

bool password_hash(const char *password, char ret_hash[static PASSWORD_HASH_SIZE])
{
	size_t length = strlen(password);

	if (length > BYTES_MAX)
		return false;
	start();
	return !crypto_pwhash_str_alg(ret_hash, password, length, PASSWORD_PASSES,
				      PASSWORD_MEMORY_BYTES, crypto_pwhash_ALG_ARGON2ID13);
}

bool password_matches(const char *hash, const char *password)
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
