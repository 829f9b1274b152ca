/* The catalogue's rules: drafts, and what they make of a product. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "services/product/rules.h"

static struct arena *arena;

static int set_up(void **state)
{
	arena = arena_new();
	return 0;
}

static int tear_down(void **state)
{
	arena_free(arena);
	return 0;
}

/* --- helpers ---------------------------------------------------------------------------------- */

/* Applies a body, in JSON with apostrophes for quotes, to `current`; the faults as text. */
static const char *apply(const struct field *fields, const char *body,
			 const struct product *current, struct product *ret_product)
{
	struct faults faults = {.arena = arena};
	char *text = arena_copy_text(arena, body);
	struct draft draft = {0};
	const char *told = "";
	json_t *object;

	for (char *c = text; *c; c++)
		if (*c == '\'')
			*c = '"';
	assert_int_equal(json_parse(arena, text, strlen(text), &object, NULL), OK);
	json_read_fields(object, fields, "", &draft, &faults);
	draft_check(&draft, &faults);
	draft.imported = fields == draft_import_fields;
	product_merge(current, &draft, ret_product, &faults);
	for (const struct fault *fault = faults.first; fault; fault = fault->next)
		told = arena_printf(arena, "%s%s%s", told, *told ? " " : "", fault->pointer);
	return told;
}

static const char *make(const char *body, struct product *ret_product)
{
	return apply(draft_new_fields, body, NULL, ret_product);
}

static const char *change(const struct product *current, const char *body,
			  struct product *ret_product)
{
	return apply(draft_change_fields, body, current, ret_product);
}

/* As if it were stored: with ids, SKUs and stock that one can tell apart. */
static struct product stored(const char *body)
{
	struct product product = {0};

	assert_string_equal(make(body, &product), "");
	product.id.bytes[0] = 1;
	product.number = 7;
	product.slug = arena_copy_text(arena, "stored");
	for (size_t i = 0; i < product.variant_count; i++) {
		struct variant *variant = &product.variants[i];

		variant->id.bytes[0] = product.content.options.count ? (uint8_t)(i + 2) : 1;
		variant->is_new = false;
		variant->stock = (struct stock){.status = STOCK_IN, .available = (int64_t)i + 10};
		if (!variant->sku)
			variant->sku = arena_printf(arena, "sku-%zu", i);
	}
	return product;
}

#define PLAIN "{'name': 'Lamp', 'price': {'amount': 1900, 'currency': 'EUR'}}"
#define SHIRT                                                               \
	"{'name': 'Shirt', 'price': {'amount': 2000, 'currency': 'EUR'},"   \
	" 'options': [{'name': 'Size', 'values': ['S', 'M']}],"             \
	" 'variants': [{'sku': 'a', 'options': {'Size': 'S'}, 'stock': 4}," \
	" {'sku': 'b', 'options': {'Size': 'M'}, 'price': {'amount': 2500, 'currency': 'EUR'}}]}"

/* --- new products ----------------------------------------------------------------------------- */

static void test_plain_product(void **state)
{
	struct product product;

	assert_string_equal(make("{'name': ' Lamp ', 'price': {'amount': 1900, 'currency': 'EUR'},"
				 " 'stock': 3, 'description': '<p>x<script>y</script>'}",
				 &product),
			    "");
	assert_string_equal(product.name, "Lamp");
	assert_int_equal(product.status, PRODUCT_ACTIVE);
	assert_int_equal(product.variant_count, 1);
	assert_true(product.variants[0].is_new);
	assert_string_equal(product.variants[0].options, "{}");
	assert_string_equal(product.variants[0].title, "");
	assert_int_equal(product.price.amount, 1900);
	assert_int_equal(product.stock.available, 3);
	assert_int_equal(product.stock.status, STOCK_IN);
	assert_string_equal(product.content.description, "<p>x</p>");
}

static void test_variants(void **state)
{
	struct product product;

	assert_string_equal(make(SHIRT, &product), "");
	assert_int_equal(product.variant_count, 2);
	assert_int_equal(product.variants[0].price, 2000);
	assert_int_equal(product.variants[1].price, 2500);
	assert_int_equal(product.price.amount, 2000);
	assert_string_equal(product.variants[1].options, "{\"Size\":\"M\"}");
	assert_string_equal(product.variants[1].title, "M");
	assert_int_equal(product.variants[0].initial.units, 4);
	assert_int_equal(product.stock.available, 4);
}

static void test_options_are_derived(void **state)
{
	struct product product;
	const struct option *options;

	assert_string_equal(
		make("{'name': 'Shirt', 'price': {'amount': 1, 'currency': 'EUR'}, 'variants': ["
		     "{'options': {'Size': 'S', 'Color': 'Red'}},"
		     "{'options': {'Size': 'M', 'Color': 'Red'}}]}",
		     &product),
		"");
	options = product.content.options.items;
	assert_int_equal(product.content.options.count, 2);
	assert_string_equal(options[0].name, "Size");
	assert_int_equal(options[0].values.count, 2);
	assert_int_equal(options[1].values.count, 1);
	assert_string_equal(product.variants[1].title, "M / Red");
}

static void test_faults_of_new_products(void **state)
{
	static const struct {
		const char *body, *faults;
	} rows[] = {
		{"{'price': {'amount': 1, 'currency': 'EUR'}}", "/name"},
		{"{'name': 'x'}", "/price"},
		{"{'name': ' ', 'price': {'amount': -1, 'currency': 'EUR'}}",
		 "/price/amount /name"},
		{"{'name': 'x', 'slug': 'No Slug', 'category': '/a', 'status': 'gone', 'more': 1}",
		 "/category /status /slug /more /price"},
		{"{'name': 'x', 'slug': '01890a5d-ac96-774b-bcce-b302099a8057',"
		 " 'price': {'amount': 1, 'currency': 'EUR'}}",
		 "/slug"},
		{"{'name': 'x', 'price': {'amount': 1, 'currency': 'EUR'}, 'stock': -1}", "/stock"},
		{"{'name': 'x', 'variants': [{'options': {'A': '1'}}, {'options': {'A': '2'},"
		 " 'price': {'amount': 1, 'currency': 'EUR'}}]}",
		 "/variants/0/price"},
		{"{'name': 'x', 'price': {'amount': 1, 'currency': 'EUR'}, 'variants': [{}, {}]}",
		 "/variants"},
		{"{'name': 'x', 'price': {'amount': 1, 'currency': 'EUR'}, 'options': "
		 "[{'name': 'A', 'values': ['1']}]}",
		 "/options"},
		{"{'name': 'x', 'price': {'amount': 1, 'currency': 'EUR'}, 'options': "
		 "[{'name': 'A', 'values': ['1', '1']}, {'name': 'A', 'values': ['1']}],"
		 " 'variants': [{'options': {'A': '1'}}]}",
		 "/options/0/values/1 /options/1/name"},
		{"{'name': 'x', 'price': {'amount': 1, 'currency': 'EUR'}, 'options': "
		 "[{'name': 'A', 'values': ['1', '2']}], 'variants': [{'options': {'A': '1'}},"
		 " {'options': {'A': '1'}}, {'options': {'A': '3'}}, {'options': {'B': '1'}}]}",
		 "/variants/3/options/B /variants/1/options /variants/2/options/A"
		 " /variants/3/options/A"},
		{"{'name': 'x', 'price': {'amount': 1, 'currency': 'EUR'}, 'variants': ["
		 "{'sku': 's', 'options': {'A': '1'}}, {'sku': 's', 'options': {'A': '2'},"
		 " 'price': {'amount': 1, 'currency': 'USD'}}]}",
		 "/variants/1/price/currency"},
		{"{'name': 'x', 'price': {'amount': 1, 'currency': 'EUR'}, 'variants': ["
		 "{'options': {'A': 1}, 'stock': 'many'}]}",
		 "/variants/0/options/A /variants/0/stock /variants/0/options/A"},
	};

	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		struct product product;

		assert_string_equal(make(rows[i].body, &product), rows[i].faults);
	}
}

/* --- changes ---------------------------------------------------------------------------------- */

static void test_absent_members_stay(void **state)
{
	struct product current = stored(
		"{'name': 'Lamp', 'price': {'amount': 1900, 'currency': 'EUR'},"
		" 'description': 'bright', 'tags': ['a', ' a', 'A', 'b'], 'category': 'home/lamps'}");
	struct product product;

	assert_string_equal(change(&current, "{'name': 'Lantern'}", &product), "");
	assert_string_equal(product.name, "Lantern");
	assert_string_equal(product.category, "home/lamps");
	assert_string_equal(product.content.description, "bright");
	assert_int_equal(product.content.tags.count, 2);
	assert_int_equal(product.variants[0].stock.available, 10);
	assert_false(product.variants[0].is_new);

	assert_string_equal(
		change(&current, "{'category': null, 'tags': null, 'description': null}", &product),
		"");
	assert_null(product.category);
	assert_int_equal(product.content.tags.count, 0);
	assert_null(product.content.description);
}

static void test_prices_change(void **state)
{
	struct product shirt = stored(SHIRT), plain = stored(PLAIN), product;
	static const struct {
		const char *body;
		int64_t first, second;
	} rows[] = {
		/* A price at the top is for all. */
		{"{'price': {'amount': 3000, 'currency': 'EUR'}}", 3000, 3000},
		{"{'price': {'amount': 3000, 'currency': 'USD'}}", 3000, 3000},
		/* What GET showed is no change. */
		{"{'price': {'amount': 2000, 'currency': 'EUR'}}", 2000, 2500},
		/* A variant's own price wins; its options stay. */
		{"{'price': {'amount': 2000, 'currency': 'EUR'}, 'variants': [{'sku': 'a'},"
		 " {'sku': 'b', 'price': {'amount': 2600, 'currency': 'EUR'}}]}",
		 2000, 2600},
		/* So it does where both are new. */
		{"{'price': {'amount': 2100, 'currency': 'EUR'}, 'variants': ["
		 "{'sku': 'a', 'price': {'amount': 2000, 'currency': 'EUR'}},"
		 "{'sku': 'b', 'price': {'amount': 2600, 'currency': 'EUR'}}]}",
		 2000, 2600},
		/* All sent back, the top changed. */
		{"{'price': {'amount': 2100, 'currency': 'EUR'}, 'variants': ["
		 "{'sku': 'a', 'options': {'Size': 'S'}, 'price': {'amount': 2000, 'currency': 'EUR'}},"
		 "{'sku': 'b', 'options': {'Size': 'M'}, 'price': {'amount': 2500, 'currency': 'EUR'}}]}",
		 2100, 2100},
	};

	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		assert_string_equal(change(&shirt, rows[i].body, &product), "");
		assert_int_equal(product.variants[0].price, rows[i].first);
		assert_int_equal(product.variants[1].price, rows[i].second);
	}
	assert_string_equal(change(&plain, "{'price': {'amount': 5, 'currency': 'USD'}}", &product),
			    "");
	assert_string_equal(product.price.currency, "USD");
	assert_string_equal(
		change(&shirt,
		       "{'variants': [{'sku': 'a', 'options': {'Size': 'S'}}, {'sku': 'b',"
		       " 'options': {'Size': 'M'},"
		       " 'price': {'amount': 5, 'currency': 'USD'}}]}",
		       &product),
		"/variants");
}

static void test_variants_are_matched(void **state)
{
	struct product shirt = stored(SHIRT), product;

	/* Options change places; the SKU says which is which. */
	assert_string_equal(change(&shirt,
				   "{'variants': [{'sku': 'b', 'options': {'Size': 'S'}},"
				   " {'sku': 'a', 'options': {'Size': 'M'}}]}",
				   &product),
			    "");
	assert_int_equal(product.variants[0].id.bytes[0], 3);
	assert_int_equal(product.variants[0].stock.available, 11);
	assert_int_equal(product.variants[1].id.bytes[0], 2);

	/* It does so for a variant whose options another one has now. */
	assert_string_equal(change(&shirt,
				   "{'variants': [{'sku': 'c', 'options': {'Size': 'S'}},"
				   " {'sku': 'a', 'options': {'Size': 'M'}}]}",
				   &product),
			    "");
	assert_true(product.variants[0].is_new);
	assert_int_equal(product.variants[1].id.bytes[0], 2);

	/* A new SKU, the same options: the same variant. What is not listed is gone. */
	assert_string_equal(
		change(&shirt, "{'variants': [{'sku': 'c', 'options': {'Size': 'M'}}]}", &product),
		"");
	assert_int_equal(product.variant_count, 1);
	assert_int_equal(product.variants[0].id.bytes[0], 3);
	assert_string_equal(product.variants[0].sku, "c");
	assert_int_equal(product.price.amount, 2500);

	assert_string_equal(change(&shirt,
				   "{'variants': [{'id': '01890a5d-ac96-774b-bcce-b302099a8057',"
				   " 'options': {'Size': 'M'}}]}",
				   &product),
			    "/variants/0/id");
	assert_string_equal(change(&shirt,
				   "{'variants': [{'sku': 'a', 'options': {'Size': 'S'}},"
				   " {'id': '02000000-0000-0000-0000-000000000000',"
				   " 'options': {'Size': 'M'}}]}",
				   &product),
			    "/variants/1");
}

/* SKUs that several variants have say nothing; in a file options go before SKUs. */
static void test_a_sku_is_a_label(void **state)
{
#define IMPORT                                                                               \
	"{'name': 'Shirt', 'slug': 's', 'vendorId': '01890a5d-ac96-774b-bcce-b302099a8057'," \
	" 'variants': ["
	struct product shirt = stored(SHIRT), twins, product;

	twins = stored("{'name': 'Shirt', 'price': {'amount': 1, 'currency': 'EUR'}, 'variants': ["
		       "{'sku': 'a', 'options': {'Size': 'S'}},"
		       " {'sku': 'a', 'options': {'Size': 'M'}}]}");
	assert_string_equal(change(&twins,
				   "{'variants': [{'sku': 'a', 'options': {'Size': 'M'}},"
				   " {'sku': 'a', 'options': {'Size': 'S'}}]}",
				   &product),
			    "");
	assert_int_equal(product.variants[0].id.bytes[0], 3);
	assert_int_equal(product.variants[1].id.bytes[0], 2);
	assert_string_equal(change(&twins, "{'variants': [{'sku': 'a'}]}", &product),
			    "/variants/0/options/Size");

	/* Labels change places in a file: the variants do not. */
	assert_string_equal(apply(draft_import_fields,
				  IMPORT "{'sku': 'b', 'options': {'Size': 'S'}},"
					 " {'sku': 'a', 'options': {'Size': 'M'}}]}",
				  &shirt, &product),
			    "");
	assert_int_equal(product.variants[0].id.bytes[0], 2);
	assert_string_equal(product.variants[0].sku, "b");
	assert_int_equal(product.variants[1].id.bytes[0], 3);
	/* One has a new label, and a new one has its old label. */
	assert_string_equal(apply(draft_import_fields,
				  IMPORT "{'sku': 'c', 'options': {'Size': 'S'}},"
					 " {'sku': 'a', 'options': {'Size': 'L'}}],"
					 " 'options': [{'name': 'Size', 'values': ['S', 'L']}]}",
				  &shirt, &product),
			    "");
	assert_int_equal(product.variants[0].id.bytes[0], 2);
	assert_true(product.variants[1].is_new);
	/* A size that is called otherwise now: the SKU, where one variant alone has it. */
	assert_string_equal(apply(draft_import_fields,
				  IMPORT "{'sku': 'a', 'options': {'Size': 'Small'}}],"
					 " 'options': [{'name': 'Size', 'values': ['Small']}]}",
				  &shirt, &product),
			    "");
	assert_int_equal(product.variants[0].id.bytes[0], 2);
#undef IMPORT
}

static void test_a_plain_products_variant_has_its_id(void **state)
{
	struct product shirt = stored(SHIRT), plain = stored(PLAIN), product;

	assert_string_equal(change(&shirt, "{'options': [], 'variants': [{'sku': 'a'}]}", &product),
			    "");
	assert_true(product.variants[0].is_new);
	assert_int_equal(product.stock.available, 0);

	assert_string_equal(change(&plain,
				   "{'variants': [{'sku': 'sku-0', 'options': {'Size': 'S'}}]}",
				   &product),
			    "");
	assert_false(product.variants[0].is_new);
	assert_true(id_equal(&product.variants[0].id, &product.id));
}

static void test_partial_imports_keep_variants(void **state)
{
	static const char body[] =
		"{'name': 'Shirt', 'slug': 's', 'vendorId': '01890a5d-ac96-774b-bcce-b302099a8057',"
		" 'options': [{'name': 'Size', 'values': ['S']}], 'partial': %s,"
		" 'variants': [{'sku': 'a', 'options': {'Size': 'S'}}]}";
	struct product shirt = stored(SHIRT), product;
	const struct option *option;

	assert_string_equal(
		apply(draft_import_fields, arena_printf(arena, body, "false"), &shirt, &product),
		"");
	assert_int_equal(product.variant_count, 1);
	assert_string_equal(
		apply(draft_import_fields, arena_printf(arena, body, "true"), &shirt, &product),
		"");
	assert_int_equal(product.variant_count, 2);
	option = product.content.options.items;
	assert_int_equal(option->values.count, 2);
	assert_int_equal(product.variants[1].id.bytes[0], 3);
}

static void test_documents_come_back(void **state)
{
	struct product product = stored(
		"{'name': 'Lamp', 'price': {'amount': 1900, 'currency': 'EUR'}, 'description':"
		" '<p>a\\nb</p>', 'tags': ['a'], 'images': [{'url': 'https://a.example/b.jpg'}],"
		" 'attributes': {'watt': 5, 'of': ['brass', null]}}");
	struct content content;

	assert_int_equal(content_read(arena, product.document, &content), OK);
	assert_string_equal(content_write(arena, &content), product.document);
	assert_string_equal(content.description, "<p>a\nb</p>");
}

/* --- the rest --------------------------------------------------------------------------------- */

static void test_categories(void **state)
{
	assert_true(category_is_path("clothing"));
	assert_true(category_is_path("clothing/shirts/linen"));
	assert_false(category_is_path(""));
	assert_false(category_is_path("/clothing"));
	assert_false(category_is_path("clothing/"));
	assert_false(category_is_path("clothing//shirts"));
	assert_false(category_is_path("Clothing"));
	assert_true(category_is_path("одежда/рубашки"));
	assert_false(category_is_path("одежда/Рубашки"));
	assert_false(category_is_path("お茶/"));
}

static void test_words(void **state)
{
	struct search *search;

	assert_null(search_new(arena, "  \t\u3000"));
	search = search_new(arena, " red  t-shirt");
	assert_string_equal(search->all, "\"red\"* \"t shirt\"*");
	assert_string_equal(search->tiers[0], "name : (\"red\" \"t shirt\")");
	assert_non_null(strstr(search->tiers[1], "name : (\"red\" OR \"t shirt\")"));
	/* Nothing is syntax; what is there twice, or has no letter, counts not. */
	search = search_new(arena, "a\"b OR name:x* - A\"B \u2615");
	assert_string_equal(search->all, "\"a b\"* \"or\"* \"name x\"*");
	assert_int_equal(search->words, 3);
	assert_string_equal(search_new(arena, "\u2615 !")->all, "\"\"*");
	/* A blank is what Unicode calls one. */
	search = search_new(arena, "\u65e5\u672c\u8336\u3000\u6025\u9808");
	assert_string_equal(search->whole, "\"\u65e5 \u672c \u8336\" \"\u6025 \u9808\"");
	search = search_new(arena, "1 2 3 4 5 6 7 8 9 10 11 12");
	assert_int_equal(search->words, SEARCH_WORDS_MAX);
	assert_null(strstr(search->all, "11"));
	/* So many letters of what has no blanks. */
	search = search_new(arena, "\u8336\u8336\u8336\u8336\u8336\u8336\u8336\u8336\u8336\u8336"
				   "\u8336\u8336\u8336\u8336\u8336\u8336\u8336\u8336\u8336\u8336"
				   "\u8336\u8336\u8336\u8336\u8336\u8336\u8336\u8336\u8336\u8336"
				   "\u8336\u8336\u8336\u8336\u8336\u8336\u8336\u8336\u8336\u8336"
				   "\u6025 tea");
	assert_int_equal(search->words, 1);
	assert_int_equal(strlen(search->phrases[0]), 40 * 4 - 1);
	search = search_new(arena, "one");
	assert_string_equal(search->tiers[1], "name : (\"one\"*) NOT name : (\"one\")");
}

static void test_ratings(void **state)
{
	int64_t rating = -1;

	assert_true(rating_parse("4", &rating));
	assert_int_equal(rating, 400);
	assert_true(rating_parse("4.5", &rating));
	assert_int_equal(rating, 450);
	assert_true(rating_parse("3.25", &rating));
	assert_int_equal(rating, 325);
	assert_false(rating_parse("5.01", &rating));
	assert_false(rating_parse("-1", &rating));
	assert_false(rating_parse("4.", &rating));
	assert_false(rating_parse("4.123", &rating));
	assert_false(rating_parse("45", &rating));
}

static void test_stock_of_all(void **state)
{
	struct stock all = {.status = STOCK_OUT}, alone = {.status = STOCK_OUT};

	stock_add(&all, &(struct stock){.status = STOCK_OUT}, 5);
	assert_int_equal(all.status, STOCK_OUT);
	stock_add(&all, &(struct stock){.status = STOCK_BACKORDER, .available = -4}, 5);
	assert_int_equal(all.status, STOCK_BACKORDER);
	stock_add(&all, &(struct stock){.status = STOCK_LOW, .available = 2}, 5);
	assert_int_equal(all.status, STOCK_LOW);
	stock_add(&all, &(struct stock){.status = STOCK_IN, .available = 9}, 5);
	stock_add(&all, &(struct stock){.status = STOCK_OUT}, 5);
	assert_int_equal(all.status, STOCK_IN);
	assert_int_equal(all.available, 11);
	stock_add(&all, &(struct stock){.status = STOCK_IN, .uncounted = 1}, 5);
	assert_int_equal(all.uncounted, 1);

	stock_add(&alone, &(struct stock){.status = STOCK_BACKORDER, .available = -4}, 1);
	assert_int_equal(alone.available, -4);
}

static void test_stock_to_begin_with(void **state)
{
	static const struct {
		const char *stock;
		bool uncounted, backorder;
		int64_t units;
		enum stock_status status;
	} rows[] = {
		{"null", false, false, 0, STOCK_OUT},
		{"7", false, false, 7, STOCK_IN},
		{"{'status': 'in_stock', 'available': 7}", false, false, 7, STOCK_IN},
		{"{'status': 'in_stock', 'available': null}", true, false, 0, STOCK_IN},
		{"{'status': 'backorder', 'available': -7}", false, true, 0, STOCK_BACKORDER},
		{"{'tracked': false, 'available': 3}", true, false, 0, STOCK_IN},
		{"{'backorder': 'allow', 'available': 3}", false, true, 3, STOCK_IN},
		{"{'backorder': 'deny', 'available': 0}", false, false, 0, STOCK_OUT},
	};
	struct product product;

	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		const char *body = arena_printf(arena,
						"{'name': 'x', 'price': {'amount': 1, 'currency':"
						" 'EUR'}, 'stock': %s}",
						rows[i].stock);
		const struct variant *variant;

		assert_string_equal(make(body, &product), "");
		variant = &product.variants[0];
		assert_int_equal(variant->initial.units, rows[i].units);
		assert_int_equal(variant->initial.uncounted, rows[i].uncounted);
		assert_int_equal(variant->initial.backorder, rows[i].backorder);
		assert_int_equal(variant->stock.status, rows[i].status);
		assert_int_equal(product.stock.status, rows[i].status);
		assert_int_equal(product.stock.uncounted, rows[i].uncounted);
	}
	assert_string_equal(make("{'name': 'x', 'price': {'amount': 1, 'currency': 'EUR'},"
				 " 'stock': {'available': 'many'}}",
				 &product),
			    "/stock");
}

static void test_facets_roll_up(void **state)
{
	struct facet_value values[] = {
		{"a/", 1}, {"a/b/", 2}, {"a/b/c/", 4}, {"ab/", 8}, {"b/c/", 16},
	};
	static const int64_t counts[] = {7, 6, 4, 8, 16};

	facet_roll_up(values, ARRAY_LENGTH(values));
	for (size_t i = 0; i < ARRAY_LENGTH(values); i++)
		assert_int_equal(values[i].count, counts[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain_product),
		cmocka_unit_test(test_variants),
		cmocka_unit_test(test_options_are_derived),
		cmocka_unit_test(test_faults_of_new_products),
		cmocka_unit_test(test_absent_members_stay),
		cmocka_unit_test(test_prices_change),
		cmocka_unit_test(test_variants_are_matched),
		cmocka_unit_test(test_a_sku_is_a_label),
		cmocka_unit_test(test_a_plain_products_variant_has_its_id),
		cmocka_unit_test(test_partial_imports_keep_variants),
		cmocka_unit_test(test_documents_come_back),
		cmocka_unit_test(test_categories),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_ratings),
		cmocka_unit_test(test_stock_of_all),
		cmocka_unit_test(test_stock_to_begin_with),
		cmocka_unit_test(test_facets_roll_up),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
