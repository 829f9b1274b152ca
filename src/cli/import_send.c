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

/* Gives every product that names its brand the vendor; brands compare ignoring case. */
static bool find_vendors(struct import *import, const char **ret_why)
{
	struct import_product **products = import->products.items;
	struct map *known = map_new(BRANDS_MAX, true, NULL);
	bool good = true;

	for (size_t i = 0; good && i < import->products.count; i++) {
		const char *brand = products[i]->brand, *key;
		struct id *vendor;

		if (!brand)
			continue;
		key = unicode_fold(import->arena, brand);
		vendor = map_get(known, key, strlen(key));
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

/* Why the shop took no such product, as far as its file is concerned. */
static const char *refusal(struct import *import, const struct import_product *product,
			   const json_t *result)
{
	const json_t *faults = json_object_get(result, "faults"), *fault;
	const char *reason = json_get_text(result, "reason");
	const char *all = reason ? reason : "the product was refused";
	size_t i;

	json_array_foreach (faults, i, fault) {
		const char *pointer = json_get_text(fault, "pointer");
		const char *detail = json_get_text(fault, "detail");
		bool nameless = !product->name && strcmp(pointer, "/name") == 0;

		all = arena_printf(import->arena, "%s%s%s %s", i ? all : "", i ? "; " : "",
				   nameless ? "it has no title:" : pointer, detail);
	}
	return all;
}

/* Whether it is new, and its file does not say whose it is. */
static bool is_ownerless(const struct import_product *product, const json_t *result)
{
	const json_t *fault;
	size_t i;

	json_array_foreach (json_object_get(result, "faults"), i, fault)
		if (strcmp(json_get_text(fault, "pointer"), "/vendorId") == 0)
			return id_is_zero(&product->vendor_id);
	return false;
}

/* What the file did not say of a new variant's stock. */
static void count_unsaid(struct import *import, const struct import_variant *variant)
{
	if (variant->counted)
		import->negative += variant->stock < 0;
	else if (!variant->tracked)
		import->untracked++;
	else if (variant->backorder)
		import->backorders++;
	else
		import->sold_out++;
}

/* Which of the product's variants are new, and which the shop had already. */
static void count_variants(struct import *import, const struct import_product *product,
			   const json_t *result)
{
	const json_t *added = json_object_get(result, "addedVariants"), *place;
	const struct import_variant *variants = product->variants.items;
	size_t count = product->variants.count, i;

	import->old_variants += count - MIN(json_array_size(added), count);
	json_array_foreach (added, i, place)
		if (json_integer_value(place) < (json_int_t)count)
			count_unsaid(import, &variants[json_integer_value(place)]);
}

static void note_result(struct import *import, struct import_product *product, const json_t *result)
{
	const char *outcome = json_get_text(result, "outcome");
	void *item = product;

	if (outcome && strcmp(outcome, "failed") != 0)
		count_variants(import, product, result);
	if (outcome && strcmp(outcome, "created") == 0) {
		import->created++;
	} else if (outcome && strcmp(outcome, "updated") == 0) {
		import->updated++;
	} else if (outcome && strcmp(outcome, "unchanged") == 0) {
		import->unchanged++;
	} else if (is_ownerless(product, result)) {
		list_append(import->arena, &import->ownerless, &item, sizeof(item));
	} else {
		skip_product(import, product, refusal(import, product, result));
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

/* Why the product cannot be sent at all, or NULL. */
static const char *unsendable(const struct import *import, const struct import_product *product)
{
	if (!product->name && import_is_whole(import))
		return "it has no title, and no other row of this handle has one";
	if (!product->variants.count && product->partial)
		return "no row of its product can be sold";
	return NULL;
}

static bool send_list(struct import *import, const struct list *list, const char **ret_why)
{
	struct import_product **products = list->items;
	struct batch batch = {.arena = arena_new()};
	bool good = true;

	batch_begin(&batch);
	for (size_t i = 0; good && i < list->count; i++) {
		const char *reason = unsendable(import, products[i]);

		if (reason) {
			skip_product(import, products[i], reason);
			continue;
		}
		import_write(&batch.body, import, products[i]);
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
	arena_free(batch.arena);
	return good;
}

/* Sends again those that are new and have no vendor, with the one of such products. */
static bool send_ownerless(struct import *import, const char **ret_why)
{
	const struct list list = import->ownerless;
	struct id vendor;

	if (!list.count)
		return true;
	if (!find_vendor(import, UNBRANDED, &vendor, ret_why))
		return false;
	for (size_t i = 0; i < list.count; i++)
		((struct import_product **)list.items)[i]->vendor_id = vendor;
	return send_list(import, &list, ret_why);
}

bool import_send(struct import *import, const char **ret_why)
{
	bool good = find_vendors(import, ret_why);

	good = good && send_list(import, &import->products, ret_why);
	good = good && send_ownerless(import, ret_why);
	if (good)
		show_progress(import, import->products.count);
	return good;
}
