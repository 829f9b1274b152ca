/*
 * What a client, or an import, says of a product: read by a table of fields, all of them members of
 * the resource as GET shows it, so that what was read can be sent back.
 */
#ifndef SERVICES_PRODUCT_DRAFT_H
#define SERVICES_PRODUCT_DRAFT_H

#include "services/product/product.h"

struct variant_draft {
	struct id id;
	char *sku;
	json_t *options; /* an object; NULL: none */
	struct money price, compare_at;
	struct details details;	      /* compare_at apart, which has a currency here */
	json_t *stock;		      /* a number of units, or what GET shows */
	struct initial_stock initial; /* that it stands for, by draft_check */
	int64_t assumed_units; /* of an import: how many there are, should nobody have counted */
	bool assumed;
	bool id_given, price_given;
	bool compare_at_given, barcode_given, weight_given, image_given;
};

struct draft {
	char *slug, *name, *category;
	struct id vendor_id;
	int status;
	struct money price;
	struct content content;
	struct list variants; /* struct variant_draft */
	json_t *stock;	      /* as a variant's, of a plain product */
	struct initial_stock initial;
	bool imported; /* from a file, in which a SKU says less than options do */
	bool partial;  /* of an import: variants that are not in it stay */
	bool unnamed;  /* of an import: its options' names are made up */
	bool slug_given, name_given, category_given, vendor_given, status_given, price_given;
	bool variants_given, description_given, tags_given, images_given;
	bool options_given, attributes_given;
};

extern const struct field draft_new_fields[];	 /* POST: a name is required */
extern const struct field draft_change_fields[]; /* PUT: all is optional */
extern const struct field draft_import_fields[]; /* of a batch: a slug is required */

/* The rules that need no more than the draft itself. Cleans it as well: sanitises the description,
 * trims tags, drops what is there twice. Afterwards `stock` is not looked at any more. */
void draft_check(struct draft *draft, struct faults *faults);

/* What is stored of a product as one JSON document, and back. */
char *content_write(struct arena *arena, const struct content *content);
enum err content_read(struct arena *arena, const char *document, struct content *ret_content)
	MUST_CHECK;

#endif
