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

/* By its id, or the id of one of its variants; by its slug. ERR_NOT_FOUND. */
enum err store_head_by_id(struct sql *sql, const struct id *id, struct product_head *ret_head)
	MUST_CHECK;
enum err store_head_by_slug(struct sql *sql, const char *slug, struct product_head *ret_head)
	MUST_CHECK;

/* The product with this number, with its variants, without `content`. ERR_NOT_FOUND. */
enum err store_load(struct sql *sql, struct arena *arena, int64_t number,
		    struct product *ret_product) MUST_CHECK;

/* Both at once. */
enum err store_find_id(struct sql *sql, struct arena *arena, const struct id *id,
		       struct product *ret_product) MUST_CHECK;
enum err store_find_slug(struct sql *sql, struct arena *arena, const char *slug,
			 struct product *ret_product) MUST_CHECK;

/* Stores a new product with its variants, tags and words, and sets its number. */
enum err store_add(struct sql *sql, struct arena *arena, struct product *product) MUST_CHECK;

/* Stores all of it but rating, revision and creation. */
enum err store_change(struct sql *sql, struct arena *arena, const struct product *product)
	MUST_CHECK;

/* Takes it out of every list, and gives its slug free. */
enum err store_remove(struct sql *sql, struct arena *arena, const struct product *product)
	MUST_CHECK;

/* The number of the product that has it; 0: nobody. */
enum err store_slug_owner(struct sql *sql, const char *slug, int64_t *ret_number) MUST_CHECK;

/* Whether the last import of it said just this; and notes what one said. */
enum err store_imported(struct sql *sql, int64_t number, const struct hash *hash, bool *ret_same)
	MUST_CHECK;
enum err store_note_import(struct sql *sql, int64_t number, const struct hash *hash) MUST_CHECK;

/* Whether what is made of text by Unicode's rules (the order of names, tags as they compare, the words
 * of searches) is of the program's own edition of them (base/unicode.h); and makes it so. */
enum err store_text_is_current(struct sql *sql, struct arena *arena, bool *ret_current) MUST_CHECK;
enum err store_renew_text(struct sql *sql, struct arena *arena) MUST_CHECK;

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
	const struct search *words; /* NULL: any */
	const char *category;
	const char *tag; /* folded */
	int64_t min_price, max_price, min_rating;
	bool has_min_price, has_max_price, has_vendor, has_ids;
	bool has_in_stock, in_stock; /* of price and stock one variant must do all */
	char currency[4];	     /* "": any; never so where prices are compared */
	char price_currency[4];	     /* of the facet of prices */
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

struct product_page {
	struct product_head *heads;
	size_t count;
	bool more;	    /* behind them */
	struct cursor next; /* of the last of them */
};

/*
 * A page of products: at most asked->limit. Sorted by relevance few hits come by rank, many by tier
 * (see rules.h), in each tier the newest first. With `ids` there is one page, whatever its limit.
 */
enum err store_list(struct sql *sql, struct arena *arena, const struct product_query *query,
		    const struct page *asked, struct product_page *ret_page) MUST_CHECK;

/* The same where it is found by looking at a few rows of one index; *ret_whole says whether it is.
 * At most some 200 us, however large the shop. */
enum err store_glance(struct sql *sql, struct arena *arena, const struct product_query *query,
		      const struct page *asked, struct product_page *ret_page, bool *ret_whole)
	MUST_CHECK;

/* Counts over all that the query finds, for the facets that are wanted. A category counts with its
 * sub-categories, a product in each range of prices that one of its variants lies in. */
enum err store_facets(struct sql *sql, struct arena *arena, const struct product_query *query,
		      const bool wanted[static FACETS], struct facet ret_facets[static FACETS])
	MUST_CHECK;

#endif
