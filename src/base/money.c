/* Money: the currencies of ISO 4217's list one that have a minor unit, and checked arithmetic. */
#include "base/money.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct currency {
	char code[4];
	int digits;
};

/* Sorted by code. Metals, bond units and codes for testing have no minor unit and no price. */
static const struct currency currencies[] = {
	{"AED", 2}, {"AFN", 2}, {"ALL", 2}, {"AMD", 2}, {"AOA", 2}, {"ARS", 2}, {"AUD", 2},
	{"AWG", 2}, {"AZN", 2}, {"BAM", 2}, {"BBD", 2}, {"BDT", 2}, {"BHD", 3}, {"BIF", 0},
	{"BMD", 2}, {"BND", 2}, {"BOB", 2}, {"BOV", 2}, {"BRL", 2}, {"BSD", 2}, {"BTN", 2},
	{"BWP", 2}, {"BYN", 2}, {"BZD", 2}, {"CAD", 2}, {"CDF", 2}, {"CHE", 2}, {"CHF", 2},
	{"CHW", 2}, {"CLF", 4}, {"CLP", 0}, {"CNY", 2}, {"COP", 2}, {"COU", 2}, {"CRC", 2},
	{"CUP", 2}, {"CVE", 2}, {"CZK", 2}, {"DJF", 0}, {"DKK", 2}, {"DOP", 2}, {"DZD", 2},
	{"EGP", 2}, {"ERN", 2}, {"ETB", 2}, {"EUR", 2}, {"FJD", 2}, {"FKP", 2}, {"GBP", 2},
	{"GEL", 2}, {"GHS", 2}, {"GIP", 2}, {"GMD", 2}, {"GNF", 0}, {"GTQ", 2}, {"GYD", 2},
	{"HKD", 2}, {"HNL", 2}, {"HTG", 2}, {"HUF", 2}, {"IDR", 2}, {"ILS", 2}, {"INR", 2},
	{"IQD", 3}, {"IRR", 2}, {"ISK", 0}, {"JMD", 2}, {"JOD", 3}, {"JPY", 0}, {"KES", 2},
	{"KGS", 2}, {"KHR", 2}, {"KMF", 0}, {"KPW", 2}, {"KRW", 0}, {"KWD", 3}, {"KYD", 2},
	{"KZT", 2}, {"LAK", 2}, {"LBP", 2}, {"LKR", 2}, {"LRD", 2}, {"LSL", 2}, {"LYD", 3},
	{"MAD", 2}, {"MDL", 2}, {"MGA", 2}, {"MKD", 2}, {"MMK", 2}, {"MNT", 2}, {"MOP", 2},
	{"MRU", 2}, {"MUR", 2}, {"MVR", 2}, {"MWK", 2}, {"MXN", 2}, {"MXV", 2}, {"MYR", 2},
	{"MZN", 2}, {"NAD", 2}, {"NGN", 2}, {"NIO", 2}, {"NOK", 2}, {"NPR", 2}, {"NZD", 2},
	{"OMR", 3}, {"PAB", 2}, {"PEN", 2}, {"PGK", 2}, {"PHP", 2}, {"PKR", 2}, {"PLN", 2},
	{"PYG", 0}, {"QAR", 2}, {"RON", 2}, {"RSD", 2}, {"RUB", 2}, {"RWF", 0}, {"SAR", 2},
	{"SBD", 2}, {"SCR", 2}, {"SDG", 2}, {"SEK", 2}, {"SGD", 2}, {"SHP", 2}, {"SLE", 2},
	{"SOS", 2}, {"SRD", 2}, {"SSP", 2}, {"STN", 2}, {"SVC", 2}, {"SYP", 2}, {"SZL", 2},
	{"THB", 2}, {"TJS", 2}, {"TMT", 2}, {"TND", 3}, {"TOP", 2}, {"TRY", 2}, {"TTD", 2},
	{"TWD", 2}, {"TZS", 2}, {"UAH", 2}, {"UGX", 0}, {"USD", 2}, {"USN", 2}, {"UYI", 0},
	{"UYU", 2}, {"UYW", 4}, {"UZS", 2}, {"VED", 2}, {"VES", 2}, {"VND", 0}, {"VUV", 0},
	{"WST", 2}, {"XAF", 0}, {"XCD", 2}, {"XCG", 2}, {"XOF", 0}, {"XPF", 0}, {"YER", 2},
	{"ZAR", 2}, {"ZMW", 2}, {"ZWG", 2},
};

static int compare_code(const void *code, const void *currency)
{
	return strcmp(code, ((const struct currency *)currency)->code);
}

int currency_digits(const char *code)
{
	const struct currency *found = bsearch(code, currencies, ARRAY_LENGTH(currencies),
					       sizeof(currencies[0]), compare_code);

	return found ? found->digits : -1;
}

bool currency_known(const char *code)
{
	return currency_digits(code) >= 0;
}

bool money_same_currency(const struct money *a, const struct money *b)
{
	return !strcmp(a->currency, b->currency);
}

static bool within_bounds(int64_t amount)
{
	return amount >= -MONEY_MAX && amount <= MONEY_MAX;
}

bool money_add(struct money a, struct money b, struct money *ret_sum)
{
	if (!money_same_currency(&a, &b) || __builtin_add_overflow(a.amount, b.amount, &a.amount) ||
	    !within_bounds(a.amount))
		return false;
	*ret_sum = a;
	return true;
}

bool money_multiply(struct money a, int64_t factor, struct money *ret_product)
{
	if (__builtin_mul_overflow(a.amount, factor, &a.amount) || !within_bounds(a.amount))
		return false;
	*ret_product = a;
	return true;
}

/* Appends a digit to *amount, unless MONEY_MAX is passed. */
static bool append_digit(int64_t *amount, int digit)
{
	*amount = *amount * 10 + digit;
	return *amount <= MONEY_MAX;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool money_parse_decimal(const char *text, const char *currency, struct money *ret_money)
{
	struct money money = {0};
	int digits = currency_digits(currency);

	if (digits < 0 || !is_digit(*text))
		return false;
	for (; is_digit(*text); text++)
		if (!append_digit(&money.amount, *text - '0'))
			return false;
	if (*text == '.') {
		text++;
		if (!is_digit(*text))
			return false;
		for (; is_digit(*text) && digits; text++, digits--)
			if (!append_digit(&money.amount, *text - '0'))
				return false;
		/* What is finer than the minor unit must be nothing. */
		text += strspn(text, "0");
	}
	if (*text)
		return false;
	for (; digits; digits--)
		if (!append_digit(&money.amount, 0))
			return false;
	memcpy(money.currency, currency, sizeof(money.currency));
	*ret_money = money;
	return true;
}

void money_format(const struct money *money, char *text, size_t size)
{
	char number[32], *start = number + sizeof(number) - 1;
	uint64_t amount = (uint64_t)money->amount;
	int digits = MAX(currency_digits(money->currency), 0);

	if (money->amount < 0)
		amount = -amount;
	*start = '\0';
	/* From the last digit to the first, which stands before the point. */
	for (int place = 0; place <= digits || amount; place++) {
		if (place && place == digits)
			*--start = '.';
		*--start = (char)('0' + amount % 10);
		amount /= 10;
	}
	if (money->amount < 0)
		*--start = '-';
	snprintf(text, size, "%s %.3s", start, money->currency);
}

char *money_text(struct arena *arena, const struct money *money)
{
	char text[MONEY_TEXT_SIZE];

	money_format(money, text, sizeof(text));
	return arena_copy_text(arena, text);
}
