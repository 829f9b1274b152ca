/* GET /products: search, filters, facets, sorting, pages. */
#include <string.h>

#include "base/config.h"
#include "base/unicode.h"
#include "services/product/api.h"
#include "services/product/rules.h"
#include "services/product/store.h"
#include "services/product/write.h"

#define WORDS_LENGTH_MAX 200
#define QUICK_LIMIT_MAX 20 /* products: so many are read without going to another thread */

static const char *const sort_words[] = {
	[SORT_RELEVANCE] = "relevance",
	[SORT_PRICE] = "price",
	[SORT_PRICE_DOWN] = "-price",
	[SORT_NEWEST] = "newest",
	[SORT_RATING] = "rating",
	[SORT_NAME] = "name",
	NULL,
};

static const char *const facet_words[] = {
	[FACET_CATEGORY] = "category",
	[FACET_TAG] = "tag",
	[FACET_PRICE] = "price",
	NULL,
};

struct parameters {
	char *words, *category, *tag, *min_rating, *currency;
	int64_t min_price, max_price;
	bool in_stock;
	struct id vendor_id;
	struct list ids, facets; /* struct id, int */
	int sort, status;
	bool min_price_given, max_price_given, in_stock_given, vendor_given, ids_given, sort_given;
	bool status_given;
};

struct listing {
	struct request *req;
	struct product_query query;
	struct page page;
	struct list facet_list; /* int */
	bool wanted[FACETS];
	struct product_page found;
	struct facet facets[FACETS];
	struct out out; /* the answer, up to the end of its items */
	bool quick;	/* at most a glance */
	bool whole;	/* it is found */
};

/* --- the query --------------------------------------------------------------------------- */

static bool is_rating(const char *text)
{
	int64_t rating;

	return rating_parse(text, &rating);
}

static const struct field id_value = {.kind = FIELD_KIND_ID};
static const struct field facet_value = {.kind = FIELD_KIND_CHOICE, .choices = facet_words};

static const struct field parameter_fields[] = {
	FIELD(struct parameters, words, "q", TEXT, .max = WORDS_LENGTH_MAX),
	FIELD(struct parameters, category, "category", TEXT, .max = PRODUCT_CATEGORY_MAX),
	FIELD(struct parameters, tag, "tag", TEXT, .max = PRODUCT_TAG_LENGTH_MAX),
	FIELD(struct parameters, min_price, "minPrice", INT, .max = MONEY_MAX,
	      GIVEN(struct parameters, min_price_given)),
	FIELD(struct parameters, max_price, "maxPrice", INT, .max = MONEY_MAX,
	      GIVEN(struct parameters, max_price_given)),
	FIELD(struct parameters, currency, "currency", TEXT, .min = 3, .max = 3,
	      .check = currency_known, .expected = "must be an ISO 4217 currency such as EUR"),
	FIELD(struct parameters, in_stock, "inStock", BOOL,
	      GIVEN(struct parameters, in_stock_given)),
	FIELD(struct parameters, min_rating, "minRating", TEXT, .max = 4, .check = is_rating,
	      .expected = "must be a number from 0 to 5 with at most two decimals"),
	FIELD(struct parameters, vendor_id, "vendorId", ID, GIVEN(struct parameters, vendor_given)),
	FIELD(struct parameters, ids, "ids", LIST, .max = QUERY_VALUES_MAX,
	      LIST_OF(&id_value, struct id), GIVEN(struct parameters, ids_given)),
	FIELD(struct parameters, sort, "sort", CHOICE, .choices = sort_words,
	      GIVEN(struct parameters, sort_given)),
	FIELD(struct parameters, facets, "facets", LIST, .max = FACETS, LIST_OF(&facet_value, int)),
	FIELD(struct parameters, status, "status", CHOICE, .choices = product_status_words,
	      GIVEN(struct parameters, status_given)),
	FIELD_END,
};

/* NULL where there is nothing in it. */
static const char *filled(const char *text)
{
	return text && *text ? text : NULL;
}

/* Prices compare within one currency: the one that is asked for, else the shop's own. */
static void choose_currency(const struct parameters *given, struct product_query *query)
{
	const char *currency = given->currency ? given->currency : config_text("currency");
	bool compares = query->has_min_price || query->has_max_price || query->sort == SORT_PRICE ||
			query->sort == SORT_PRICE_DOWN;

	memcpy(query->price_currency, currency, sizeof(query->price_currency));
	if (given->currency || compares)
		memcpy(query->currency, currency, sizeof(query->currency));
}

static struct product_query to_query(const struct request *req, const struct parameters *given)
{
	struct product_query query = {
		.words = given->words ? search_new(req->arena, given->words) : NULL,
		.category = filled(given->category),
		.tag = filled(given->tag) ? unicode_fold(req->arena, given->tag) : NULL,
		.min_price = given->min_price,
		.max_price = given->max_price,
		.has_min_price = given->min_price_given,
		.has_max_price = given->max_price_given,
		.has_in_stock = given->in_stock_given,
		.in_stock = given->in_stock,
		.has_vendor = given->vendor_given,
		.vendor_id = given->vendor_id,
		.has_ids = given->ids_given,
		.ids = given->ids,
		.status = given->status_given ? (enum product_status)given->status : PRODUCT_ACTIVE,
		.sort = given->sort_given ? (enum product_sort)given->sort : SORT_RELEVANCE,
	};

	if (query.sort == SORT_RELEVANCE && !query.words)
		query.sort = SORT_NEWEST;
	if (given->min_rating && !rating_parse(given->min_rating, &query.min_rating))
		query.min_rating = 0;
	/* What is not on sale its owner sees, and administrators do; to others it is not there. */
	query.only_owner = query.status != PRODUCT_ACTIVE && !request_has_role(req, ROLE_ADMIN);
	query.owner = req->caller.user;
	choose_currency(given, &query);
	return query;
}

/* What is found at a glance, or by a few ids, costs less than going to another thread and back. */
static bool may_be_quick(const struct listing *listing)
{
	const struct product_query *query = &listing->query;

	return !query->words && listing->facet_list.count == 0 &&
	       query->ids.count <= QUICK_LIMIT_MAX &&
	       (query->has_ids || listing->page.limit <= QUICK_LIMIT_MAX);
}

static enum err find_page(struct sql *sql, struct listing *listing)
{
	struct arena *arena = listing->req->arena;
	enum err err;

	if (!listing->query.has_ids) {
		err = store_glance(sql, arena, &listing->query, &listing->page, &listing->found,
				   &listing->whole);
		if (err || listing->whole || listing->quick)
			return err;
	}
	listing->whole = true;
	return store_list(sql, arena, &listing->query, &listing->page, &listing->found);
}

static enum err list_body(struct sql *sql, void *arg)
{
	struct listing *listing = arg;
	enum err err;

	sql_limit(sql, config_int("search-limit-ms"), ERR_SEARCH_TOO_COSTLY);
	err = find_page(sql, listing);
	if (!listing->whole)
		return err;
	for (size_t i = 0; !err && i < listing->found.count; i++)
		err = product_show(sql, &listing->found.heads[i], &listing->out);
	if (err || !listing->facet_list.count)
		return err;
	return store_facets(sql, listing->req->arena, &listing->query, listing->wanted,
			    listing->facets);
}

/* Tries what is quick on this thread. */
static enum err find(struct listing *listing)
{
	enum err err = OK;

	listing->quick = may_be_quick(listing);
	if (listing->quick)
		err = request_read(listing->req, list_body, listing);
	listing->quick = false;
	if (err || listing->whole)
		return err;
	return request_read_long(listing->req, WORK_SEARCH, list_body, listing);
}

/* --- the answer -------------------------------------------------------------------------- */

static void write_facets(struct out *out, const struct listing *listing)
{
	const int *which = listing->facet_list.items;
	bool written[FACETS] = {false};

	out_open(out, "facets");
	for (size_t i = 0; i < listing->facet_list.count; i++) {
		const struct facet *facet = &listing->facets[which[i]];

		if (written[which[i]])
			continue;
		written[which[i]] = true;
		out_open_list(out, facet_words[which[i]]);
		for (size_t j = 0; j < facet->count; j++) {
			out_open(out, NULL);
			out_text(out, "value", facet->values[j].value);
			out_int(out, "count", facet->values[j].count);
			out_close(out);
		}
		out_close_list(out);
	}
	out_close(out);
}

static void reply_listing(struct listing *listing, struct reply *reply, const char *kind)
{
	struct out *out = &listing->out;

	reply_list_end_items(out);
	if (listing->facet_list.count)
		write_facets(out, listing);
	reply_list_end(listing->req, reply, out, kind,
		       listing->found.more ? &listing->found.next : NULL);
}

/* Active products; with `status`, an owner's or administrator's others. */
enum err get_products(struct request *req, struct reply *reply)
{
	struct parameters given = {0};
	struct listing listing = {.req = req};
	const char *kind;
	enum err err;

	err = request_query_read(req, parameter_fields, &given);
	if (err && err != ERR_INVALID)
		return err;
	listing.query = to_query(req, &given);
	listing.facet_list = given.facets;
	for (size_t i = 0; i < given.facets.count; i++)
		listing.wanted[((const int *)given.facets.items)[i]] = true;
	kind = arena_printf(req->arena, "products/%s", sort_words[listing.query.sort]);
	err = request_page(req, kind, &listing.page);
	if (err)
		return err;
	listing.out = reply_list_begin(reply);
	err = find(&listing);
	if (err)
		return err;
	reply_listing(&listing, reply, kind);
	return OK;
}
