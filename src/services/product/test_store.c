/* The catalogue's store, and the changes that go through it, on a real database. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "events/event.h"
#include "services/product/change.h"
#include "services/product/rules.h"
#include "services/product/store.h"

#define PAGES_MAX 10 /* a test that walks in a circle ends */

extern const struct migration product_migrations[];

static struct {
	char directory[64];
	struct arena *arena;
	struct database *database;
} shop;

static int set_up(void **state)
{
	const struct migration_set own = {"product", product_migrations};
	const struct migration_set *const sets[] = {&events_migration_set, &own, NULL};
	struct database_options options = {
		.name = "product", .migration_sets = sets, .queue_max = 100};
	const char *why = NULL;

	snprintf(shop.directory, sizeof(shop.directory), "/tmp/souk-product-XXXXXX");
	assert_non_null(mkdtemp(shop.directory));
	shop.arena = arena_new();
	options.directory = shop.directory;
	assert_int_equal(database_open(&options, shop.arena, &shop.database, &why), OK);
	return 0;
}

static int tear_down(void **state)
{
	static const char *const suffixes[] = {"", "-wal", "-shm"};

	database_close(shop.database);
	for (size_t i = 0; i < ARRAY_LENGTH(suffixes); i++)
		unlink(arena_printf(shop.arena, "%s/product.db%s", shop.directory, suffixes[i]));
	assert_int_equal(rmdir(shop.directory), 0);
	arena_free(shop.arena);
	return 0;
}

/* --- helpers ---------------------------------------------------------------------------------- */

/* One step of a test, as a transaction or a read. */
struct step {
	struct product product;
	const char *text;
	struct id id;
	int64_t number;
	struct stock stock;
	struct quote quote;
	struct product_query query;
	struct page page;
	struct list products;
	struct cursor next;
	bool more;
	enum product_facet which;
	struct facet facet;
	struct change change;
};

static struct step *step_new(void)
{
	struct step *step = ARENA_NEW(shop.arena, struct step);

	step->change.arena = shop.arena;
	step->page.limit = PAGE_LIMIT_MAX;
	step->query.status = PRODUCT_ACTIVE;
	step->query.sort = SORT_NEWEST;
	return step;
}

static enum err add_body(struct sql *sql, void *arg)
{
	struct step *step = arg;

	return change_add(sql, &step->change, &step->product);
}

static enum err update_body(struct sql *sql, void *arg)
{
	struct step *step = arg;

	return change_update(sql, &step->change, &step->product);
}

static enum err remove_body(struct sql *sql, void *arg)
{
	struct step *step = arg;

	return change_remove(sql, &step->change, &step->product);
}

static enum err find_body(struct sql *sql, void *arg)
{
	struct step *step = arg;
	enum err err;

	err = step->text ? store_find_slug(sql, shop.arena, step->text, &step->product)
			 : store_find_id(sql, shop.arena, &step->id, &step->product);
	return err ? err : content_read(shop.arena, step->product.document, &step->product.content);
}

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

static enum err list_body(struct sql *sql, void *arg)
{
	struct step *step = arg;

	return store_list(sql, shop.arena, &step->query, &step->page, &step->products, &step->more,
			  &step->next);
}

static enum err facet_body(struct sql *sql, void *arg)
{
	struct step *step = arg;

	return store_facet(sql, shop.arena, &step->query, step->which, &step->facet);
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

#define WRITE(body, step) sql_transaction(shop.database, body, step)
#define READ(body, step) sql_read(shop.database, body, step)

/* What a draft in JSON, with apostrophes for quotes, makes of `current`. */
static struct product merged(const char *body, const struct product *current)
{
	struct faults faults = {.arena = shop.arena};
	char *text = arena_copy_text(shop.arena, body);
	struct product product = {0};
	struct draft draft = {0};
	json_t *object;

	for (char *c = text; *c; c++)
		if (*c == '\'')
			*c = '"';
	assert_int_equal(json_parse(shop.arena, text, strlen(text), &object, NULL), OK);
	json_read_fields(object, draft_change_fields, "", &draft, &faults);
	draft_check(&draft, &faults);
	product_merge(current, &draft, &product, &faults);
	assert_int_equal(faults.count, 0);
	return product;
}

static struct product add(const char *body)
{
	struct step *step = step_new();

	step->product = merged(body, NULL);
	assert_int_equal(WRITE(add_body, step), OK);
	return step->product;
}

static struct product found(const struct id *id)
{
	struct step *step = step_new();

	step->id = *id;
	assert_int_equal(READ(find_body, step), OK);
	return step->product;
}

static int64_t events(const char *type)
{
	struct step *step = step_new();

	step->text = type;
	assert_int_equal(READ(count_events_body, step), OK);
	return step->number;
}

/* The names of what the query finds, in its order, with spaces between. */
static const char *names(struct step *step)
{
	const struct product *products;
	const char *all = "";

	assert_int_equal(READ(list_body, step), OK);
	products = step->products.items;
	for (size_t i = 0; i < step->products.count; i++)
		all = arena_printf(shop.arena, "%s%s%s", all, i ? " " : "", products[i].name);
	return all;
}

#define PRICE(amount) "'price': {'amount': " #amount ", 'currency': 'EUR'}"
#define SHIRT                                                                               \
	"{'name': 'Linen shirt', " PRICE(                                                   \
		2000) ", 'category': 'clothing/shirts', 'variants': ["                      \
		      "{'sku': 'a', 'options': {'Size': 'S', 'Color': 'Red'}, 'stock': 4}," \
		      "{'options': {'Size': 'M', 'Color': 'Red'}}]}"

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

static void test_slugs_and_skus_are_unique(void **state)
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
	step->product = merged("{'name': 'x', 'variants': [{'sku': 'a', " PRICE(1) "}]}", NULL);
	assert_int_equal(WRITE(add_body, step), ERR_SKU_TAKEN);
	assert_string_equal(step->change.taken, "a");
	/* A derived SKU gives way. */
	add("{'name': 'y', 'variants': [{'sku': 'z', " PRICE(1) "}]}");
	assert_string_equal(add("{'name': 'z', " PRICE(1) "}").variants[0].sku, "z-2");
	assert_string_equal(add("{'name': '\u8336', " PRICE(1) "}").slug, "product");
	assert_int_equal(events("ProductCreated"), 5);
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
	step->query.words = search_query(shop.arena, "linen");
	assert_string_equal(names(step), "Shirt");
	step->query.words = search_query(shop.arena, "red");
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

	/* Its slug and SKUs are free. */
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

/* --- lists ------------------------------------------------------------------------------------ */

static void add_shelf(void)
{
	add("{'name': 'A', " PRICE(3000) ", 'category': 'home', 'tags': ['New', 'red']}");
	add("{'name': 'b', " PRICE(1000) ", 'category': 'home/lamps', 'stock': 2,"
					 " 'tags': ['new']}");
	add("{'name': 'C', " PRICE(2000) ", 'category': 'home/lamps/desk',"
					 " 'description': '<p>A caf\u00e9 lamp</p>'}");
	add("{'name': 'D', " PRICE(1000) ", 'category': 'homeware'}");
	add("{'name': 'E', " PRICE(1) ", 'status': 'draft'}");
}

static void test_sorts_and_pages(void **state)
{
	static const struct {
		enum product_sort sort;
		const char *names;
	} rows[] = {
		{SORT_NEWEST, "D C b A"}, {SORT_PRICE, "b D C A"},  {SORT_PRICE_DOWN, "A C D b"},
		{SORT_NAME, "A b C D"},	  {SORT_RATING, "D C b A"},
	};

	add_shelf();
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		struct step *step = step_new();
		const char *paged = "";

		step->query.sort = rows[i].sort;
		assert_string_equal(names(step), rows[i].names);
		assert_false(step->more);
		step->page.limit = 1;
		for (int page = 0; page < PAGES_MAX && (!page || step->more); page++) {
			paged = arena_printf(shop.arena, "%s%s%s", paged, *paged ? " " : "",
					     names(step));
			step->page.after = step->next;
			step->page.has_after = true;
		}
		assert_string_equal(paged, rows[i].names);
	}
}

static void test_filters(void **state)
{
	struct step *step = step_new();

	add_shelf();
	step->query.category = "home";
	assert_string_equal(names(step), "C b A");
	step->query.category = "home/lamps";
	assert_string_equal(names(step), "C b");
	step->query.tag = "NEW";
	assert_string_equal(names(step), "b");
	step->query.category = NULL;
	assert_string_equal(names(step), "b A");
	step->query.has_min_price = step->query.has_max_price = true;
	step->query.min_price = step->query.max_price = 3000;
	assert_string_equal(names(step), "A");

	step = step_new();
	step->query.has_in_stock = step->query.in_stock = true;
	assert_string_equal(names(step), "b");
	step->query.in_stock = false;
	assert_string_equal(names(step), "D C A");
	step->query.min_rating = 100;
	assert_string_equal(names(step), "");

	step = step_new();
	step->query.status = PRODUCT_DRAFT;
	assert_string_equal(names(step), "E");
	step->query.only_owner = true;
	step->query.owner = id_new();
	assert_string_equal(names(step), "");
}

static void test_ids_come_in_their_order(void **state)
{
	struct product one = add("{'name': 'One', " PRICE(1) "}");
	struct product two = add("{'name': 'Two', " PRICE(2) "}");
	struct id ids[] = {two.id, id_new(), one.id, two.id};
	struct step *step = step_new();

	step->page.limit = 1;
	step->query.has_ids = true;
	step->query.ids = (struct list){.items = ids, .count = ARRAY_LENGTH(ids)};
	assert_string_equal(names(step), "Two One");
	assert_false(step->more);
	step->query.has_max_price = true;
	step->query.max_price = 1;
	assert_string_equal(names(step), "One");
	step->query.ids.count = 0;
	assert_string_equal(names(step), "");
}

static void test_search(void **state)
{
	static const struct {
		const char *typed, *names;
	} rows[] = {
		{"cafe", "C"},
		{"CAF\u00c9 la", "C"},
		{"cafe shirt", ""},
		{"\"", ""},
		{"name:x", ""},
		{"home", "A b C D"},
		{"lamps", "b C Lamps"},
		{"new", "A b"},
		{"a* OR b", ""},
		{"lamp-s", ""},
		{"-", ""},
	};

	add_shelf();
	add("{'name': 'Lamps', " PRICE(5) "}");
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		struct step *step = step_new();

		step->query.words = search_query(shop.arena, rows[i].typed);
		step->query.sort = SORT_NAME;
		assert_string_equal(names(step), rows[i].names);
	}
}

static void test_the_name_ranks_first(void **state)
{
	struct step *step = step_new();
	const char *paged = "";

	add("{'name': 'Stand', 'description': 'for a lamp, a lamp, a lamp', " PRICE(5) "}");
	add("{'name': 'Lamp', " PRICE(5) "}");
	add("{'name': 'Table', 'tags': ['lamp'], " PRICE(5) "}");
	step->query.words = search_query(shop.arena, "lam");
	step->query.sort = SORT_RELEVANCE;
	assert_string_equal(names(step), "Lamp Table Stand");
	step->page.limit = 1;
	for (int page = 0; page < PAGES_MAX && (!page || step->more); page++) {
		paged = arena_printf(shop.arena, "%s %s", paged, names(step));
		step->page.after = step->next;
		step->page.has_after = true;
	}
	assert_string_equal(paged, " Lamp Table Stand");
}

static void check_facet(struct step *step, enum product_facet which, const char *wanted)
{
	const char *told = "";

	step->which = which;
	assert_int_equal(READ(facet_body, step), OK);
	for (size_t i = 0; i < step->facet.count; i++)
		told = arena_printf(shop.arena, "%s%s:%d ", told, step->facet.values[i].value,
				    (int)step->facet.values[i].count);
	assert_string_equal(told, wanted);
}

static void test_facets(void **state)
{
	struct step *step = step_new();

	add_shelf();
	check_facet(step, FACET_CATEGORY, "home:3 home/lamps:2 home/lamps/desk:1 homeware:1 ");
	check_facet(step, FACET_TAG, "New:2 red:1 ");
	check_facet(step, FACET_PRICE, "1000-1999:2 2000-4999:2 ");
	step->query.words = search_query(shop.arena, "lamp");
	check_facet(step, FACET_CATEGORY, "home/lamps:2 home/lamps/desk:1 ");
	check_facet(step, FACET_TAG, "new:1 ");
	check_facet(step, FACET_PRICE, "1000-1999:1 2000-4999:1 ");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_added_is_found),
		TEST(test_slugs_and_skus_are_unique),
		TEST(test_changes_keep_stock),
		TEST(test_removed_is_gone),
		TEST(test_stock_follows_the_newest_news),
		TEST(test_ratings_follow_the_newest_news),
		TEST(test_quotes),
		TEST(test_sorts_and_pages),
		TEST(test_filters),
		TEST(test_ids_come_in_their_order),
		TEST(test_search),
		TEST(test_the_name_ranks_first),
		TEST(test_facets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
