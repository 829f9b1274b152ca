/* The table of errors is complete and consistent: what clients are promised. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/text.h"

static void test_every_error_is_described(void **state)
{
	(void)state;
	for (int err = OK + 1; err < ERR_COUNT; err++) {
		const struct err_info *info = err_info((enum err)err);

		assert_true(info->http_status >= 400 && info->http_status <= 599);
		assert_true(text_is_slug(info->slug));
		assert_true(strlen(info->name) > 0);
		assert_int_equal(info->title[strlen(info->title) - 1], '.');
		/* A slug names one error. */
		assert_int_equal(err_from_slug(info->slug), err);
	}
}

static void test_what_is_known_of_one(void **state)
{
	const struct err_info *info = err_info(ERR_OUT_OF_STOCK);

	(void)state;
	assert_string_equal(info->name, "OUT_OF_STOCK");
	assert_string_equal(info->slug, "out-of-stock");
	assert_int_equal(info->http_status, 409);
	assert_false(info->transient);
	assert_true(err_info(ERR_RATE_LIMITED)->transient);
}

static void test_slugs(void **state)
{
	(void)state;
	assert_int_equal(err_from_slug("not-found"), ERR_NOT_FOUND);
	assert_int_equal(err_from_slug("no-such-slug"), OK);
	assert_int_equal(err_from_slug(""), OK);
}

static void test_faults_are_ours(void **state)
{
	(void)state;
	assert_true(err_is_fault(ERR_INTERNAL));
	assert_true(err_is_fault(ERR_STORAGE));
	assert_false(err_is_fault(ERR_NOT_FOUND));
	assert_false(err_is_fault(ERR_RATE_LIMITED));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_error_is_described),
		cmocka_unit_test(test_what_is_known_of_one),
		cmocka_unit_test(test_slugs),
		cmocka_unit_test(test_faults_are_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
