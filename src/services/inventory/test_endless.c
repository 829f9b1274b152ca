/* Tests of what nobody counts and of what may be sold before it is there; and of older shops. */
#include "services/inventory/test_reserve.h"

/* What its vendor says of the lamp. */
static enum err do_set(const struct scope *scope, struct doing *doing)
{
	struct item item;
	enum err err = item_get(scope->sql, &shop.lamp, scope->arena, &item);

	if (err)
		return err;
	item.tracked = doing->tracked;
	item.backorder = doing->backorder;
	return item_set(scope->sql, &item, 0, scope->arena, &item);
}

static enum err set_lamp(bool tracked, bool backorder)
{
	struct doing doing = {.verb = do_set, .tracked = tracked, .backorder = backorder};

	return run(&doing);
}

static void what_may_be_owed_is_sold(void **state)
{
	struct id order = id_new(), other = id_new();

	(void)state;
	assert_int_equal(set_lamp(true, true), OK);
	assert_int_equal(reserve(&order, 12, 0), OK);
	check_stock(&shop.lamp, 10, 12);
	check_books();
	/* More is promised than there is: it cannot be what must be there. */
	assert_int_equal(set_lamp(true, false), ERR_BELOW_RESERVED);
	assert_int_equal(simply(do_commit, &order), OK);
	check_stock(&shop.lamp, -2, 0);
	check_books();
	assert_int_equal(reserve(&other, 1, 0), OK);
	check_stock(&shop.lamp, -2, 1);
	assert_int_equal(simply(do_release, &other), OK);
	assert_int_equal(simply(do_restock, &order), OK);
	check_stock(&shop.lamp, 10, 0);
	assert_int_equal(set_lamp(true, false), OK);
	order = id_new();
	assert_int_equal(reserve(&order, 11, 0), OK);
	assert_int_equal(events_told("StockRejected"), 1);
}

static void what_may_be_owed_is_owed_by_one_warehouse(void **state)
{
	struct doing open = {.verb = open_second_warehouse};
	struct id order = id_new();
	struct doing doing;

	(void)state;
	assert_int_equal(run(&open), OK);
	assert_int_equal(set_lamp(true, true), OK);
	doing = wanting(&order, 20, 0);
	assert_int_equal(run(&doing), OK);
	assert_int_equal(doing.reservation.count, 2);
	assert_int_equal(doing.reservation.lines[0].quantity, 7);
	assert_string_equal(doing.reservation.lines[1].warehouse, "main");
	assert_int_equal(doing.reservation.lines[1].quantity, 13);
	assert_int_equal(simply(do_commit, &order), OK);
	check_stock(&shop.lamp, -3, 0);
	check_books();
	assert_int_equal(simply(do_restock, &order), OK);
	check_stock(&shop.lamp, 17, 0);
}

static void what_nobody_counts_is_sold(void **state)
{
	struct id order = id_new(), late = id_new();
	int64_t told = events_told("StockChanged");

	(void)state;
	assert_int_equal(set_lamp(false, false), OK);
	assert_int_equal(reserve(&order, 1000, 0), OK);
	assert_int_equal(reserve(&late, 4, 0), OK);
	check_stock(&shop.lamp, 10, 1004);
	/* It shows the same all the while. */
	assert_int_equal(events_told("StockChanged"), told);
	assert_int_equal(set_lamp(true, false), ERR_BELOW_RESERVED);
	assert_int_equal(simply(do_commit, &order), OK);
	check_stock(&shop.lamp, 10, 4);
	check_books();
	/* From now on somebody counts: what went out uncounted does not come back. */
	assert_int_equal(set_lamp(true, false), OK);
	assert_int_equal(simply(do_restock, &order), OK);
	check_stock(&shop.lamp, 10, 4);
	assert_int_equal(simply(do_commit, &late), OK);
	check_stock(&shop.lamp, 6, 0);
	assert_int_equal(simply(do_restock, &late), OK);
	check_stock(&shop.lamp, 10, 0);
}

static void products_say_what_is_counted(void **state)
{
	struct id id = id_new();
	const char *product = arena_printf(
		shop.arena,
		"{\"productId\": \"%s\", \"name\": \"E-book\", \"vendorId\": \"%s\", \"variants\":"
		" [{\"id\": \"%s\", \"sku\": \"E\", \"name\": \"E-book\"",
		text_of(&id), text_of(&shop.vendor), text_of(&id));
	const char *created = arena_printf(
		shop.arena,
		"%s, \"initialStock\": 0, \"tracked\": false, \"backorder\": \"allow\"}]}",
		product);
	const char *assumed = arena_printf(shop.arena, "%s, \"assumedStock\": 9}]}", product);
	const char *again = arena_printf(shop.arena, "%s, \"assumedStock\": 12}]}", product);

	(void)state;
	assert_int_equal(hear("ProductCreated", &id, created), OK);
	assert_int_equal(
		look("SELECT tracked + 10 * backorder FROM items WHERE id = $1", sql_id(&id)), 10);
	/* An import says how many there are, once. */
	assert_int_equal(hear("ProductUpdated", &id, assumed), OK);
	check_stock(&id, 9, 0);
	assert_int_equal(
		look("SELECT tracked + 10 * backorder FROM items WHERE id = $1", sql_id(&id)), 11);
	assert_int_equal(hear("ProductUpdated", &id, again), OK);
	check_stock(&id, 9, 0);
	assert_int_equal(
		look("SELECT COUNT(*) FROM outbox WHERE type = 'StockChanged' AND subject = $1",
		     sql_id(&id)),
		2);
}

/* --- an older shop ---------------------------------------------------------------------------- */

/* What the first release stored of an item in two warehouses, of which an order keeps some. */
static const char *const first_release[] = {
	"INSERT INTO items (id, parent_id, vendor_id, sku, name, threshold, on_hand, reserved, spread,"
	" version, revision, updated_at) VALUES ($1, $1, $1, 'S', 'Stool', 5, 9, 3, 1, 4, 8, 77)",
	"INSERT INTO stock (product_id, warehouse, on_hand, reserved) VALUES ($1, 'main', 4, 3),"
	" ($1, 'berlin', 5, 0)",
	"INSERT INTO reservations (order_id, id, status, expires_at, created_at, updated_at)"
	" VALUES ($1, $1, 'active', 9000000000000, 1, 1)",
	"INSERT INTO reservation_lines (order_id, product_id, warehouse, quantity)"
	" VALUES ($1, $1, 'main', 3)",
	"INSERT INTO movements (id, product_id, warehouse, delta, kind, moved_at)"
	" VALUES ($1, $1, 'main', 4, 'initial', 1), (zeroblob(16), $1, 'berlin', 5, 'count', 1)",
};

static enum err do_first_release(const struct scope *scope, struct doing *doing)
{
	enum err err = OK;

	for (size_t i = 0; !err && i < ARRAY_LENGTH(first_release); i++)
		err = sql_run(scope->sql, first_release[i], sql_id(&doing->order));
	return err;
}

static void a_shop_of_the_first_release_is_taken_over(void **state)
{
	const struct migration first[] = {inventory_migrations[0], {0}};
	struct doing doing = {.verb = do_first_release, .order = id_new()};

	(void)state;
	database_close(shop.database);
	assert_int_equal(test_directory_remove(shop.directory), 0);
	assert_int_equal(test_directory_make(shop.directory), 0);
	open_shop(first);
	assert_int_equal(run(&doing), OK);
	database_close(shop.database);
	open_shop(inventory_migrations);
	check_stock(&doing.order, 9, 3);
	check_books();
	assert_int_equal(
		look("SELECT COUNT(*) FROM items WHERE tracked = 1 AND backorder = 0 AND status"
		     " = 'in_stock' AND revision = 8 AND version = 4 AND id = $1",
		     sql_id(&doing.order)),
		1);
	assert_int_equal(simply(do_commit, &doing.order), OK);
	check_stock(&doing.order, 6, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_may_be_owed_is_sold),
		TEST(what_may_be_owed_is_owed_by_one_warehouse),
		TEST(what_nobody_counts_is_sold),
		TEST(products_say_what_is_counted),
		TEST(a_shop_of_the_first_release_is_taken_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
