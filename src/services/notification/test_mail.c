/* What an e-mail looks like, whatever is in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "services/notification/mail.h"

static struct arena *arena;

static int setup(void **state)
{
	arena = arena_new();
	return 0;
}

static int teardown(void **state)
{
	arena_free(arena);
	return 0;
}

static const char *quoted(const char *text)
{
	struct out out = out_new(arena);

	mail_write_quoted(&out, text);
	return out.data;
}

static void test_quoted_printable(void **state)
{
	assert_string_equal(quoted("Hello"), "Hello\r\n");
	assert_string_equal(quoted("a\nb\r\nc\rd\n"), "a\r\nb\r\nc\r\nd\r\n");
	assert_string_equal(quoted("1 = 1"), "1 =3D 1\r\n");
	assert_string_equal(quoted("caf\xc3\xa9"), "caf=C3=A9\r\n");
	assert_string_equal(quoted("end \nend\t\n"), "end=20\r\nend=09\r\n");
	assert_string_equal(quoted("\n\n"), "\r\n\r\n");
	assert_string_equal(quoted(""), "");
}

static void test_lines_are_short(void **state)
{
	const char *line = quoted(arena_printf(arena, "%0*d", 300, 0));
	const char *letters = "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9";

	for (int round = 0; round < 2; round++) {
		size_t lines = 0;

		for (; *line; line += strcspn(line, "\n") + 1, lines++)
			assert_true(strcspn(line, "\r") <= 76);
		assert_true(lines > 1);
		line = quoted(arena_printf(arena, "%s%s%s", letters, letters, letters));
	}
}

static void test_header_text(void **state)
{
	const char *long_one = mail_header_text(arena, arena_printf(arena, "%0*d", 200, 0));

	assert_string_equal(mail_header_text(arena, "Your order is paid"), "Your order is paid");
	assert_string_equal(mail_header_text(arena, "caf\xc3\xa9 {1}"),
			    "=?utf-8?Q?caf=C3=A9_=7B1=7D?=");
	assert_string_equal(mail_header_text(arena, "a\r\nBcc: b@b.example"),
			    "=?utf-8?Q?a=0D=0ABcc=3A_b=40b=2Eexample?=");
	assert_string_equal(mail_header_text(arena, "=?utf-8?Q?x?="),
			    "=?utf-8?Q?=3D=3Futf=2D8=3FQ=3Fx=3F=3D?=");
	assert_non_null(strstr(long_one, "?=\r\n =?utf-8?Q?"));
	for (; *long_one; long_one += strcspn(long_one, "\n"), long_one += *long_one == '\n')
		assert_true(strcspn(long_one, "\r") <= 76);
}

/* Words end between characters. */
static void test_words_hold_whole_characters(void **state)
{
	const char *text = mail_header_text(
		arena, "a\xf0\x9f\x92\xa1\xf0\x9f\x92\xa1\xf0\x9f\x92\xa1\xf0\x9f\x92\xa1"
		       "\xf0\x9f\x92\xa1\xf0\x9f\x92\xa1\xf0\x9f\x92\xa1\xf0\x9f\x92\xa1");

	assert_non_null(strstr(text, "=A1?=\r\n =?utf-8?Q?=F0"));
}

static void test_the_whole(void **state)
{
	struct message message = {
		.id = {.bytes = {1}},
		.to = "odd..one@buyers.example",
		.subject = "Hello",
		.body = "World\n",
		.created_ms = INT64_C(1795353360000), /* 2026-11-22T13:16:00Z */
	};
	struct out out = mail_write(arena, &message, "no-reply@souk.example");

	assert_string_equal(out.data,
			    "Date: Sun, 22 Nov 2026 13:16:00 +0000\r\n"
			    "From: Souk <no-reply@souk.example>\r\n"
			    "To: <\"odd..one\"@buyers.example>\r\n"
			    "Subject: Hello\r\n"
			    "Message-ID: <01000000-0000-0000-0000-000000000000@souk.example>\r\n"
			    "Auto-Submitted: auto-generated\r\n"
			    "MIME-Version: 1.0\r\n"
			    "Content-Type: text/plain; charset=utf-8\r\n"
			    "Content-Transfer-Encoding: quoted-printable\r\n"
			    "\r\n"
			    "World\r\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_quoted_printable, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lines_are_short, setup, teardown),
		cmocka_unit_test_setup_teardown(test_header_text, setup, teardown),
		cmocka_unit_test_setup_teardown(test_words_hold_whole_characters, setup, teardown),
		cmocka_unit_test_setup_teardown(test_the_whole, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
