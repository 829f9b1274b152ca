/* What looks like a card's number, and what does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "base/card.h"

static void a_number_is_found_however_it_is_written(void **state)
{
	static const char *const cards[] = {
		"4242424242424242",
		"4242-4242-4242-4242",
		"4111_1111_1111_1111",
		"4111 1111 1111 1111",
		"4111.1111.1111.1111",
		"4111/1111/1111/1111",
		"4111,1111:1111;1111",
		"41-11-11-11-11-11-11-11",
		"4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
		"4111 - 1111 -- 1111 *** 1111",
		"4111x1111x1111x1111",
		"4111\t1111\n1111\r\n1111",
		"4111\u00a01111\u20091111\u20111111", /* no-break and thin space, no-break hyphen */
		"4111\u200b1111\ufeff1111\u03011111", /* zero width space, byte order mark, an accent */
		"\xef\xbc\x94\xef\xbc\x91\xef\xbc\x91\xef\xbc\x91 1111 1111 1111", /* of full width */
		"\u0664\u0661\u0661\u0661 \u0661\u0661\u0661\u0661 1111 1111",	   /* Arabic */
		"\u2463111 1111 1111 1111",	/* 4 in a circle */
		"\u2074111 1111 1111 1111",	/* 4 as a superscript */
		"\U0001d7d2111 1111 1111 1111", /* mathematical 4 */
		"378282246310005",		/* American Express */
		"5555.5555.5555.4444",		/* Mastercard */
		"2223003122003222",		/* Mastercard */
		"6304000000000000",		/* Maestro */
		"4222222222222",		/* Visa of 13 */
		"6011000000000000001",		/* Discover of 19 */
		"3566002020360505",		/* JCB */
		"30569309025904",		/* Diners Club */
		"tok_4111111111111111",		/* behind something */
		"visa4111111111111111",
		"4111111111111111x",
		"card=4111111111111111&cvc=123",
		"4111-1111-1111-1111-12-28-123", /* its date and code behind it */
		"4111111111111111 12/28 123",
		"7 4111 1111 1111 1111",
		"My card is 4111 1111 1111 1111, thanks",
		"\u5361\u53f74111111111111111",
		"01234567-89ab-4cde-8f01-23456789abcd 4111111111111111",
		"4111%201111%201111%201111", /* of an address's query, of pages, of programs */
		"4111&nbsp;1111&nbsp;1111&nbsp;1111",
		"card&#160;4111&#160;1111&#160;1111&#160;1111",
		"4111\\u00a01111\\u00a01111\\u00a01111",
		"4111<br/>1111<br/>1111<br/>1111",
		"4111xx1111xx1111xx1111",
		"3782and822463and10005",
		"3056%2D930902%2D5904",
		"6011no0000no0000no0000no001",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cards); i++) {
		if (!card_number_in(cards[i]) || is_payment_token(cards[i]))
			fail_msg("%s", cards[i]);
	}
}

static void what_is_none_is_let_through(void **state)
{
	static const char *const texts[] = {
		"",
		"A scratch on the lid",
		"4111111111111112", /* its check digit */
		"411111111111",
		"1111111111111117", /* no issuer's */
		"2026-11-28 10:00:00.123 +01:00",
		"1764322345123",
		"4111 on monday, 1111 on tuesday, 1111 on friday, 1111 more",
		"66666666666666666666",
		"41111111-1111-4111-a123-111111111111",
		"+49 1512 3456789",
		"SO-004111, SO-001111",
		"4111xx1111yy1111xx1111",
		"4111a1111b1111c1111", /* as in a random token */
		"4111xx1111xx1111xx1112",
		"4111xx1111xx1111xx111",
		"4111%201111%201111%20",
		"4a1b1c1d1e1f1g1h1i1j1k1l1m1n1o1",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
		if (card_number_in(texts[i]))
			fail_msg("%s", texts[i]);
		assert_true(no_card_number_in(texts[i]));
	}
}

static void tokens_are_of_visible_ascii(void **state)
{
	static const char *const good[] = {
		"tok_visa",
		"pm_1MqLiJLkdIwHu7ixUEgbFdYX",
		"x",
		"!",
		"~",
		"12345678901",
		"0f5d3b62-94e1-4c31-9c8a-5d1b7f0a1c2e",
		"tok_1234567890123456",
		"8ac7a4a28a1b2c3d018a1b2c3d4e5f60",
	};
	static const char *const bad[] = {
		"",
		"tok visa",
		"tok\tvisa",
		"tok_\n",
		"tok_\xc3\xa4",
		"tok_\x7f",
		"123456789012",
		"1234-5678-9012-3456",
		"4242424242424241",
		"42424242424242425",
		"00004111111111111111",	   /* filled up */
		"41111111111111111229123", /* its date and code behind it */
		"66666666666666666666",
	};
	char text[PAYMENT_TOKEN_MAX + 2];

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(good); i++) {
		if (!is_payment_token(good[i]))
			fail_msg("%s", good[i]);
	}
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
		if (is_payment_token(bad[i]))
			fail_msg("%s", bad[i]);
	}
	memset(text, 'a', sizeof(text));
	text[PAYMENT_TOKEN_MAX] = '\0';
	assert_true(is_payment_token(text));
	text[PAYMENT_TOKEN_MAX] = 'a';
	text[PAYMENT_TOKEN_MAX + 1] = '\0';
	assert_false(is_payment_token(text));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_number_is_found_however_it_is_written),
		cmocka_unit_test(what_is_none_is_let_through),
		cmocka_unit_test(tokens_are_of_visible_ascii),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
