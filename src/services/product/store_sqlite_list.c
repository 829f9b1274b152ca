/*
 * The catalogue in SQLite: lists. A page is found as numbers first, along an index or by rank, and
 * only what is on it is loaded. The status is written into the statement, not bound, so that the
 * partial indexes of active products serve it.
 */
#include "services/product/store_sqlite.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "services/product/rules.h"

#define CATEGORIES_READ_MAX 10000 /* distinct ones, of which the commonest are shown */

/* How much a word counts: in the name, tags, category, SKU, description. */
#define RANK "bm25(product_search, 10.0, 4.0, 3.0, 6.0, 1.0)"

/* By sort: its column, direction, and how a page goes on behind a product. */
static const struct order {
	const char *columns, *behind;
} orders[] = {
	[SORT_RELEVANCE] = {RANK ", p.number", NULL},
	[SORT_PRICE] = {"p.price, p.id", " AND (p.price, p.id) > (?, ?)"},
	[SORT_PRICE_DOWN] = {"p.price DESC, p.id DESC", " AND (p.price, p.id) < (?, ?)"},
	[SORT_NEWEST] = {"p.created_at DESC, p.id DESC", " AND (p.created_at, p.id) < (?, ?)"},
	[SORT_RATING] = {"p.rating DESC, p.id DESC", " AND (p.rating, p.id) < (?, ?)"},
	[SORT_NAME] = {"p.name, p.id", " AND (p.name, p.id) > (?, ?)"},
};

/* --- what is looked for ------------------------------------------------------------------ */

/* The numbers of the ids that there are, as a JSON list: one parameter, however many. */
static enum err ids_to_numbers(struct sql *sql, struct arena *arena, const struct list *ids,
			       const char **ret_numbers)
{
	const struct id *id = ids->items;
	struct out out = out_new(arena);
	enum err err = OK;

	out_open_list(&out, NULL);
	for (size_t i = 0; !err && i < ids->count; i++) {
		struct sql_rows *rows =
			sql_query(sql, "SELECT number FROM products WHERE id = $1", sql_id(&id[i]));

		while (sql_next(rows))
			out_int(&out, NULL, sql_get_int(rows, 0));
		err = sql_end(rows);
	}
	out_close_list(&out);
	*ret_numbers = out.data;
	return err;
}

static void add_status(struct sql_builder *built, const struct product_query *query)
{
	static const char *const conditions[] = {
		[PRODUCT_DRAFT] = " WHERE p.status = 'draft'",
		[PRODUCT_ACTIVE] = " WHERE p.status = 'active'",
		[PRODUCT_ARCHIVED] = " WHERE p.status = 'archived'",
	};

	sql_add(built, conditions[query->status]);
	if (query->only_owner)
		sql_add(built, " AND p.vendor_id = ?", sql_id(&query->owner));
}

/* FROM, `join` and WHERE of the query. `numbers` is what its ids are. The joins are CROSS so that
 * the order of the tables stays: words are looked up once, not for every product. */
static void add_filters(struct sql_builder *built, const struct product_query *query,
			const char *join, const char *numbers)
{
	sql_add(built,
		query->words
			? " FROM product_search CROSS JOIN products p ON p.number = product_search.rowid"
			: " FROM products p");
	sql_add(built, join);
	add_status(built, query);
	if (query->words)
		sql_add(built, " AND product_search MATCH ?", sql_text(query->words));
	if (query->category) {
		/* The slash is followed by the digit 0: between them lies all that it begins. */
		sql_add(built, " AND p.category >= ? || '/' AND p.category < ? || '0'",
			sql_text(query->category), sql_text(query->category));
	}
	if (query->tag)
		sql_add(built, " AND p.number IN (SELECT product FROM tags WHERE tag = ?)",
			sql_text(query->tag));
	if (query->has_min_price)
		sql_add(built, " AND p.price >= ?", sql_int(query->min_price));
	if (query->has_max_price)
		sql_add(built, " AND p.price <= ?", sql_int(query->max_price));
	if (query->has_in_stock)
		sql_add(built, query->in_stock ? " AND p.stock_status <> 'out_of_stock'"
					       : " AND p.stock_status = 'out_of_stock'");
	if (query->min_rating)
		sql_add(built, " AND p.rating >= ?", sql_int(query->min_rating));
	if (query->has_vendor)
		sql_add(built, " AND p.vendor_id = ?", sql_id(&query->vendor_id));
	if (query->has_ids)
		sql_add(built, " AND p.number IN (SELECT value FROM json_each(?))",
			sql_text(numbers));
}

static void add_order(struct sql_builder *built, const struct product_query *query,
		      const struct page *page)
{
	const struct order *order = &orders[query->sort];
	struct sql_value key =
		query->sort == SORT_NAME ? sql_text(page->after.text) : sql_int(page->after.number);

	if (page->has_after && order->behind)
		sql_add(built, order->behind, key, sql_id(&page->after.id));
	sql_add(built, " ORDER BY ");
	sql_add(built, order->columns);
	sql_add(built, " LIMIT ?", sql_int(page->limit + 1));
	if (page->has_after && !order->behind)
		sql_add(built, " OFFSET ?", sql_int(page->after.number));
}

/* --- pages ------------------------------------------------------------------------------- */

static struct cursor cursor_of(const struct product_query *query, const struct page *page,
			       const struct product *last)
{
	struct cursor cursor = {.id = last->id};

	switch (query->sort) {
	case SORT_RELEVANCE:
		cursor.number = (page->has_after ? page->after.number : 0) + page->limit;
		break;
	case SORT_PRICE:
	case SORT_PRICE_DOWN:
		cursor.number = last->price.amount;
		break;
	case SORT_NEWEST:
		cursor.number = last->created_ms;
		break;
	case SORT_RATING:
		cursor.number = last->rating;
		break;
	case SORT_NAME:
		cursor.text = last->name;
		break;
	}
	return cursor;
}

/* Loads the products with these numbers, which the same snapshot has just shown. */
static enum err load_all(struct sql *sql, struct arena *arena, const int64_t *numbers, size_t count,
			 struct list *ret_products)
{
	struct product *products = ARENA_ARRAY(arena, struct product, count + 1);
	enum err err = OK;

	for (size_t i = 0; !err && i < count; i++)
		err = sqlite_load(sql, arena, numbers[i], &products[i]);
	*ret_products = (struct list){.items = products, .count = count};
	return err == ERR_NOT_FOUND ? ERR_INTERNAL : err;
}

/* Puts the products into the order of the ids; one that is asked for twice comes once. */
static void sort_by_ids(struct arena *arena, const struct list *ids, struct list *products)
{
	const struct product *product = products->items;
	struct product *sorted = ARENA_ARRAY(arena, struct product, products->count + 1);
	const struct id *id = ids->items;
	bool *taken = ARENA_ARRAY(arena, bool, products->count + 1);
	size_t count = 0;

	for (size_t i = 0; i < ids->count; i++) {
		for (size_t j = 0; j < products->count; j++) {
			if (taken[j] || !id_equal(&product[j].id, &id[i]))
				continue;
			sorted[count++] = product[j];
			taken[j] = true;
		}
	}
	*products = (struct list){.items = sorted, .count = count};
}

enum err store_list(struct sql *sql, struct arena *arena, const struct product_query *query,
		    const struct page *page, struct list *ret_products, bool *ret_more,
		    struct cursor *ret_next)
{
	struct page whole = {.limit = (int64_t)query->ids.count};
	const struct page *asked = query->has_ids ? &whole : page;
	int64_t *numbers = ARENA_ARRAY(arena, int64_t, (size_t)asked->limit + 1);
	struct sql_builder built = sql_builder_new(arena);
	const char *ids = NULL;
	struct sql_rows *rows;
	size_t count = 0;
	enum err err;

	if (query->has_ids) {
		err = ids_to_numbers(sql, arena, &query->ids, &ids);
		if (err)
			return err;
	}
	sql_add(&built, "SELECT p.number");
	add_filters(&built, query, "", ids);
	add_order(&built, query, asked);
	rows = sql_query_built(sql, &built);
	while (sql_next(rows))
		numbers[count++] = sql_get_int(rows, 0);
	err = sql_end(rows);
	if (err)
		return err;

	*ret_more = count > (size_t)asked->limit;
	err = load_all(sql, arena, numbers, count - *ret_more, ret_products);
	if (err)
		return err;
	if (query->has_ids)
		sort_by_ids(arena, &query->ids, ret_products);
	if (*ret_more)
		*ret_next =
			cursor_of(query, asked,
				  (struct product *)ret_products->items + ret_products->count - 1);
	return OK;
}

/* --- facets ------------------------------------------------------------------------------ */

static int commonest_first(const void *a, const void *b)
{
	const struct facet_value *one = a, *other = b;

	if (one->count != other->count)
		return one->count > other->count ? -1 : 1;
	return strcmp(one->value, other->value);
}

/* Reads rows of value and count; NULL values are of those that have none. */
static enum err read_values(struct sql_rows *rows, struct arena *arena, size_t most,
			    struct facet *facet)
{
	facet->values = ARENA_ARRAY(arena, struct facet_value, most);
	facet->count = 0;
	while (facet->count < most && sql_next(rows)) {
		if (sql_is_null(rows, 0))
			continue;
		facet->values[facet->count++] = (struct facet_value){
			.value = sql_get_text(rows, 0, arena), .count = sql_get_int(rows, 1)};
	}
	return sql_end(rows);
}

static void show_categories(struct arena *arena, struct facet *facet)
{
	facet_roll_up(facet->values, facet->count);
	for (size_t i = 0; i < facet->count; i++) {
		const char *path = facet->values[i].value;

		facet->values[i].value = arena_copy_bytes(arena, path, strlen(path) - 1);
	}
	qsort(facet->values, facet->count, sizeof(*facet->values), commonest_first);
	facet->count = MIN(facet->count, (size_t)FACET_VALUES_MAX);
}

static const char *price_column(struct arena *arena)
{
	struct out out = out_new(arena);

	out_printf(&out, "SELECT CASE");
	for (size_t i = 0; i < PRICE_RANGES; i++)
		out_printf(&out, " WHEN p.price <= %" PRId64 " THEN '%" PRId64 "-%" PRId64 "'",
			   price_ranges[i].max, price_ranges[i].min, price_ranges[i].max);
	out_printf(&out, " END, COUNT(*)");
	return out.data;
}

enum err store_facet(struct sql *sql, struct arena *arena, const struct product_query *query,
		     enum product_facet which, struct facet *ret_facet)
{
	struct sql_builder built = sql_builder_new(arena);
	const char *ids = NULL;
	size_t most = FACET_VALUES_MAX;
	enum err err;

	if (query->has_ids) {
		err = ids_to_numbers(sql, arena, &query->ids, &ids);
		if (err)
			return err;
	}
	switch (which) {
	case FACET_CATEGORY:
		most = CATEGORIES_READ_MAX;
		sql_add(&built, "SELECT p.category, COUNT(*)");
		add_filters(&built, query, "", ids);
		sql_add(&built, " GROUP BY p.category ORDER BY p.category LIMIT ?",
			sql_int((int64_t)most));
		break;
	case FACET_TAG:
		sql_add(&built, "SELECT t.tag, COUNT(*)");
		add_filters(&built, query, " CROSS JOIN tags t ON t.product = p.number", ids);
		sql_add(&built, " GROUP BY t.tag ORDER BY 2 DESC, 1 LIMIT ?",
			sql_int((int64_t)most));
		break;
	case FACET_PRICE:
	default:
		sql_add(&built, price_column(arena));
		add_filters(&built, query, "", ids);
		sql_add(&built, " GROUP BY 1 ORDER BY MIN(p.price)");
		break;
	}
	err = read_values(sql_query_built(sql, &built), arena, most, ret_facet);
	if (!err && which == FACET_CATEGORY)
		show_categories(arena, ret_facet);
	return err;
}
