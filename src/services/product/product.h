/*
 * The nouns of the catalogue, and their limits.
 *
 * A product has one variant or more. A product without options is plain: it has one variant, which
 * has the product's own id. What is sold, stocked and reserved is always a variant.
 */
#ifndef SERVICES_PRODUCT_PRODUCT_H
#define SERVICES_PRODUCT_PRODUCT_H

#include "base/json.h"
#include "base/money.h"

#define PRODUCT_NAME_MAX 200
#define PRODUCT_SLUG_MAX 200
#define PRODUCT_CATEGORY_MAX 200
#define PRODUCT_DESCRIPTION_MAX 100000
#define PRODUCT_ATTRIBUTES_BYTES_MAX (16 * 1024)
#define PRODUCT_TAGS_MAX 250
#define PRODUCT_TAG_LENGTH_MAX 255
#define PRODUCT_IMAGES_MAX 250
#define PRODUCT_ALT_LENGTH_MAX 1000
#define PRODUCT_OPTIONS_MAX 3
#define PRODUCT_OPTION_NAME_MAX 100
#define PRODUCT_OPTION_VALUE_MAX 255
#define PRODUCT_VARIANTS_MAX 250
#define PRODUCT_SKU_MAX 255
#define PRODUCT_BARCODE_MAX 255
#define PRODUCT_WEIGHT_GRAMS_MAX 1000000000
#define PRODUCT_STOCK_MAX 1000000000

#define QUOTE_ITEMS_MAX 200
#define BATCH_PRODUCTS_MAX 200
#define BATCH_BODY_BYTES_MAX (16u << 20)

enum product_status { PRODUCT_DRAFT, PRODUCT_ACTIVE, PRODUCT_ARCHIVED, PRODUCT_DELETED };
extern const char *const product_status_words[]; /* without the deleted, which nobody sees */

/* From the worst on. */
enum stock_status { STOCK_OUT, STOCK_BACKORDER, STOCK_LOW, STOCK_IN };
const char *stock_status_word(enum stock_status status);
enum stock_status stock_status_from_word(const char *word);

struct stock {
	enum stock_status status;
	int64_t available; /* of what is counted; below 0: what is owed already */
	int64_t uncounted; /* 1: nobody counts, and it is always to be had; of a product, how many */
	bool backorder;	   /* of a variant: it may be sold before it is there */
};

/* What a new variant begins with. */
struct initial_stock {
	int64_t units;
	bool uncounted, backorder;
};

struct image {
	char *url;
	char *alt;
};

struct option {
	char *name;
	struct list values; /* char * */
};

/* What of a product is only ever shown, and stored as one JSON object. */
struct content {
	char *description;	     /* sanitised HTML */
	struct list tags;	     /* char * */
	struct list images, options; /* struct image, struct option */
	json_t *attributes;	     /* an object; NULL is an empty one */
};

/* What a variant may say besides, for those who look at it. */
struct details {
	int64_t compare_at;   /* in the product's currency; 0: none */
	char *barcode;	      /* or NULL */
	int64_t weight_grams; /* 0: none */
	char *image;	      /* its address, or NULL */
};

struct variant {
	struct id id;
	char *sku;
	char *options; /* JSON object of the option's names and this variant's values */
	char *title;   /* the values, " / " between them; "" of a plain product */
	int64_t price; /* in the product's currency */
	struct details details;
	struct stock stock;
	int64_t stock_version; /* of the newest StockChanged */
	/* While it is being changed. */
	const char *values[PRODUCT_OPTIONS_MAX]; /* in the order of the product's options */
	bool is_new;
	size_t listed;		      /* the place that the draft has a new one at */
	struct initial_stock initial; /* of a new one */
	bool assumed;		      /* an import says how many there are of an old one, */
	int64_t assumed_units;	      /* should nobody have counted it */
};

struct product {
	int64_t number; /* the store's own key */
	struct id id, vendor_id;
	char *slug, *name;
	char *category; /* a path such as clothing/shirts; NULL: none */
	enum product_status status;
	struct money price;	      /* the lowest of its variants */
	int64_t price_max;	      /* the highest */
	unsigned price_ranges;	      /* the bits of their ranges, see price_range_bit */
	struct stock stock;	      /* of all variants together */
	int64_t rating, rating_count; /* the average in hundredths */
	int64_t version, revision;    /* see reply_etag */
	int64_t created_ms, updated_ms;
	char *document; /* `content` as it is stored */
	struct variant *variants;
	size_t variant_count;
	struct content content; /* only while the product is being changed */
};

/* What a list finds of a product: who may see it, and which rendering of it holds. */
struct product_head {
	int64_t number;
	struct id id, vendor_id;
	enum product_status status;
	int64_t version, revision;
};

/* What is asked of one line of a cart or an order. */
struct quote {
	struct id id, product_id, vendor_id;
	char *name, *title, *sku, *category;
	struct money price;
	bool known, active;
	struct stock stock;
};

#endif
