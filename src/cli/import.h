/*
 * `souk import products FILE.csv`: what its parts share.
 *
 * A file is read whole before anything is sent (import_read.c, import_row.c): rows that share a
 * handle are one product, wherever they stand. Rows that are no good are noted with their line and
 * left out; what is good is sent to the Product service in batches (import_send.c), which says of
 * each product what became of it.
 */
#ifndef CLI_IMPORT_H
#define CLI_IMPORT_H

#include "base/json.h"
#include "base/map.h"
#include "base/out.h"
#include "services/product/product.h"

#define IMPORT_FILE_BYTES_MAX (INT64_C(512) << 20)
#define IMPORT_PRODUCTS_MAX 2000000
#define IMPORT_NOTES_MAX 1000

enum column {
	COLUMN_HANDLE,
	COLUMN_TITLE,
	COLUMN_BODY,
	COLUMN_VENDOR,
	COLUMN_TYPE,
	COLUMN_CATEGORY,
	COLUMN_TAGS,
	COLUMN_PUBLISHED,
	COLUMN_STATUS,
	COLUMN_OPTION1_NAME,
	COLUMN_OPTION1_VALUE,
	COLUMN_OPTION2_NAME,
	COLUMN_OPTION2_VALUE,
	COLUMN_OPTION3_NAME,
	COLUMN_OPTION3_VALUE,
	COLUMN_SKU,
	COLUMN_GRAMS,
	COLUMN_TRACKER,
	COLUMN_QUANTITY,
	COLUMN_POLICY,
	COLUMN_PRICE,
	COLUMN_COMPARE_AT,
	COLUMN_BARCODE,
	COLUMN_IMAGE,
	COLUMN_IMAGE_ALT,
	COLUMN_IMAGE_POSITION,
	COLUMN_VARIANT_IMAGE,
	COLUMN_GIFT_CARD,
	COLUMN_SEO_TITLE,
	COLUMN_SEO_DESCRIPTION,
	COLUMNS,
};

struct import_variant {
	int64_t line;
	char *sku; /* NULL: made by the shop from handle and options */
	const char *values[PRODUCT_OPTIONS_MAX];
	int64_t price; /* -1: the file has none */
	struct details details;
	/* As Shopify means it: what nobody tracks is always to be had, and what is tracked and said no
	 * number of has none. */
	int64_t stock;
	bool tracked, counted, backorder;
};

struct import_image {
	char *url, *alt;
	int64_t position;
};

/* A row of a product, to be reported with it. */
struct import_line {
	int64_t line;
	bool skipped; /* and reported already */
};

/* What no row says is NULL, 0 or empty. */
struct import_product {
	char *handle, *slug, *name, *description, *brand, *category;
	enum product_status status;
	bool status_given;
	struct list tags;			  /* char * */
	struct list images;			  /* struct import_image */
	const char *options[PRODUCT_OPTIONS_MAX]; /* NULL: of no name */
	size_t option_count;			  /* 0: plain */
	struct list variants;			  /* struct import_variant */
	struct list lines;			  /* struct import_line */
	bool has_options;			  /* they were read, of its first variant */
	bool partial;				  /* rows with variants of it were skipped */
	char *seo_title, *seo_description;
	bool is_gift_card;   /* which is not sold as goods */
	struct id vendor_id; /* zero until its brand is known as a vendor */
};

/* A row that was left out, and why. */
struct skip {
	int64_t line;
	const char *handle; /* or NULL */
	const char *reason;
};

struct import {
	struct arena *arena;
	const char *path;
	const char *currency;
	const char *encoding; /* of the file; NULL: it tells by itself */
	char separator;
	bool known[COLUMNS]; /* what the file has a column for */
	int64_t assumed; /* how many there are of what the file does not count; -1: it means so */
	struct list products; /* struct import_product * */
	struct list skips;    /* struct skip */
	struct list notes;   /* char *: what was done with the file that its owner may not expect */
	struct map *by_slug; /* struct import_product */
	int64_t row_count;
	size_t categories_left; /* which stood beside a type */
	size_t strays;		/* rows of products that nobody can name: any may lack a variant */
	struct list ownerless;	/* struct import_product *: new ones of no vendor */
	/* What became of the products. */
	size_t created, updated, unchanged, failed;
	/* New variants that the file does not count. */
	size_t untracked, sold_out, backorders, negative;
	size_t old_variants;  /* whose stock is Inventory's, whatever the file says of it */
	size_t notes_dropped; /* beyond IMPORT_NOTES_MAX */
};

/* Appends a copy of the `size` bytes at `item`, in the arena. */
void list_append(struct arena *arena, struct list *list, const void *item, size_t size);

void import_skip(struct import *import, int64_t line, const char *handle, const char *format, ...)
	PRINTF_LIKE(4, 5);
void import_note(struct import *import, const char *format, ...) PRINTF_LIKE(2, 3);

/* Reads the file. False, with a sentence, where it cannot be read as products at all. */
bool import_read(struct import *import, const char **ret_why) MUST_CHECK;

/* --- one row ----------------------------------------------------------------------------- */

/* One row: its cells by column, trimmed, "" where there is none. They live less long than the
 * import. */
struct row {
	int64_t line;
	const char *cells[COLUMNS];
};

/* The column that a header names, whatever its case, with or without "Variant "; COLUMNS: none. */
enum column column_from_name(const char *name);

/* Adds the row to the product that it is of. */
void import_row(struct import *import, const struct row *row);

/* Skips a row of which no more can be read than its handle, at most: its product may lack a variant. */
void import_lose_row(struct import *import, const struct row *row, const char *reason);

/* Whether the file has the columns of a whole export. One that has not is an update: variants that it
 * does not list stay. */
bool import_is_whole(const struct import *import);

/* --- sending ----------------------------------------------------------------------------- */

/* One product of a batch. */
void import_write(struct out *out, const struct import *import,
		  const struct import_product *product);

/* Sends all products; false, with a sentence, where the shop stopped answering. */
bool import_send(struct import *import, const char **ret_why) MUST_CHECK;

#endif
