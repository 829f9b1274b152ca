/*
 * What was read of a product, as JSON for POST /products/batch. What the file has no column for is
 * left out, and stays as it is in the shop.
 */
#include <stdio.h>
#include <string.h>

#include "cli/import.h"

static const char *option_name(struct arena *arena, const struct import_product *product,
			       size_t index)
{
	return product->options[index] ? product->options[index]
				       : arena_printf(arena, "Option %zu", index + 1);
}

static int by_position(const void *a, const void *b)
{
	const struct import_image *one = a, *other = b;

	return (one->position > other->position) - (one->position < other->position);
}

static void write_images(struct out *out, const struct list *list, bool alt)
{
	struct import_image *images = list->items;

	/* Those without a position come last; equal ones in the order of the file. */
	for (size_t i = 1; i < list->count; i++)
		for (size_t j = i; j > 0 && by_position(&images[j - 1], &images[j]) > 0; j--) {
			struct import_image image = images[j];

			images[j] = images[j - 1];
			images[j - 1] = image;
		}
	out_open_list(out, "images");
	for (size_t i = 0; i < list->count; i++) {
		out_open(out, NULL);
		out_text(out, "url", images[i].url);
		if (alt)
			out_text(out, "alt", images[i].alt);
		out_close(out);
	}
	out_close_list(out);
}

/* The values that the variants have, in the order of the file. */
static void write_values(struct out *out, const struct import_product *product, size_t option)
{
	const struct import_variant *variants = product->variants.items;

	out_open_list(out, "values");
	for (size_t i = 0; i < product->variants.count; i++) {
		size_t j = 0;

		while (strcmp(variants[j].values[option], variants[i].values[option]) != 0)
			j++;
		if (j == i)
			out_text(out, NULL, variants[i].values[option]);
	}
	out_close_list(out);
}

/* Null takes it away; what is left out stays. */
static void write_text(struct out *out, bool known, const char *name, const char *text)
{
	if (known && text)
		out_text(out, name, text);
	else if (known)
		out_null(out, name);
}

static void write_attributes(struct out *out, const struct import *import,
			     const struct import_product *product)
{
	out_open(out, "attributes");
	write_text(out, import->known[COLUMN_VENDOR], "brand", product->brand);
	/* Where they were before variants had them. */
	write_text(out, import->known[COLUMN_COMPARE_AT], "compareAtPrice", NULL);
	write_text(out, import->known[COLUMN_GRAMS], "weightGrams", NULL);
	write_text(out, import->known[COLUMN_BARCODE], "gtin", NULL);
	write_text(out, import->known[COLUMN_SEO_TITLE], "seoTitle", product->seo_title);
	write_text(out, import->known[COLUMN_SEO_DESCRIPTION], "seoDescription",
		   product->seo_description);
	out_close(out);
}

static void write_options(struct out *out, const struct import_product *product)
{
	bool named = product->option_count == 0;

	out_open_list(out, "options");
	for (size_t i = 0; i < product->option_count; i++) {
		named = named || product->options[i];
		out_open(out, NULL);
		out_text(out, "name", option_name(out->arena, product, i));
		write_values(out, product, i);
		out_close(out);
	}
	out_close_list(out);
	out_bool(out, "unnamedOptions", !named);
}

/* Null takes each away, as the file says. */
static void write_details(struct out *out, const struct import *import,
			  const struct details *details)
{
	struct money compare_at = {.amount = details->compare_at};

	snprintf(compare_at.currency, sizeof(compare_at.currency), "%s", import->currency);
	if (details->compare_at)
		out_money(out, "compareAtPrice", &compare_at);
	else if (import->known[COLUMN_COMPARE_AT])
		out_null(out, "compareAtPrice");
	write_text(out, import->known[COLUMN_BARCODE], "barcode", details->barcode);
	if (import->known[COLUMN_GRAMS])
		out_int(out, "weightGrams", details->weight_grams);
	write_text(out, import->known[COLUMN_VARIANT_IMAGE], "image", details->image);
}

/* Of a new variant; an old one's is Inventory's, unless nobody has counted it. */
static void write_stock(struct out *out, const struct import *import,
			const struct import_variant *variant)
{
	out_open(out, "stock");
	out_bool(out, "tracked", variant->tracked);
	out_text(out, "backorder", variant->backorder ? "allow" : "deny");
	out_int(out, "available", MAX(variant->stock, 0));
	out_close(out);
	if (import->assumed >= 0 && !variant->counted)
		out_int(out, "assumedStock", import->assumed);
}

static void write_variant(struct out *out, const struct import *import,
			  const struct import_product *product,
			  const struct import_variant *variant)
{
	struct money price = {.amount = variant->price};

	snprintf(price.currency, sizeof(price.currency), "%s", import->currency);
	out_open(out, NULL);
	out_text(out, "sku", variant->sku);
	if (import->known[COLUMN_OPTION1_VALUE]) {
		out_open(out, "options");
		for (size_t i = 0; i < product->option_count; i++)
			out_text(out, option_name(out->arena, product, i), variant->values[i]);
		out_close(out);
	}
	if (variant->price >= 0)
		out_money(out, "price", &price);
	write_details(out, import, &variant->details);
	write_stock(out, import, variant);
	out_close(out);
}

static void write_tags(struct out *out, const struct list *tags)
{
	out_open_list(out, "tags");
	for (size_t i = 0; i < tags->count; i++)
		out_text(out, NULL, ((char **)tags->items)[i]);
	out_close_list(out);
}

void import_write(struct out *out, const struct import *import,
		  const struct import_product *product)
{
	const struct import_variant *variants = product->variants.items;
	const bool *known = import->known;

	out_open(out, NULL);
	out_text(out, "slug", product->slug);
	out_text(out, "name", product->name);
	if (known[COLUMN_BODY])
		out_text(out, "description", product->description ? product->description : "");
	if (product->category)
		out_text(out, "category", product->category);
	else if (known[COLUMN_TYPE] || known[COLUMN_CATEGORY])
		out_null(out, "category");
	if (product->is_gift_card && product->status != PRODUCT_ARCHIVED)
		out_text(out, "status", product_status_words[PRODUCT_DRAFT]);
	else if (product->status_given)
		out_text(out, "status", product_status_words[product->status]);
	if (!id_is_zero(&product->vendor_id))
		out_id(out, "vendorId", &product->vendor_id);
	if (known[COLUMN_TAGS])
		write_tags(out, &product->tags);
	if (known[COLUMN_IMAGE])
		write_images(out, &product->images, known[COLUMN_IMAGE_ALT]);
	if (known[COLUMN_OPTION1_VALUE])
		write_options(out, product);
	write_attributes(out, import, product);
	if (product->variants.count) {
		out_open_list(out, "variants");
		for (size_t i = 0; i < product->variants.count; i++)
			write_variant(out, import, product, &variants[i]);
		out_close_list(out);
	}
	out_bool(out, "partial", product->partial || import->strays || !import_is_whole(import));
	out_close(out);
}
