/* The catalogue's store, and the changes that go through it, on a real database: single products. */
#include "services/product/test_store.h"

static enum err stock_body(struct sql *sql, void *arg)
{
	struct step *step = arg;

	return store_set_stock(sql, &step->id, &step->stock, step->number);
}

static enum err rating_body(struct sql *sql, void *arg)
{
	struct step *step = arg;

	return store_set_rating(sql, &step->id, 450, 2, step->number);
}

static enum err quote_body(struct sql *sql, void *arg)
{
	struct step *step = arg;

	return store_quote(sql, shop.arena, &step->id, &step->quote);
}

static enum err count_events_body(struct sql *sql, void *arg)
{
	struct step *step = arg;
	struct sql_rows *rows =
		sql_query(sql, "SELECT COUNT(*) FROM outbox WHERE type = $1", sql_text(step->text));

	while (sql_next(rows))
		step->number = sql_get_int(rows, 0);
	return sql_end(rows);
}

static int64_t events(const char *type)
{
	struct step *step = step_new();

	step->text = type;
	assert_int_equal(READ(count_events_body, step), OK);
	return step->number;
}

/* --- single products -------------------------------------------------------------------------- */

static void test_added_is_found(void **state)
{
	struct product shirt = add(SHIRT), same = found(&shirt.id);
	struct step *step = step_new();

	assert_string_equal(shirt.slug, "linen-shirt");
	assert_string_equal(same.name, "Linen shirt");
	assert_string_equal(same.category, "clothing/shirts");
	assert_int_equal(same.variant_count, 2);
	assert_string_equal(same.variants[1].sku, "linen-shirt-m-red");
	assert_int_equal(same.stock.available, 4);
	assert_int_equal(same.version, 1);
	assert_string_equal(same.document, shirt.document);
	assert_int_equal(events("ProductCreated"), 1);

	step->id = shirt.variants[1].id;
	assert_int_equal(READ(find_body, step), OK);
	assert_true(id_equal(&step->product.id, &shirt.id));
	step->text = "linen-shirt";
	assert_int_equal(READ(find_body, step), OK);
	assert_true(id_equal(&step->product.id, &shirt.id));
	step->text = "no-shirt";
	assert_int_equal(READ(find_body, step), ERR_NOT_FOUND);
}

static void test_slugs_are_unique_and_skus_are_labels(void **state)
{
	struct step *step = step_new();
	struct product other;

	add(SHIRT);
	other = add("{'name': 'Linen shirt', " PRICE(1) "}");
	assert_string_equal(other.slug, "linen-shirt-2");
	assert_true(id_equal(&other.variants[0].id, &other.id));
	assert_string_equal(other.variants[0].sku, "linen-shirt-2");

	step->product = merged("{'name': 'x', 'slug': 'linen-shirt', " PRICE(1) "}", NULL);
	assert_int_equal(WRITE(add_body, step), ERR_SLUG_TAKEN);
	assert_string_equal(step->change.taken, "linen-shirt");
	assert_string_equal(
		add("{'name': 'x', 'variants': [{'sku': 'a', " PRICE(1) "}]}").variants[0].sku,
		"a");
	add("{'name': 'y', 'variants': [{'sku': 'z', " PRICE(1) "}]}");
	assert_string_equal(add("{'name': 'z', " PRICE(1) "}").variants[0].sku, "z");
	assert_string_equal(add("{'name': '\u2615', " PRICE(1) "}").slug, "product");
	assert_int_equal(events("ProductCreated"), 6);
}

static void test_changes_keep_stock(void **state)
{
	struct product shirt = add(SHIRT), current = found(&shirt.id), now;
	struct step *step = step_new();

	step->product = merged("{'name': 'Shirt', 'options': [{'name': 'Size', 'values':"
			       " ['S', 'L']}], 'variants': [{'options': {'Size': 'L'}},"
			       " {'sku': 'a', 'options': {'Size': 'S'}}]}",
			       &current);
	assert_int_equal(WRITE(update_body, step), OK);
	now = found(&shirt.id);
	assert_int_equal(now.version, 2);
	assert_int_equal(now.variant_count, 2);
	assert_true(id_equal(&now.variants[1].id, &shirt.variants[0].id));
	assert_int_equal(now.variants[1].stock.available, 4);
	assert_string_equal(now.variants[0].title, "L");
	assert_int_equal(now.created_ms, shirt.created_ms);
	assert_int_equal(events("ProductUpdated"), 1);

	/* What changed is what is found. */
	step = step_new();
	step->query.words = search_new(shop.arena, "linen");
	assert_string_equal(names(step), "Shirt");
	step->query.words = search_new(shop.arena, "red");
	assert_string_equal(names(step), "");
}

static void test_removed_is_gone(void **state)
{
	struct product shirt = add(SHIRT);
	struct step *step = step_new();

	step->product = shirt;
	assert_int_equal(WRITE(remove_body, step), OK);
	assert_int_equal(events("ProductDeleted"), 1);
	step->id = shirt.id;
	assert_int_equal(READ(find_body, step), ERR_NOT_FOUND);
	step->id = shirt.variants[0].id;
	assert_int_equal(READ(find_body, step), ERR_NOT_FOUND);
	assert_int_equal(READ(quote_body, step), OK);
	assert_false(step->quote.active);
	assert_string_equal(names(step_new()), "");

	/* Its slug is free. */
	assert_string_equal(add(SHIRT).slug, "linen-shirt");
}

static void set_stock(const struct id *id, int64_t version, enum stock_status status,
		      int64_t available)
{
	struct step *step = step_new();

	step->id = *id;
	step->number = version;
	step->stock = (struct stock){.status = status, .available = available};
	assert_int_equal(WRITE(stock_body, step), OK);
}

static void test_stock_follows_the_newest_news(void **state)
{
	struct product shirt = add(SHIRT), now;
	struct id unknown = id_new();

	set_stock(&shirt.variants[1].id, 2, STOCK_LOW, 3);
	set_stock(&shirt.variants[1].id, 1, STOCK_IN, 100);
	set_stock(&unknown, 1, STOCK_IN, 100);
	now = found(&shirt.id);
	assert_int_equal(now.variants[1].stock.available, 3);
	assert_int_equal(now.stock.available, 7);
	assert_int_equal(now.stock.status, STOCK_IN);
	assert_int_equal(now.revision, 1);
	assert_int_equal(now.version, 1);

	set_stock(&shirt.variants[0].id, 1, STOCK_OUT, 0);
	now = found(&shirt.id);
	assert_int_equal(now.stock.status, STOCK_LOW);
}

/* Whatever shows differently has another revision: answers are kept by it. */
static void test_every_change_of_stock_is_a_revision(void **state)
{
	struct product shirt = add(SHIRT), now;

	set_stock(&shirt.variants[0].id, 1, STOCK_IN, 5);
	set_stock(&shirt.variants[1].id, 1, STOCK_IN, 5);
	now = found(&shirt.id);
	assert_int_equal(now.revision, 2);
	assert_int_equal(now.stock.available, 10);
	/* Neither the sum nor the best of all moves. */
	set_stock(&shirt.variants[1].id, 2, STOCK_LOW, 5);
	now = found(&shirt.id);
	assert_int_equal(now.revision, 3);
	assert_int_equal(now.variants[1].stock.status, STOCK_LOW);
	assert_int_equal(now.stock.status, STOCK_IN);
	/* Told again under later versions it is the same, and older news stay older. */
	set_stock(&shirt.variants[1].id, 3, STOCK_LOW, 5);
	set_stock(&shirt.variants[1].id, 6, STOCK_LOW, 5);
	set_stock(&shirt.variants[1].id, 2, STOCK_OUT, 0);
	set_stock(&shirt.variants[1].id, 5, STOCK_OUT, 0);
	now = found(&shirt.id);
	assert_int_equal(now.revision, 3);
	assert_int_equal(now.variants[1].stock.available, 5);
	set_stock(&shirt.variants[1].id, 7, STOCK_OUT, 0);
	set_stock(&shirt.variants[0].id, 2, STOCK_OUT, 0);
	now = found(&shirt.id);
	assert_int_equal(now.revision, 5);
	assert_int_equal(now.stock.status, STOCK_OUT);
	assert_int_equal(now.stock.available, 0);
}

static void test_ratings_follow_the_newest_news(void **state)
{
	struct product shirt = add(SHIRT), now;
	struct step *step = step_new();

	step->id = shirt.id;
	step->number = 2;
	assert_int_equal(WRITE(rating_body, step), OK);
	assert_int_equal(WRITE(rating_body, step), OK);
	now = found(&shirt.id);
	assert_int_equal(now.rating, 450);
	assert_int_equal(now.rating_count, 2);
	assert_int_equal(now.revision, 1);
}

static void test_quotes(void **state)
{
	struct product shirt = add(SHIRT);
	struct step *step = step_new();

	step->id = shirt.variants[1].id;
	assert_int_equal(READ(quote_body, step), OK);
	assert_true(step->quote.known && step->quote.active);
	assert_true(id_equal(&step->quote.product_id, &shirt.id));
	assert_string_equal(step->quote.title, "M / Red");
	assert_string_equal(step->quote.category, "clothing/shirts");
	assert_int_equal(step->quote.price.amount, 2000);
	/* A product with variants is not itself for sale. */
	step->id = shirt.id;
	assert_int_equal(READ(quote_body, step), OK);
	assert_false(step->quote.known);
}

/* A shirt in two sizes, as the first release stored it. */
static const char *const first_release[] = {
	"INSERT INTO products (number, id, slug, vendor_id, status, name, price, currency, available,"
	" stock_status, variant_count, version, created_at, updated_at) VALUES (7, $1, 'shirt', $1,"
	" 'active', 'Shirt', 500, 'EUR', 9, 'in_stock', 2, 3, 4, 5)",
	"INSERT INTO documents (number, document) VALUES (7, '{\"description\":\"\",\"tags\":[],"
	"\"images\":[],\"options\":[{\"name\":\"Size\",\"values\":[\"S\",\"M\"]}],"
	"\"attributes\":{}}')",
	"INSERT INTO variants (product, position, id, sku, options, title, price, available,"
	" stock_status, stock_version) VALUES (7, 0, $1, 'A', '{\"Size\":\"S\"}', 'S', 500, 4,"
	" 'low_stock', 12), (7, 1, zeroblob(16), 'B', '{\"Size\":\"M\"}', 'M', 600, 5,"
	" 'low_stock', 13)",
};

static enum err first_release_body(struct sql *sql, void *arg)
{
	struct step *step = arg;
	enum err err = OK;

	err = sql_run(sql, first_release[0], sql_id(&step->id));
	if (!err)
		err = sql_run(sql, first_release[1]);
	if (!err)
		err = sql_run(sql, first_release[2], sql_id(&step->id));
	return err;
}

static void test_a_shop_of_the_first_release_is_taken_over(void **state)
{
	const struct migration first[] = {product_migrations[0], {0}};
	struct step *step = step_new();
	struct product shirt;

	remove_shop();
	open_shop(first);
	step->id = (struct id){{1, 2, 3}};
	assert_int_equal(WRITE(first_release_body, step), OK);
	database_close(shop.database);
	open_shop(product_migrations);

	shirt = found(&step->id);
	assert_string_equal(shirt.slug, "shirt");
	assert_int_equal(shirt.stock.available, 9);
	assert_int_equal(shirt.variant_count, 2);
	assert_string_equal(shirt.variants[0].sku, "A");
	assert_int_equal(shirt.variants[0].stock_version, 12);
	assert_int_equal(shirt.variants[1].stock.available, 5);
	assert_int_equal(shirt.variants[1].price, 600);
	assert_string_equal(shirt.variants[1].title, "M");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_added_is_found),
		TEST(test_slugs_are_unique_and_skus_are_labels),
		TEST(test_changes_keep_stock),
		TEST(test_removed_is_gone),
		TEST(test_stock_follows_the_newest_news),
		TEST(test_every_change_of_stock_is_a_revision),
		TEST(test_ratings_follow_the_newest_news),
		TEST(test_quotes),
		TEST(test_a_shop_of_the_first_release_is_taken_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
