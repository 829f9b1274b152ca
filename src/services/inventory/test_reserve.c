/*
 * Reservations and stock on a real file, by the verbs and by the events that lead to them. After
 * every test the books must add up: sums, what is kept, and the journal.
 */
#include "services/inventory/test_reserve.h"

/* --- reserving ------------------------------------------------------------------------------- */

static void stock_is_kept_and_sold(void **state)
{
	struct id order = id_new();

	(void)state;
	assert_int_equal(reserve(&order, 3, 4), OK);
	check_stock(&shop.lamp, 10, 3);
	check_stock(&shop.tray, 20, 4);
	assert_int_equal(simply(do_commit, &order), OK);
	check_stock(&shop.lamp, 7, 0);
	check_stock(&shop.tray, 16, 0);
	/* Again: nothing more happens. */
	assert_int_equal(simply(do_commit, &order), OK);
	check_stock(&shop.lamp, 7, 0);
	assert_int_equal(simply(do_release, &order), ERR_CONFLICT);
	assert_int_equal(simply(do_restock, &order), OK);
	assert_int_equal(simply(do_restock, &order), OK);
	check_stock(&shop.lamp, 10, 0);
	assert_int_equal(simply(do_commit, &order), ERR_CONFLICT);
	assert_int_equal(commit_paid(&order), ERR_CONFLICT);
}

static void it_is_all_or_nothing(void **state)
{
	struct id order = id_new();
	struct doing doing = wanting(&order, 3, 21);
	int64_t changes = events_told("StockChanged");

	(void)state;
	assert_int_equal(run(&doing), OK);
	assert_int_equal(doing.shortages.count, 1);
	assert_true(id_equal(&doing.shortages.items[0].product, &shop.tray));
	assert_int_equal(doing.shortages.items[0].requested, 21);
	assert_int_equal(doing.shortages.items[0].available, 20);
	check_stock(&shop.lamp, 10, 0);
	check_stock(&shop.tray, 20, 0);
	assert_int_equal(events_told("StockChanged"), changes);
	assert_int_equal(events_told("StockRejected"), 1);
	assert_int_equal(look("SELECT COUNT(*) FROM reservations", sql_null()), 0);
	/* Asked for less, the same order may have it. */
	assert_int_equal(reserve(&order, 3, 20), OK);
}

static void every_shortage_is_named(void **state)
{
	struct id order = id_new();
	struct doing doing = wanting(&order, 11, 21);

	(void)state;
	doing.wanted[doing.count++] = (struct wanted){id_new(), 1};
	assert_int_equal(run(&doing), OK);
	assert_int_equal(doing.shortages.count, 3);
	assert_int_equal(doing.shortages.items[2].available, 0);
}

static void an_order_reserves_once(void **state)
{
	struct id order = id_new();
	struct doing first = wanting(&order, 3, 4), again = wanting(&order, 3, 4);

	(void)state;
	assert_int_equal(run(&first), OK);
	assert_int_equal(run(&again), OK);
	assert_true(id_equal(&first.reservation.id, &again.reservation.id));
	assert_int_equal(events_told("StockReserved"), 1);
	assert_int_equal(again.reservation.count, 2);
	check_stock(&shop.lamp, 10, 3);
	assert_int_equal(reserve(&order, 3, 5), ERR_CONFLICT);
	assert_int_equal(reserve(&order, 3, 0), ERR_CONFLICT);
	assert_int_equal(simply(do_release, &order), OK);
	assert_int_equal(reserve(&order, 3, 4), ERR_CONFLICT);
	check_stock(&shop.lamp, 10, 0);
}

static void released_stock_is_free_again(void **state)
{
	struct id order = id_new(), other = id_new(), nobody = id_new();

	(void)state;
	assert_int_equal(reserve(&order, 10, 0), OK);
	assert_int_equal(reserve(&other, 1, 0), OK);
	assert_int_equal(events_told("StockRejected"), 1);
	assert_int_equal(simply(do_release, &order), OK);
	assert_int_equal(simply(do_release, &order), OK);
	check_stock(&shop.lamp, 10, 0);
	assert_int_equal(reserve(&other, 1, 0), OK);
	assert_int_equal(simply(do_commit, &order), ERR_CONFLICT);
	assert_int_equal(simply(do_release, &nobody), ERR_NOT_FOUND);
	assert_int_equal(simply(do_commit, &nobody), ERR_NOT_FOUND);
}

static void a_line_is_split_over_warehouses(void **state)
{
	struct doing open = {.verb = open_second_warehouse};
	struct id order = id_new(), other = id_new();
	struct doing doing;

	(void)state;
	assert_int_equal(run(&open), OK);
	check_stock(&shop.lamp, 17, 0);
	doing = wanting(&order, 12, 0);
	assert_int_equal(run(&doing), OK);
	assert_int_equal(doing.reservation.count, 2);
	assert_string_equal(doing.reservation.lines[0].warehouse, "berlin");
	assert_int_equal(doing.reservation.lines[0].quantity, 2);
	assert_int_equal(doing.reservation.lines[1].quantity, 10);
	doing = wanting(&other, 5, 0);
	assert_int_equal(run(&doing), OK);
	assert_int_equal(doing.reservation.count, 1);
	assert_string_equal(doing.reservation.lines[0].warehouse, "berlin");
	check_books();
	assert_int_equal(simply(do_commit, &order), OK);
	assert_int_equal(simply(do_restock, &order), OK);
	assert_int_equal(simply(do_release, &other), OK);
	check_stock(&shop.lamp, 17, 0);
}

static void who_pays_late_gets_it_if_it_is_still_there(void **state)
{
	struct id order = id_new(), faster = id_new();
	struct doing doing = wanting(&order, 6, 1);

	(void)state;
	doing.expires_ms = PAST;
	assert_int_equal(run(&doing), OK);
	assert_int_equal(simply(do_expire, &order), OK);
	assert_int_equal(simply(do_expire, &order), OK);
	check_stock(&shop.lamp, 10, 0);
	assert_int_equal(reserve(&order, 6, 1), ERR_CONFLICT);

	assert_int_equal(reserve(&faster, 5, 0), OK);
	assert_int_equal(commit_paid(&order), ERR_OUT_OF_STOCK);
	check_stock(&shop.lamp, 10, 5);
	check_stock(&shop.tray, 20, 0);
	assert_int_equal(simply(do_release, &faster), OK);
	assert_int_equal(commit_paid(&order), OK);
	check_stock(&shop.lamp, 4, 0);
	check_stock(&shop.tray, 19, 0);
}

static void what_was_released_is_sold_only_if_it_is_paid(void **state)
{
	struct id order = id_new();

	(void)state;
	assert_int_equal(reserve(&order, 6, 1), OK);
	assert_int_equal(simply(do_release, &order), OK);
	assert_int_equal(simply(do_commit, &order), ERR_CONFLICT);
	assert_int_equal(commit_paid(&order), OK);
	check_stock(&shop.lamp, 4, 0);
}

static void what_is_not_over_does_not_expire(void **state)
{
	struct id order = id_new();

	(void)state;
	assert_int_equal(reserve(&order, 6, 0), OK);
	assert_int_equal(simply(do_expire, &order), OK);
	check_stock(&shop.lamp, 10, 6);
}

struct step_back {
	int64_t ahead_ms, mended, expires_ms;
};

/* What is reserved now was reserved by a clock that was so far ahead. */
static enum err step_back(struct sql *sql, void *arg)
{
	struct step_back *step = arg;
	struct sql_rows *rows;
	enum err err;

	step->mended = 0;
	err = sql_run(sql,
		      "UPDATE reservations SET created_at = $1, expires_at = $1 + 600000"
		      " WHERE status = 'active'",
		      sql_int(sql_now_ms(sql) + step->ahead_ms));
	if (!err)
		err = reservations_mend(sql, 600000, &step->mended);
	if (err)
		return err;
	rows = sql_query(sql, "SELECT expires_at FROM reservations");
	return SQL_TAKE(rows, &step->expires_ms, sql_get_int(rows, 0) - sql_now_ms(sql));
}

static void a_clock_that_steps_back_makes_none_keep_for_longer(void **state)
{
	struct step_back step = {.ahead_ms = 86400000};
	struct id order = id_new();

	(void)state;
	assert_int_equal(reserve(&order, 6, 0), OK);
	assert_int_equal(sql_transaction(shop.database, step_back, &step), OK);
	assert_int_equal(step.mended, 1);
	assert_int_equal(step.expires_ms, 600000);
	/* Others are as they were. */
	step.ahead_ms = -60000;
	assert_int_equal(sql_transaction(shop.database, step_back, &step), OK);
	assert_int_equal(step.mended, 0);
	assert_int_equal(step.expires_ms, 540000);
	check_stock(&shop.lamp, 10, 6);
}

static void *race(void *arg)
{
	struct arena *arena = arena_new();

	for (int i = 0; i < RACER_ORDERS; i++) {
		struct id order = id_new();
		struct doing doing = wanting(&order, 1, i % 2);

		doing.arena = arena;
		if (run(&doing))
			*(bool *)arg = true;
	}
	arena_free(arena);
	return NULL;
}

static void racers_get_exactly_what_is_there(void **state)
{
	pthread_t threads[RACERS];
	bool failed[RACERS] = {false};

	(void)state;
	for (size_t i = 0; i < RACERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, race, &failed[i]), 0);
	for (size_t i = 0; i < RACERS; i++) {
		pthread_join(threads[i], NULL);
		assert_false(failed[i]);
	}
	check_stock(&shop.lamp, 10, 10);
	assert_int_equal(look("SELECT COUNT(*) FROM reservations", sql_null()), 10);
	assert_int_equal(events_told("StockRejected"), RACERS * RACER_ORDERS - 10);
}

/* --- telling --------------------------------------------------------------------------------- */

static void changes_are_told_with_growing_versions(void **state)
{
	struct id order = id_new();

	(void)state;
	assert_int_equal(events_told("StockChanged"), 2);
	assert_int_equal(reserve(&order, 3, 0), OK);
	assert_int_equal(events_told("StockChanged"), 3);
	/* What is sold was not free before. */
	assert_int_equal(simply(do_commit, &order), OK);
	assert_int_equal(events_told("StockChanged"), 3);
	assert_int_equal(simply(do_restock, &order), OK);
	assert_int_equal(events_told("StockChanged"), 4);
	assert_int_equal(look("SELECT COUNT(DISTINCT data) FROM outbox WHERE type = 'StockChanged'"
			      " AND subject = $1",
			      sql_id(&shop.lamp)),
			 3);
}

static void few_are_told_once(void **state)
{
	struct id one = id_new(), two = id_new(), three = id_new();

	(void)state;
	assert_int_equal(reserve(&one, 4, 0), OK);
	assert_int_equal(events_told("StockLow"), 0);
	assert_int_equal(reserve(&two, 1, 0), OK);
	assert_int_equal(events_told("StockLow"), 1);
	assert_int_equal(reserve(&three, 1, 0), OK);
	assert_int_equal(events_told("StockLow"), 1);
	assert_int_equal(simply(do_release, &one), OK);
	assert_int_equal(reserve(&one, 4, 0), ERR_CONFLICT);
	one = id_new();
	assert_int_equal(reserve(&one, 8, 0), OK);
	assert_int_equal(events_told("StockLow"), 2);
}

/* --- hearing --------------------------------------------------------------------------------- */

static const char *order_data(int64_t lamps, int64_t more_lamps)
{
	return arena_printf(shop.arena,
			    "{\"items\": [{\"productId\": \"%s\", \"quantity\": %d},"
			    " {\"productId\": \"%s\", \"quantity\": %d}]}",
			    text_of(&shop.lamp), (int)lamps, text_of(&shop.lamp), (int)more_lamps);
}

static void an_orders_events_lead_its_reservation(void **state)
{
	struct id order = id_new(), other = id_new();

	(void)state;
	assert_int_equal(hear("OrderPlaced", &order, order_data(2, 3)), OK);
	check_stock(&shop.lamp, 10, 5);
	assert_int_equal(events_told("StockReserved"), 1);
	assert_int_equal(hear("OrderPlaced", &other, order_data(5, 1)), OK);
	assert_int_equal(events_told("StockRejected"), 1);
	assert_int_equal(hear("OrderPaid", &order, "{}"), OK);
	check_stock(&shop.lamp, 5, 0);
	assert_int_equal(hear("OrderCancelled", &order, "{}"), OK);
	check_stock(&shop.lamp, 10, 0);
	assert_int_equal(
		look("SELECT COUNT(*) FROM movements WHERE kind = 'cancellation'", sql_null()), 1);
	/* Of an order that has no reservation: nothing. */
	assert_int_equal(hear("OrderCancelled", &other, "{}"), OK);
	assert_int_equal(hear("OrderPaid", &other, "{}"), OK);
	assert_int_equal(hear("OrderReturned", &other, "{}"), OK);

	other = id_new();
	assert_int_equal(hear("OrderPlaced", &other, order_data(1, 1)), OK);
	assert_int_equal(hear("OrderCancelled", &other, "{}"), OK);
	check_stock(&shop.lamp, 10, 0);
	assert_int_equal(hear("OrderPlaced", &order, "{\"items\": []}"), ERR_INVALID);
}

static void a_returned_order_is_restocked(void **state)
{
	struct id order = id_new();

	(void)state;
	assert_int_equal(hear("OrderPlaced", &order, order_data(2, 3)), OK);
	assert_int_equal(hear("OrderPaid", &order, "{}"), OK);
	assert_int_equal(hear("OrderReturned", &order, "{}"), OK);
	check_stock(&shop.lamp, 10, 0);
	assert_int_equal(
		look("SELECT SUM(delta) FROM movements WHERE kind = $1", sql_text("return")), 5);
}

static void products_are_followed(void **state)
{
	struct id order = id_new(), small = id_new();
	const char *data = arena_printf(
		shop.arena,
		"{\"productId\": \"%s\", \"name\": \"Lamp\", \"vendorId\": \"%s\", \"variants\":"
		" [{\"id\": \"%s\", \"sku\": \"S\", \"name\": \"Lamp - S\", \"initialStock\": 4}]}",
		text_of(&shop.lamp), text_of(&shop.vendor), text_of(&small));

	(void)state;
	/* The plain product gets variants: the old one is not sold any more. */
	assert_int_equal(reserve(&order, 2, 0), OK);
	assert_int_equal(hear("ProductUpdated", &shop.lamp, data), OK);
	check_stock(&small, 4, 0);
	assert_int_equal(look("SELECT removed FROM items WHERE id = $1", sql_id(&shop.lamp)), 1);
	order = id_new();
	assert_int_equal(reserve(&order, 1, 0), OK);
	assert_int_equal(events_told("StockRejected"), 1);
	/* Told again, stock that is known stays as it is. */
	assert_int_equal(hear("ProductUpdated", &shop.lamp, data), OK);
	check_stock(&small, 4, 0);
	assert_int_equal(hear("ProductDeleted", &shop.lamp, "{}"), OK);
	assert_int_equal(look("SELECT COUNT(*) FROM items WHERE removed = 0", sql_null()), 1);
	assert_int_equal(hear("ProductUpdated", &shop.lamp, "{}"), ERR_INVALID);
}

static void what_is_kept_survives_its_product(void **state)
{
	struct id order = id_new(), paid = id_new();

	(void)state;
	assert_int_equal(reserve(&order, 2, 0), OK);
	assert_int_equal(reserve(&paid, 3, 0), OK);
	assert_int_equal(hear("ProductDeleted", &shop.lamp, "{}"), OK);
	assert_int_equal(simply(do_release, &order), OK);
	assert_int_equal(simply(do_commit, &paid), OK);
	check_stock(&shop.lamp, 7, 0);
	assert_int_equal(simply(do_restock, &paid), OK);
	check_stock(&shop.lamp, 10, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(stock_is_kept_and_sold),
		TEST(it_is_all_or_nothing),
		TEST(every_shortage_is_named),
		TEST(an_order_reserves_once),
		TEST(released_stock_is_free_again),
		TEST(a_line_is_split_over_warehouses),
		TEST(who_pays_late_gets_it_if_it_is_still_there),
		TEST(what_was_released_is_sold_only_if_it_is_paid),
		TEST(what_is_not_over_does_not_expire),
		TEST(a_clock_that_steps_back_makes_none_keep_for_longer),
		TEST(racers_get_exactly_what_is_there),
		TEST(changes_are_told_with_growing_versions),
		TEST(few_are_told_once),
		TEST(an_orders_events_lead_its_reservation),
		TEST(a_returned_order_is_restocked),
		TEST(products_are_followed),
		TEST(what_is_kept_survives_its_product),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
