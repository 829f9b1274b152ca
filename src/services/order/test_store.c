/* Orders in SQL: placing, moving, lists, and what is due. */
#include "services/order/test_place.h"

#include "base/env.h"
#include "services/order/rules.h"

/* --- placing ---------------------------------------------------------------------------------- */

static void an_order_is_read_as_it_was_placed(void **state)
{
	struct place *place = *state;
	struct id user = id_new(), vendors[] = {id_new(), id_new(), id_new()};
	struct order order = order_of(place, &user, vendors, 3);
	struct order found;

	order.lines[1].sku = "POT-2";
	order.lines[1].category = "kitchen/pots";
	order.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
	insert(place, &order);
	assert_true(order.number > 0);
	found = stored(place, &order.id);
	assert_int_equal(found.number, order.number);
	assert_true(id_equal(&found.user, &user));
	assert_int_equal(found.status, ORDER_PENDING);
	assert_int_equal(found.payment_status, PAYMENT_NONE);
	assert_int_equal(found.total.amount, 300);
	assert_string_equal(found.total.currency, "EUR");
	assert_string_equal(found.shipping_address, order.shipping_address);
	assert_string_equal(found.payment_method, "tok_visa");
	assert_string_equal(found.traceparent, order.traceparent);
	assert_true(id_is_zero(&found.transaction));
	assert_int_equal(found.version, 1);
	assert_int_equal(found.due_ms, found.created_ms + PATIENCE_MS);
	assert_int_equal(found.line_count, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_true(id_equal(&found.lines[i].product, &order.lines[i].product));
		assert_true(id_equal(&found.lines[i].vendor, &vendors[i]));
		assert_int_equal(found.lines[i].line_total.amount, 100);
	}
	assert_null(found.lines[0].sku);
	assert_string_equal(found.lines[1].sku, "POT-2");
	assert_string_equal(found.lines[1].category, "kitchen/pots");
	assert_int_equal(found.history_count, 1);
	assert_int_equal(found.history[0].status, ORDER_PENDING);
	assert_int_equal(found.history[0].by, MOVER_CUSTOMER);
}

static void placing_tells_what_is_to_be_reserved(void **state)
{
	struct place *place = *state;
	struct id user = id_new(), vendors[] = {id_new(), id_new()}, id;
	struct order order = order_of(place, &user, vendors, 2);
	const json_t *json, *item;
	struct told told;

	order.lines[1].quantity = 7;
	insert(place, &order);
	told = told_of(place, &order.id);
	assert_string_equal(told.types, "OrderPlaced");
	json = told_json(&told);
	assert_true(json_get_id(json, "orderId", &id) && id_equal(&id, &order.id));
	assert_int_equal(json_array_size(json_object_get(json, "items")), 2);
	item = json_array_get(json_object_get(json, "items"), 1);
	assert_int_equal(json_get_int(item, "quantity"), 7);
	assert_true(json_get_id(item, "productId", &id));
	assert_true(id_equal(&id, &order.lines[1].product));
}

static void numbers_grow(void **state)
{
	struct place *place = *state;
	struct id user = id_new(), vendor = id_new();
	int64_t last = 0;

	for (int i = 0; i < 5; i++) {
		struct order order = order_of(place, &user, &vendor, 1);

		insert(place, &order);
		assert_true(order.number > last);
		last = order.number;
	}
}

static enum err insert_and_fail(struct sql *sql, void *arg)
{
	enum err err = insert_body(sql, arg);

	return err ? err : ERR_CONFLICT;
}

static void an_order_is_stored_whole_or_not_at_all(void **state)
{
	struct place *place = *state;
	struct id user = id_new(), vendor = id_new();
	struct order order = order_of(place, &user, &vendor, 1);
	struct order_work work = {.place = place, .order = &order};

	assert_int_equal(sql_transaction(place->database, insert_and_fail, &work), ERR_CONFLICT);
	assert_int_equal(sql_read(place->database, read_body, &work), ERR_NOT_FOUND);
	assert_int_equal(told_of(place, &order.id).count, 0);
}

/* --- moving ----------------------------------------------------------------------------------- */

static void a_move_leaves_status_history_and_event(void **state)
{
	struct place *place = *state;
	struct id user = id_new(), vendor = id_new(), id;
	struct order order = order_of(place, &user, &vendor, 1);
	const json_t *json, *line;
	struct money total;
	struct told told;

	order.lines[0].category = "kitchen";
	insert(place, &order);
	assert_int_equal(move(place, &order, ORDER_RESERVED, MOVER_SYSTEM, NULL), OK);
	order.transaction = id_new();
	order.payment_status = PAYMENT_PAID;
	assert_int_equal(move(place, &order, ORDER_PAID, MOVER_SYSTEM, NULL), OK);
	assert_int_equal(move(place, &order, ORDER_CANCELLED, MOVER_CUSTOMER, "customer"), OK);

	order = stored(place, &order.id);
	assert_int_equal(order.status, ORDER_CANCELLED);
	assert_int_equal(order.version, 4);
	assert_true(order.due_ms > 0); /* the refund */
	assert_int_equal(order.history_count, 4);
	assert_int_equal(order.history[1].status, ORDER_RESERVED);
	assert_int_equal(order.history[3].status, ORDER_CANCELLED);
	assert_int_equal(order.history[3].by, MOVER_CUSTOMER);
	assert_string_equal(order.history[3].reason, "customer");

	/* Nobody outside hears of `reserved`. */
	told = told_of(place, &order.id);
	assert_string_equal(told.types, "OrderPlaced OrderPaid OrderCancelled");
	json = told_json(&told);
	assert_string_equal(json_get_text(json, "status"), "cancelled");
	assert_string_equal(json_get_text(json, "previousStatus"), "paid");
	assert_string_equal(json_get_text(json, "reason"), "customer");
	assert_string_equal(json_get_text(json, "country"), "DE");
	assert_true(json_get_money(json, "total", &total) && total.amount == 100);
	assert_true(json_get_id(json, "transactionId", &id));
	assert_true(id_equal(&id, &order.transaction));
	line = json_array_get(json_object_get(json, "lines"), 0);
	assert_string_equal(json_get_text(line, "category"), "kitchen");
	assert_true(json_get_id(line, "vendorId", &id) && id_equal(&id, &vendor));
}

static void a_wrong_move_changes_nothing(void **state)
{
	struct place *place = *state;
	struct id user = id_new(), vendor = id_new();
	struct order order = order_of(place, &user, &vendor, 1);

	insert(place, &order);
	assert_int_equal(move(place, &order, ORDER_PAID, MOVER_SYSTEM, NULL),
			 ERR_ILLEGAL_TRANSITION);
	assert_int_equal(move(place, &order, ORDER_CANCELLED, MOVER_VENDOR, NULL),
			 ERR_ILLEGAL_TRANSITION);
	order = stored(place, &order.id);
	assert_int_equal(order.status, ORDER_PENDING);
	assert_int_equal(order.history_count, 1);
	assert_string_equal(told_of(place, &order.id).types, "OrderPlaced");
}

static void of_two_who_read_the_same_one_moves(void **state)
{
	struct place *place = *state;
	struct id user = id_new(), vendor = id_new();
	struct order first = order_of(place, &user, &vendor, 1), second;

	insert(place, &first);
	second = first;
	assert_int_equal(move(place, &first, ORDER_CANCELLED, MOVER_CUSTOMER, NULL), OK);
	assert_int_equal(move(place, &second, ORDER_RESERVED, MOVER_SYSTEM, NULL), ERR_OVERLOADED);
	assert_int_equal(stored(place, &first.id).status, ORDER_CANCELLED);
}

/* --- lists ------------------------------------------------------------------------------------ */

struct listing {
	struct place *place;
	struct order_filter filter;
	struct order *orders;
	size_t count;
};

static enum err list_body(struct sql *sql, void *arg)
{
	struct listing *listing = arg;

	return order_list(sql, listing->place->arena, &listing->filter, &listing->orders,
			  &listing->count);
}

static struct listing list(struct place *place, const struct order_filter *filter)
{
	struct listing listing = {.place = place, .filter = *filter};

	assert_int_equal(sql_read(place->database, list_body, &listing), OK);
	return listing;
}

static void lists_have_the_newest_first_and_whole(void **state)
{
	struct place *place = *state;
	struct id user = id_new(), other = id_new(), vendors[] = {id_new(), id_new()};
	struct order orders[5];
	struct listing found;

	for (int i = 0; i < 5; i++) {
		orders[i] = order_of(place, i == 2 ? &other : &user, vendors, i % 2 ? 2 : 1);
		insert(place, &orders[i]);
	}
	assert_int_equal(move(place, &orders[3], ORDER_CANCELLED, MOVER_CUSTOMER, NULL), OK);

	found = list(place, &(struct order_filter){.user = &user, .status = -1, .limit = 3});
	assert_int_equal(found.count, 3);
	assert_int_equal(found.orders[0].number, orders[4].number);
	assert_int_equal(found.orders[1].number, orders[3].number);
	assert_int_equal(found.orders[2].number, orders[1].number);
	assert_int_equal(found.orders[0].line_count, 1);
	assert_int_equal(found.orders[1].line_count, 2);
	assert_int_equal(found.orders[0].history_count, 1);
	assert_int_equal(found.orders[1].history_count, 2);
	assert_true(id_equal(&found.orders[1].lines[1].product, &orders[3].lines[1].product));

	found = list(place, &(struct order_filter){.user = &user,
						   .status = -1,
						   .limit = 3,
						   .before_number = orders[1].number});
	assert_int_equal(found.count, 1);
	assert_int_equal(found.orders[0].number, orders[0].number);

	found = list(place,
		     &(struct order_filter){.user = &user, .status = ORDER_CANCELLED, .limit = 9});
	assert_int_equal(found.count, 1);
	assert_int_equal(found.orders[0].number, orders[3].number);
	assert_int_equal(found.orders[0].line_count, 2);
}

static void a_vendor_s_list_has_each_order_once(void **state)
{
	struct place *place = *state;
	struct id user = id_new(), vendor = id_new(), other = id_new();
	struct id both[] = {other, vendor, vendor};
	struct order mixed = order_of(place, &user, both, 3);
	struct order own = order_of(place, &user, &vendor, 1);
	struct order foreign = order_of(place, &user, &other, 1);
	struct order_filter filter = {.vendor = &vendor, .status = -1, .limit = 9};
	struct listing found;

	insert(place, &mixed);
	insert(place, &own);
	insert(place, &foreign);
	found = list(place, &filter);
	assert_int_equal(found.count, 2);
	assert_int_equal(found.orders[0].number, own.number);
	assert_int_equal(found.orders[1].number, mixed.number);
	assert_int_equal(found.orders[1].line_count, 3);
	filter.status = ORDER_PAID;
	assert_int_equal(list(place, &filter).count, 0);
	filter.status = ORDER_PENDING;
	filter.before_number = own.number;
	assert_int_equal(list(place, &filter).count, 1);
}

static void all_orders_can_be_listed_by_status(void **state)
{
	struct place *place = *state;
	struct id user = id_new(), vendor = id_new();
	struct order order = order_of(place, &user, &vendor, 1);
	struct listing found;

	insert(place, &order);
	found = list(place, &(struct order_filter){.status = -1, .limit = 1});
	assert_int_equal(found.orders[0].number, order.number);
	assert_int_equal(move(place, &order, ORDER_RESERVED, MOVER_SYSTEM, NULL), OK);
	found = list(place, &(struct order_filter){.status = ORDER_RESERVED, .limit = 1});
	assert_int_equal(found.count, 1);
	assert_int_equal(found.orders[0].number, order.number);
	found = list(place, &(struct order_filter){.status = ORDER_RETURNED, .limit = 1});
	assert_int_equal(found.count, 0);
}

/* --- what is due ------------------------------------------------------------------------------ */

struct due {
	struct place *place;
	struct order_taking taking;
	bool any;
	struct order *orders;
	size_t count;
	struct id id;
	int64_t due_ms, mended;
};

static enum err take_body(struct sql *sql, void *arg)
{
	struct due *due = arg;
	enum err err = order_any_due(sql, due->taking.status, &due->any);

	if (err)
		return err;
	return order_take_due(sql, due->place->arena, &due->taking, &due->orders, &due->count);
}

static enum err set_due_body(struct sql *sql, void *arg)
{
	struct due *due = arg;

	return order_set_due(sql, &due->id, due->taking.status, due->due_ms);
}

static enum err release_body(struct sql *sql, void *arg)
{
	return order_release_due(sql);
}

static size_t take(struct due *due)
{
	assert_int_equal(sql_transaction(due->place->database, take_body, due), OK);
	assert_int_equal(due->any, due->count > 0);
	return due->count;
}

static struct order reserved_order(struct place *place)
{
	struct id user = id_new(), vendor = id_new();
	struct order order = order_of(place, &user, &vendor, 1);

	insert(place, &order);
	order.reserved_until_ms = 5;
	assert_int_equal(move(place, &order, ORDER_RESERVED, MOVER_SYSTEM, NULL), OK);
	return order;
}

static void what_is_due_is_taken_once_until_the_lease_is_over(void **state)
{
	struct place *place = *state;
	struct due due = {.place = place, .taking = {ORDER_RESERVED, 2, 60000, 0}};

	for (int i = 0; i < 3; i++)
		reserved_order(place);
	assert_int_equal(take(&due), 2);
	assert_int_equal(due.orders[0].attempts, 1);
	assert_int_equal(due.orders[0].reserved_until_ms, 5);
	assert_string_equal(due.orders[0].payment_method, "tok_visa");
	assert_int_equal(take(&due), 1);
	assert_int_equal(take(&due), 0);

	/* As after a start: nobody works at them any more. */
	assert_int_equal(sql_transaction(place->database, release_body, NULL), OK);
	due.taking.limit = 9;
	due.taking.lease_ms = 0;
	assert_int_equal(take(&due), 3);
	assert_int_equal(due.orders[0].attempts, 2);
	assert_int_equal(take(&due), 3);
}

static void only_what_is_still_due_is_put_off(void **state)
{
	struct place *place = *state;
	struct due due = {.place = place, .taking = {.status = ORDER_RESERVED, .limit = 9}};
	struct order order = reserved_order(place);

	due.id = order.id;
	due.due_ms = env_now_ms() + 60000;
	assert_int_equal(sql_transaction(place->database, set_due_body, &due), OK);
	assert_int_equal(take(&due), 0);
	assert_int_equal(stored(place, &order.id).due_ms, due.due_ms);

	/* Whoever was slow does not bring it back. */
	order = stored(place, &order.id);
	assert_int_equal(move(place, &order, ORDER_CANCELLED, MOVER_CUSTOMER, NULL), OK);
	assert_int_equal(sql_transaction(place->database, set_due_body, &due), OK);
	due.taking.status = ORDER_CANCELLED;
	assert_int_equal(sql_transaction(place->database, set_due_body, &due), OK);
	assert_int_equal(stored(place, &order.id).due_ms, 0);
}

static void pending_orders_expire_in_their_time(void **state)
{
	struct place *place = *state;
	struct due due = {.place = place, .taking = {.status = ORDER_PENDING, .limit = 9}};
	struct id user = id_new(), vendor = id_new();
	struct order order = order_of(place, &user, &vendor, 1);

	insert(place, &order);
	assert_int_equal(take(&due), 0);
	/* A start does not make them due: they wait for others. */
	assert_int_equal(sql_transaction(place->database, release_body, NULL), OK);
	assert_int_equal(take(&due), 0);
	due.id = order.id;
	due.due_ms = env_now_ms() - 1;
	assert_int_equal(sql_transaction(place->database, set_due_body, &due), OK);
	assert_int_equal(take(&due), 1);
}

static enum err mend_body(struct sql *sql, void *arg)
{
	struct due *due = arg;

	due->mended = 0;
	return order_mend_due(sql, due->taking.status, 60000, 0, &due->mended);
}

static void what_is_due_later_than_it_ever_would_is_brought_back(void **state)
{
	struct place *place = *state;
	struct due due = {.place = place, .taking = {.status = ORDER_RESERVED, .limit = 9}};

	due.id = reserved_order(place).id;
	due.due_ms = env_now_ms() + 50000;
	assert_int_equal(sql_transaction(place->database, set_due_body, &due), OK);
	assert_int_equal(sql_transaction(place->database, mend_body, &due), OK);
	assert_int_equal(due.mended, 0);
	assert_int_equal(take(&due), 0);
	due.due_ms += 60000;
	assert_int_equal(sql_transaction(place->database, set_due_body, &due), OK);
	assert_int_equal(sql_transaction(place->database, mend_body, &due), OK);
	assert_int_equal(due.mended, 1);
	assert_int_equal(take(&due), 1);
}

static enum err reserve_ahead_body(struct sql *sql, void *arg)
{
	const struct due *due = arg;

	return sql_run(sql, "UPDATE orders SET updated_at = $1, reserved_until = $2",
		       sql_int(sql_now_ms(sql) + due->due_ms),
		       sql_int(sql_now_ms(sql) + due->due_ms + 900000));
}

/* How much longer a stock is kept that was reserved, for 15 minutes, by a clock so far ahead, where
 * 10 minutes are usual. */
static int64_t kept_ms(struct due *due, int64_t ahead_ms)
{
	int64_t before_ms = env_now_ms();

	due->due_ms = ahead_ms;
	assert_int_equal(sql_transaction(due->place->database, reserve_ahead_body, due), OK);
	assert_int_equal(take(due), 1);
	return due->orders[0].reserved_until_ms - before_ms;
}

static void a_clock_that_steps_back_makes_no_order_wait_for_longer(void **state)
{
	struct place *place = *state;
	struct due due = {
		.place = place,
		.taking = {.status = ORDER_RESERVED, .limit = 9, .keep_ms = 600000},
	};
	int64_t kept;

	reserved_order(place);
	kept = kept_ms(&due, 86400000);
	assert_in_range(kept, 600000, 660000);
	/* It is as long when it is taken again, */
	kept = due.orders[0].reserved_until_ms;
	assert_int_equal(take(&due), 1);
	assert_int_equal(due.orders[0].reserved_until_ms, kept);
	/* and what is kept for longer by the right clock stays so. */
	assert_in_range(kept_ms(&due, -1000), 899000, 959000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_open, place_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_order_is_read_as_it_was_placed),
		TEST(placing_tells_what_is_to_be_reserved),
		TEST(numbers_grow),
		TEST(an_order_is_stored_whole_or_not_at_all),
		TEST(a_move_leaves_status_history_and_event),
		TEST(a_wrong_move_changes_nothing),
		TEST(of_two_who_read_the_same_one_moves),
		TEST(lists_have_the_newest_first_and_whole),
		TEST(a_vendor_s_list_has_each_order_once),
		TEST(all_orders_can_be_listed_by_status),
		TEST(what_is_due_is_taken_once_until_the_lease_is_over),
		TEST(only_what_is_still_due_is_put_off),
		TEST(pending_orders_expire_in_their_time),
		TEST(what_is_due_later_than_it_ever_would_is_brought_back),
		TEST(a_clock_that_steps_back_makes_no_order_wait_for_longer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
