/*
 * The catalogue in SQLite: lists. A page is found as heads, along an index or by how well the words
 * fit; what is on it the caller loads. Every sort has an index that begins with the status.
 */
#include "services/product/store_sqlite.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "services/product/rules.h"

#define CATEGORIES_READ_MAX 10000 /* distinct ones, of which the commonest are shown */
#define GLANCE_ROWS_MAX 200	  /* looked at along an index, of which a page is to come */
#define RANKED_MAX 50 /* hits that are ranked one by one; where there are more, by tier */

/* How much a word counts: in the name, tags, category, SKU, description. */
#define RANK "bm25(product_search, 10.0, 4.0, 3.0, 6.0, 1.0)"

#define KEY_COLUMN HEAD_COLUMN_COUNT
#define FITS_COLUMN (KEY_COLUMN + 1)

/* By sort: a cursor's key, the order, and how a page goes on behind a product. */
static const struct order {
	const char *key, *columns, *behind;
} orders[] = {
	[SORT_RELEVANCE] = {"0", "product_search.rowid DESC", " AND product_search.rowid < ?"},
	[SORT_PRICE] = {"p.price", "p.price, p.id", " AND (p.price, p.id) > (?, ?)"},
	[SORT_PRICE_DOWN] = {"p.price", "p.price DESC, p.id DESC", " AND (p.price, p.id) < (?, ?)"},
	[SORT_NEWEST] = {"p.created_at", "p.created_at DESC, p.id DESC",
			 " AND (p.created_at, p.id) < (?, ?)"},
	[SORT_RATING] = {"p.rating", "p.rating DESC, p.id DESC", " AND (p.rating, p.id) < (?, ?)"},
	[SORT_NAME] = {"p.name", "p.name, p.id", " AND (p.name, p.id) > (?, ?)"},
};
/* The newest of a category: its shelf lies in that order. */
static const struct order shelf_order = {"s.created_at", "s.created_at DESC, s.id DESC",
					 " AND (s.created_at, s.id) < (?, ?)"};

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

/* Whether a category's products are taken off its shelf. */
static bool is_shelved(const struct product_query *query)
{
	return query->category && !query->words && query->status == PRODUCT_ACTIVE;
}

/* FROM and WHERE of what is looked for, but for its conditions. The joins are CROSS so that the
 * order of the tables stays: words are looked up once, not for every product. */
static void add_source(struct sql_builder *built, const struct product_query *query, bool shelved,
		       const char *match, const char *join)
{
	sql_add(built, match	 ? " FROM product_search"
				   " CROSS JOIN products p ON p.number = product_search.rowid"
		       : shelved ? " FROM shelves s CROSS JOIN products p ON p.number = s.product"
				 : " FROM products p");
	sql_add(built, join);
	add_status(built, query);
	if (match)
		sql_add(built, " AND product_search MATCH ?", sql_text(match));
	if (shelved)
		sql_add(built, " AND s.category = ?", sql_text(query->category));
}

/* `numbers` is what the query's ids are. */
static void add_conditions(struct sql_builder *built, const struct product_query *query,
			   bool shelved, const char *numbers)
{
	if (query->category && !shelved) {
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

/* --- pages ------------------------------------------------------------------------------- */

/* The way to a page. */
struct walk {
	struct arena *arena;
	const struct product_query *query;
	const struct page *asked;
	const char *numbers; /* of the query's ids, see ids_to_numbers */
	struct product_page page;
};

static struct walk walk_new(struct arena *arena, const struct product_query *query,
			    const struct page *asked)
{
	return (struct walk){
		.arena = arena,
		.query = query,
		.asked = asked,
		.page.heads = ARENA_ARRAY(arena, struct product_head, (size_t)asked->limit + 1),
	};
}

/* Puts the row's product on the page, or notes that there is one behind the page's last. */
static void take_row(struct walk *walk, struct sql_rows *rows)
{
	struct product_page *page = &walk->page;

	if (page->count == (size_t)walk->asked->limit) {
		page->more = true;
		return;
	}
	page->heads[page->count] = sqlite_read_head(rows);
	page->next = (struct cursor){.id = page->heads[page->count].id};
	if (walk->query->sort == SORT_NAME)
		page->next.text = sql_get_text(rows, KEY_COLUMN, walk->arena);
	else
		page->next.number = sql_get_int(rows, KEY_COLUMN);
	page->count++;
}

static void add_order(struct sql_builder *built, const struct walk *walk, const struct order *order,
		      int64_t rows_max)
{
	const struct cursor *after = &walk->asked->after;

	if (walk->asked->has_after)
		sql_add(built, order->behind,
			walk->query->sort == SORT_NAME ? sql_text(after->text)
						       : sql_int(after->number),
			sql_id(&after->id));
	sql_add(built, " ORDER BY ");
	sql_add(built, order->columns);
	sql_add(built, " LIMIT ?", sql_int(rows_max));
}

static const struct order *order_of(const struct product_query *query, bool shelved)
{
	return shelved && query->sort == SORT_NEWEST ? &shelf_order : &orders[query->sort];
}

enum err store_glance(struct sql *sql, struct arena *arena, const struct product_query *query,
		      const struct page *asked, struct product_page *ret_page, bool *ret_whole)
{
	bool shelved = is_shelved(query) && query->sort == SORT_NEWEST;
	const struct order *order = order_of(query, shelved);
	struct walk walk = walk_new(arena, query, asked);
	struct sql_builder built = sql_builder_new(arena);
	struct sql_rows *rows;
	size_t seen = 0;
	enum err err;

	*ret_whole = false;
	if (query->words || query->tag || query->has_vendor || query->has_ids ||
	    query->status != PRODUCT_ACTIVE)
		return OK;
	/* The conditions are a column, so that every row of the index is seen, and counted. */
	sql_add(&built, "SELECT " HEAD_COLUMNS ", ");
	sql_add(&built, order->key);
	sql_add(&built, ", TRUE");
	add_conditions(&built, query, shelved, NULL);
	add_source(&built, query, shelved, NULL, "");
	add_order(&built, &walk, order, GLANCE_ROWS_MAX);
	rows = sql_query_built(sql, &built);
	while (!walk.page.more && sql_next(rows)) {
		seen++;
		if (sql_get_bool(rows, FITS_COLUMN))
			take_row(&walk, rows);
	}
	err = sql_end(rows);
	if (err)
		return err;
	*ret_whole = walk.page.more || seen < GLANCE_ROWS_MAX;
	if (*ret_whole)
		*ret_page = walk.page;
	return OK;
}

static enum err walk_index(struct sql *sql, struct walk *walk)
{
	const struct product_query *query = walk->query;
	bool shelved = is_shelved(query);
	const struct order *order = order_of(query, shelved);
	struct sql_builder built = sql_builder_new(walk->arena);
	struct sql_rows *rows;

	sql_add(&built, "SELECT " HEAD_COLUMNS ", ");
	sql_add(&built, order->key);
	add_source(&built, query, shelved, query->words ? query->words->all : NULL, "");
	add_conditions(&built, query, shelved, walk->numbers);
	add_order(&built, walk, order, walk->asked->limit + 1);
	rows = sql_query_built(sql, &built);
	while (sql_next(rows))
		take_row(walk, rows);
	return sql_end(rows);
}

/* Within a tier the newest first: its hits are read in that order, and no further than the page
 * goes. `behind` is the number that the page goes on behind; 0: none. */
static enum err walk_tier(struct sql *sql, struct walk *walk, size_t tier, int64_t behind)
{
	const struct order *order = &orders[SORT_RELEVANCE];
	struct sql_builder built = sql_builder_new(walk->arena);
	struct sql_rows *rows;

	sql_add(&built, "SELECT " HEAD_COLUMNS ", ");
	sql_add(&built, order->key);
	add_source(&built, walk->query, false, walk->query->words->tiers[tier], "");
	add_conditions(&built, walk->query, false, walk->numbers);
	if (behind)
		sql_add(&built, order->behind, sql_int(behind));
	sql_add(&built, " ORDER BY ");
	sql_add(&built, order->columns);
	sql_add(&built, " LIMIT ?", sql_int(walk->asked->limit + 1 - (int64_t)walk->page.count));
	rows = sql_query_built(sql, &built);
	while (sql_next(rows)) {
		take_row(walk, rows);
		if (!walk->page.more)
			walk->page.next.number =
				sql_get_int(rows, 0) * SEARCH_TIERS + (int64_t)tier;
	}
	return sql_end(rows);
}

/* Fills the page from this tier on. */
static enum err walk_tiers(struct sql *sql, struct walk *walk, size_t tier, int64_t behind)
{
	enum err err = OK;

	for (; !err && !walk->page.more && tier < SEARCH_TIERS; tier++) {
		err = walk_tier(sql, walk, tier, behind);
		behind = 0;
	}
	return err;
}

/* The newest hits, at most `most`. */
static enum err newest_hits(struct sql *sql, const char *match, int64_t *numbers, size_t most,
			    size_t *ret_count)
{
	struct sql_rows *rows;

	rows = sql_query(sql,
			 "SELECT rowid FROM product_search WHERE product_search MATCH $1"
			 " ORDER BY rowid DESC LIMIT $2",
			 sql_text(match), sql_int((int64_t)most));
	*ret_count = 0;
	while (sql_next(rows))
		numbers[(*ret_count)++] = sql_get_int(rows, 0);
	return sql_end(rows);
}

/* Puts the hits, which begin with the newest, into the order of their ranks. */
static enum err rank_hits(struct sql *sql, const char *match, int64_t *numbers, size_t count)
{
	struct sql_rows *rows;
	size_t i = 0;

	if (count < 2)
		return OK;
	rows = sql_query(sql,
			 "SELECT rowid FROM product_search WHERE product_search MATCH $1"
			 " AND rowid >= $2 ORDER BY " RANK ", rowid DESC",
			 sql_text(match), sql_int(numbers[count - 1]));
	while (i < count && sql_next(rows))
		numbers[i++] = sql_get_int(rows, 0);
	return sql_end(rows);
}

/* Takes those of the hits that fit, from the one at `first` on. */
static enum err walk_hits(struct sql *sql, struct walk *walk, const int64_t *numbers, size_t count,
			  size_t first)
{
	enum err err = OK;

	for (size_t i = first; !err && !walk->page.more && i < count; i++) {
		struct sql_builder built = sql_builder_new(walk->arena);
		struct sql_rows *rows;

		sql_add(&built, "SELECT " HEAD_COLUMNS ", 0");
		add_source(&built, walk->query, false, NULL, "");
		sql_add(&built, " AND p.number = ?", sql_int(numbers[i]));
		add_conditions(&built, walk->query, false, walk->numbers);
		rows = sql_query_built(sql, &built);
		while (sql_next(rows)) {
			take_row(walk, rows);
			if (!walk->page.more)
				walk->page.next.number = -(int64_t)(i + 1);
		}
		err = sql_end(rows);
	}
	return err;
}

/* The hits, or some that are more than are ranked. Beginnings of words may be very many, and all of
 * them are gathered before the first is told, so whole words are asked for before. */
static enum err few_hits(struct sql *sql, const struct search *words, int64_t *numbers,
			 size_t *ret_count)
{
	enum err err = newest_hits(sql, words->whole, numbers, RANKED_MAX + 1, ret_count);

	if (err || *ret_count > RANKED_MAX)
		return err;
	return newest_hits(sql, words->all, numbers, RANKED_MAX + 1, ret_count);
}

/* Ranks the hits and takes those behind the first `before`. */
static enum err walk_ranks(struct sql *sql, struct walk *walk, int64_t *numbers, size_t count,
			   size_t before)
{
	enum err err = rank_hits(sql, walk->query->words->all, numbers, count);

	return err ? err : walk_hits(sql, walk, numbers, count, before);
}

/*
 * Few hits are ranked, many come by tier, since a rank must look at all of them, and at all products
 * that have one of the words. Where names with a single word fill the page nobody asks how many
 * there are. A cursor goes on in the way that it began: below zero it counts the ranked ones that
 * came before, above it is a product's number and its tier.
 */
static enum err walk_by_relevance(struct sql *sql, struct walk *walk)
{
	const struct search *words = walk->query->words;
	int64_t after = walk->asked->has_after ? walk->asked->after.number : 0;
	int64_t numbers[2 * RANKED_MAX]; /* they may have become some more since somebody began */
	size_t count, tier = 0;
	enum err err;

	if (after > 0)
		return walk_tiers(sql, walk, (size_t)(after % SEARCH_TIERS), after / SEARCH_TIERS);
	if (after < 0) {
		err = newest_hits(sql, words->all, numbers, ARRAY_LENGTH(numbers), &count);
		if (err || after < -(int64_t)count)
			return err;
		return walk_ranks(sql, walk, numbers, count, (size_t)-after);
	}
	if (words->words == 1) {
		err = walk_tier(sql, walk, tier++, 0);
		if (err || walk->page.more)
			return err;
	}
	err = few_hits(sql, words, numbers, &count);
	if (err)
		return err;
	if (count > RANKED_MAX)
		return walk_tiers(sql, walk, tier, 0);
	walk->page.count = 0;
	return walk_ranks(sql, walk, numbers, count, 0);
}

/* Puts the products into the order of the ids; one that is asked for twice comes once. */
static void sort_by_ids(struct arena *arena, const struct list *ids, struct product_page *page)
{
	struct product_head *sorted = ARENA_ARRAY(arena, struct product_head, page->count + 1);
	bool *taken = ARENA_ARRAY(arena, bool, page->count + 1);
	const struct id *id = ids->items;
	size_t count = 0;

	for (size_t i = 0; i < ids->count; i++) {
		for (size_t j = 0; j < page->count; j++) {
			if (taken[j] || !id_equal(&page->heads[j].id, &id[i]))
				continue;
			sorted[count++] = page->heads[j];
			taken[j] = true;
		}
	}
	page->heads = sorted;
}

enum err store_list(struct sql *sql, struct arena *arena, const struct product_query *query,
		    const struct page *asked, struct product_page *ret_page)
{
	struct page all_ids = {.limit = (int64_t)query->ids.count};
	struct walk walk = walk_new(arena, query, query->has_ids ? &all_ids : asked);
	enum err err;

	if (query->has_ids) {
		err = ids_to_numbers(sql, arena, &query->ids, &walk.numbers);
		if (err)
			return err;
	}
	err = query->sort == SORT_RELEVANCE ? walk_by_relevance(sql, &walk)
					    : walk_index(sql, &walk);
	if (err)
		return err;
	if (query->has_ids)
		sort_by_ids(arena, &query->ids, &walk.page);
	*ret_page = walk.page;
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
	const char *match = query->words ? query->words->all : NULL, *numbers = NULL;
	bool shelved = is_shelved(query);
	size_t most = FACET_VALUES_MAX;
	enum err err;

	if (query->has_ids) {
		err = ids_to_numbers(sql, arena, &query->ids, &numbers);
		if (err)
			return err;
	}
	switch (which) {
	case FACET_CATEGORY:
		most = CATEGORIES_READ_MAX;
		sql_add(&built, "SELECT p.category, COUNT(*)");
		add_source(&built, query, shelved, match, "");
		add_conditions(&built, query, shelved, numbers);
		sql_add(&built, " GROUP BY p.category ORDER BY p.category LIMIT ?",
			sql_int((int64_t)most));
		break;
	case FACET_TAG:
		sql_add(&built, "SELECT t.tag, COUNT(*)");
		add_source(&built, query, shelved, match,
			   " CROSS JOIN tags t ON t.product = p.number");
		add_conditions(&built, query, shelved, numbers);
		sql_add(&built, " GROUP BY t.tag ORDER BY 2 DESC, 1 LIMIT ?",
			sql_int((int64_t)most));
		break;
	case FACET_PRICE:
	default:
		sql_add(&built, price_column(arena));
		add_source(&built, query, shelved, match, "");
		add_conditions(&built, query, shelved, numbers);
		sql_add(&built, " GROUP BY 1 ORDER BY MIN(p.price)");
		break;
	}
	err = read_values(sql_query_built(sql, &built), arena, most, ret_facet);
	if (!err && which == FACET_CATEGORY)
		show_categories(arena, ret_facet);
	return err;
}
