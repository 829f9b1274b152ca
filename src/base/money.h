/* Money: integer minor units and an ISO 4217 currency; never floating point. */
#ifndef BASE_MONEY_H
#define BASE_MONEY_H

#include "base/arena.h"

/* Amounts lie within +-MONEY_MAX, so that a sum of a thousand of them cannot overflow. */
#define MONEY_MAX INT64_C(1000000000000)

struct money {
	int64_t amount; /* minor units: cents for EUR, yen for JPY */
	char currency[4];
};

/* Whether `code` is a current ISO 4217 currency, three upper-case letters. */
bool currency_known(const char *code);

/* How many decimal digits the minor unit has: 2 for EUR, 0 for JPY, 3 for KWD; -1 if unknown. */
int currency_digits(const char *code);

bool money_same_currency(const struct money *a, const struct money *b);

/* Both return false, and leave the output alone, where currencies differ or MONEY_MAX is passed. */
bool money_add(struct money a, struct money b, struct money *ret_sum) MUST_CHECK;
bool money_multiply(struct money a, int64_t factor, struct money *ret_product) MUST_CHECK;

/* Reads a decimal such as "19.90", "19" or "1299.5" (a point, no sign, no grouping; no more
 * digits than the currency has, but for zeros). */
bool money_parse_decimal(const char *text, const char *currency, struct money *ret_money)
	MUST_CHECK;

/* Writes "19.90 EUR"; MONEY_TEXT_SIZE holds any. */
#define MONEY_TEXT_SIZE 40
void money_format(const struct money *money, char *text, size_t size);

/* The same in the arena: for a sentence. */
char *money_text(struct arena *arena, const struct money *money);

#endif
