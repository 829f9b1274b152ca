/* Changes of the catalogue: ids, slugs and SKUs, the store, the event. */
#include "services/product/change.h"

#include <string.h>

#include "base/text.h"
#include "events/event.h"
#include "services/product/rules.h"
#include "services/product/store.h"
#include "services/product/write.h"

/* Tries of "name-2", "name-3", ... before the id, which nobody else has, makes it unique. */
#define SUFFIXES_MAX 50

static void give_ids(struct product *product)
{
	bool plain = product->content.options.count == 0;

	if (id_is_zero(&product->id))
		product->id = id_new();
	for (size_t i = 0; i < product->variant_count; i++)
		if (product->variants[i].is_new)
			product->variants[i].id = plain ? product->id : id_new();
}

/* --- slugs and SKUs ---------------------------------------------------------------------- */

/* "name", "name-2", ...; behind the last of them the id itself. */
static char *numbered(struct arena *arena, const char *base, int number, const struct id *id)
{
	if (number == 1)
		return arena_copy_text(arena, base);
	if (number <= SUFFIXES_MAX)
		return arena_printf(arena, "%s-%d", base, number);
	return arena_printf(arena, "%s-%s", base, id_text(arena, id));
}

static enum err choose_slug(struct sql *sql, struct change *change, struct product *product)
{
	char *base = text_slug(change->arena, product->name, PRODUCT_SLUG_MAX - ID_TEXT_SIZE);
	struct id id;
	int64_t owner = 1;
	enum err err = OK;

	/* A name without a letter that we can write, or one that reads as an id. */
	if (!*base || id_parse(base, &id))
		base = arena_printf(change->arena, "product%s%s", *base ? "-" : "", base);
	for (int i = 1; !err && owner && i <= SUFFIXES_MAX + 1; i++) {
		product->slug = numbered(change->arena, base, i, &product->id);
		err = store_slug_owner(sql, product->slug, &owner);
	}
	return err;
}

static enum err check_slug(struct sql *sql, struct change *change, struct product *product)
{
	int64_t owner;
	enum err err;

	if (!product->slug)
		return choose_slug(sql, change, product);
	err = store_slug_owner(sql, product->slug, &owner);
	if (err || !owner || owner == product->number)
		return err;
	change->taken = product->slug;
	return ERR_SLUG_TAKEN;
}

/* A SKU is a label that others may have as well: what is made is not made unique. */
static void give_skus(struct change *change, struct product *product)
{
	for (size_t i = 0; i < product->variant_count; i++) {
		struct variant *variant = &product->variants[i];

		if (!variant->sku)
			variant->sku = variant_sku(change->arena, product->slug, variant);
	}
}

/* --- changes ----------------------------------------------------------------------------- */

static enum err prepare(struct sql *sql, struct change *change, struct product *product)
{
	enum err err;

	give_ids(product);
	err = check_slug(sql, change, product);
	if (!err)
		give_skus(change, product);
	return err;
}

static enum err tell(struct sql *sql, const struct change *change, const char *type,
		     const struct product *product)
{
	struct out *data = event_data(sql, change->arena);

	product_write_event(data, change->arena, product);
	return event_publish(sql, type, &product->id, change->traceparent, data);
}

enum err change_add(struct sql *sql, struct change *change, struct product *product)
{
	enum err err;

	err = prepare(sql, change, product);
	if (err)
		return err;
	product->version = 1;
	product->created_ms = product->updated_ms = sql_now_ms(sql);
	err = store_add(sql, change->arena, product);
	if (err)
		return err;
	return tell(sql, change, "ProductCreated", product);
}

enum err change_update(struct sql *sql, struct change *change, struct product *product)
{
	enum err err;

	err = prepare(sql, change, product);
	if (err)
		return err;
	product->version++;
	product->updated_ms = sql_now_ms(sql);
	err = store_change(sql, change->arena, product);
	if (err)
		return err;
	return tell(sql, change, "ProductUpdated", product);
}

enum err change_remove(struct sql *sql, struct change *change, const struct product *product)
{
	struct out *data = event_data(sql, change->arena);
	enum err err;

	product_write_deleted(data, product);
	err = store_remove(sql, change->arena, product);
	if (err)
		return err;
	return event_publish(sql, "ProductDeleted", &product->id, change->traceparent, data);
}
