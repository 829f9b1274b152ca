/*
 * Numbers of payment cards (ISO/IEC 7812-1), which nothing here may store: the one rule of what
 * looks like one, for every field of every service that it could be typed into, and of what a
 * payment provider's token is, which stands for a card.
 */
#ifndef BASE_CARD_H
#define BASE_CARD_H

#include "base/base.h"

/* Whether something in the text could be a card's number: 12 to 19 digits, of whatever script, that
 * begin as an issuer's do, are as many as that issuer's have, and end with the right check digit;
 * with anything between them that is neither letter nor digit, or the same letter between groups
 * ("4111x1111x1111x1111"), or always the same thing between the groups that are printed on cards
 * ("4111%201111%201111%201111"), and anything around them. Text is well-formed UTF-8. */
bool card_number_in(const char *text);

/* The opposite, as a field's check. */
#define NO_CARD_NUMBER_EXPECTED "must not hold the number of a card"
bool no_card_number_in(const char *text);

/* What a provider gave out for a card: 1 to PAYMENT_TOKEN_MAX visible characters of ASCII with no
 * card's number in them, nor 12 digits or more without any letter, whatever their check digit is. */
#define PAYMENT_TOKEN_MAX 200
#define PAYMENT_TOKEN_EXPECTED \
	"must be a payment provider's token of visible characters, never a card number"
bool is_payment_token(const char *text);

#endif
