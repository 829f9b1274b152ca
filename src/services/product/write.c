/* Products as JSON. What is stored as JSON is copied as it is: GET parses nothing. */
#include "services/product/write.h"

#include <string.h>

/* The members of an object that was stored whole, among others. */
static void write_members(struct out *out, const char *object)
{
	size_t length = strlen(object);

	assert(length > 2 && object[0] == '{' && object[length - 1] == '}');
	if (out->comma)
		out_bytes(out, ",", 1);
	out_bytes(out, object + 1, length - 2);
	out->comma = true;
}

static void write_stock(struct out *out, const struct stock *stock)
{
	out_open(out, "stock");
	out_text(out, "status", stock_status_word(stock->status));
	if (stock->uncounted)
		out_null(out, "available");
	else
		out_int(out, "available", stock->available);
	out_close(out);
}

static void write_details(struct out *out, const struct details *details, struct money price)
{
	price.amount = details->compare_at;
	if (details->compare_at)
		out_money(out, "compareAtPrice", &price);
	out_text(out, "barcode", details->barcode);
	if (details->weight_grams)
		out_int(out, "weightGrams", details->weight_grams);
	out_text(out, "image", details->image);
}

static void write_variant(struct out *out, const struct product *product,
			  const struct variant *variant)
{
	struct money price = product->price;

	price.amount = variant->price;
	out_open(out, NULL);
	out_id(out, "id", &variant->id);
	out_text(out, "sku", variant->sku);
	out_json(out, "options", variant->options);
	out_money(out, "price", &price);
	write_details(out, &variant->details, price);
	write_stock(out, &variant->stock);
	out_close(out);
}

void product_write(struct out *out, const char *name, const struct product *product)
{
	out_open(out, name);
	out_id(out, "id", &product->id);
	out_text(out, "slug", product->slug);
	out_text(out, "name", product->name);
	if (product->category)
		out_text(out, "category", product->category);
	else
		out_null(out, "category");
	out_money(out, "price", &product->price);
	write_members(out, product->document);
	out_open_list(out, "variants");
	for (size_t i = 0; i < product->variant_count; i++)
		write_variant(out, product, &product->variants[i]);
	out_close_list(out);
	out_id(out, "vendorId", &product->vendor_id);
	out_text(out, "status", product_status_words[product->status]);
	write_stock(out, &product->stock);
	out_open(out, "rating");
	out_decimal(out, "average", product->rating, 2);
	out_int(out, "count", product->rating_count);
	out_close(out);
	out_time(out, "createdAt", product->created_ms);
	out_time(out, "updatedAt", product->updated_ms);
	out_close(out);
}

char *sold_name(struct arena *arena, const char *name, const char *title)
{
	return *title ? arena_printf(arena, "%s - %s", name, title) : arena_copy_text(arena, name);
}

void quote_write(struct out *out, struct arena *arena, const struct quote *quote)
{
	bool purchasable = quote->known && quote->active;

	out_open(out, NULL);
	out_id(out, "productId", &quote->id);
	if (purchasable) {
		out_id(out, "parentId", &quote->product_id);
		out_text(out, "name", sold_name(arena, quote->name, quote->title));
		out_text(out, "sku", quote->sku);
		out_money(out, "price", &quote->price);
		out_id(out, "vendorId", &quote->vendor_id);
		out_text(out, "category", quote->category);
	}
	out_bool(out, "purchasable", purchasable);
	/* Null where as many as one likes can be had. */
	if (purchasable && (quote->stock.uncounted || quote->stock.backorder))
		out_null(out, "available");
	else if (purchasable)
		out_int(out, "available", quote->stock.available);
	out_close(out);
}

/* What Inventory begins with; of an old variant, what it is told should it know nothing. */
static void write_initial(struct out *out, const struct variant *variant)
{
	if (variant->is_new) {
		out_int(out, "initialStock", variant->initial.units);
		out_bool(out, "tracked", !variant->initial.uncounted);
		out_text(out, "backorder", variant->initial.backorder ? "allow" : "deny");
	} else if (variant->assumed) {
		out_int(out, "assumedStock", variant->assumed_units);
	}
}

void product_write_event(struct out *out, struct arena *arena, const struct product *product)
{
	struct money price = product->price;

	out_open(out, NULL);
	out_id(out, "productId", &product->id);
	out_text(out, "name", product->name);
	out_text(out, "slug", product->slug);
	out_text(out, "category", product->category);
	out_id(out, "vendorId", &product->vendor_id);
	out_text(out, "status", product_status_words[product->status]);
	out_open_list(out, "variants");
	for (size_t i = 0; i < product->variant_count; i++) {
		const struct variant *variant = &product->variants[i];

		price.amount = variant->price;
		out_open(out, NULL);
		out_id(out, "id", &variant->id);
		out_text(out, "sku", variant->sku);
		out_text(out, "name", sold_name(arena, product->name, variant->title));
		out_money(out, "price", &price);
		write_details(out, &variant->details, price);
		write_initial(out, variant);
		out_close(out);
	}
	out_close_list(out);
	out_close(out);
}

void product_write_deleted(struct out *out, const struct product *product)
{
	out_open(out, NULL);
	out_id(out, "productId", &product->id);
	out_id(out, "vendorId", &product->vendor_id);
	out_open_list(out, "variantIds");
	for (size_t i = 0; i < product->variant_count; i++)
		out_id(out, NULL, &product->variants[i].id);
	out_close_list(out);
	out_close(out);
}
