/* What a product may be, and what becomes of it: no I/O, no clock, no database. */
#ifndef SERVICES_PRODUCT_RULES_H
#define SERVICES_PRODUCT_RULES_H

#include "services/product/draft.h"

/* Slugs joined by slashes. */
bool category_is_path(const char *text);

/*
 * What the product is once `draft`, which draft_check has passed, is applied to `current`; NULL: a
 * new one. Variants that the draft names (by id, by a SKU that is of one alone, else by their options;
 * in an import by options first) keep their id and
 * their stock; the others are new, with a zero id, or gone. The faults' pointers lie in the draft.
 *
 * A price at the top is what variants cost that have none of their own. Of an existing product it
 * sets all of them, unless the draft says a new price of one, or it is what GET showed already.
 *
 * *ret_product is whole only where `faults` has none.
 */
void product_merge(const struct product *current, const struct draft *draft,
		   struct product *ret_product, struct faults *faults);

/* Sets the lowest and the highest price of the variants, and the ranges that theirs lie in. */
void product_settle_prices(struct product *product);

/* Sets what follows from the variants: prices, stock, and of each its options and title. */
void product_settle(struct arena *arena, struct product *product);

/* Adds one variant's to the product's, which has so many and begins as zero: in_stock where one variant
 * is, out_of_stock where all are; available is the sum of their shares. */
void stock_add(struct stock *all, const struct stock *one, size_t variants);

/* What one variant adds to what is available: what is owed of one takes nothing from the others. */
int64_t stock_share(const struct stock *one, size_t variants);

/* Where a variant has no SKU of its own: the slug and the values. */
char *variant_sku(struct arena *arena, const char *slug, const struct variant *variant);

/*
 * What somebody typed, as full-text queries: every word must be there, as a word's beginning; the
 * first SEARCH_WORDS_MAX different ones count. Words are those of base/unicode.h; several that
 * no blank divides must stand together. Nothing in it is syntax. The tiers say how well it fits, the best first; each product that `all`
 * finds is in just one of them: all words whole in the name; one of several whole in the name, or
 * the only one as a beginning; all in name, tags, category or SKUs; the others, which need the
 * description. Of more than RANKED_WORDS_MAX words only the first and the last of these are told
 * apart, and between them what has all of them whole: a beginning is dear, since the words that have
 * it are gathered before the first is told.
 */
#define SEARCH_TIERS 4
#define SEARCH_WORDS_MAX 10
#define RANKED_WORDS_MAX 3
struct search {
	size_t words; /* how many; not 0 */
	const char *phrases[SEARCH_WORDS_MAX];
	const char *all;
	const char *whole;		 /* of these, what has the words whole; found faster */
	const char *tiers[SEARCH_TIERS]; /* NULL: there is no such */
};

/* NULL where nothing was typed but blanks. */
struct search *search_new(struct arena *arena, const char *typed);

/* A rating such as "4.5" in hundredths; false where it is none from 0 to 5. */
bool rating_parse(const char *text, int64_t *ret_rating) MUST_CHECK;

/* A range of prices, both ends within. */
struct price_range {
	int64_t min, max; /* of the last, max is MONEY_MAX */
};
#define PRICE_RANGES 16
extern const struct price_range price_ranges[PRICE_RANGES];

/* The bit of the range that it lies in: that of the n-th is 1 << n. Products are stored with them:
 * other ranges need a migration. */
unsigned price_range_bit(int64_t price);

struct facet_value {
	const char *value;
	int64_t count;
};

/* Adds to each category what lies in its sub-categories: a filter by it finds those as well. The
 * values are paths with a slash behind, sorted. */
void facet_roll_up(struct facet_value *values, size_t count);

#endif
