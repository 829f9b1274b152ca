/*
 * What the Order service decides.
 *
 *	pending ── reserved ── paid ── shipped ── delivered ── returned
 *	   │          │         │
 *	   └──────────┴─────────┴── cancelled
 *
 * may_move is all there is of it: who may move an order from where to where. Whatever is not in
 * the table is refused.
 */
#include "services/order/rules.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/card.h"
#include "base/text.h"

#define PEOPLE (MOVER_CUSTOMER | MOVER_VENDOR | MOVER_ADMIN)
#define PHONE_DIGITS_MIN 4
#define PHONE_CARD_DIGITS_MAX 13 /* of telephone numbers that begin as a card's do */

static const unsigned may_move[ORDER_STATUS_COUNT][ORDER_STATUS_COUNT] = {
	[ORDER_PENDING] =
		{
			[ORDER_RESERVED] = MOVER_SYSTEM,
			[ORDER_CANCELLED] = MOVER_CUSTOMER | MOVER_ADMIN | MOVER_SYSTEM,
		},
	[ORDER_RESERVED] =
		{
			[ORDER_PAID] = MOVER_SYSTEM,
			[ORDER_CANCELLED] = MOVER_CUSTOMER | MOVER_ADMIN | MOVER_SYSTEM,
		},
	[ORDER_PAID] =
		{
			[ORDER_SHIPPED] = MOVER_VENDOR | MOVER_ADMIN,
			[ORDER_CANCELLED] = MOVER_CUSTOMER | MOVER_ADMIN | MOVER_SYSTEM,
		},
	[ORDER_SHIPPED] =
		{
			[ORDER_DELIVERED] = MOVER_VENDOR | MOVER_ADMIN,
		},
	[ORDER_DELIVERED] =
		{
			[ORDER_RETURNED] = MOVER_VENDOR | MOVER_ADMIN,
		},
};

/* --- words ---------------------------------------------------------------------------------- */

const char *const order_status_words[] = {
	[ORDER_PENDING] = "pending",	 [ORDER_RESERVED] = "reserved",
	[ORDER_PAID] = "paid",		 [ORDER_SHIPPED] = "shipped",
	[ORDER_DELIVERED] = "delivered", [ORDER_RETURNED] = "returned",
	[ORDER_CANCELLED] = "cancelled", [ORDER_STATUS_COUNT] = NULL,
};

static const char *const payment_status_words[] = {
	[PAYMENT_NONE] = "none",
	[PAYMENT_PROCESSING] = "processing",
	[PAYMENT_PAID] = "paid",
	[PAYMENT_FAILED] = "failed",
	[PAYMENT_PARTIALLY_REFUNDED] = "partially_refunded",
	[PAYMENT_REFUNDED] = "refunded",
	[PAYMENT_STATUS_COUNT] = NULL,
};

/* Who is several of them moves as the first that may: an admin cancels the own order as its
 * customer, and ships as an admin what has lines of several vendors. */
static const struct {
	enum mover mover;
	const char *word;
} mover_words[] = {
	{MOVER_CUSTOMER, "customer"},
	{MOVER_ADMIN, "admin"},
	{MOVER_VENDOR, "vendor"},
	{MOVER_SYSTEM, "system"},
};

static int word_index(const char *const *words, const char *text)
{
	for (int i = 0; words[i]; i++) {
		if (strcmp(words[i], text) == 0)
			return i;
	}
	assert(!"a word that was stored is none of ours");
	return 0;
}

const char *order_status_text(enum order_status status)
{
	assert(status < ORDER_STATUS_COUNT);
	return order_status_words[status];
}

const char *payment_status_text(enum payment_status status)
{
	assert(status < PAYMENT_STATUS_COUNT);
	return payment_status_words[status];
}

enum order_status order_status_from(const char *text)
{
	return (enum order_status)word_index(order_status_words, text);
}

enum payment_status payment_status_from(const char *text)
{
	return (enum payment_status)word_index(payment_status_words, text);
}

const char *mover_text(enum mover mover)
{
	for (size_t i = 0; i < ARRAY_LENGTH(mover_words); i++) {
		if (mover_words[i].mover == mover)
			return mover_words[i].word;
	}
	assert(!"not one mover");
	return NULL;
}

enum mover mover_from(const char *text)
{
	for (size_t i = 0; i < ARRAY_LENGTH(mover_words); i++) {
		if (strcmp(mover_words[i].word, text) == 0)
			return mover_words[i].mover;
	}
	assert(!"a word that was stored is none of ours");
	return MOVER_NOBODY;
}

void order_number_format(int64_t number, char text[static ORDER_NUMBER_SIZE])
{
	snprintf(text, ORDER_NUMBER_SIZE, "SO-%06" PRId64, number);
}

bool order_number_parse(const char *text, int64_t *ret_number)
{
	if (strncasecmp(text, "SO-", 3) == 0)
		text += 3;
	return *text >= '0' && *text <= '9' && text_to_int(text, ret_number) && *ret_number > 0;
}

/* --- the status machine --------------------------------------------------------------------- */

enum mover order_mover(enum order_status from, enum order_status to, unsigned movers)
{
	unsigned allowed;

	assert(from < ORDER_STATUS_COUNT && to < ORDER_STATUS_COUNT);
	allowed = may_move[from][to] & movers;
	for (size_t i = 0; i < ARRAY_LENGTH(mover_words); i++) {
		if (allowed & mover_words[i].mover)
			return mover_words[i].mover;
	}
	return MOVER_NOBODY;
}

bool order_is_others_move(enum order_status to, unsigned movers)
{
	unsigned people = 0;

	for (int from = 0; from < ORDER_STATUS_COUNT; from++)
		people |= may_move[from][to] & PEOPLE;
	return people && !(people & movers);
}

void order_apply(struct order *order, enum order_status to, int64_t now_ms)
{
	order->status = to;
	order->due_ms = 0;
	order->attempts = 0;
	if (to == ORDER_RESERVED) {
		order->due_ms = now_ms;
		if (order->payment_status == PAYMENT_NONE)
			order->payment_status = PAYMENT_PROCESSING;
	}
	/* A charge that is under way nevertheless will tell, and is then refunded. */
	if (to == ORDER_CANCELLED && order->payment_status == PAYMENT_PROCESSING)
		order->payment_status = PAYMENT_NONE;
	if (order_owes_refund(order))
		order->due_ms = now_ms;
}

bool order_is_settled(enum order_status status)
{
	return status != ORDER_PENDING && status != ORDER_RESERVED;
}

bool order_is_paid_for(const struct order *order)
{
	return order->payment_status == PAYMENT_PAID ||
	       order->payment_status == PAYMENT_PARTIALLY_REFUNDED;
}

bool order_owes_refund(const struct order *order)
{
	return (order->status == ORDER_CANCELLED || order->status == ORDER_RETURNED) &&
	       order_is_paid_for(order);
}

struct money order_owed(const struct order *order)
{
	struct money owed = order->total;

	if (order_is_settled(order->status) || order_is_paid_for(order) ||
	    order->payment_status == PAYMENT_REFUNDED)
		owed.amount = 0;
	return owed;
}

bool order_may_ship(const struct order *order)
{
	return order->payment_status != PAYMENT_REFUNDED;
}

size_t order_lines_of(const struct order *order, const struct id *vendor)
{
	size_t count = 0;

	for (size_t i = 0; i < order->line_count; i++)
		count += id_equal(&order->lines[i].vendor, vendor);
	return count;
}

/* --- prices ----------------------------------------------------------------------------------- */

enum line_verdict order_line_from(const struct quote *quote, const struct order_item *item,
				  const char *currency, struct order_line *ret_line)
{
	struct money line_total;

	if (!quote->purchasable)
		return LINE_NOT_FOR_SALE;
	if (currency && strcmp(currency, quote->price.currency) != 0)
		return LINE_OTHER_CURRENCY;
	if (!money_multiply(quote->price, item->quantity, &line_total))
		return LINE_TOO_DEAR;
	*ret_line = (struct order_line){
		.product = item->product,
		.parent = quote->parent,
		.vendor = quote->vendor,
		.name = quote->name,
		.sku = quote->sku,
		.category = quote->category,
		.quantity = item->quantity,
		.unit_price = quote->price,
		.line_total = line_total,
	};
	return LINE_FINE;
}

bool order_lines_total(const struct order_line *lines, size_t count, struct money *ret_total)
{
	struct money total;

	assert(count > 0);
	total = lines[0].line_total;
	for (size_t i = 1; i < count; i++) {
		if (!money_add(total, lines[i].line_total, &total))
			return false;
	}
	*ret_total = total;
	return true;
}

/* --- carts ------------------------------------------------------------------------------------ */

struct cart_line *cart_find(const struct cart *cart, const struct id *product)
{
	for (size_t i = 0; i < cart->line_count; i++) {
		if (id_equal(&cart->lines[i].item.product, product))
			return &cart->lines[i];
	}
	return NULL;
}

unsigned cart_line_changes(const struct cart_line *line, const struct quote *quote)
{
	int64_t quantity = line->item.quantity;
	unsigned changes = 0;

	if (!quote->purchasable)
		return CART_GONE;
	if (!line->added_known)
		return 0;
	if (!money_same_currency(&line->added_price, &quote->price))
		changes |= CART_PRICE | CART_CURRENCY;
	else if (line->added_price.amount != quote->price.amount)
		changes |= CART_PRICE;
	if ((line->added_available >= quantity) != (quote->available >= quantity))
		changes |= CART_AVAILABILITY;
	return changes;
}

const char *cart_change_text(enum cart_change change)
{
	switch (change) {
	case CART_PRICE:
		return "price";
	case CART_CURRENCY:
		return "currency";
	case CART_AVAILABILITY:
		return "availability";
	case CART_GONE:
	default:
		return "gone";
	}
}

enum cart_verdict cart_room_for(const struct cart *cart, const struct order_item *item)
{
	const struct cart_line *line = cart_find(cart, &item->product);

	if (line)
		return line->item.quantity > ORDER_QUANTITY_MAX - item->quantity ? CART_LINE_FULL
										 : CART_FINE;
	return cart->line_count >= ORDER_LINES_MAX ? CART_FULL : CART_FINE;
}

/* --- what people write ------------------------------------------------------------------------ */

/* `codes` have two letters and a blank each. */
static bool is_among(const char *codes, const char *code)
{
	if (strlen(code) != 2)
		return false;
	for (; *codes; codes += 3)
		if (codes[0] == code[0] && codes[1] == code[1])
			return true;
	return false;
}

bool country_known(const char *code)
{
	static const char codes[] =
		"AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO "
		"BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ "
		"DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP "
		"GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG "
		"KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML "
		"MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE "
		"PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL "
		"SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM "
		"US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW ";

	return is_among(codes, code);
}

bool country_has_postal_codes(const char *code)
{
	/* Those without, by the Universal Postal Union's members' addressing systems, and a few whose
	 * codes nobody writes. */
	static const char without[] =
		"AE AG AO AQ AW BF BI BJ BO BQ BS BV BW BZ CD CF CG CI CK CM CW DJ DM EH ER FJ GA GD GH "
		"GM GQ GY HK HM JM KI KM KN KP LC LY ML MO MR MS MW NR NU PA QA RW SB SC SL SO SR SS ST "
		"SX SY TD TF TG TK TL TO TT TV TZ UG UM VU WS YE ZW ";

	return country_known(code) && !is_among(without, code);
}

bool is_phone(const char *text)
{
	const char *all = text;
	size_t digits = 0;

	for (; *text; text++) {
		if (*text >= '0' && *text <= '9')
			digits++;
		else if (!strchr("+-()./ ", *text))
			return false;
	}
	return digits >= PHONE_DIGITS_MIN &&
	       (digits <= PHONE_CARD_DIGITS_MAX || !card_number_in(all));
}

bool is_address_text(const char *text)
{
	return text[strspn(text, " ")] != '\0' && no_card_number_in(text);
}

/* --- patience --------------------------------------------------------------------------------- */

int64_t order_retry_ms(int64_t attempts, uint32_t chance)
{
	int64_t wait_ms = RETRY_FIRST_MS;

	assert(attempts >= 1 && chance < 1000);
	for (int64_t i = 1; i < attempts && wait_ms < RETRY_MOST_MS; i++)
		wait_ms *= 2;
	wait_ms = MIN(wait_ms, RETRY_MOST_MS);
	return wait_ms - wait_ms * chance / 2000;
}
