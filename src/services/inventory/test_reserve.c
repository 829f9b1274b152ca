/*
 * Reservations and stock on a real file, by the verbs and by the events that lead to them. After
 * every test the books must add up: sums, what is kept, and the journal.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/test_directory.h"
#include "services/inventory/reserve.h"
#include "services/inventory/rules.h"
#include "services/inventory/store.h"

#define FAR INT64_C(9000000000000)
#define PAST 1
#define RACERS 8
#define RACER_ORDERS 25

extern const struct migration inventory_migrations[];
extern const struct subscription inventory_subscriptions[];

static struct {
	char directory[TEST_DIRECTORY_SIZE];
	struct arena *arena;
	struct database *database;
	struct id lamp, tray; /* 10 and 20 of them */
	struct id vendor;
} shop;

/* --- doing ----------------------------------------------------------------------------------- */

struct doing {
	enum err (*verb)(const struct scope *scope, struct doing *doing);
	struct id order;
	struct wanted wanted[3];
	size_t count;
	int64_t expires_ms;
	const char *kind;
	bool paid;
	struct reservation reservation;
	struct shortages shortages;
	struct event event;
	struct arena *arena;
};

static enum err do_body(struct sql *sql, void *arg)
{
	struct doing *doing = arg;
	struct scope scope = {sql, doing->arena, NULL};

	return doing->verb(&scope, doing);
}

static enum err run(struct doing *doing)
{
	if (!doing->arena)
		doing->arena = shop.arena;
	return sql_transaction(shop.database, do_body, doing);
}

static enum err do_reserve(const struct scope *scope, struct doing *doing)
{
	enum err err = reserve_order(scope, &doing->order, doing->wanted, doing->count,
				     doing->expires_ms, &doing->reservation, &doing->shortages);

	/* As the events' handlers do: the transaction goes on, and tells of it. */
	if (err == ERR_OUT_OF_STOCK)
		return tell_rejected(scope, &doing->order, &doing->shortages);
	return err;
}

static enum err do_commit(const struct scope *scope, struct doing *doing)
{
	return commit_order(scope, &doing->order, doing->paid, &doing->reservation,
			    &doing->shortages);
}

static enum err do_release(const struct scope *scope, struct doing *doing)
{
	return release_order(scope, &doing->order, &doing->reservation);
}

static enum err do_restock(const struct scope *scope, struct doing *doing)
{
	return restock_order(scope, &doing->order, doing->kind, &doing->reservation);
}

static enum err do_expire(const struct scope *scope, struct doing *doing)
{
	return expire_order(scope, &doing->order);
}

static enum err do_event(const struct scope *scope, struct doing *doing)
{
	const struct subscription *subscription = inventory_subscriptions;

	while (strcmp(subscription->type, doing->event.type) != 0)
		subscription++;
	return subscription->handle(scope->sql, &doing->event);
}

static struct doing wanting(const struct id *order, int64_t lamps, int64_t trays)
{
	struct doing doing = {.verb = do_reserve, .order = *order, .expires_ms = FAR};

	if (lamps)
		doing.wanted[doing.count++] = (struct wanted){shop.lamp, lamps};
	if (trays)
		doing.wanted[doing.count++] = (struct wanted){shop.tray, trays};
	doing.count = wanted_merge(doing.wanted, doing.count);
	return doing;
}

static enum err reserve(const struct id *order, int64_t lamps, int64_t trays)
{
	struct doing doing = wanting(order, lamps, trays);

	return run(&doing);
}

static enum err simply(enum err (*verb)(const struct scope *, struct doing *),
		       const struct id *order)
{
	struct doing doing = {.verb = verb, .order = *order, .kind = "return"};

	return run(&doing);
}

static enum err commit_paid(const struct id *order)
{
	struct doing doing = {.verb = do_commit, .order = *order, .paid = true};

	return run(&doing);
}

static enum err hear(const char *type, const struct id *subject, const char *data)
{
	struct doing doing = {.verb = do_event};
	json_t *json;

	assert_int_equal(json_parse(shop.arena, data, strlen(data), &json, NULL), OK);
	doing.event = (struct event){.id = id_new(),
				     .type = type,
				     .subject = *subject,
				     .data = data,
				     .json = json,
				     .arena = shop.arena};
	return run(&doing);
}

static const char *text_of(const struct id *id)
{
	return id_text(shop.arena, id);
}

/* A product of one variant with its own id. */
static struct id hear_of_product(const char *name, int64_t stock)
{
	struct id id = id_new();
	const char *data = arena_printf(
		shop.arena,
		"{\"productId\": \"%s\", \"name\": \"%s\", \"vendorId\": \"%s\", \"variants\":"
		" [{\"id\": \"%s\", \"sku\": \"SKU\", \"name\": \"%s\", \"initialStock\": %d}]}",
		text_of(&id), name, text_of(&shop.vendor), text_of(&id), name, (int)stock);

	assert_int_equal(hear("ProductCreated", &id, data), OK);
	return id;
}

/* --- looking --------------------------------------------------------------------------------- */

struct look {
	const char *text;
	struct sql_value value;
	int64_t number;
};

static enum err look_body(struct sql *sql, void *arg)
{
	struct look *look = arg;
	struct sql_rows *rows = sql_query(sql, look->text, look->value);

	return SQL_TAKE(rows, &look->number, sql_get_int(rows, 0));
}

static int64_t look(const char *text, struct sql_value value)
{
	struct look looking = {.text = text, .value = value};

	assert_int_equal(sql_read(shop.database, look_body, &looking), OK);
	return looking.number;
}

static void check_stock(const struct id *product, int64_t on_hand, int64_t reserved)
{
	assert_int_equal(look("SELECT on_hand FROM items WHERE id = $1", sql_id(product)), on_hand);
	assert_int_equal(look("SELECT reserved FROM items WHERE id = $1", sql_id(product)),
			 reserved);
}

static int64_t events_told(const char *type)
{
	return look("SELECT COUNT(*) FROM outbox WHERE type = $1", sql_text(type));
}

static void check_books(void)
{
	static const char *const faults[] = {
		"SELECT COUNT(*) FROM items i WHERE on_hand <> (SELECT COALESCE(SUM(s.on_hand), 0)"
		" FROM warehouse_stock s WHERE s.product_id = i.id)",
		"SELECT COUNT(*) FROM items i WHERE reserved <> (SELECT COALESCE(SUM(s.reserved), 0)"
		" FROM warehouse_stock s WHERE s.product_id = i.id)",
		"SELECT COUNT(*) FROM warehouse_stock s WHERE on_hand <> (SELECT COALESCE(SUM(m.delta), 0)"
		" FROM movements m WHERE m.product_id = s.product_id AND m.warehouse = s.warehouse)",
		"SELECT COUNT(*) FROM warehouse_stock s WHERE reserved <> (SELECT COALESCE(SUM(l.quantity), 0)"
		" FROM reservation_lines l JOIN reservations r ON r.order_id = l.order_id"
		" WHERE r.status = 'active' AND l.product_id = s.product_id"
		" AND l.warehouse = s.warehouse)",
	};

	for (size_t i = 0; i < ARRAY_LENGTH(faults); i++)
		assert_int_equal(look(faults[i], sql_null()), 0);
}

/* --- the shop -------------------------------------------------------------------------------- */

static int set_up(void **state)
{
	static const struct migration_set own = {"inventory", inventory_migrations};
	static const struct migration_set *const sets[] = {&events_migration_set, &own, NULL};
	struct database_options options = {
		.directory = shop.directory,
		.name = "inventory",
		.migration_sets = sets,
		.queue_max = 1000,
	};
	const char *why = "";

	(void)state;
	shop.arena = arena_new();
	assert_int_equal(test_directory_make(shop.directory), 0);
	if (database_open(&options, shop.arena, &shop.database, &why))
		fail_msg("%s", why);
	shop.vendor = id_new();
	shop.lamp = hear_of_product("Lamp", 10);
	shop.tray = hear_of_product("Tray", 20);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	check_books();
	database_close(shop.database);
	arena_free(shop.arena);
	return test_directory_remove(shop.directory);
}

/* Puts so many of the lamps elsewhere. */
static enum err open_second_warehouse(const struct scope *scope, struct doing *doing)
{
	struct movement movement = {
		.product = shop.lamp,
		.warehouse = "berlin",
		.delta = 7,
		.kind = "adjustment",
	};
	struct item item;
	enum err err = item_get(scope->sql, &shop.lamp, scope->arena, &item);

	(void)doing;
	if (!err)
		err = stock_open(scope->sql, &item, "berlin");
	if (!err)
		err = stock_change(scope->sql, &shop.lamp, "berlin", 7, 0);
	if (!err)
		err = item_set(scope->sql, &shop.lamp, 7, 3, scope->arena, &item);
	return err ? err : movement_add(scope->sql, &movement);
}

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
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
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
