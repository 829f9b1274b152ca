/*
 * POST /products/batch: what `souk import products` sends. Each product is created, updated, left
 * as it is, or failed, by itself; all of a call are stored in one transaction. What is not said of
 * one that exists stays as it is (import.h).
 *
 * The slug says which product it is, options (else a SKU that one variant alone has) which variant.
 * What a product's import says is remembered as a hash: said again, it changes nothing, so that
 * running an import twice changes nothing twice, and takes nothing back that the vendor has changed
 * since. Stock is not part of it: Inventory's word counts once a variant exists, and the answer says
 * which of the listed variants are new.
 */
#include <string.h>

#include "base/hash.h"
#include "runtime/fiber.h"
#include "services/product/api.h"
#include "services/product/change.h"
#include "services/product/import.h"
#include "services/product/rules.h"
#include "services/product/store.h"
#include "services/product/vendor.h"

struct item {
	struct draft draft;
	struct faults faults;
	bool readable;
	const char *text; /* what was sent of it, without stock */
	/* Whose it is, or is to be, and whether that one may sell: as User says. */
	struct id vendor;
	enum vendor_standing standing;
	/* What came of it. */
	const char *outcome;
	struct id id;
	size_t *added; /* the places of the listed variants that are new */
	size_t added_count;
	enum err err;
};

struct batch {
	struct request *req;
	struct reply *reply;
	enum err err; /* of reading it */
	struct item *items;
	size_t count;
};

struct one {
	struct batch *batch;
	struct item *item;
};

/* --- reading ----------------------------------------------------------------------------- */

static void read_item(struct arena *arena, json_t *sent, struct item *item)
{
	json_t *variant;
	size_t i;

	item->faults.arena = arena;
	json_read_fields(sent, draft_import_fields, "", &item->draft, &item->faults);
	draft_check(&item->draft, &item->faults);
	item->draft.imported = true;
	item->readable = item->faults.count == 0;
	json_array_foreach (json_object_get(sent, "variants"), i, variant)
		json_remove(arena, variant, "stock");
	item->text = json_text(arena, sent);
}

static enum err read_batch(struct request *req, struct batch *batch)
{
	const char *why = NULL;
	json_t *body, *products, *product;
	enum err err;
	size_t i;

	err = json_parse(req->arena, req->body, req->body_length, &body, &why);
	if (err)
		return refuse(req, err, "%s", why);
	req->faults.arena = req->arena;
	products = json_object_get(body, "products");
	batch->count = json_array_size(products);
	if (batch->count < 1 || batch->count > BATCH_PRODUCTS_MAX) {
		fault_add(&req->faults, "/products", "must be a list of 1 to %d products",
			  BATCH_PRODUCTS_MAX);
		return faults_err(&req->faults);
	}
	batch->items = ARENA_ARRAY(req->arena, struct item, batch->count);
	json_array_foreach (products, i, product)
		read_item(req->arena, product, &batch->items[i]);
	return OK;
}

/* --- one product ------------------------------------------------------------------------- */

/* As of a product that is edited (api.c). */
static enum err check_seller(struct sql *sql, const struct item *item,
			     const struct product *product)
{
	enum vendor_standing news;

	if (product->status != PRODUCT_ACTIVE)
		return OK;
	if (!id_equal(&product->vendor_id, &item->vendor))
		return ERR_CONFLICT;
	return vendor_check(sql, &product->vendor_id, item->standing, &news);
}

static void note_added(struct arena *arena, const struct product *product, struct item *item)
{
	item->added = ARENA_ARRAY(arena, size_t, product->variant_count);
	for (size_t i = 0; i < product->variant_count; i++)
		if (product->variants[i].is_new)
			item->added[item->added_count++] = product->variants[i].listed;
}

static enum err store_item(struct sql *sql, struct one *one, struct draft *draft,
			   struct product *current)
{
	struct request *req = one->batch->req;
	struct change change = {.arena = req->arena, .traceparent = req->traceparent};
	struct item *item = one->item;
	struct hash hash = hash_of(item->text, strlen(item->text));
	struct product product = {0};
	bool same = false;
	enum err err = OK;

	if (current)
		err = store_imported(sql, current->number, &hash, &same);
	if (err)
		return err;
	if (same) {
		item->outcome = "unchanged";
		item->id = current->id;
		return OK;
	}
	if (current)
		err = content_read(req->arena, current->document, &current->content);
	if (err)
		return err;
	import_fit(draft, current, &item->faults);
	product_merge(current, draft, &product, &item->faults);
	err = faults_err(&item->faults);
	if (err)
		return err;
	err = check_seller(sql, item, &product);
	if (err)
		return err;
	item->outcome = current ? "updated" : "created";
	err = current ? change_update(sql, &change, &product) : change_add(sql, &change, &product);
	if (err)
		return err;
	item->id = product.id;
	note_added(req->arena, &product, item);
	return store_note_import(sql, product.number, &hash);
}

static enum err store_one(struct sql *sql, struct one *one)
{
	struct arena *arena = one->batch->req->arena;
	struct draft draft = one->item->draft;
	struct product current;
	enum err err;

	err = store_find_slug(sql, arena, draft.slug, &current);
	if (err && err != ERR_NOT_FOUND)
		return err;
	return store_item(sql, one, &draft, err ? NULL : &current);
}

/* --- the batch --------------------------------------------------------------------------- */

static void write_item(struct out *out, const struct item *item)
{
	out_open(out, NULL);
	out_text(out, "outcome", item->err ? "failed" : item->outcome);
	if (!item->err)
		out_id(out, "id", &item->id);
	else if (!item->faults.count)
		out_text(out, "reason", err_info(item->err)->title);
	out_open_list(out, "addedVariants");
	for (size_t i = 0; !item->err && i < item->added_count; i++)
		out_int(out, NULL, (int64_t)item->added[i]);
	out_close_list(out);
	out_open_list(out, "faults");
	for (const struct fault *fault = item->faults.first; fault; fault = fault->next) {
		out_open(out, NULL);
		out_text(out, "pointer", fault->pointer);
		out_text(out, "detail", fault->detail);
		out_close(out);
	}
	out_close_list(out);
	out_close(out);
}

static void reply_batch(struct batch *batch)
{
	struct out out = out_new(batch->req->arena);

	out_open(&out, NULL);
	out_open_list(&out, "results");
	for (size_t i = 0; i < batch->count; i++)
		write_item(&out, &batch->items[i]);
	out_close_list(&out);
	out_close(&out);
	reply_json(batch->reply, 200, &out);
}

static enum err batch_body(struct sql *sql, void *arg)
{
	struct batch *batch = arg;

	for (size_t i = 0; i < batch->count; i++) {
		struct item *item = &batch->items[i];
		struct one one = {.batch = batch, .item = item};

		item->err = ERR_INVALID;
		if (!item->readable)
			continue;
		/* The body may run twice: it begins without faults. */
		item->faults = (struct faults){.arena = batch->req->arena};
		item->added_count = 0;
		/* All that a product can be refused for is found before the first of it is
		 * written (see change.h), so that none needs a savepoint of its own. */
		item->err = store_one(sql, &one);
		/* What is ours is no product's fault. */
		if (item->err && err_is_fault(item->err))
			return item->err;
	}
	reply_batch(batch);
	return OK;
}

static enum err find_vendors(struct sql *sql, void *arg)
{
	struct batch *batch = arg;
	struct product_head head;
	enum err err = OK;

	for (size_t i = 0; !err && i < batch->count; i++) {
		struct item *item = &batch->items[i];

		item->vendor = item->draft.vendor_id;
		if (item->draft.vendor_given || !item->readable)
			continue;
		err = store_head_by_slug(sql, item->draft.slug, &head);
		if (!err)
			item->vendor = head.vendor_id;
		else if (err == ERR_NOT_FOUND)
			err = OK;
	}
	return err;
}

/* Each vendor once: those of a file are few. */
static enum err ask_vendors(struct batch *batch)
{
	enum err err = request_read(batch->req, find_vendors, batch);

	for (size_t i = 0; !err && i < batch->count; i++) {
		struct item *item = &batch->items[i];
		size_t same = 0;

		if (id_is_zero(&item->vendor))
			continue;
		while (!id_equal(&batch->items[same].vendor, &item->vendor))
			same++;
		if (same < i)
			item->standing = batch->items[same].standing;
		else
			err = vendor_ask(batch->req, &item->vendor, &item->standing);
	}
	return err;
}

/* A megabyte of products takes longer to read than a worker's loop may stand still. */
static void read_elsewhere(void *arg)
{
	struct batch *batch = arg;

	batch->err = read_batch(batch->req, batch);
}

enum err post_batch(struct request *req, struct reply *reply)
{
	struct batch batch = {.req = req, .reply = reply};
	enum err err;

	err = request_work(req, WORK_UPLOAD, read_elsewhere, &batch);
	if (!err)
		err = batch.err;
	if (!err)
		err = ask_vendors(&batch);
	if (err)
		return err;
	return request_transaction(req, reply, batch_body, &batch);
}
