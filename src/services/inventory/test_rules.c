/* Inventory's decisions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "services/inventory/rules.h"

static struct id id_of(uint8_t number)
{
	return (struct id){.bytes = {[15] = number}};
}

static struct stocks three(int64_t main_has, int64_t berlin_has, int64_t cadiz_has)
{
	return (struct stocks){
		.items = {{"berlin", berlin_has, 0},
			  {"cadiz", cadiz_has, 0},
			  {"main", main_has, 0}},
		.count = 3,
	};
}

static void what_is_wanted_twice_is_added_up_and_sorted(void **state)
{
	struct wanted wanted[] = {
		{id_of(3), 1}, {id_of(1), 2}, {id_of(3), 4}, {id_of(2), 8}, {id_of(1), 16},
	};

	(void)state;
	assert_int_equal(wanted_merge(wanted, ARRAY_LENGTH(wanted)), 3);
	for (uint8_t i = 0; i < 3; i++) {
		struct id expected = id_of(i + 1);

		assert_true(id_equal(&wanted[i].product, &expected));
	}
	assert_int_equal(wanted[0].quantity, 18);
	assert_int_equal(wanted[1].quantity, 8);
	assert_int_equal(wanted[2].quantity, 5);
	assert_int_equal(wanted_merge(wanted, 0), 0);
}

static void a_reservation_keeps_just_what_was_wanted(void **state)
{
	struct kept lines[] = {
		{id_of(1), "berlin", 2},
		{id_of(1), "main", 3},
		{id_of(2), "main", 1},
	};
	struct reservation reservation = {.lines = lines, .count = 3};
	struct wanted wanted[] = {{id_of(1), 5}, {id_of(2), 1}, {id_of(3), 1}};

	(void)state;
	assert_true(reservation_keeps(&reservation, wanted, 2));
	assert_false(reservation_keeps(&reservation, wanted, 1));
	assert_false(reservation_keeps(&reservation, wanted, 3));
	assert_false(reservation_keeps(&reservation, wanted + 1, 1));
	wanted[0].quantity = 4;
	assert_false(reservation_keeps(&reservation, wanted, 2));
}

static void reservations_move_as_drawn(void **state)
{
	static const enum reservation_status moves[][2] = {
		{RESERVATION_ACTIVE, RESERVATION_COMMITTED},
		{RESERVATION_ACTIVE, RESERVATION_RELEASED},
		{RESERVATION_ACTIVE, RESERVATION_EXPIRED},
		{RESERVATION_RELEASED, RESERVATION_ACTIVE},
		{RESERVATION_EXPIRED, RESERVATION_ACTIVE},
		{RESERVATION_COMMITTED, RESERVATION_RESTOCKED},
	};

	(void)state;
	for (int from = 0; from < RESERVATION_STATUSES; from++) {
		for (int to = 0; to < RESERVATION_STATUSES; to++) {
			bool drawn = false;

			for (size_t i = 0; i < ARRAY_LENGTH(moves); i++)
				drawn |= moves[i][0] == (enum reservation_status)from &&
					 moves[i][1] == (enum reservation_status)to;
			assert_int_equal(reservation_may_move(from, to), drawn);
		}
		assert_int_equal(reservation_status_from_text(reservation_status_text(from)), from);
	}
}

static bool falls_low(int64_t available_before, int64_t threshold_before, const struct item *now)
{
	struct item before = *now;

	before.on_hand = now->reserved + available_before;
	before.threshold = threshold_before;
	return item_fell_low(&before, now);
}

static void stock_falls_low_once(void **state)
{
	struct item item = {.tracked = true, .on_hand = 10, .reserved = 5, .threshold = 5}, before;

	(void)state;
	assert_int_equal(item_available(&item), 5);
	assert_true(falls_low(6, 5, &item));
	assert_false(falls_low(5, 5, &item));
	item.threshold = 4;
	assert_false(falls_low(6, 4, &item));
	/* The vendor calls few what were many. */
	item.threshold = 7;
	assert_true(falls_low(5, 4, &item));
	/* Nobody counted before, or counts now. */
	before = item;
	before.tracked = false;
	before.on_hand = 100;
	assert_false(item_fell_low(&before, &item));
	assert_false(item_fell_low(&item, &before));
}

static void what_can_be_had(void **state)
{
	static const struct {
		bool tracked, backorder;
		int64_t on_hand, reserved;
		const char *status;
		int64_t most; /* -1: any number */
	} rows[] = {
		{true, false, 10, 2, "in_stock", 8},	{true, false, 5, 2, "low_stock", 3},
		{true, false, 2, 2, "out_of_stock", 0}, {true, true, 10, 2, "in_stock", -1},
		{true, true, 5, 2, "low_stock", -1},	{true, true, 2, 2, "backorder", -1},
		{true, true, 0, 4, "backorder", -1},	{true, true, -3, 0, "backorder", -1},
		{false, false, 0, 0, "in_stock", -1},	{false, false, 0, 4, "in_stock", -1},
		{false, true, -3, 4, "in_stock", -1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		struct item item = {
			.tracked = rows[i].tracked,
			.backorder = rows[i].backorder,
			.on_hand = rows[i].on_hand,
			.reserved = rows[i].reserved,
			.threshold = 5,
		};

		assert_string_equal(item_status(&item), rows[i].status);
		assert_int_equal(item_has(&item, 1000), rows[i].most < 0);
		if (rows[i].most > 0)
			assert_true(item_has(&item, rows[i].most));
		if (rows[i].most >= 0)
			assert_false(item_has(&item, rows[i].most + 1));
	}
}

static void another_stock_is_told(void **state)
{
	const struct item before = {.tracked = true, .on_hand = 10, .reserved = 5, .threshold = 5};
	struct item now = before;

	(void)state;
	now.on_hand = now.reserved = 7;
	assert_true(item_differs(&before, &now));
	now.on_hand = 12;
	assert_false(item_differs(&before, &now));
	now.threshold = 4;
	assert_true(item_differs(&before, &now));
	now = before;
	now.backorder = true;
	assert_true(item_differs(&before, &now));
	now = before;
	now.tracked = false;
	assert_true(item_differs(&before, &now));
}

static void check_allocation(struct stocks stocks, int64_t quantity, const char *expected)
{
	struct kept lines[WAREHOUSES_MAX];
	struct id product = id_of(1);
	size_t count = allocate(&stocks, &product, quantity, lines);
	char text[200] = "";

	for (size_t i = 0; i < count; i++) {
		size_t length = strlen(text);

		assert_true(id_equal(&lines[i].product, &product));
		snprintf(text + length, sizeof(text) - length, "%s:%d ", lines[i].warehouse,
			 (int)lines[i].quantity);
	}
	assert_string_equal(text, expected);
}

static void warehouses_share_only_where_none_has_all(void **state)
{
	struct stocks partly_kept = three(9, 9, 9);

	(void)state;
	check_allocation(three(5, 100, 7), 5, "main:5 ");
	check_allocation(three(5, 100, 7), 6, "berlin:6 ");
	check_allocation(three(5, 6, 7), 8, "cadiz:7 main:1 ");
	check_allocation(three(5, 6, 7), 13, "cadiz:7 berlin:6 ");
	check_allocation(three(5, 6, 7), 18, "cadiz:7 berlin:6 main:5 ");
	/* What none has, the first one owes. */
	check_allocation(three(5, 6, 7), 19, "cadiz:7 berlin:6 main:6 ");
	check_allocation(three(0, 6, 7), 15, "cadiz:7 berlin:6 main:2 ");
	check_allocation(three(0, 0, 0), 1, "main:1 ");
	partly_kept.items[2].reserved = 9;
	partly_kept.items[0].reserved = 8;
	check_allocation(partly_kept, 10, "cadiz:9 berlin:1 ");
	check_allocation(partly_kept, 11, "cadiz:9 berlin:1 main:1 ");
}

static void a_warehouse_is_named_only_where_several_are_meant(void **state)
{
	struct stocks none = {.count = 0}, nothing = three(0, 0, 0);
	struct stocks one = three(0, 3, 0), two = three(2, 3, 0);

	(void)state;
	assert_string_equal(warehouse_meant(&none), "main");
	assert_string_equal(warehouse_meant(&nothing), "main");
	assert_string_equal(warehouse_meant(&one), "berlin");
	assert_null(warehouse_meant(&two));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_wanted_twice_is_added_up_and_sorted),
		cmocka_unit_test(a_reservation_keeps_just_what_was_wanted),
		cmocka_unit_test(reservations_move_as_drawn),
		cmocka_unit_test(stock_falls_low_once),
		cmocka_unit_test(what_can_be_had),
		cmocka_unit_test(another_stock_is_told),
		cmocka_unit_test(warehouses_share_only_where_none_has_all),
		cmocka_unit_test(a_warehouse_is_named_only_where_several_are_meant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
