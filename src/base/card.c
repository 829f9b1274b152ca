/*
 * The text is read once, and what is kept of it are the last digits that may belong together: a
 * chain of groups. Wherever a group ends, every run of whole groups that ends there is looked at,
 * so that a number is found with its security code behind it too. Ten digits behind each other make
 * a number of a card by chance; that is why its beginning and its length count.
 *
 * Where the same thing stands between groups that are as long as they are printed on cards, it may
 * be anything: digits and letters too, such as "%20" or "&nbsp;".
 */
#include "base/card.h"

#include <ctype.h>
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/utf8.h>

#define DIGITS_MIN 12
#define DIGITS_MAX 19
#define GROUP_BY_LETTER_MIN 3 /* digits of groups that one letter may separate */
#define UUID_LENGTH 36
#define BETWEEN_MAX 12 /* bytes of what stands between printed groups */
#define PRINTED_GROUPS_MAX 5

/* Issuers: the first four digits, from and to, and how many digits there are in all. */
static const struct {
	int from, to;
	size_t least, most;
} issuers[] = {
	{2200, 2204, 16, 19}, /* Mir */
	{2221, 2720, 16, 16}, /* Mastercard */
	{3000, 3059, 14, 19}, /* Diners Club */
	{3400, 3499, 15, 15}, /* American Express */
	{3528, 3589, 16, 19}, /* JCB */
	{3600, 3699, 14, 19}, /* Diners Club */
	{3700, 3799, 15, 15}, /* American Express */
	{3800, 3999, 14, 19}, /* Diners Club */
	{4000, 4999, 13, 13}, /* Visa */
	{4000, 4999, 16, 16}, /* Visa */
	{4000, 4999, 19, 19}, /* Visa */
	{5000, 5099, 12, 19}, /* Maestro and others */
	{5100, 5599, 16, 16}, /* Mastercard */
	{5600, 6999, 12, 19}, /* Maestro, Discover, UnionPay, RuPay */
	{8100, 8299, 16, 19}, /* UnionPay, RuPay */
	{9792, 9792, 16, 16}, /* Troy */
};

/* How numbers are printed on cards: digits of each group. */
static const uint8_t printed[][PRINTED_GROUPS_MAX + 1] = {
	{4, 4, 4, 4},
	{4, 6, 5},
	{4, 6, 4},
	{4, 4, 4, 4, 3},
};

struct chain {
	uint8_t digits[DIGITS_MAX]; /* the latest */
	bool begins[DIGITS_MAX];    /* a group begins with this one */
	size_t count;
	size_t group;	/* digits of the group that is being read; 0: none is */
	size_t behind;	/* of the group before */
	size_t letters; /* since a digit was read */
	UChar32 letter; /* the last of them */
	UChar32 joint;	/* the letter that groups of the chain are joined by; 0: none are */
	bool separated; /* since a digit was read */
	bool by_letter; /* the group joined the chain behind a letter */
};

/* --- numbers ---------------------------------------------------------------------------------- */

static bool is_issued(const uint8_t *digits, size_t count)
{
	int first = digits[0] * 1000 + digits[1] * 100 + digits[2] * 10 + digits[3];

	for (size_t i = 0; i < ARRAY_LENGTH(issuers); i++) {
		if (first >= issuers[i].from && first <= issuers[i].to &&
		    count >= issuers[i].least && count <= issuers[i].most)
			return true;
	}
	return false;
}

/* ISO/IEC 7812-1, annex B: from the right, every second digit counts double, and as the sum of
 * its own digits. */
static bool has_check_digit(const uint8_t *digits, size_t count)
{
	int sum = 0;

	for (size_t i = 0; i < count; i++) {
		int digit = digits[count - 1 - i];

		if (i % 2 == 1)
			digit = digit > 4 ? 2 * digit - 9 : 2 * digit;
		sum += digit;
	}
	return sum % 10 == 0;
}

static bool is_card_number(const uint8_t *digits, size_t count)
{
	return count >= DIGITS_MIN && is_issued(digits, count) && has_check_digit(digits, count);
}

/* --- the chain -------------------------------------------------------------------------------- */

static void chain_drop(struct chain *chain, size_t count)
{
	chain->count -= count;
	memmove(chain->digits, chain->digits + count, chain->count * sizeof(*chain->digits));
	memmove(chain->begins, chain->begins + count, chain->count * sizeof(*chain->begins));
}

/* A digit begins a group: does it belong to those before? */
static void chain_begin_group(struct chain *chain)
{
	chain->by_letter = chain->letters == 1 && !chain->separated &&
			   chain->behind >= GROUP_BY_LETTER_MIN &&
			   (!chain->joint || chain->joint == chain->letter);
	if (chain->letters > 0 && !chain->by_letter)
		chain->count = 0;
	if (chain->letters > 0)
		chain->joint = chain->by_letter ? chain->letter : 0;
}

static void chain_add(struct chain *chain, int digit)
{
	if (chain->group == 0)
		chain_begin_group(chain);
	if (chain->count == DIGITS_MAX)
		chain_drop(chain, 1);
	chain->begins[chain->count] = chain->group == 0;
	chain->digits[chain->count++] = (uint8_t)digit;
	chain->group++;
	chain->letters = 0;
	chain->separated = false;
}

/* Behind the last digit of a group, if one is being read: whether a card's number ends there. */
static bool chain_end_group(struct chain *chain)
{
	if (chain->group == 0)
		return false;
	if (chain->by_letter && chain->group < GROUP_BY_LETTER_MIN)
		chain_drop(chain, chain->count - chain->group);
	chain->behind = chain->group;
	chain->group = 0;
	for (size_t i = 0; i < chain->count; i++) {
		if (chain->begins[i] && is_card_number(chain->digits + i, chain->count - i))
			return true;
	}
	return false;
}

/* --- printed groups --------------------------------------------------------------------------- */

/* Takes `count` digits of ASCII on; false where there are fewer. */
static bool take_digits(const char *text, size_t count, uint8_t *digits, size_t *total)
{
	for (size_t i = 0; i < count; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		digits[(*total)++] = (uint8_t)(text[i] - '0');
	}
	return true;
}

/* Whether the text begins with a card's number in these groups, with `between` bytes, always the
 * same ones, between them. */
static bool is_printed(const char *text, const uint8_t *groups, size_t between)
{
	const char *separator = text + groups[0];
	uint8_t digits[DIGITS_MAX];
	size_t count = 0;

	for (size_t i = 0; groups[i]; i++) {
		if (i > 0) {
			if (strncmp(text, separator, between) != 0)
				return false;
			text += between;
		}
		if (!take_digits(text, groups[i], digits, &count))
			return false;
		text += groups[i];
	}
	return is_card_number(digits, count);
}

/* Whether one stands there, with anything between its groups. */
static bool has_printed(const char *text)
{
	uint8_t digits[DIGITS_MAX];
	size_t count = 0;

	if (!take_digits(text, printed[0][0], digits, &count))
		return false;
	for (size_t between = 1; between <= BETWEEN_MAX && text[count + between - 1]; between++) {
		for (size_t i = 0; i < ARRAY_LENGTH(printed); i++) {
			if (is_printed(text, printed[i], between))
				return true;
		}
	}
	return false;
}

/* --- text ------------------------------------------------------------------------------------- */

/* 0 to 9 of any script, as a superscript or in a circle too; else -1. */
static int digit_of(UChar32 c)
{
	double number;

	if (c < 0x80)
		return c >= '0' && c <= '9' ? c - '0' : -1;
	if (u_charDigitValue(c) >= 0)
		return u_charDigitValue(c);
	number = u_charType(c) == U_OTHER_NUMBER ? u_getNumericValue(c) : -1;
	return number >= 0 && number <= 9 && number == (int)number ? (int)number : -1;
}

static bool is_letter(UChar32 c)
{
	return c < 0x80 ? c >= 0 && isalpha(c) : u_isalpha(c);
}

/* A UUID with a letter in it is no card's number, whatever its digits are. */
static bool is_uuid(const char *text)
{
	bool has_letter = false;

	for (size_t i = 0; i < UUID_LENGTH; i++) {
		bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (is_dash ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
			return false;
		has_letter |= isalpha((unsigned char)text[i]) != 0;
	}
	return has_letter && !isalnum((unsigned char)text[UUID_LENGTH]);
}

bool card_number_in(const char *text)
{
	struct chain chain = {0};
	int32_t length = (int32_t)strlen(text);
	int32_t at = 0;
	bool in_word = false;

	while (at < length) {
		int digit;
		UChar32 c;

		if (!in_word && is_uuid(text + at)) {
			at += UUID_LENGTH;
			chain.count = 0;
			continue;
		}
		if (has_printed(text + at))
			return true;
		U8_NEXT(text, at, length, c);
		digit = digit_of(c);
		in_word = digit >= 0 || is_letter(c);
		if (digit >= 0) {
			chain_add(&chain, digit);
			continue;
		}
		if (chain_end_group(&chain))
			return true;
		if (in_word) {
			chain.letters++;
			chain.letter = c;
		}
		chain.separated |= !in_word;
	}
	return chain_end_group(&chain);
}

bool no_card_number_in(const char *text)
{
	return !card_number_in(text);
}

/* --- tokens ----------------------------------------------------------------------------------- */

bool is_payment_token(const char *text)
{
	size_t length = strlen(text);
	size_t digits = 0, letters = 0;

	if (length < 1 || length > PAYMENT_TOKEN_MAX)
		return false;
	for (size_t i = 0; i < length; i++) {
		if (text[i] <= ' ' || text[i] >= 0x7f)
			return false;
		digits += isdigit((unsigned char)text[i]) != 0;
		letters += isalpha((unsigned char)text[i]) != 0;
	}
	if (letters == 0 && digits >= DIGITS_MIN)
		return false;
	return !card_number_in(text);
}
