/*
 * The catalogue in SQLite: lists. A page is found as heads, along an index or by how well the words
 * fit; what is on it the caller loads. Every sort has an index that begins with the status, prices'
 * with the currency behind it.
 */
#include "services/product/store_sqlite.h"

#include <stdlib.h>
#include <string.h>

#include "services/product/rules.h"

#define GLANCE_ROWS_MAX 200 /* looked at along an index, of which a page is to come */
#define RANKED_MAX 50	    /* hits that are ranked one by one; where there are more, by tier */

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
	[SORT_NAME] = {"p.name", "p.name_key, p.id", " AND (p.name_key, p.id) > (?, ?)"},
};
/* The newest of a category: its shelf lies in that order. */
static const struct order shelf_order = {"s.created_at", "s.created_at DESC, s.id DESC",
					 " AND (s.created_at, s.id) < (?, ?)"};

/* --- pages ------------------------------------------------------------------------------- */

/* The way to a page. */
struct walk {
	struct arena *arena;
	const struct product_query *query;
	const struct page *asked;
	const char *numbers; /* of the query's ids, see sqlite_ids_to_numbers */
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
			walk->query->sort == SORT_NAME
				? sqlite_name_key(walk->arena, after->text ? after->text : "")
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
	bool shelved = sqlite_is_shelved(query) && query->sort == SORT_NEWEST;
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
	sqlite_add_conditions(&built, query, shelved, NULL);
	sqlite_add_source(&built, query, shelved, NULL, "");
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
	bool shelved = sqlite_is_shelved(query);
	const struct order *order = order_of(query, shelved);
	struct sql_builder built = sql_builder_new(walk->arena);
	struct sql_rows *rows;

	sql_add(&built, "SELECT " HEAD_COLUMNS ", ");
	sql_add(&built, order->key);
	sqlite_add_source(&built, query, shelved, query->words ? query->words->all : NULL, "");
	sqlite_add_conditions(&built, query, shelved, walk->numbers);
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
	sqlite_add_source(&built, walk->query, false, walk->query->words->tiers[tier], "");
	sqlite_add_conditions(&built, walk->query, false, walk->numbers);
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
		if (walk->query->words->tiers[tier])
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
		sqlite_add_source(&built, walk->query, false, NULL, "");
		sql_add(&built, " AND p.number = ?", sql_int(numbers[i]));
		sqlite_add_conditions(&built, walk->query, false, walk->numbers);
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
 * Few hits of few words are ranked, others come by tier, since a rank must look at all of them, and at
 * all products that have one of the words. Where names with a single word fill the page nobody asks how many
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

	if (words->words > RANKED_WORDS_MAX && after < 0)
		return OK; /* no cursor of ours */
	if (words->words > RANKED_WORDS_MAX || after > 0)
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
		err = sqlite_ids_to_numbers(sql, arena, &query->ids, &walk.numbers);
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
