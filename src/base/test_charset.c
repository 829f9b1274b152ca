/* Tests of other encodings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/charset.h"

struct row {
	const char *bytes;
	size_t length;
	const char *charset;
	const char *text;
};

static void test_text_becomes_utf8(void **state)
{
	static const struct row rows[] = {
		{"Caf\xe9 \x93x\x94 \x80", 10, "windows-1252", "Café “x” €"},
		{"T\0e\0\xe9\0", 6, "UTF-16LE", "Teé"},
		{"\0T\0e\x83\x36", 6, "UTF-16BE", "Te茶"},
		{"\x3d\xd8\x00\xde", 4, "UTF-16LE", "😀"},
		/* Half a pair, half a unit. */
		{"a\0\x3d\xd8", 4, "UTF-16LE", "a\ufffd"},
		{"a\0b", 3, "UTF-16LE", "a\ufffd"},
		{"", 0, "UTF-16LE", ""},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t length = 0;
		char *text =
			charset_to_utf8(rows[i].bytes, rows[i].length, rows[i].charset, &length);

		assert_non_null(text);
		assert_int_equal(length, strlen(rows[i].text));
		assert_memory_equal(text, rows[i].text, length);
		free(text);
	}
	assert_null(charset_to_utf8("a", 1, "no-such-charset", &(size_t){0}));
}

static void test_encodings_are_told(void **state)
{
	static const struct {
		const char *bytes;
		size_t length, mark;
		const char *charset; /* or NULL */
	} rows[] = {
		{"\xef\xbb\xbfH", 4, 3, "UTF-8"},
		{"\xff\xfeH\0", 4, 2, "UTF-16LE"},
		{"\xfe\xff\0H", 4, 2, "UTF-16BE"},
		{"\xff\xfe\0\0H\0\0\0", 8, 4, "UTF-32LE"},
		{"H\0a\0", 4, 0, "UTF-16LE"},
		{"\0H\0a", 4, 0, "UTF-16BE"},
		{"Handle", 6, 0, NULL},
		{"\0\0", 2, 0, NULL},
		{"H", 1, 0, NULL},
		{"", 0, 0, NULL},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t mark = 9;
		const char *charset = charset_told(rows[i].bytes, rows[i].length, &mark);

		assert_int_equal(mark, rows[i].mark);
		if (rows[i].charset)
			assert_string_equal(charset, rows[i].charset);
		else
			assert_null(charset);
	}
}

static void test_what_is_no_utf8_is_guessed(void **state)
{
	static const struct {
		const char *text;
		const char *charset; /* or NULL */
	} rows[] = {
		{"Handle,Title\na,Caf\xe9 cr\xe8me \x96 5 \x80\n", "Windows-1252"},
		{"Handle;Title\na;M\xfcller \xa3 5\xb2 \xc9t\xe9 \x80\x80 \xdf\n", "Windows-1252"},
		/* Too little to tell, and too much to be Latin: Japanese, Cyrillic, Chinese. */
		{"Handle,Title\na,\x83R\x83g\x83\x93T\x83V\n", NULL},
		{"Handle,Title\na,\x96\x95\x92\x83\n", NULL},
		{"Handle,Title\na,\xd7\xe0\xe9 \xf7\xb8\xf0\xed\xfb\xe9\n", NULL},
		{"Handle,Title\na,\xc2\xcc\xb2\xe8\xc0\xf1\xba\xd0\n", NULL},
		{"Handle,Title\na,\x90\x81\n", NULL},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *charset = charset_guess(rows[i].text, strlen(rows[i].text));

		if (rows[i].charset)
			assert_string_equal(charset, rows[i].charset);
		else
			assert_null(charset);
	}
	assert_true(charset_is_known("cp1251"));
	assert_false(charset_is_known("no-such-charset"));
	assert_false(charset_is_known("x\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_becomes_utf8),
		cmocka_unit_test(test_encodings_are_told),
		cmocka_unit_test(test_what_is_no_utf8_is_guessed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
