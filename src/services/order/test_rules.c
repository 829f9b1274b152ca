/* The status machine, whole; prices; carts; and what people may write. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "services/order/rules.h"

#define EVERYBODY (MOVER_CUSTOMER | MOVER_VENDOR | MOVER_ADMIN | MOVER_SYSTEM)

/* --- the status machine --------------------------------------------------------------------- */

/* All that is allowed, said a second time: from, to, who. */
static const struct {
	enum order_status from, to;
	unsigned movers;
} allowed[] = {
	{ORDER_PENDING, ORDER_RESERVED, MOVER_SYSTEM},
	{ORDER_PENDING, ORDER_CANCELLED, MOVER_CUSTOMER | MOVER_ADMIN | MOVER_SYSTEM},
	{ORDER_RESERVED, ORDER_PAID, MOVER_SYSTEM},
	{ORDER_RESERVED, ORDER_CANCELLED, MOVER_CUSTOMER | MOVER_ADMIN | MOVER_SYSTEM},
	{ORDER_PAID, ORDER_SHIPPED, MOVER_VENDOR | MOVER_ADMIN},
	{ORDER_PAID, ORDER_CANCELLED, MOVER_CUSTOMER | MOVER_ADMIN | MOVER_SYSTEM},
	{ORDER_SHIPPED, ORDER_DELIVERED, MOVER_VENDOR | MOVER_ADMIN},
	{ORDER_DELIVERED, ORDER_RETURNED, MOVER_VENDOR | MOVER_ADMIN},
};

static unsigned allowed_movers(enum order_status from, enum order_status to)
{
	for (size_t i = 0; i < ARRAY_LENGTH(allowed); i++) {
		if (allowed[i].from == from && allowed[i].to == to)
			return allowed[i].movers;
	}
	return 0;
}

static void every_move_is_for_those_it_is_for(void **state)
{
	for (int from = 0; from < ORDER_STATUS_COUNT; from++) {
		for (int to = 0; to < ORDER_STATUS_COUNT; to++) {
			unsigned wanted = allowed_movers(from, to);

			for (unsigned mover = 1; mover <= MOVER_SYSTEM; mover *= 2)
				assert_int_equal(order_mover(from, to, mover), wanted & mover);
			assert_int_equal(order_mover(from, to, MOVER_NOBODY), MOVER_NOBODY);
			if (!wanted)
				assert_int_equal(order_mover(from, to, EVERYBODY), MOVER_NOBODY);
		}
	}
}

static void who_is_several_moves_as_one(void **state)
{
	assert_int_equal(order_mover(ORDER_PAID, ORDER_CANCELLED, MOVER_ADMIN | MOVER_CUSTOMER),
			 MOVER_CUSTOMER);
	assert_int_equal(order_mover(ORDER_PAID, ORDER_SHIPPED, MOVER_ADMIN | MOVER_VENDOR),
			 MOVER_ADMIN);
	assert_int_equal(order_mover(ORDER_PAID, ORDER_SHIPPED, MOVER_CUSTOMER | MOVER_VENDOR),
			 MOVER_VENDOR);
}

static void moves_of_others_are_told_from_wrong_ones(void **state)
{
	assert_true(order_is_others_move(ORDER_SHIPPED, MOVER_CUSTOMER));
	assert_true(order_is_others_move(ORDER_DELIVERED, MOVER_CUSTOMER));
	assert_true(order_is_others_move(ORDER_RETURNED, MOVER_CUSTOMER));
	assert_true(order_is_others_move(ORDER_CANCELLED, MOVER_VENDOR));
	assert_false(order_is_others_move(ORDER_CANCELLED, MOVER_CUSTOMER));
	assert_false(order_is_others_move(ORDER_SHIPPED, MOVER_CUSTOMER | MOVER_VENDOR));
	/* What no person sets is not somebody else's affair, but no move at all. */
	assert_false(order_is_others_move(ORDER_PENDING, MOVER_CUSTOMER));
	assert_false(order_is_others_move(ORDER_RESERVED, MOVER_ADMIN));
	assert_false(order_is_others_move(ORDER_PAID, MOVER_ADMIN));
}

static void a_move_says_what_is_due(void **state)
{
	static const struct {
		enum payment_status before;
		enum order_status to;
		enum payment_status after;
		bool due;
	} rows[] = {
		{PAYMENT_NONE, ORDER_RESERVED, PAYMENT_PROCESSING, true},
		{PAYMENT_PAID, ORDER_RESERVED, PAYMENT_PAID, true},
		{PAYMENT_PAID, ORDER_PAID, PAYMENT_PAID, false},
		{PAYMENT_PAID, ORDER_SHIPPED, PAYMENT_PAID, false},
		{PAYMENT_NONE, ORDER_CANCELLED, PAYMENT_NONE, false},
		{PAYMENT_PROCESSING, ORDER_CANCELLED, PAYMENT_NONE, false},
		{PAYMENT_FAILED, ORDER_CANCELLED, PAYMENT_FAILED, false},
		{PAYMENT_PAID, ORDER_CANCELLED, PAYMENT_PAID, true},
		{PAYMENT_PARTIALLY_REFUNDED, ORDER_CANCELLED, PAYMENT_PARTIALLY_REFUNDED, true},
		{PAYMENT_REFUNDED, ORDER_CANCELLED, PAYMENT_REFUNDED, false},
		{PAYMENT_PAID, ORDER_RETURNED, PAYMENT_PAID, true},
		{PAYMENT_NONE, ORDER_RETURNED, PAYMENT_NONE, false},
	};

	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		struct order order = {
			.payment_status = rows[i].before,
			.due_ms = 7,
			.attempts = 3,
		};

		order_apply(&order, rows[i].to, 1000);
		assert_int_equal(order.status, rows[i].to);
		assert_int_equal(order.payment_status, rows[i].after);
		assert_int_equal(order.due_ms, rows[i].due ? 1000 : 0);
		assert_int_equal(order.attempts, 0);
	}
}

static void waiting_ends_when_nothing_more_is_to_come(void **state)
{
	assert_false(order_is_settled(ORDER_PENDING));
	assert_false(order_is_settled(ORDER_RESERVED));
	assert_true(order_is_settled(ORDER_PAID));
	assert_true(order_is_settled(ORDER_CANCELLED));
	assert_true(order_is_settled(ORDER_DELIVERED));
}

static void words_are_read_back(void **state)
{
	for (int i = 0; i < ORDER_STATUS_COUNT; i++)
		assert_int_equal(order_status_from(order_status_text(i)), i);
	for (int i = 0; i < PAYMENT_STATUS_COUNT; i++)
		assert_int_equal(payment_status_from(payment_status_text(i)), i);
	for (unsigned mover = 1; mover <= MOVER_SYSTEM; mover *= 2)
		assert_int_equal(mover_from(mover_text(mover)), mover);
	assert_string_equal(payment_status_text(PAYMENT_PARTIALLY_REFUNDED), "partially_refunded");
}

static void numbers_grow_without_an_end(void **state)
{
	char text[ORDER_NUMBER_SIZE];

	order_number_format(123, text);
	assert_string_equal(text, "SO-000123");
	order_number_format(12345678, text);
	assert_string_equal(text, "SO-12345678");
	order_number_format(INT64_MAX, text);
	assert_string_equal(text, "SO-9223372036854775807");
}

/* --- prices ----------------------------------------------------------------------------------- */

static struct quote quote_of(int64_t amount, const char *currency)
{
	struct quote quote = {.purchasable = true, .name = "Pot", .price.amount = amount};

	memcpy(quote.price.currency, currency, sizeof(quote.price.currency));
	return quote;
}

static void a_line_is_priced_by_the_quote(void **state)
{
	struct quote quote = quote_of(1250, "EUR");
	struct order_item item = {.product = id_new(), .quantity = 3};
	struct order_line line;

	quote.vendor = id_new();
	assert_int_equal(order_line_from(&quote, &item, NULL, &line), LINE_FINE);
	assert_true(id_equal(&line.product, &item.product));
	assert_true(id_equal(&line.vendor, &quote.vendor));
	assert_string_equal(line.name, "Pot");
	assert_int_equal(line.quantity, 3);
	assert_int_equal(line.unit_price.amount, 1250);
	assert_int_equal(line.line_total.amount, 3750);
	assert_string_equal(line.line_total.currency, "EUR");
	assert_int_equal(order_line_from(&quote, &item, "EUR", &line), LINE_FINE);
}

static void a_line_that_cannot_be_is_not_written(void **state)
{
	struct order_item item = {.quantity = 2};
	struct quote gone = {.purchasable = false};
	struct quote dollars = quote_of(100, "USD");
	struct quote dear = quote_of(MONEY_MAX / 2 + 1, "EUR");
	struct order_line line = {.quantity = 77};

	assert_int_equal(order_line_from(&gone, &item, NULL, &line), LINE_NOT_FOR_SALE);
	assert_int_equal(order_line_from(&dollars, &item, "EUR", &line), LINE_OTHER_CURRENCY);
	assert_int_equal(order_line_from(&dear, &item, "EUR", &line), LINE_TOO_DEAR);
	assert_int_equal(line.quantity, 77);
	dear.price.amount = MONEY_MAX / 2;
	assert_int_equal(order_line_from(&dear, &item, "EUR", &line), LINE_FINE);
}

static void a_total_is_the_sum_or_none(void **state)
{
	struct order_line lines[3] = {
		{.line_total = {100, "EUR"}},
		{.line_total = {250, "EUR"}},
		{.line_total = {MONEY_MAX - 350, "EUR"}},
	};
	struct money total = {0};

	assert_true(order_lines_total(lines, 1, &total));
	assert_int_equal(total.amount, 100);
	assert_true(order_lines_total(lines, 3, &total));
	assert_int_equal(total.amount, MONEY_MAX);
	assert_string_equal(total.currency, "EUR");
	lines[0].line_total.amount++;
	assert_false(order_lines_total(lines, 3, &total));
	assert_int_equal(total.amount, MONEY_MAX);
}

static void a_vendor_s_lines_are_counted(void **state)
{
	struct id one = id_new(), other = id_new(), third = id_new();
	struct order_line lines[] = {{.vendor = one}, {.vendor = other}, {.vendor = one}};
	struct order order = {.lines = lines, .line_count = 3};

	assert_int_equal(order_lines_of(&order, &one), 2);
	assert_int_equal(order_lines_of(&order, &other), 1);
	assert_int_equal(order_lines_of(&order, &third), 0);
}

/* --- carts ------------------------------------------------------------------------------------ */

static void a_cart_has_room_up_to_its_bounds(void **state)
{
	static struct cart_line lines[ORDER_LINES_MAX];
	struct cart cart = {.lines = lines, .line_count = ORDER_LINES_MAX - 1};
	struct order_item item = {.product = id_new(), .quantity = ORDER_QUANTITY_MAX};

	for (size_t i = 0; i < ORDER_LINES_MAX; i++)
		lines[i] = (struct cart_line){.item = {.product = id_new(), .quantity = 1}};
	assert_int_equal(cart_room_for(&cart, &item), CART_FINE);
	assert_null(cart_find(&cart, &item.product));
	cart.line_count++;
	assert_int_equal(cart_room_for(&cart, &item), CART_FULL);
	/* More of what is there takes no line. */
	item.product = lines[5].item.product;
	assert_ptr_equal(cart_find(&cart, &item.product), &lines[5]);
	assert_int_equal(cart_room_for(&cart, &item), CART_LINE_FULL);
	item.quantity--;
	assert_int_equal(cart_room_for(&cart, &item), CART_FINE);
}

static void a_line_says_what_has_changed(void **state)
{
	const struct {
		int64_t price, available;
		const char *currency;
		bool gone;
		unsigned changes;
	} rows[] = {
		{100, 5, "EUR", false, 0},
		{100, 2, "EUR", false, 0},
		{99, 5, "EUR", false, CART_PRICE},
		{100, 5, "USD", false, CART_PRICE | CART_CURRENCY},
		{100, 1, "EUR", false, CART_AVAILABILITY},
		{101, 0, "EUR", false, CART_PRICE | CART_AVAILABILITY},
		{100, 5, "EUR", true, CART_GONE},
	};
	struct cart_line line = {
		.item.quantity = 2,
		.added_known = true,
		.added_price = {100, "EUR"},
		.added_available = 5,
	};

	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		struct quote quote = {
			.purchasable = !rows[i].gone,
			.price.amount = rows[i].price,
			.available = rows[i].available,
		};

		memcpy(quote.price.currency, rows[i].currency, 4);
		assert_int_equal(cart_line_changes(&line, &quote), rows[i].changes);
		line.added_known = false;
		assert_int_equal(cart_line_changes(&line, &quote), rows[i].changes & CART_GONE);
		line.added_known = true;
	}
	/* Too little from the first is no news; enough is. */
	line.added_available = 1;
	assert_int_equal(cart_line_changes(&line, &(struct quote){.purchasable = true,
								  .price = {100, "EUR"},
								  .available = 1}),
			 0);
	assert_int_equal(cart_line_changes(&line, &(struct quote){.purchasable = true,
								  .price = {100, "EUR"},
								  .available = 2}),
			 CART_AVAILABILITY);
}

/* --- what people write ------------------------------------------------------------------------ */

static void countries_are_those_of_the_standard(void **state)
{
	static const char *const good[] = {"DE", "TR", "AD", "ZW", "GB", "US", "AX"};
	static const char *const bad[] = {"",	 "D",  "de", "XX", "UK", "EU",
					  "DEU", "E ", " D", "ZZ", "AA", "A A"};

	for (size_t i = 0; i < ARRAY_LENGTH(good); i++)
		assert_true(country_known(good[i]));
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++)
		assert_false(country_known(bad[i]));
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++)
		assert_false(country_has_postal_codes(bad[i]));
	assert_true(country_has_postal_codes("DE") && country_has_postal_codes("IE"));
	assert_false(country_has_postal_codes("HK") || country_has_postal_codes("AE"));
}

static void telephones_and_blanks(void **state)
{
	assert_true(is_phone("+49 30 123456"));
	assert_true(is_phone("(030) 12-34/56"));
	assert_false(is_phone("123"));
	assert_false(is_phone("call me 12345"));
	assert_true(is_phone("4111 1111 1111 1112"));
	assert_false(is_phone("4111 1111 1111 1111"));
	assert_false(is_phone("3782 822463 10005")); /* American Express, Diners Club */
	assert_false(is_phone("+30569309025904"));
	assert_true(is_phone("+49 1512 3456789"));
	assert_true(is_phone("4222222222222"));
	assert_true(is_address_text(" x "));
	assert_false(is_address_text("   "));
	assert_false(is_address_text(""));
	assert_false(is_address_text("4111 1111 1111 1111"));
}

static void patience_grows_to_its_bound(void **state)
{
	assert_int_equal(order_retry_ms(1, 0), RETRY_FIRST_MS);
	assert_int_equal(order_retry_ms(2, 0), 2 * RETRY_FIRST_MS);
	assert_int_equal(order_retry_ms(4, 0), 8 * RETRY_FIRST_MS);
	assert_int_equal(order_retry_ms(1000000, 0), RETRY_MOST_MS);
	for (int64_t attempts = 1; attempts < 20; attempts++) {
		int64_t most = order_retry_ms(attempts, 0), least = order_retry_ms(attempts, 999);

		assert_true(least < most && least >= most / 2);
	}
}

static void what_is_fully_refunded_is_not_shipped(void **state)
{
	(void)state;
	for (int payment = 0; payment < PAYMENT_STATUS_COUNT; payment++) {
		const struct order order = {.status = ORDER_PAID,
					    .payment_status = (enum payment_status)payment};

		assert_int_equal(order_may_ship(&order), payment != PAYMENT_REFUNDED);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_move_is_for_those_it_is_for),
		cmocka_unit_test(who_is_several_moves_as_one),
		cmocka_unit_test(moves_of_others_are_told_from_wrong_ones),
		cmocka_unit_test(a_move_says_what_is_due),
		cmocka_unit_test(what_is_fully_refunded_is_not_shipped),
		cmocka_unit_test(waiting_ends_when_nothing_more_is_to_come),
		cmocka_unit_test(words_are_read_back),
		cmocka_unit_test(numbers_grow_without_an_end),
		cmocka_unit_test(a_line_is_priced_by_the_quote),
		cmocka_unit_test(a_line_that_cannot_be_is_not_written),
		cmocka_unit_test(a_total_is_the_sum_or_none),
		cmocka_unit_test(a_vendor_s_lines_are_counted),
		cmocka_unit_test(a_cart_has_room_up_to_its_bounds),
		cmocka_unit_test(a_line_says_what_has_changed),
		cmocka_unit_test(countries_are_those_of_the_standard),
		cmocka_unit_test(telephones_and_blanks),
		cmocka_unit_test(patience_grows_to_its_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
