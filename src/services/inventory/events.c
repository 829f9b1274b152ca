/* What Inventory hears: products come, change and go; orders want stock, and give it back. */
#include <string.h>

#include "base/config.h"
#include "base/log.h"
#include "base/time.h"
#include "services/inventory/reserve.h"
#include "services/inventory/rules.h"
#include "services/inventory/store.h"

static struct scope scope_of(struct sql *sql, const struct event *event)
{
	return (struct scope){sql, event->arena, event->traceparent};
}

/* --- products ------------------------------------------------------------------------------- */

static enum err put_variant(const struct scope *scope, const struct item *product,
			    const json_t *variant)
{
	const char *sku = json_get_text(variant, "sku");
	const char *name = json_get_text(variant, "name");
	const char *backorder = json_get_text(variant, "backorder");
	int64_t initial = json_get_int(variant, "initialStock");
	struct item item = {
		.parent = product->id,
		.vendor = product->vendor,
		.sku = sku ? sku : "",
		.name = name ? name : product->name,
		.threshold = LOW_STOCK_THRESHOLD_DEFAULT,
		.tracked = !json_is_false(json_object_get(variant, "tracked")),
		.backorder = backorder && strcmp(backorder, "allow") == 0,
		.on_hand = MAX(0, MIN(initial, ON_HAND_MAX)),
	};
	const json_t *assumed = json_object_get(variant, "assumedStock");
	bool changed;
	enum err err;

	if (!json_get_id(variant, "id", &item.id))
		return ERR_INVALID;
	err = item_put(scope->sql, &item, &changed);
	if (!err && !changed && json_is_integer(assumed))
		err = item_assume(scope->sql, &item.id,
				  MAX(0, MIN(json_integer_value(assumed), ON_HAND_MAX)), &changed);
	if (err || !changed)
		return err;
	err = item_get(scope->sql, &item.id, scope->arena, &item);
	return err ? err : tell_changed(scope, NULL, &item);
}

static bool has_variant(const json_t *variants, const struct id *wanted)
{
	const json_t *variant;
	struct id id;
	size_t i;

	json_array_foreach (variants, i, variant) {
		if (json_get_id(variant, "id", &id) && id_equal(&id, wanted))
			return true;
	}
	return false;
}

/* Variants that the product has no more. */
static enum err remove_others(const struct scope *scope, const struct id *product,
			      const json_t *variants)
{
	struct id *ids;
	size_t count;
	enum err err = items_of_parent(scope->sql, product, scope->arena, &ids, &count);

	for (size_t i = 0; !err && i < count; i++) {
		if (!has_variant(variants, &ids[i]))
			err = item_remove(scope->sql, &ids[i]);
	}
	return err;
}

static enum err on_product(struct sql *sql, const struct event *event)
{
	const json_t *variants = json_object_get(event->json, "variants");
	const char *name = json_get_text(event->json, "name");
	struct scope scope = scope_of(sql, event);
	struct item product = {.name = name ? name : ""};
	const json_t *variant;
	enum err err = OK;
	size_t i;

	if (!json_get_id(event->json, "productId", &product.id) ||
	    !json_get_id(event->json, "vendorId", &product.vendor) || !json_is_array(variants))
		return ERR_INVALID;
	json_array_foreach (variants, i, variant) {
		err = put_variant(&scope, &product, variant);
		if (err)
			return err;
	}
	return remove_others(&scope, &product.id, variants);
}

static enum err on_product_deleted(struct sql *sql, const struct event *event)
{
	return items_remove_of_parent(sql, &event->subject);
}

/* --- orders --------------------------------------------------------------------------------- */

static enum err read_wanted(const struct event *event, struct wanted **ret_wanted,
			    size_t *ret_count)
{
	const json_t *items = json_object_get(event->json, "items");
	size_t count = json_array_size(items);
	struct wanted *wanted = ARENA_ARRAY(event->arena, struct wanted, count);
	const json_t *item;
	size_t i;

	if (count < 1 || count > RESERVE_ITEMS_MAX)
		return ERR_INVALID;
	json_array_foreach (items, i, item) {
		wanted[i].quantity = json_get_int(item, "quantity");
		if (!json_get_id(item, "productId", &wanted[i].product) || wanted[i].quantity < 1 ||
		    wanted[i].quantity > QUANTITY_MAX)
			return ERR_INVALID;
	}
	*ret_wanted = wanted;
	*ret_count = wanted_merge(wanted, count);
	return OK;
}

/* Reserves what the order needs, or tells that it cannot. */
static enum err on_order_placed(struct sql *sql, const struct event *event)
{
	int64_t expires_ms = sql_now_ms(sql) + config_int("reservation-minutes") * MINUTE_MS;
	struct scope scope = scope_of(sql, event);
	struct shortages *shortages;
	struct reservation reservation;
	struct wanted *wanted;
	size_t count;
	enum err err;

	err = read_wanted(event, &wanted, &count);
	if (err)
		return err;
	shortages = ARENA_NEW(event->arena, struct shortages);
	err = reserve_order(&scope, &event->subject, wanted, count, expires_ms, &reservation,
			    shortages);
	if (err == ERR_OUT_OF_STOCK)
		return tell_rejected(&scope, &event->subject, shortages);
	return err;
}

/* An order without a reservation was never given one: there is nothing to do for it. */
static enum err unless_absent(const struct event *event, enum err err)
{
	if (err == ERR_NOT_FOUND || err == ERR_CONFLICT) {
		log_debug("inventory.nothing-to-do", "%s: the order's reservation is %s",
			  event->type, err == ERR_NOT_FOUND ? "not there" : "over");
		return OK;
	}
	return err;
}

static enum err on_order_paid(struct sql *sql, const struct event *event)
{
	struct shortages *shortages = ARENA_NEW(event->arena, struct shortages);
	struct scope scope = scope_of(sql, event);
	struct reservation reservation;
	enum err err = commit_order(&scope, &event->subject, true, &reservation, shortages);

	/* Its time was over, and others have bought it since: Order gives the money back. */
	if (err == ERR_OUT_OF_STOCK)
		return tell_rejected(&scope, &event->subject, shortages);
	return unless_absent(event, err);
}

static enum err on_order_cancelled(struct sql *sql, const struct event *event)
{
	struct scope scope = scope_of(sql, event);
	struct reservation reservation;
	enum err err = release_order(&scope, &event->subject, &reservation);

	if (err == ERR_CONFLICT)
		err = restock_order(&scope, &event->subject, "cancellation", &reservation);
	return unless_absent(event, err);
}

static enum err on_order_returned(struct sql *sql, const struct event *event)
{
	struct scope scope = scope_of(sql, event);
	struct reservation reservation;

	return unless_absent(event, restock_order(&scope, &event->subject, "return", &reservation));
}

extern const struct subscription inventory_subscriptions[];

/* clang-format off */
const struct subscription inventory_subscriptions[] = {
	{"ProductCreated", on_product},
	{"ProductUpdated", on_product},
	{"ProductDeleted", on_product_deleted},
	{"OrderPlaced", on_order_placed},
	{"OrderPaid", on_order_paid},
	{"OrderCancelled", on_order_cancelled},
	{"OrderReturned", on_order_returned},
	{0},
};
/* clang-format on */
