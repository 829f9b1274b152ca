/* What was meant by a word that does not exist. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/near.h"

static const char *const words[] = {"listen",  "log-level", "log",
				    "workers", "data",	    "access-minutes"};

static const char *meant(struct near *near, const char *word)
{
	near_begin(near, word, strlen(word));
	for (size_t i = 0; i < ARRAY_LENGTH(words); i++)
		near_look(near, words[i]);
	return near_best(near);
}

static void test_faults_of_spelling(void **state)
{
	static const struct {
		const char *written, *meant;
	} rows[] = {
		{"listen", "listen"},
		{"lisen", "listen"},
		{"listten", "listen"},
		{"lsiten", "listen"},
		{"wrokers", "workers"},
		{"loglevel", "log-level"},
		{"log-leval", "log-level"},
		{"lgo", "log"},
		{"acess-minuts", "access-minutes"},
		{"date", "data"},
	};
	struct near near;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++)
		assert_string_equal(meant(&near, rows[i].written), rows[i].meant);
}

static void test_what_is_like_no_word(void **state)
{
	char long_word[NEAR_LENGTH_MAX + 2];
	struct near near;

	(void)state;
	assert_null(meant(&near, ""));
	assert_null(meant(&near, "x"));
	assert_null(meant(&near, "bakery"));
	assert_null(meant(&near, "ne"));
	memset(long_word, 'l', sizeof(long_word) - 1);
	long_word[sizeof(long_word) - 1] = '\0';
	assert_null(meant(&near, long_word));
	near_look(&near, long_word);
	assert_null(near_best(&near));
	/* As long as can be. */
	long_word[NEAR_LENGTH_MAX] = '\0';
	near_begin(&near, long_word, NEAR_LENGTH_MAX);
	long_word[0] = 'x';
	near_look(&near, long_word);
	assert_string_equal(near_best(&near), long_word);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_faults_of_spelling),
		cmocka_unit_test(test_what_is_like_no_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
