/* Money: currencies, bounds, and decimals in both directions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/money.h"

static void test_currencies(void **state)
{
	static const char *const unknown[] = {"",    "EU",  "EURO", "eur", "Eur", "XTS",
					      "XAU", "HRK", "ZZZ",  "AAA", "123", " EUR"};

	(void)state;
	/* The first, the last, and one of every kind. */
	assert_int_equal(currency_digits("AED"), 2);
	assert_int_equal(currency_digits("ZWG"), 2);
	assert_int_equal(currency_digits("EUR"), 2);
	assert_int_equal(currency_digits("JPY"), 0);
	assert_int_equal(currency_digits("KWD"), 3);
	assert_int_equal(currency_digits("CLF"), 4);
	for (size_t i = 0; i < ARRAY_LENGTH(unknown); i++) {
		assert_false(currency_known(unknown[i]));
		assert_int_equal(currency_digits(unknown[i]), -1);
	}
}

/* Those with other than two digits, and how many are known: a table out of order loses some. */
static void test_all_currencies(void **state)
{
	static const char none[] =
		"BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF";
	static const char three[] = "BHD IQD JOD KWD LYD OMR TND";
	int known = 0;
	char code[4] = "";

	(void)state;
	for (int i = 0; i < 26 * 26 * 26; i++) {
		int digits;

		code[0] = (char)('A' + i / 676);
		code[1] = (char)('A' + i / 26 % 26);
		code[2] = (char)('A' + i % 26);
		digits = currency_digits(code);
		known += digits >= 0;
		assert_int_equal(digits == 0, strstr(none, code) != NULL);
		assert_int_equal(digits == 3, strstr(three, code) != NULL);
	}
	assert_int_equal(known, 164);
}

static void test_sums(void **state)
{
	struct money euro = {100, "EUR"}, more = {-250, "EUR"}, yen = {5, "JPY"};
	struct money most = {MONEY_MAX, "EUR"}, one = {1, "EUR"}, least = {-MONEY_MAX, "EUR"};
	struct money minus_one = {-1, "EUR"}, wild = {INT64_MAX, "EUR"}, sum = {7, "USD"};

	(void)state;
	assert_false(money_add(euro, yen, &sum));
	assert_false(money_add(most, one, &sum));
	assert_false(money_add(least, minus_one, &sum));
	assert_false(money_add(wild, wild, &sum));
	assert_int_equal(sum.amount, 7);
	assert_string_equal(sum.currency, "USD");
	assert_true(money_add(euro, more, &sum));
	assert_int_equal(sum.amount, -150);
	assert_string_equal(sum.currency, "EUR");
	assert_true(money_add(most, minus_one, &sum));
	assert_true(money_add(sum, one, &sum));
	assert_true(sum.amount == MONEY_MAX);
}

static void test_products(void **state)
{
	struct money price = {1999, "EUR"}, product = {7, "USD"};

	(void)state;
	assert_false(money_multiply(price, MONEY_MAX, &product));
	assert_false(money_multiply(price, INT64_MAX, &product));
	assert_false(money_multiply(price, INT64_MIN, &product));
	assert_int_equal(product.amount, 7);
	assert_true(money_multiply(price, 3, &product));
	assert_int_equal(product.amount, 5997);
	assert_string_equal(product.currency, "EUR");
	assert_true(money_multiply(price, -1, &product));
	assert_int_equal(product.amount, -1999);
	assert_true(money_multiply(price, 0, &product));
	assert_int_equal(product.amount, 0);
}

static void test_decimals(void **state)
{
	static const struct {
		const char *text, *currency;
		int64_t amount; /* -1: is not taken */
		const char *written;
	} rows[] = {
		{"19.90", "EUR", 1990, "19.90 EUR"},
		{"19", "EUR", 1900, "19.00 EUR"},
		{"1299.5", "EUR", 129950, "1299.50 EUR"},
		{"0.05", "EUR", 5, "0.05 EUR"},
		{"0", "EUR", 0, "0.00 EUR"},
		{"007.10", "EUR", 710, "7.10 EUR"},
		{"19.9000", "EUR", 1990, "19.90 EUR"},
		{"1299", "JPY", 1299, "1299 JPY"},
		{"1299.00", "JPY", 1299, "1299 JPY"},
		{"1.234", "KWD", 1234, "1.234 KWD"},
		{"0.0001", "CLF", 1, "0.0001 CLF"},
		{"10000000000.00", "EUR", MONEY_MAX, "10000000000.00 EUR"},
		{"1000000000000", "JPY", MONEY_MAX, "1000000000000 JPY"},
		{"10000000000.01", "EUR", -1, NULL},
		{"1000000000001", "JPY", -1, NULL},
		{"99999999999999999999999999", "EUR", -1, NULL},
		{"19.901", "EUR", -1, NULL},
		{"1.5", "JPY", -1, NULL},
		{"", "EUR", -1, NULL},
		{".", "EUR", -1, NULL},
		{".5", "EUR", -1, NULL},
		{"5.", "EUR", -1, NULL},
		{"-5", "EUR", -1, NULL},
		{"+5", "EUR", -1, NULL},
		{" 5", "EUR", -1, NULL},
		{"5 ", "EUR", -1, NULL},
		{"1,000", "EUR", -1, NULL},
		{"1.2.3", "EUR", -1, NULL},
		{"1e3", "EUR", -1, NULL},
		{"5", "ZZZ", -1, NULL},
	};
	char text[40];

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		struct money money = {42, "USD"};
		bool taken = money_parse_decimal(rows[i].text, rows[i].currency, &money);

		if (taken != (rows[i].amount >= 0))
			fail_msg("\"%s\" %s", rows[i].text, rows[i].currency);
		if (!taken) {
			assert_int_equal(money.amount, 42);
			continue;
		}
		assert_true(money.amount == rows[i].amount);
		assert_string_equal(money.currency, rows[i].currency);
		money_format(&money, text, sizeof(text));
		assert_string_equal(text, rows[i].written);
	}
}

static void test_writing_what_is_negative(void **state)
{
	struct money money = {-5, "EUR"};
	char text[40];

	(void)state;
	money_format(&money, text, sizeof(text));
	assert_string_equal(text, "-0.05 EUR");
	money.amount = INT64_MIN;
	money_format(&money, text, sizeof(text));
	assert_string_equal(text, "-92233720368547758.08 EUR");
	money = (struct money){-1299, "JPY"};
	money_format(&money, text, sizeof(text));
	assert_string_equal(text, "-1299 JPY");
	money_format(&money, text, 4);
	assert_string_equal(text, "-12");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_currencies), cmocka_unit_test(test_all_currencies),
		cmocka_unit_test(test_sums),	   cmocka_unit_test(test_products),
		cmocka_unit_test(test_decimals),   cmocka_unit_test(test_writing_what_is_negative),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
