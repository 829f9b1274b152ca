/*
 * Inventory's SQL: items and what warehouses hold of them. Reservations are in store_reserve.c.
 *
 * Invariants, held by the schema and by the guards of the statements:
 *  1. Nothing is kept that is not there: on_hand >= reserved >= 0, in every warehouse and in all,
 *     but of what nobody counts and what may be sold before it is there.
 *  2. The sums of an item that is spread over warehouses are theirs: whoever changes one changes the
 *     other.
 *  3. The journal adds up to what is on hand.
 */
#include "services/inventory/store.h"

#include <string.h>

#include "services/inventory/rules.h"

#define ITEM_COLUMNS                                                                          \
	"id, parent_id, vendor_id, sku, name, threshold, on_hand, reserved, spread, version," \
	" revision, updated_at, tracked, backorder"

/* --- items ---------------------------------------------------------------------------------- */

static struct item read_item(struct sql_rows *rows, struct arena *arena)
{
	struct item item = {
		.id = sql_get_id(rows, 0),
		.parent = sql_get_id(rows, 1),
		.vendor = sql_get_id(rows, 2),
		.sku = sql_get_text(rows, 3, arena),
		.name = sql_get_text(rows, 4, arena),
		.threshold = sql_get_int(rows, 5),
		.on_hand = sql_get_int(rows, 6),
		.reserved = sql_get_int(rows, 7),
		.spread = sql_get_bool(rows, 8),
		.version = sql_get_int(rows, 9),
		.revision = sql_get_int(rows, 10),
		.updated_ms = sql_get_int(rows, 11),
		.tracked = sql_get_bool(rows, 12),
		.backorder = sql_get_bool(rows, 13),
	};

	item.status = item_status(&item);
	return item;
}

/* Ends a query that answers one item; `absent` is what it means that it answers none. */
static enum err take_item(struct sql_rows *rows, enum err absent, struct arena *arena,
			  struct item *ret_item)
{
	enum err err = SQL_TAKE(rows, ret_item, read_item(rows, arena));

	return err == ERR_NOT_FOUND ? absent : err;
}

enum err item_get(struct sql *sql, const struct id *id, struct arena *arena, struct item *ret_item)
{
	return take_item(
		sql_query(sql, "SELECT " ITEM_COLUMNS " FROM items WHERE id = $1 AND removed = 0",
			  sql_id(id)),
		ERR_NOT_FOUND, arena, ret_item);
}

enum err item_find(struct sql *sql, const struct id *id, struct arena *arena, struct item *ret_item)
{
	return take_item(
		sql_query(sql, "SELECT " ITEM_COLUMNS " FROM items WHERE id = $1", sql_id(id)),
		ERR_NOT_FOUND, arena, ret_item);
}

static enum err update_item(struct sql *sql, const struct item *item)
{
	return sql_run(sql,
		       "UPDATE items SET parent_id = $2, vendor_id = $3, sku = $4, name = $5"
		       " WHERE id = $1 AND (parent_id <> $2 OR vendor_id <> $3"
		       " OR sku <> $4 OR name <> $5)",
		       sql_id(&item->id), sql_id(&item->parent), sql_id(&item->vendor),
		       sql_text(item->sku), sql_text(item->name));
}

static enum err bring_back(struct sql *sql, const struct id *id, bool *ret_was_gone)
{
	enum err err = sql_run(sql,
			       "UPDATE items SET removed = 0, revision = revision + 1"
			       " WHERE id = $1 AND removed <> 0",
			       sql_id(id));

	if (!err)
		*ret_was_gone = sql_changes(sql) == 1;
	return err;
}

enum err item_put(struct sql *sql, const struct item *item, bool *ret_appeared)
{
	const struct movement movement = {
		.product = item->id,
		.warehouse = WAREHOUSE_DEFAULT,
		.delta = item->on_hand,
		.kind = "initial",
	};
	enum err err;

	err = sql_run(sql,
		      "INSERT INTO items (id, parent_id, vendor_id, sku, name, threshold, on_hand,"
		      " updated_at, tracked, backorder)"
		      " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
		      " ON CONFLICT (id) DO NOTHING",
		      sql_id(&item->id), sql_id(&item->parent), sql_id(&item->vendor),
		      sql_text(item->sku), sql_text(item->name), sql_int(item->threshold),
		      sql_int(item->on_hand), sql_int(sql_now_ms(sql)), sql_int(item->tracked),
		      sql_int(item->backorder));
	if (err)
		return err;
	*ret_appeared = sql_changes(sql) == 1;
	if (!*ret_appeared) {
		err = bring_back(sql, &item->id, ret_appeared);
		return err ? err : update_item(sql, item);
	}
	return movement.delta > 0 ? movement_add(sql, &movement) : OK;
}

enum err item_remove(struct sql *sql, const struct id *id)
{
	return sql_run(sql, "UPDATE items SET removed = 1 WHERE id = $1", sql_id(id));
}

enum err items_remove_of_parent(struct sql *sql, const struct id *parent)
{
	return sql_run(sql, "UPDATE items SET removed = 1 WHERE parent_id = $1", sql_id(parent));
}

enum err items_of_parent(struct sql *sql, const struct id *parent, struct arena *arena,
			 struct id **ret_ids, size_t *ret_count)
{
	struct sql_rows *rows;
	size_t count = 0, room = 16;
	struct id *ids = ARENA_ARRAY(arena, struct id, room);
	enum err err;

	rows = sql_query(sql, "SELECT id FROM items WHERE parent_id = $1 AND removed = 0",
			 sql_id(parent));
	while (sql_next(rows)) {
		if (count == room) {
			struct id *more = ARENA_ARRAY(arena, struct id, 2 * room);

			for (size_t i = 0; i < count; i++)
				more[i] = ids[i];
			ids = more;
			room *= 2;
		}
		ids[count++] = sql_get_id(rows, 0);
	}
	err = sql_end(rows);
	if (err)
		return err;
	*ret_ids = ids;
	*ret_count = count;
	return OK;
}

enum err items_list(struct sql *sql, const struct item_filter *filter, struct arena *arena,
		    struct item *ret_items, size_t *ret_count)
{
	struct sql_builder query = sql_builder_new(arena);
	struct sql_rows *rows;
	size_t count = 0;
	enum err err;

	sql_add(&query, "SELECT " ITEM_COLUMNS " FROM items WHERE removed = 0");
	if (filter->vendor)
		sql_add(&query, " AND vendor_id = ?", sql_id(filter->vendor));
	if (filter->status)
		sql_add(&query, " AND status = ?", sql_text(filter->status));
	/* Said again, so that the planner sees which index holds them. */
	if (filter->status && strcmp(filter->status, "in_stock") != 0)
		sql_add(&query, " AND status <> 'in_stock'");
	if (filter->after)
		sql_add(&query, " AND id > ?", sql_id(filter->after));
	sql_add(&query, " ORDER BY id LIMIT ?", sql_int((int64_t)filter->limit));

	rows = sql_query_built(sql, &query);
	while (sql_next(rows)) {
		assert(count < filter->limit);
		ret_items[count++] = read_item(rows, arena);
	}
	err = sql_end(rows);
	if (!err)
		*ret_count = count;
	return err;
}

enum err item_change(struct sql *sql, struct item *item, int64_t on_hand, int64_t reserved)
{
	enum err err;

	item->on_hand += on_hand;
	item->reserved += reserved;
	item->revision++;
	item->updated_ms = sql_now_ms(sql);
	item->status = item_status(item);
	err = sql_run(sql,
		      "UPDATE items SET on_hand = $2, reserved = $3, revision = $4, updated_at = $5"
		      " WHERE id = $1 AND revision = $4 - 1",
		      sql_id(&item->id), sql_int(item->on_hand), sql_int(item->reserved),
		      sql_int(item->revision), sql_int(item->updated_ms));
	if (err)
		return err;
	/* Else somebody was quicker than what was read: the caller comes again. */
	return sql_changes(sql) == 1 ? OK : ERR_OVERLOADED;
}

enum err item_set(struct sql *sql, const struct item *now, int64_t on_hand, struct arena *arena,
		  struct item *ret_item)
{
	return take_item(sql_query(sql,
				   "UPDATE items SET on_hand = on_hand + $2, threshold = $3,"
				   " tracked = $4, backorder = $5, version = version + 1,"
				   " revision = revision + 1, updated_at = $6 WHERE id = $1"
				   " AND (on_hand + $2 >= reserved OR $4 = 0 OR $5 = 1)"
				   " RETURNING " ITEM_COLUMNS,
				   sql_id(&now->id), sql_int(on_hand), sql_int(now->threshold),
				   sql_int(now->tracked), sql_int(now->backorder),
				   sql_int(sql_now_ms(sql))),
			 ERR_BELOW_RESERVED, arena, ret_item);
}

enum err item_assume(struct sql *sql, const struct id *id, int64_t on_hand, bool *ret_changed)
{
	const struct movement movement = {
		.product = *id,
		.warehouse = WAREHOUSE_DEFAULT,
		.delta = on_hand,
		.kind = "initial",
	};
	enum err err;

	err = sql_run(
		sql,
		"UPDATE items SET tracked = 1, on_hand = on_hand + $2, revision = revision + 1,"
		" updated_at = $3 WHERE id = $1 AND version = 1 AND on_hand = 0"
		" AND (tracked = 0 OR revision = 1) AND (reserved <= $2 OR backorder = 1)",
		sql_id(id), sql_int(on_hand), sql_int(sql_now_ms(sql)));
	if (err)
		return err;
	*ret_changed = sql_changes(sql) == 1;
	return *ret_changed && on_hand > 0 ? movement_add(sql, &movement) : OK;
}

/* --- warehouses ----------------------------------------------------------------------------- */

enum err stocks_get(struct sql *sql, const struct id *product, struct arena *arena,
		    struct stocks *ret_stocks)
{
	struct sql_rows *rows;

	rows = sql_query(sql,
			 "SELECT warehouse, on_hand, reserved FROM warehouse_stock"
			 " WHERE product_id = $1"
			 " ORDER BY warehouse",
			 sql_id(product));
	ret_stocks->count = 0;
	while (sql_next(rows)) {
		assert(ret_stocks->count < WAREHOUSES_MAX);
		ret_stocks->items[ret_stocks->count++] = (struct stock){
			.warehouse = sql_get_text(rows, 0, arena),
			.on_hand = sql_get_int(rows, 1),
			.reserved = sql_get_int(rows, 2),
		};
	}
	return sql_end(rows);
}

enum err stock_change(struct sql *sql, const struct item *item, const char *warehouse,
		      int64_t on_hand, int64_t reserved)
{
	enum err err =
		sql_run(sql,
			"UPDATE stock SET on_hand = on_hand + $3, reserved = reserved + $4"
			" WHERE product_id = $1 AND warehouse = $2"
			" AND (on_hand + $3 >= reserved + $4 OR $5 = 0) AND reserved + $4 >= 0",
			sql_id(&item->id), sql_text(warehouse), sql_int(on_hand), sql_int(reserved),
			sql_int(item_must_cover(item)));

	if (err)
		return err;
	return sql_changes(sql) == 1 ? OK : ERR_OUT_OF_STOCK;
}

static enum err add_stock(struct sql *sql, const struct id *product, const char *warehouse,
			  int64_t on_hand, int64_t reserved)
{
	return sql_run(sql,
		       "INSERT INTO stock (product_id, warehouse, on_hand, reserved)"
		       " VALUES ($1, $2, $3, $4) ON CONFLICT (product_id, warehouse) DO NOTHING",
		       sql_id(product), sql_text(warehouse), sql_int(on_hand), sql_int(reserved));
}

enum err stock_open(struct sql *sql, struct item *item, const char *warehouse)
{
	enum err err = OK;

	if (!item->spread && strcmp(warehouse, WAREHOUSE_DEFAULT) == 0)
		return OK;
	if (!item->spread) {
		err = add_stock(sql, &item->id, WAREHOUSE_DEFAULT, item->on_hand, item->reserved);
		if (!err)
			err = sql_run(sql, "UPDATE items SET spread = 1 WHERE id = $1",
				      sql_id(&item->id));
		item->spread = true;
	}
	return err ? err : add_stock(sql, &item->id, warehouse, 0, 0);
}

enum err movement_add(struct sql *sql, const struct movement *movement)
{
	struct id id = id_new();

	return sql_run(sql,
		       "INSERT INTO movements (id, product_id, warehouse, delta, kind, reason,"
		       " order_id, by_user, moved_at)"
		       " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
		       sql_id(&id), sql_id(&movement->product), sql_text(movement->warehouse),
		       sql_int(movement->delta), sql_text(movement->kind),
		       sql_text(movement->reason), sql_id(movement->order), sql_id(movement->by),
		       sql_int(sql_now_ms(sql)));
}
