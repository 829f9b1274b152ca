/*
 * Sending what was read: brands become vendors, products go in batches through POST
 * /products/batch, and what the shop says of each is noted.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/time.h"
#include "base/unicode.h"
#include "cli/import.h"
#include "cli/shop_client.h"
#include "runtime/fiber.h"

#define BATCH_VARIANTS 1000    /* a batch is sent when it has so many, */
#define BATCH_BYTES (1u << 20) /* or so many bytes, or as many products as it may */
#define BRANDS_MAX 100000
#define UNBRANDED "Unbranded" /* the vendor of products that name none */
#define TRIES 6
#define FIRST_DELAY_MS 200

/* --- calling ----------------------------------------------------------------------------- */

/* Asks until the shop answers with more than "later"; false, with a sentence, where it does not. */
static bool ask(struct arena *arena, const struct call *call, struct call_answer *ret_answer,
		const char **ret_why)
{
	int64_t delay_ms = FIRST_DELAY_MS;
	enum err err = OK;

	for (int i = 0; i < TRIES; i++, delay_ms *= 2) {
		if (i > 0)
			fiber_sleep(delay_ms);
		err = shop_client_call(arena, call, ret_answer);
		if (!err && (!ret_answer->err || !err_is_fault(ret_answer->err)))
			return true;
		if (!err)
			err = ret_answer->err;
		if (!err_info(err)->transient)
			break;
	}
	*ret_why = err_info(err)->title;
	return false;
}

/* --- vendors ----------------------------------------------------------------------------- */

/* The account that sells the brand, made where there is none. */
static bool find_vendor(struct import *import, const char *brand, struct id *ret_vendor,
			const char **ret_why)
{
	struct out body = out_new(import->arena);
	struct call call = {.service = "user", .method = HTTP_POST, .path = "/users/vendors"};
	struct call_answer answer;

	out_open(&body, NULL);
	out_text(&body, "name", brand);
	out_close(&body);
	call.body = &body;
	if (!ask(import->arena, &call, &answer, ret_why))
		return false;
	if (answer.err || !json_get_id(answer.json, "id", ret_vendor)) {
		*ret_why = arena_printf(import->arena, "the vendor \"%s\" cannot be made: %s",
					brand, answer.err ? err_info(answer.err)->title : "no id");
		return false;
	}
	return true;
}

/* Gives every product its vendor; brands compare ignoring case. */
static bool find_vendors(struct import *import, const char **ret_why)
{
	struct import_product **products = import->products.items;
	struct map *known = map_new(BRANDS_MAX, true, NULL);
	bool good = true;

	for (size_t i = 0; good && i < import->products.count; i++) {
		const char *brand = products[i]->brand ? products[i]->brand : UNBRANDED;
		const char *key = unicode_fold(import->arena, brand);
		struct id *vendor = map_get(known, key, strlen(key));

		if (!vendor) {
			vendor = ARENA_NEW(import->arena, struct id);
			good = find_vendor(import, brand, vendor, ret_why) &&
			       map_put(known, key, strlen(key), vendor);
		}
		products[i]->vendor_id = *vendor;
	}
	map_free(known);
	return good;
}

/* --- products as JSON -------------------------------------------------------------------- */

static int by_position(const void *a, const void *b)
{
	const struct import_image *one = a, *other = b;

	return (one->position > other->position) - (one->position < other->position);
}

static void write_images(struct out *out, const struct list *list)
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

static void write_attributes(struct out *out, const struct import_product *product,
			     const char *currency)
{
	struct money compare_at = {.amount = product->compare_at};

	snprintf(compare_at.currency, sizeof(compare_at.currency), "%s", currency);
	out_open(out, "attributes");
	out_text(out, "brand", product->brand);
	if (product->compare_at)
		out_money(out, "compareAtPrice", &compare_at);
	if (product->grams > 0)
		out_int(out, "weightGrams", product->grams);
	/* A barcode is a variant's own. */
	if (product->variants.count == 1)
		out_text(out, "gtin", product->barcode);
	out_text(out, "seoTitle", product->seo_title);
	out_text(out, "seoDescription", product->seo_description);
	out_close(out);
}

static void write_variants(struct out *out, const struct import_product *product,
			   const char *currency)
{
	const struct import_variant *variants = product->variants.items;
	struct money price;

	snprintf(price.currency, sizeof(price.currency), "%s", currency);
	out_open_list(out, "variants");
	for (size_t i = 0; i < product->variants.count; i++) {
		price.amount = variants[i].price;
		out_open(out, NULL);
		out_text(out, "sku", variants[i].sku);
		out_open(out, "options");
		for (size_t j = 0; j < product->option_count; j++)
			out_text(out, product->options[j], variants[i].values[j]);
		out_close(out);
		out_money(out, "price", &price);
		out_int(out, "stock", variants[i].stock);
		out_close(out);
	}
	out_close_list(out);
}

static void write_product(struct out *out, const struct import_product *product,
			  const char *currency)
{
	const char *const *tags = product->tags.items;

	out_open(out, NULL);
	out_text(out, "slug", product->slug);
	out_text(out, "name", product->name);
	out_text(out, "description", product->description);
	if (product->category)
		out_text(out, "category", product->category);
	else
		out_null(out, "category");
	out_text(out, "status", product_status_words[product->status]);
	out_id(out, "vendorId", &product->vendor_id);
	out_open_list(out, "tags");
	for (size_t i = 0; i < product->tags.count; i++)
		out_text(out, NULL, tags[i]);
	out_close_list(out);
	write_images(out, &product->images);
	out_open_list(out, "options");
	for (size_t i = 0; i < product->option_count; i++) {
		out_open(out, NULL);
		out_text(out, "name", product->options[i]);
		write_values(out, product, i);
		out_close(out);
	}
	out_close_list(out);
	write_attributes(out, product, currency);
	write_variants(out, product, currency);
	out_bool(out, "partial", product->partial);
	out_close(out);
}

/* --- what came of them ------------------------------------------------------------------- */

/* Reports all rows of the product that are not reported yet. */
static void skip_product(struct import *import, struct import_product *product, const char *reason)
{
	struct import_line *lines = product->lines.items;

	for (size_t i = 0; i < product->lines.count; i++) {
		if (!lines[i].skipped)
			import_skip(import, lines[i].line, product->handle, "%s", reason);
		lines[i].skipped = true;
	}
	import->failed++;
}

static void note_result(struct import *import, struct import_product *product, const json_t *result)
{
	const char *outcome = json_get_text(result, "outcome");
	const json_t *faults = json_object_get(result, "faults"), *fault;
	const char *reason = json_get_text(result, "reason");
	size_t i;

	if (outcome && strcmp(outcome, "created") == 0) {
		import->created++;
	} else if (outcome && strcmp(outcome, "updated") == 0) {
		import->updated++;
	} else if (outcome && strcmp(outcome, "unchanged") == 0) {
		import->unchanged++;
	} else {
		const char *all = reason ? reason : "the product was refused";

		json_array_foreach (faults, i, fault)
			all = arena_printf(import->arena, "%s%s%s %s", i ? all : "", i ? "; " : "",
					   json_get_text(fault, "pointer"),
					   json_get_text(fault, "detail"));
		skip_product(import, product, all);
	}
}

/* --- batches ----------------------------------------------------------------------------- */

struct batch {
	struct arena *arena;
	struct out body;
	struct import_product *products[BATCH_PRODUCTS_MAX];
	size_t count, variants;
};

static void batch_begin(struct batch *batch)
{
	arena_reset(batch->arena);
	batch->body = out_new(batch->arena);
	batch->count = batch->variants = 0;
	out_open(&batch->body, NULL);
	out_open_list(&batch->body, "products");
}

static bool batch_send(struct import *import, struct batch *batch, const char **ret_why)
{
	struct call call = {.service = "product", .method = HTTP_POST, .path = "/products/batch"};
	struct call_answer answer;
	const json_t *results;

	out_close_list(&batch->body);
	out_close(&batch->body);
	call.body = &batch->body;
	if (!ask(batch->arena, &call, &answer, ret_why))
		return false;
	results = json_object_get(answer.json, "results");
	if (answer.err || json_array_size(results) != batch->count) {
		*ret_why =
			answer.err ? err_info(answer.err)->title : "the shop's answer is no answer";
		return false;
	}
	for (size_t i = 0; i < batch->count; i++)
		note_result(import, batch->products[i], json_array_get(results, i));
	return true;
}

static bool batch_is_full(const struct batch *batch)
{
	return batch->count == BATCH_PRODUCTS_MAX || batch->variants >= BATCH_VARIANTS ||
	       batch->body.length >= BATCH_BYTES;
}

static void show_progress(const struct import *import, size_t done)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r%zu of %zu products%s", done, import->products.count,
			done == import->products.count ? "\n" : "");
}

bool import_send(struct import *import, const char **ret_why)
{
	struct import_product **products = import->products.items;
	struct batch batch = {.arena = arena_new()};
	bool good = find_vendors(import, ret_why);

	batch_begin(&batch);
	for (size_t i = 0; good && i < import->products.count; i++) {
		if (!products[i]->variants.count) {
			skip_product(import, products[i], "no row of its product can be sold");
			continue;
		}
		write_product(&batch.body, products[i], import->currency);
		batch.products[batch.count++] = products[i];
		batch.variants += products[i]->variants.count;
		if (!batch_is_full(&batch))
			continue;
		good = batch_send(import, &batch, ret_why);
		batch_begin(&batch);
		show_progress(import, i + 1);
	}
	if (good && batch.count)
		good = batch_send(import, &batch, ret_why);
	if (good)
		show_progress(import, import->products.count);
	arena_free(batch.arena);
	return good;
}
