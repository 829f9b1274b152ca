/* The catalogue's store on a real database: lists, searches and facets. */
#include "services/product/test_store.h"

#define PAGES_MAX 100 /* a test that walks in a circle ends */

static enum err facet_body(struct sql *sql, void *arg)
{
	struct step *step = arg;

	struct facet facets[FACETS];
	bool wanted[FACETS] = {false};
	enum err err;

	wanted[step->which] = true;
	err = store_facets(sql, shop.arena, &step->query, wanted, facets);
	step->facet = facets[step->which];
	return err;
}

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
		assert_false(step->found.more);
		step->page.limit = 1;
		for (int page = 0; page < PAGES_MAX && (!page || step->found.more); page++) {
			paged = arena_printf(shop.arena, "%s%s%s", paged, *paged ? " " : "",
					     names(step));
			step->page.after = step->found.next;
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
	step->query.tag = "new";
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
	assert_false(step->found.more);
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

		step->query.words = search_new(shop.arena, rows[i].typed);
		step->query.sort = SORT_NAME;
		assert_string_equal(names(step), rows[i].names);
		/* The tiers together find the same, each product once. */
		step->query.sort = SORT_RELEVANCE;
		assert_int_equal(strlen(names(step)), strlen(rows[i].names));
	}
}

/* All pages of one product each, as `names` tells a whole one. */
static const char *names_paged(struct step *step)
{
	const char *paged = "";

	step->page.limit = 1;
	for (int page = 0; page < PAGES_MAX && (!page || step->found.more); page++) {
		paged = arena_printf(shop.arena, "%s%s%s", paged, *paged ? " " : "", names(step));
		step->page.after = step->found.next;
		step->page.has_after = true;
	}
	step->page = (struct page){.limit = PAGE_LIMIT_MAX};
	return paged;
}

static void add_lamps(void)
{
	add("{'name': 'Stand', 'description': 'for a lamp, a lamp, a chair', " PRICE(5) "}");
	add("{'name': 'Lamp', " PRICE(5) "}");
	add("{'name': 'Chair', 'tags': ['lamp', 'wood'], " PRICE(5) "}");
	add("{'name': 'Table', 'variants': [{'sku': 'lamp-9', " PRICE(5) "}]}");
	add("{'name': 'Lamps', " PRICE(5) "}");
}

static void test_the_best_come_first(void **state)
{
	static const struct {
		const char *typed, *names;
	} rows[] = {
		{"wood", "Chair"},
		{"chair", "Chair Stand"},
		{"lamp chair", "Chair Stand"},
		{"chair lamp wood", "Chair"},
		{"lamp none", ""},
	};
	struct step *step = step_new();

	add_lamps();
	step->query.sort = SORT_RELEVANCE;
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		step->query.words = search_new(shop.arena, rows[i].typed);
		assert_string_equal(names(step), rows[i].names);
		assert_string_equal(names_paged(step), rows[i].names);
	}
	step->query.words = search_new(shop.arena, "lam");
	step->page.limit = 2;
	assert_non_null(strstr("Lamp Lamps, Lamps Lamp", names(step)));
	assert_true(step->found.more);
	step->page.after = step->found.next;
	step->page.has_after = true;
	step->page.limit = 3;
	assert_non_null(strstr("Table Chair Stand, Chair Table Stand", names(step)));
	assert_false(step->found.more);
}

/* Where more is found than is ranked, the order is that of the tiers. */
static void test_many_come_by_tier(void **state)
{
	static const struct {
		const char *typed, *names;
		int limit;
	} rows[] = {
		{"lamp", "Lamp Lamps Table Chair Rug Rug", 6},
		{"lam", "Lamps Lamp Table Chair Rug Rug", 6},
		{"lamp chair", "Chair Rug", 2},
		{"rug lamps", "Rug", 1},
	};
	struct step *step = step_new();

	add_lamps();
	for (int i = 0; i < 60; i++)
		add("{'name': 'Rug', 'description': 'of lamps and chairs', " PRICE(5) "}");
	step->query.sort = SORT_RELEVANCE;
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		const char *paged;

		step->query.words = search_new(shop.arena, rows[i].typed);
		paged = names_paged(step);
		assert_string_equal(paged, names(step));
		step->page.limit = rows[i].limit;
		assert_string_equal(names(step), rows[i].names);
		assert_true(step->found.more);
		step->page.limit = PAGE_LIMIT_MAX;
	}
	assert_int_equal(step->found.count, 1);
	step->query.words = search_new(shop.arena, "lamp");
	names(step);
	assert_int_equal(step->found.count, 65);
	step->query.category = "none";
	assert_string_equal(names(step), "");
}

/* Nothing is believed of a cursor. */
static void test_odd_cursors_of_a_search(void **state)
{
	static const int64_t numbers[] = {INT64_MIN, -100, -99, -1, 1, 4, 5, INT64_MAX};
	struct step *step = step_new();

	add_lamps();
	step->query.sort = SORT_RELEVANCE;
	step->query.words = search_new(shop.arena, "lamp");
	step->page.has_after = true;
	for (size_t i = 0; i < ARRAY_LENGTH(numbers); i++) {
		step->page.after.number = numbers[i];
		assert_int_equal(READ(list_body, step), OK);
	}
}

/* What comes while somebody leafs through does not move the pages. */
static void test_pages_of_a_search_stay(void **state)
{
	struct step *step = step_new();

	add("{'name': 'Lamp one', " PRICE(5) "}");
	add("{'name': 'Lamp two', " PRICE(5) "}");
	for (int i = 0; i < 60; i++)
		add("{'name': 'Rug', 'description': 'lamps', " PRICE(5) "}");
	step->query.sort = SORT_RELEVANCE;
	step->query.words = search_new(shop.arena, "lamp");
	step->page.limit = 1;
	assert_string_equal(names(step), "Lamp two");
	add("{'name': 'Lamp three', " PRICE(5) "}");
	step->page.after = step->found.next;
	step->page.has_after = true;
	assert_string_equal(names(step), "Lamp one");
}

static void check_glance(struct step *step, bool whole)
{
	const char *wanted = names_paged(step);

	step->glance = true;
	assert_string_equal(whole ? names_paged(step) : "", whole ? wanted : "");
	assert_int_equal(READ(list_body, step), OK);
	assert_int_equal(step->whole, whole);
	step->glance = false;
}

static void test_a_glance_sees_the_same(void **state)
{
	static const enum product_sort sorts[] = {SORT_PRICE, SORT_PRICE_DOWN, SORT_NEWEST,
						  SORT_RATING, SORT_NAME};

	add_shelf();
	for (size_t i = 0; i < ARRAY_LENGTH(sorts); i++) {
		struct step *step = step_new();

		step->query.sort = sorts[i];
		check_glance(step, true);
		step->query.category = "home";
		check_glance(step, true);
		step->query.has_max_price = true;
		step->query.max_price = 2000;
		check_glance(step, true);
		step->query.has_in_stock = step->query.in_stock = true;
		check_glance(step, true);
		step->query.tag = "new";
		check_glance(step, false);
	}
}

/* Where a glance along the index does not do, it says so. */
static void test_a_glance_is_short(void **state)
{
	struct step *step = step_new();

	add("{'name': 'Rare', 'category': 'rare', " PRICE(1) "}");
	for (int i = 0; i < 250; i++)
		add("{'name': 'Other', 'category': 'much', " PRICE(2) "}");
	step->glance = true;
	step->query.has_max_price = true;
	step->query.max_price = 1;
	assert_int_equal(READ(list_body, step), OK);
	assert_false(step->whole);
	step->query.category = "rare";
	assert_string_equal(names(step), "Rare");
	assert_true(step->whole);
	step->glance = false;
	step->query.category = NULL;
	assert_string_equal(names(step), "Rare");
}

static void test_shelves_follow_changes(void **state)
{
	struct product shirt = add(SHIRT), current = found(&shirt.id);
	struct step *step = step_new(), *listing = step_new();

	listing->glance = true;
	listing->query.category = "clothing";
	assert_string_equal(names(listing), "Linen shirt");
	step->product = merged("{'category': 'home/linen'}", &current);
	assert_int_equal(WRITE(update_body, step), OK);
	assert_string_equal(names(listing), "");
	listing->query.category = "home";
	assert_string_equal(names(listing), "Linen shirt");

	current = found(&shirt.id);
	step->product = merged("{'status': 'draft'}", &current);
	assert_int_equal(WRITE(update_body, step), OK);
	assert_string_equal(names(listing), "");
	current = found(&shirt.id);
	step->product = merged("{'status': 'active'}", &current);
	assert_int_equal(WRITE(update_body, step), OK);
	assert_string_equal(names(listing), "Linen shirt");
	step->product = found(&shirt.id);
	assert_int_equal(WRITE(remove_body, step), OK);
	assert_string_equal(names(listing), "");
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
	step->query.words = search_new(shop.arena, "lamp");
	check_facet(step, FACET_CATEGORY, "home/lamps:2 home/lamps/desk:1 ");
	check_facet(step, FACET_TAG, "New:1 ");
	check_facet(step, FACET_PRICE, "1000-1999:1 2000-4999:1 ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_sorts_and_pages),	    TEST(test_filters),
		TEST(test_ids_come_in_their_order), TEST(test_search),
		TEST(test_the_best_come_first),	    TEST(test_many_come_by_tier),
		TEST(test_odd_cursors_of_a_search), TEST(test_pages_of_a_search_stay),
		TEST(test_a_glance_sees_the_same),  TEST(test_a_glance_is_short),
		TEST(test_shelves_follow_changes),  TEST(test_facets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
