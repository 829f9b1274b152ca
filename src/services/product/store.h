/*
 * The catalogue's data, as verbs. This is a port: store_sqlite.c is the embedded engine, which
 * needs full-text search (FTS5) and JSON functions beside SQL.
 *
 * A product is found while it is not deleted, whoever asks: who may see it is the handlers' affair.
 */
#ifndef SERVICES_PRODUCT_STORE_H
#define SERVICES_PRODUCT_STORE_H

#include "base/hash.h"
#include "http/request.h"
#include "services/product/product.h"
#include "store/sql.h"

/* --- one product ------------------------------------------------------------------------- */

/* By its id, or the id of one of its variants; by its slug. With its variants, without `content`.
 * ERR_NOT_FOUND. */
enum err store_find_id(struct sql *sql, struct arena *arena, const struct id *id,
		       struct product *ret_product) MUST_CHECK;
enum err store_find_slug(struct sql *sql, struct arena *arena, const char *slug,
			 struct product *ret_product) MUST_CHECK;

/* Stores a new product with its variants, tags and words, and sets its number. */
enum err store_add(struct sql *sql, struct arena *arena, struct product *product) MUST_CHECK;

/* Stores all of it but rating, revision and creation. */
enum err store_change(struct sql *sql, struct arena *arena, const struct product *product)
	MUST_CHECK;

/* Takes it out of every list, and gives its slug and SKUs free. */
enum err store_remove(struct sql *sql, const struct product *product) MUST_CHECK;

/* The number of the product that has it; 0: nobody. */
enum err store_slug_owner(struct sql *sql, const char *slug, int64_t *ret_number) MUST_CHECK;
enum err store_sku_owner(struct sql *sql, const char *sku, int64_t *ret_number) MUST_CHECK;

/* Whether the last import of it said just this; and notes what one said. */
enum err store_imported(struct sql *sql, int64_t number, const struct hash *hash, bool *ret_same)
	MUST_CHECK;
enum err store_note_import(struct sql *sql, int64_t number, const struct hash *hash) MUST_CHECK;

/* --- what others tell -------------------------------------------------------------------- */

/* A variant's stock, unless news of this version or a later one was heard; and the product's. */
enum err store_set_stock(struct sql *sql, const struct id *variant_id, const struct stock *stock,
			 int64_t version) MUST_CHECK;
enum err store_set_rating(struct sql *sql, const struct id *product_id, int64_t rating,
			  int64_t count, int64_t version) MUST_CHECK;

/* --- selling ----------------------------------------------------------------------------- */

/* Of a variant; `known` is false where there is none. */
enum err store_quote(struct sql *sql, struct arena *arena, const struct id *id,
		     struct quote *ret_quote) MUST_CHECK;

/* --- lists ------------------------------------------------------------------------------- */

enum product_sort {
	SORT_RELEVANCE,
	SORT_PRICE,
	SORT_PRICE_DOWN,
	SORT_NEWEST,
	SORT_RATING,
	SORT_NAME,
};

enum product_facet { FACET_CATEGORY, FACET_TAG, FACET_PRICE, FACETS };

#define FACET_VALUES_MAX 100

/* What is looked for: all that is given must hold. */
struct product_query {
	const char *words; /* see search_query; NULL: any */
	const char *category, *tag;
	int64_t min_price, max_price, min_rating;
	bool has_min_price, has_max_price, has_vendor, has_ids;
	bool has_in_stock, in_stock;
	struct id vendor_id;
	struct list ids; /* struct id: these, in this order */
	enum product_status status;
	bool only_owner; /* of other than active products: those of `owner` */
	struct id owner;
	enum product_sort sort;
};

struct facet {
	struct facet_value *values; /* the commonest first; prices in their own order */
	size_t count;
};

/*
 * A page of products: at most page->limit, and the cursor of the last one where there are more.
 * Sorted by relevance the cursor is how many came before: ranks are no keys, since they all move a
 * little with every product that is added. With `ids` there is one page, whatever its limit.
 */
enum err store_list(struct sql *sql, struct arena *arena, const struct product_query *query,
		    const struct page *page, struct list *ret_products, bool *ret_more,
		    struct cursor *ret_next) MUST_CHECK;

/* Counts over all that the query finds. A category counts with its sub-categories. */
enum err store_facet(struct sql *sql, struct arena *arena, const struct product_query *query,
		     enum product_facet which, struct facet *ret_facet) MUST_CHECK;

#endif
