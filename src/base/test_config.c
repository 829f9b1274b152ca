/* Settings: where they come from, which values are good, and what is told of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/config.h"

/* Loads words that end with NULL; what is left of them stands in `words` again. */
static enum err load(const char **words, int *ret_left, const char **ret_why)
{
	int count = 0;

	while (words[count])
		count++;
	return config_load(count, (char **)words, ret_left, ret_why);
}

/* Before all others: nothing is given yet. */
static void test_defaults(void **state)
{
	(void)state;
	assert_string_equal(config_text("listen"), "127.0.0.1:8080");
	assert_string_equal(config_text("log-level"), "info");
	assert_string_equal(config_text("cors-origins"), "");
	assert_null(config_text("admin-email"));
	assert_null(config_text("admin-password"));
	assert_int_equal(config_int("workers"), 0);
	assert_int_equal(config_int("body-limit-bytes"), 1048576);
	assert_int_equal(config_int("outbox-days"), 7);
	assert_true(config_flag("rate-limits"));
	assert_true(config_flag("log-access"));
	assert_false(config_flag("trust-proxy"));
	assert_false(config_flag("trust-proxy"));
}

static void test_words_that_are_no_options_are_left(void **state)
{
	const char *words[] = {"souk",	   "import",	  "--workers", "3",
			       "products", "--data=/x=y", "a.csv",     "-",
			       "--",	   "--listen",	  NULL};
	const char *why = NULL;
	int left = 0;

	(void)state;
	assert_int_equal(load(words, &left, &why), OK);
	assert_int_equal(left, 6);
	assert_string_equal(words[0], "souk");
	assert_string_equal(words[1], "import");
	assert_string_equal(words[2], "products");
	assert_string_equal(words[3], "a.csv");
	assert_string_equal(words[4], "-");
	assert_string_equal(words[5], "--listen");
	assert_int_equal(config_int("workers"), 3);
	assert_string_equal(config_text("data"), "/x=y");
	assert_null(why);
}

static void test_the_command_line_wins(void **state)
{
	const char *words[] = {"souk", "--connections", "77", NULL}, *why;
	int left;

	(void)state;
	setenv("SOUK_CONNECTIONS", "55", 1);
	setenv("SOUK_CONNECTION_TIMEOUT_S", "12", 1);
	setenv("SOUK_TRUST_PROXY", "on", 1);
	setenv("SOUK_EVENT_ATTEMPTS", "", 1);
	assert_int_equal(load(words, &left, &why), OK);
	assert_int_equal(config_int("connections"), 77);
	assert_int_equal(config_int("connection-timeout-s"), 12);
	assert_true(config_flag("trust-proxy"));
	assert_int_equal(config_int("event-attempts"), 8);
	unsetenv("SOUK_CONNECTIONS");
	unsetenv("SOUK_CONNECTION_TIMEOUT_S");
	unsetenv("SOUK_TRUST_PROXY");
	unsetenv("SOUK_EVENT_ATTEMPTS");
}

static void test_complaints(void **state)
{
	static const struct {
		const char *words[3];
		const char *why;
	} rows[] = {
		{{"--nonsense", "1"}, "There is no setting --nonsense. See souk help config."},
		{{"--work", "1"}, "There is no setting --work. See souk help config."},
		{{"--=1"}, "There is no setting --. See souk help config."},
		{{"--wrokers", "2"}, "There is no setting --wrokers. Did you mean --workers?"},
		{{"--raport", "x"}, "There is no setting --raport. Did you mean --report?"},
		{{"--workers"}, "--workers needs a value."},
		{{"--workers", "65"}, "--workers must be a number from 0 to 64, not \"65\"."},
		{{"--workers=-1"}, "--workers must be a number from 0 to 64, not \"-1\"."},
		{{"--workers="}, "--workers must be a number from 0 to 64, not \"\"."},
		{{"--workers=two"}, "--workers must be a number from 0 to 64, not \"two\"."},
		{{"--trust-proxy=yes"}, "--trust-proxy must be one of on|off, not \"yes\"."},
		{{"--log-level=inf"},
		 "--log-level must be one of debug|info|warning|error, not \"inf\"."},
		{{"--currency=eur"},
		 "--currency must be a currency of ISO 4217, as EUR, not \"eur\"."},
		{{"--admin-email=ann"}, "--admin-email must be an e-mail address, not \"ann\"."},
		{{"--admin-password=password1"},
		 "--admin-password must be 8 to 128 characters, and none that everybody "
		 "tries first."},
		{{"--admin-password=short"},
		 "--admin-password must be 8 to 128 characters, and none that everybody "
		 "tries first."},
	};

	static const char *const options[] = {"report", NULL};

	(void)state;
	config_know_options(options);
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		const char *words[3] = {rows[i].words[0], rows[i].words[1], NULL};
		const char *why = NULL;
		int left = 42;

		assert_int_equal(load(words, &left, &why), ERR_INVALID);
		assert_string_equal(why, rows[i].why);
		assert_int_equal(left, 42);
	}
}

static void test_complaints_of_the_environment_name_the_variable(void **state)
{
	const char *words[] = {"souk", NULL}, *why = NULL;
	int left;

	(void)state;
	setenv("SOUK_PASSWORD_QUEUE", "many", 1);
	assert_int_equal(load(words, &left, &why), ERR_INVALID);
	assert_string_equal(why,
			    "SOUK_PASSWORD_QUEUE must be a number from 1 to 10000, not \"many\".");
	unsetenv("SOUK_PASSWORD_QUEUE");
}

static void test_variables_that_are_no_settings(void **state)
{
	static const struct {
		const char *name, *value, *why; /* NULL: it is taken */
	} rows[] = {
		{"SOUK_LISTEM", "x", "There is no variable SOUK_LISTEM. Did you mean SOUK_LISTEN?"},
		{"SOUK_LISTEM", "", "There is no variable SOUK_LISTEM. Did you mean SOUK_LISTEN?"},
		{"SOUK_BAKERY", "x", "There is no variable SOUK_BAKERY. See souk help config."},
		{"SOUK_", "x", "There is no variable SOUK_. See souk help config."},
		{"SOUK_listen", "x", "There is no variable SOUK_listen. See souk help config."},
		{"SOUK_PORT", "8080", "There is no variable SOUK_PORT. See souk help config."},
		{"SOUK_PORTS_8080_TCP", "x",
		 "There is no variable SOUK_PORTS_8080_TCP. See souk help config."},
		{"SOUK_PORT", "tcp://10.0.0.7:8080", NULL},
		{"SOUK_PORT_8080_TCP_ADDR", "10.0.0.7", NULL},
		{"SOUK_SERVICE_HOST", "10.0.0.7", NULL},
		{"SOUK_SERVICE_PORT_HTTP", "8080", NULL},
		{"SOUKS", "x", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		const char *words[] = {"souk", NULL}, *why = NULL;
		int left;

		setenv(rows[i].name, rows[i].value, 1);
		assert_int_equal(load(words, &left, &why), rows[i].why ? ERR_INVALID : OK);
		if (rows[i].why)
			assert_string_equal(why, rows[i].why);
		unsetenv(rows[i].name);
	}
}

static void test_a_bad_value_changes_nothing(void **state)
{
	static const char *const bad_origins[] = {
		"shop.example",
		"https://",
		"https://shop.example/",
		"https://Shop.example",
		"https://a.example,*",
		"https://a.example;https://b.example",
		"nullify",
		"://a",
	};
	static const char *const origins[] = {
		"https://a.example:8443, http://[::1]:5173",
		"null,capacitor://localhost",
		"*",
		"",
	};

	(void)state;
	assert_int_equal(config_set("fibers", "100"), OK);
	assert_int_equal(config_set("fibers", "0"), ERR_INVALID);
	assert_int_equal(config_set("fibers", "99999999999999999999"), ERR_INVALID);
	assert_int_equal(config_int("fibers"), 100);
	assert_int_equal(config_set("listen", "localhost"), ERR_INVALID);
	assert_int_equal(config_set("listen", "localhost:65536"), ERR_INVALID);
	assert_int_equal(config_set("listen", ":80"), ERR_INVALID);
	assert_int_equal(config_set("public-url", "shop.example"), ERR_INVALID);
	assert_int_equal(config_set("public-url", "https://shop.example/?a=b"), ERR_INVALID);
	for (size_t i = 0; i < ARRAY_LENGTH(bad_origins); i++)
		assert_int_equal(config_set("cors-origins", bad_origins[i]), ERR_INVALID);
	for (size_t i = 0; i < ARRAY_LENGTH(origins); i++)
		assert_int_equal(config_set("cors-origins", origins[i]), OK);
	assert_int_equal(config_set("data", "a\x01"), ERR_INVALID);
	assert_int_equal(config_set("data", "\xff"), ERR_INVALID);
	assert_string_equal(config_text("listen"), "127.0.0.1:8080");
	assert_int_equal(config_set("listen", "[::1]:0"), OK);
	assert_string_equal(config_text("listen"), "[::1]:0");
	assert_int_equal(config_set("rate-limits", "off"), OK);
	assert_false(config_flag("rate-limits"));
	assert_int_equal(config_set("log-level", "debug"), OK);
	assert_string_equal(config_text("log-level"), "debug");
}

static void test_help(void **state)
{
	char *help;

	(void)state;
	assert_int_equal(config_set("admin-password", "not to be seen"), OK);
	assert_int_equal(config_set("reservation-minutes", "99"), OK);
	help = config_help();
	assert_non_null(strstr(help, "--reservation-minutes"));
	assert_non_null(strstr(help, "SOUK_RESERVATION_MINUTES"));
	assert_non_null(strstr(help, "a number from 1 to 10080; default 15."));
	assert_non_null(strstr(help, "Given: 99."));
	assert_non_null(strstr(help, "SOUK_ADMIN_PASSWORD"));
	assert_null(strstr(help, "not to be seen"));
	free(help);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_words_that_are_no_options_are_left),
		cmocka_unit_test(test_the_command_line_wins),
		cmocka_unit_test(test_complaints),
		cmocka_unit_test(test_complaints_of_the_environment_name_the_variable),
		cmocka_unit_test(test_variables_that_are_no_settings),
		cmocka_unit_test(test_a_bad_value_changes_nothing),
		cmocka_unit_test(test_help),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
