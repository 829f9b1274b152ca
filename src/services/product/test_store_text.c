/* What the store makes of text by Unicode's rules, in shops of earlier releases and of another ICU. */
#include "services/product/test_store.h"

static enum err current_body(struct sql *sql, void *arg)
{
	struct step *step = arg;

	return store_text_is_current(sql, shop.arena, &step->whole);
}

static enum err renew_body(struct sql *sql, void *arg)
{
	return store_renew_text(sql, shop.arena);
}

static bool is_current(void)
{
	struct step *step = step_new();

	assert_int_equal(READ(current_body, step), OK);
	return step->whole;
}

static void renew(void)
{
	assert_int_equal(WRITE(renew_body, NULL), OK);
	assert_true(is_current());
}

static const char *searched(const char *typed)
{
	struct step *step = step_new();

	step->query.words = search_new(shop.arena, typed);
	step->query.sort = SORT_NAME;
	return names(step);
}

static const char *tagged(const char *fold)
{
	struct step *step = step_new();

	step->query.tag = fold;
	return names(step);
}

static const char *sorted_names(void)
{
	struct step *step = step_new();

	step->query.sort = SORT_NAME;
	return names(step);
}

static enum err run_body(struct sql *sql, void *arg)
{
	const char *const *statements = arg;
	enum err err = OK;

	for (size_t i = 0; !err && statements[i]; i++)
		err = sql_run(sql, statements[i]);
	return err;
}

#define EARLIER_PRODUCT(number, name, price)                                                       \
	"INSERT INTO products (number, id, slug, vendor_id, status, name, price, currency,"        \
	" available, stock_status, variant_count, version, created_at, updated_at) VALUES"         \
	" (" number ", x'000102030405060708090a0b0c0d0e0" number "', 's" number "', zeroblob(16)," \
	" 'active', '" name "', " price ", 'EUR', 0, 'out_of_stock', 1, 1, " number ", 5)",        \
		"INSERT INTO documents (number, document) VALUES (" number                         \
		", '{\"description\":\"\",\"tags\":[],\"images\":[],\"options\":[],"               \
		"\"attributes\":{}}')",                                                            \
		"INSERT INTO variants (product, position, id, sku, options, title, price,"         \
		" available, stock_status, stock_version) VALUES (" number                         \
		", 0, x'000102030405060708090a0b0c0d0e0" number "', 'A', '{}', '', 900, 0,"        \
		" 'out_of_stock', 0)"

/* As the releases before stored them: nothing folded, sorted by bytes, cut by ASCII's rules. */
static const char *const earlier[] = {
	EARLIER_PRODUCT("1", "Zoo", "700"),
	EARLIER_PRODUCT("2", "Äpfel", "900"),
	EARLIER_PRODUCT("3", "日本茶", "900"),
	"INSERT INTO tags (product, tag) VALUES (1, 'ЧАЙ'), (1, 'чай'), (1, 'New'), (2, 'Чай')",
	"INSERT INTO product_search (rowid, name, tags, category, sku, body) VALUES"
	" (1, 'Zoo', 'ЧАЙ New', NULL, 'A', 'Ёлка'), (2, 'Äpfel', 'Чай', NULL, 'A', ''),"
	" (3, '日本茶', '', NULL, 'A', '')",
	NULL,
};

static void test_an_earlier_shop_is_taken_over(void **state)
{
	const struct migration before[] = {product_migrations[0], product_migrations[1], {0}};
	struct step *step = step_new();

	remove_shop();
	open_shop(before);
	assert_int_equal(WRITE(run_body, (void *)earlier), OK);
	database_close(shop.database);
	open_shop(product_migrations);
	assert_false(is_current());
	renew();
	assert_string_equal(sorted_names(), "Äpfel Zoo 日本茶");
	assert_string_equal(searched("茶"), "日本茶");
	assert_string_equal(searched("елка"), "Zoo");
	assert_string_equal(tagged("чай"), "Äpfel Zoo");
	assert_string_equal(tagged("new"), "Zoo");
	step->query.has_min_price = true;
	step->query.min_price = 800;
	assert_string_equal(names(step), "日本茶 Äpfel Zoo");
}

static void test_another_edition_is_made_anew(void **state)
{
	static const char *const other[] = {
		"UPDATE products SET name_key = x'ff' WHERE name = 'apple'",
		"UPDATE tags SET fold = 'x'",
		/* A word that the earlier edition did not see. */
		"UPDATE product_search_content SET c0 = 'grape' WHERE id = 1",
		"UPDATE editions SET edition = 'icu 1.0'",
		NULL,
	};

	renew();
	add("{'name': 'apple', " PRICE(1) ", 'tags': ['Red']}");
	add("{'name': 'Zoo', " PRICE(1) "}");
	assert_int_equal(WRITE(run_body, (void *)other), OK);
	assert_false(is_current());
	assert_string_equal(sorted_names(), "Zoo apple");
	assert_string_equal(searched("grape"), "");
	renew();
	assert_string_equal(sorted_names(), "apple Zoo");
	assert_string_equal(tagged("red"), "apple");
	assert_string_equal(searched("grape"), "apple");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_an_earlier_shop_is_taken_over, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_another_edition_is_made_anew, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
