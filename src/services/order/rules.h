/* What the Order service decides: pure functions of what they are given. */
#ifndef SERVICES_ORDER_RULES_H
#define SERVICES_ORDER_RULES_H

#include "services/order/order.h"

/* --- words ---------------------------------------------------------------------------------- */

extern const char *const order_status_words[]; /* by enum order_status; ends with NULL */

const char *order_status_text(enum order_status status);

/* The number of "SO-000042", in any case and with or without "SO-" and zeros; false where it is none. */
bool order_number_parse(const char *text, int64_t *ret_number);
const char *payment_status_text(enum payment_status status);
const char *mover_text(enum mover mover);

/* Words that we stored ourselves: asserts that they are known. */
enum order_status order_status_from(const char *text);
enum payment_status payment_status_from(const char *text);
enum mover mover_from(const char *text);

/* Why the saga cancels, and what a cancellation by hand says where no reason was given. */
#define REASON_OUT_OF_STOCK "out-of-stock"
#define REASON_DECLINED "payment-declined"
#define REASON_EXPIRED "expired"
#define REASON_WRONG_SUM "wrong-sum" /* another one was charged than it comes to */
#define REASON_REFUNDED "refunded"   /* all of it, before it had its stock */

/* "SO-000123" */
void order_number_format(int64_t number, char text[static ORDER_NUMBER_SIZE]);

/* --- the status machine --------------------------------------------------------------------- */

/* As whom one of `movers` may move an order so: one bit, or MOVER_NOBODY. */
enum mover order_mover(enum order_status from, enum order_status to, unsigned movers);

/* Whether `to` is a status that people set, but never one of `movers`. */
bool order_is_others_move(enum order_status to, unsigned movers);

/* Gives the order its new status, and what goes with it: what is due, and its payment. */
void order_apply(struct order *order, enum order_status to, int64_t now_ms);

/* Whether the one who placed it need not wait any longer. */
bool order_is_settled(enum order_status status);

/* Whether it was charged, and not all of that was given back. */
bool order_is_paid_for(const struct order *order);

/* Whether there is money to be given back: of an order that will not be. */
bool order_owes_refund(const struct order *order);

/* What is still to be paid for it: all of it, or nothing. */
struct money order_owed(const struct order *order);

/* Whether it may be sent: not where all that was paid for it was given back. */
bool order_may_ship(const struct order *order);

/* How many of the order's lines are the vendor's. */
size_t order_lines_of(const struct order *order, const struct id *vendor);

/* --- prices ----------------------------------------------------------------------------------- */

enum line_verdict {
	LINE_FINE,
	LINE_NOT_FOR_SALE,
	LINE_OTHER_CURRENCY,
	LINE_TOO_DEAR, /* its total is more than money can say */
};

/* The line of so many of what was quoted; `currency` is the order's, or NULL for the first line.
 * The line is written only where the verdict is fine. */
enum line_verdict order_line_from(const struct quote *quote, const struct order_item *item,
				  const char *currency, struct order_line *ret_line) MUST_CHECK;

/* The sum of the lines, at least one; false where it is more than money can say. */
bool order_lines_total(const struct order_line *lines, size_t count, struct money *ret_total)
	MUST_CHECK;

/* --- carts ------------------------------------------------------------------------------------ */

enum cart_verdict { CART_FINE, CART_LINE_FULL, CART_FULL };

/* The cart's line of that product, or NULL. */
struct cart_line *cart_find(const struct cart *cart, const struct id *product);

/* What has changed of a line's product since it was put in: bits. */
enum cart_change {
	CART_PRICE = 1,
	CART_CURRENCY = 2,
	CART_AVAILABILITY = 4, /* there was enough and is not any more, or the other way round */
	CART_GONE = 8,	       /* it is not for sale (any more) */
};
unsigned cart_line_changes(const struct cart_line *line, const struct quote *quote);
const char *cart_change_text(enum cart_change change);

/* Whether so many more of the product fit in. */
enum cart_verdict cart_room_for(const struct cart *cart, const struct order_item *item);

/* --- what people write ------------------------------------------------------------------------ */

/* Of ISO 3166-1 alpha-2, in capitals. */
bool country_known(const char *code);

/* Whether mail to it bears a postal code; false of a country that is not known. */
bool country_has_postal_codes(const char *code);

/* Digits, and what stands between and before them. Some cards' numbers could be telephone numbers
 * too; those that are longer than any that begin so are refused. */
bool is_phone(const char *text);

/* Whether there is more in it than spaces, and no card's number. */
#define ADDRESS_TEXT_EXPECTED "must not be blank, nor hold the number of a card"
bool is_address_text(const char *text);

/* --- patience --------------------------------------------------------------------------------- */

#define RETRY_FIRST_MS 100
#define RETRY_MOST_MS 10000

/* How long to wait behind the attempt of that number (from 1): it doubles up to RETRY_MOST_MS, and
 * `chance` (0..999) takes up to half of it away, so that many do not come back as one. */
int64_t order_retry_ms(int64_t attempts, uint32_t chance);

#endif
