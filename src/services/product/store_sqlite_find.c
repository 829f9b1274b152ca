/* The catalogue in SQLite: what a list, or its facets, look for, as FROM and WHERE of a statement. */
#include "base/out.h"
#include "services/product/rules.h"
#include "services/product/store_sqlite.h"

enum err sqlite_ids_to_numbers(struct sql *sql, struct arena *arena, const struct list *ids,
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

static bool is_price_sort(const struct product_query *query)
{
	return query->sort == SORT_PRICE || query->sort == SORT_PRICE_DOWN;
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
	/* Along its index; else it is a condition among others. */
	if (is_price_sort(query))
		sql_add(built, " AND p.currency = ?", sql_text(query->currency));
}

bool sqlite_is_shelved(const struct product_query *query)
{
	return query->category && !query->words && query->status == PRODUCT_ACTIVE;
}

/* The joins are CROSS so that the order of the tables stays: words are looked up once, not for every
 * product. */
void sqlite_add_source(struct sql_builder *built, const struct product_query *query, bool shelved,
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

void sqlite_add_variant(struct sql_builder *built, const struct product_query *query)
{
	if (query->has_min_price)
		sql_add(built, " AND v.price >= ?", sql_int(query->min_price));
	if (query->has_max_price)
		sql_add(built, " AND v.price <= ?", sql_int(query->max_price));
	if (query->has_in_stock)
		sql_add(built, query->in_stock ? " AND v.stock_status <> 'out_of_stock'"
					       : " AND v.stock_status = 'out_of_stock'");
}

/* One variant must do all that is asked of price and stock. What the product's row says of all of them
 * tells where none can, and that of a single one; one bound of the price it tells of any number. */
static void add_variant_conditions(struct sql_builder *built, const struct product_query *query)
{
	bool sold_out = query->has_in_stock && !query->in_stock;

	if (query->has_min_price)
		sql_add(built, " AND p.price_max >= ?", sql_int(query->min_price));
	if (query->has_max_price)
		sql_add(built, " AND p.price <= ?", sql_int(query->max_price));
	if (query->has_in_stock && query->in_stock)
		sql_add(built, " AND p.stock_status <> 'out_of_stock'");
	if (!sold_out && query->has_min_price + query->has_max_price + query->has_in_stock < 2)
		return;
	sql_add(built, " AND (p.variant_count = 1");
	if (sold_out)
		sql_add(built, " AND p.stock_status = 'out_of_stock'");
	sql_add(built, " OR EXISTS (SELECT 1 FROM variants v WHERE v.product = p.number");
	sqlite_add_variant(built, query);
	sql_add(built, "))");
}

void sqlite_add_conditions(struct sql_builder *built, const struct product_query *query,
			   bool shelved, const char *numbers)
{
	if (query->category && !shelved) {
		/* The slash is followed by the digit 0: between them lies all that it begins. */
		sql_add(built, " AND p.category >= ? || '/' AND p.category < ? || '0'",
			sql_text(query->category), sql_text(query->category));
	}
	if (query->tag)
		sql_add(built, " AND p.number IN (SELECT product FROM tags WHERE fold = ?)",
			sql_text(query->tag));
	if (*query->currency && !is_price_sort(query))
		sql_add(built, " AND p.currency = ?", sql_text(query->currency));
	add_variant_conditions(built, query);
	if (query->min_rating)
		sql_add(built, " AND p.rating >= ?", sql_int(query->min_rating));
	if (query->has_vendor)
		sql_add(built, " AND p.vendor_id = ?", sql_id(&query->vendor_id));
	if (query->has_ids)
		sql_add(built, " AND p.number IN (SELECT value FROM json_each(?))",
			sql_text(numbers));
}
