/* Addresses, ids and retries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

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

static void test_message_ids(void **state)
{
	struct id event = id_new(), other = id_new(), user = id_new();
	struct id id = message_id_of(&event, &user, "welcome"), parsed, another;
	struct arena *arena = arena_new();

	another = message_id_of(&event, &user, "welcome");
	assert_true(id_equal(&id, &another));
	another = message_id_of(&other, &user, "welcome");
	assert_false(id_equal(&id, &another));
	another = message_id_of(&event, &other, "welcome");
	assert_false(id_equal(&id, &another));
	another = message_id_of(&event, &user, "refund");
	assert_false(id_equal(&id, &another));
	assert_int_equal(id_time_ms(&id), id_time_ms(&event));
	assert_true(id_parse(id_text(arena, &id), &parsed));
	assert_int_equal(id_text(arena, &id)[14], '7');
	assert_non_null(strchr("89ab", id_text(arena, &id)[19]));
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
		cmocka_unit_test(test_message_ids),
		cmocka_unit_test(test_retries_wait_longer_each_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
