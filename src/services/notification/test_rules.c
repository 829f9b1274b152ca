/* Addresses, recipients and retries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "services/notification/rules.h"

static void test_addresses(void **state)
{
	static const struct {
		const char *address;
		enum channel channel;
		bool good;
	} rows[] = {
		{"leyla@buyers.example", CHANNEL_EMAIL, true},
		{"leyla", CHANNEL_EMAIL, false},
		{"leyla@a.example\r\nBcc: b@b.example", CHANNEL_EMAIL, false},
		{"+4915112345678", CHANNEL_EMAIL, false},
		{"+4915112345678", CHANNEL_SMS, true},
		{"015112345678", CHANNEL_SMS, false},
		{"token:abc-123", CHANNEL_PUSH, true},
		{"to ken", CHANNEL_PUSH, false},
		{"caf\xc3\xa9", CHANNEL_PUSH, false},
	};

	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		if (address_is_good(rows[i].channel, rows[i].address) != rows[i].good)
			fail_msg("%s", rows[i].address);
	}
}

static void test_dead_addresses(void **state)
{
	assert_true(address_is_dead("acme@vendors.invalid"));
	assert_true(address_is_dead("acme@VENDORS.INVALID"));
	assert_false(address_is_dead("acme@invalid.example"));
	assert_false(address_is_dead("token.invalid"));
	assert_false(address_is_dead(".invalid"));
}

static void test_recipient_keys(void **state)
{
	struct arena *arena = arena_new();
	struct message to_user = {.user = id_new(), .to = "A@b.example"};
	struct message to_address = {.to = "A@b.example"};

	assert_string_equal(recipient_key(arena, &to_address), "a@b.example");
	assert_string_equal(recipient_key(arena, &to_user),
			    arena_printf(arena, "user:%s", id_text(arena, &to_user.user)));
	arena_free(arena);
}

static void test_retries_wait_longer_each_time(void **state)
{
	const uint32_t last = RETRY_CHANCES - 1;

	assert_int_equal(message_retry_delay_ms(1, last), 1000);
	assert_int_equal(message_retry_delay_ms(2, last), 4000);
	assert_int_equal(message_retry_delay_ms(5, last), 256000);
	assert_int_equal(message_retry_delay_ms(7, last), RETRY_MOST_MS);
	assert_int_equal(message_retry_delay_ms(100, last), RETRY_MOST_MS);
	for (int64_t attempts = 1; attempts < 10; attempts++) {
		assert_int_equal(message_retry_delay_ms(attempts, 0),
				 message_retry_delay_ms(attempts, last) / 2);
		assert_true(message_retry_delay_ms(attempts, 512) >
			    message_retry_delay_ms(attempts, 0));
		assert_true(message_retry_delay_ms(attempts, 512) <
			    message_retry_delay_ms(attempts, last));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_dead_addresses),
		cmocka_unit_test(test_recipient_keys),
		cmocka_unit_test(test_retries_wait_longer_each_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
