/* Templates: every one can be filled, and data is checked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "services/notification/templates.h"

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

static const json_t *data_of(const char *text)
{
	json_t *json = NULL;

	assert_int_equal(json_parse(arena, text, strlen(text), &json, NULL), OK);
	return json;
}

static int faults_of(const char *name, const char *data, bool strict, const char **ret_pointer)
{
	struct faults faults = {.arena = arena};

	template_check(template_find(name), data_of(data), strict, "/data", &faults);
	*ret_pointer = faults.first ? faults.first->pointer : NULL;
	return faults.count;
}

static struct message filled(const char *name, enum channel channel, const char *data)
{
	struct message message = {.channel = channel};

	template_fill(template_find(name), data_of(data), arena, &message);
	return message;
}

/* What every template could be filled with. */
#define EVERYTHING                                                                          \
	"{\"name\":\"Leyla\",\"number\":\"S-7\",\"reason\":\"customer\",\"sku\":\"K1\","    \
	"\"total\":{\"amount\":4550,\"currency\":\"EUR\"},\"available\":3,\"threshold\":5," \
	"\"amount\":{\"amount\":900,\"currency\":\"JPY\"},"                                 \
	"\"message\":\"No.\",\"orderId\":\"7\",\"transactionId\":\"8\","                    \
	"\"lines\":[{\"name\":\"Lamp\",\"quantity\":2,"                                     \
	"\"lineTotal\":{\"amount\":4550,\"currency\":\"EUR\"}}]}"

static void fill_in_every_way(const struct template *template, void *arg)
{
	struct faults faults = {.arena = arena};
	int *count = arg;

	template_check(template, data_of(EVERYTHING), false, "", &faults);
	assert_int_equal(faults.count, 0);
	for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
		struct message message = filled(template->name, (enum channel)channel, EVERYTHING);

		assert_ptr_equal(message.template_name, template->name);
		assert_null(strstr(message.body, "{{"));
		assert_true((message.subject != NULL) == (channel != CHANNEL_SMS));
	}
	++*count;
}

static void test_every_template_fills(void **state)
{
	int count = 0;

	templates_each(fill_in_every_way, &count);
	assert_true(count >= 5);
	assert_null(template_find("no such"));
	assert_false(template_is_known(""));
}

static void test_missing_and_unknown_data(void **state)
{
	const char *pointer;

	assert_int_equal(faults_of("order_paid", "{}", true, &pointer), 2);
	assert_string_equal(pointer, "/data/number");
	assert_int_equal(faults_of("order_shipped", "{\"number\":\"1\",\"x\":1}", true, &pointer),
			 1);
	assert_string_equal(pointer, "/data");
	assert_int_equal(faults_of("order_shipped", "{\"number\":\"1\",\"x\":1}", false, &pointer),
			 0);
	assert_int_equal(faults_of("order_shipped", "{\"number\":7}", true, &pointer), 1);
	assert_int_equal(faults_of("order_shipped", "{\"number\":\"a\\nb\"}", true, &pointer), 1);
	assert_int_equal(faults_of("refund",
				   "{\"number\":\"1\",\"amount\":"
				   "{\"amount\":1.5,\"currency\":\"EUR\"}}",
				   true, &pointer),
			 1);
	assert_string_equal(pointer, "/data/amount");
	assert_int_equal(faults_of("welcome", "{}", true, &pointer), 0);
}

static void test_what_is_filled_in(void **state)
{
	struct message paid = filled("order_paid", CHANNEL_EMAIL, EVERYTHING);
	struct message low = filled("low_stock", CHANNEL_SMS,
				    "{\"name\":\"Rug\",\"available\":3,\"threshold\":5}");
	struct message odd = filled("welcome", CHANNEL_EMAIL, "{\"name\":\"{{number}}\"}");

	assert_string_equal(paid.subject, "Your order S-7 is paid");
	assert_non_null(strstr(paid.body, "45.50 EUR"));
	assert_non_null(strstr(paid.body, "  2 x Lamp: 45.50 EUR\n"));
	assert_string_equal(low.body, "Low stock: 3 left of Rug (none).");
	assert_null(low.subject);
	/* What is filled in is not looked at again. */
	assert_non_null(strstr(odd.body, "Hello {{number}},"));
}

static void test_reasons(void **state)
{
#define CANCELLED(reason) \
	"{\"number\":\"1\",\"total\":{\"amount\":1,\"currency\":\"EUR\"}" reason "}"
	struct message known = filled("order_cancelled", CHANNEL_SMS,
				      CANCELLED(",\"reason\":\"payment-declined\""));
	struct message other = filled("order_cancelled", CHANNEL_SMS,
				      CANCELLED(",\"reason\":\"lost\\nin the post\""));
	struct message none = filled("order_cancelled", CHANNEL_SMS, CANCELLED(""));

	assert_string_equal(known.body, "Your order 1 is cancelled: the payment was declined.");
	assert_string_equal(other.body, "Your order 1 is cancelled: lost in the post.");
	assert_string_equal(none.body, "Your order 1 is cancelled: it could not be carried out.");
}

static void test_long_values_are_cut_between_characters(void **state)
{
	const char *name = arena_printf(arena, "{\"name\":\"%0*d\xc3\xa9\"}", 999, 0);
	struct message message = filled("welcome", CHANNEL_SMS, name);

	assert_null(strchr(message.body, '\xc3'));
	assert_non_null(strstr(message.body, "00. Your account"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_every_template_fills, setup, teardown),
		cmocka_unit_test_setup_teardown(test_missing_and_unknown_data, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_is_filled_in, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reasons, setup, teardown),
		cmocka_unit_test_setup_teardown(test_long_values_are_cut_between_characters, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
