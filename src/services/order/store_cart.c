/*
 * Carts in SQL.
 *
 * Invariants:
 *  1. A cart has a user or a secret's hash, never both.
 *  2. carts.version counts the changes of the cart and its lines; every change names the version it
 *     read, and so two of them at the same time cannot both win.
 *  3. A product has at most one line in a cart.
 *  4. A cart has at most one order under way, and is named by that order. Beginning one names the
 *     version that was read, so what is ordered is what lies there.
 */
#include "services/order/store_cart.h"

#include <string.h>

#include "services/order/rules.h"

#define COLUMNS "id, user_id, secret, version, created_at, updated_at, order_id"

static struct cart get_cart(struct sql_rows *rows)
{
	return (struct cart){
		.id = sql_get_id(rows, 0),
		.user = sql_get_id(rows, 1),
		.version = sql_get_int(rows, 3),
		.created_ms = sql_get_int(rows, 4),
		.updated_ms = sql_get_int(rows, 5),
		.order = sql_get_id(rows, 6),
	};
}

static bool key_opens(const struct cart_key *key, struct sql_rows *rows)
{
	struct id user = sql_get_id(rows, 1);
	struct hash secret;
	const void *stored;
	size_t length;

	if (!id_is_zero(&user))
		return id_equal(&user, &key->user);
	stored = sql_peek_blob(rows, 2, &length);
	if (!key->has_secret || !stored || length != sizeof(secret.bytes))
		return false;
	memcpy(secret.bytes, stored, length);
	return hash_equal(&secret, &key->secret);
}

static struct cart_line get_line(struct sql_rows *rows)
{
	struct cart_line line = {
		.id = sql_get_id(rows, 0),
		.item.product = sql_get_id(rows, 1),
		.item.quantity = sql_get_int(rows, 2),
		.added_known = !sql_is_null(rows, 4),
		.added_price.amount = sql_get_int(rows, 3),
		.added_available = sql_get_int(rows, 5),
	};

	if (line.added_known)
		sql_get_currency(rows, 4, line.added_price.currency);
	return line;
}

static enum err read_lines(struct sql *sql, struct arena *arena, struct cart *cart)
{
	struct sql_rows *rows;

	cart->lines = ARENA_ARRAY(arena, struct cart_line, ORDER_LINES_MAX);
	rows = sql_query(sql,
			 "SELECT id, product_id, quantity, added_price, added_currency,"
			 " added_available FROM cart_lines WHERE cart_id = $1 ORDER BY id",
			 sql_id(&cart->id));
	while (sql_next(rows)) {
		assert(cart->line_count < ORDER_LINES_MAX);
		cart->lines[cart->line_count++] = get_line(rows);
	}
	return sql_end(rows);
}

enum err cart_insert(struct sql *sql, struct cart *cart, const struct cart_key *key)
{
	bool is_guest = id_is_zero(&key->user);

	assert(!is_guest || key->has_secret);
	cart->user = key->user;
	cart->version = 1;
	cart->created_ms = cart->updated_ms = sql_now_ms(sql);
	return sql_run(sql,
		       "INSERT INTO carts (id, user_id, secret, version, created_at, updated_at)"
		       " VALUES ($1, $2, $3, $4, $5, $5)",
		       sql_id(&cart->id), is_guest ? sql_null() : sql_id(&key->user),
		       is_guest ? sql_blob(key->secret.bytes, HASH_SIZE) : sql_null(),
		       sql_int(cart->version), sql_int(cart->created_ms));
}

enum err cart_open(struct sql *sql, struct arena *arena, const struct id *id,
		   const struct cart_key *key, struct cart *ret_cart)
{
	struct sql_rows *rows;
	struct cart cart;
	bool opens;
	enum err err;

	rows = sql_query(sql, "SELECT " COLUMNS " FROM carts WHERE id = $1", sql_id(id));
	err = sql_first(rows);
	if (err)
		return err;
	cart = get_cart(rows);
	opens = key_opens(key, rows);
	err = sql_end(rows);
	if (err)
		return err;
	if (!opens)
		return ERR_NOT_FOUND;
	err = read_lines(sql, arena, &cart);
	if (err)
		return err;
	*ret_cart = cart;
	return OK;
}

enum err cart_open_newest(struct sql *sql, struct arena *arena, const struct id *user,
			  struct cart *ret_cart)
{
	struct sql_rows *rows;
	struct cart cart;
	enum err err;

	rows = sql_query(sql,
			 "SELECT " COLUMNS " FROM carts WHERE user_id = $1"
			 " ORDER BY id DESC LIMIT 1",
			 sql_id(user));
	err = SQL_TAKE(rows, &cart, get_cart(rows));
	if (err)
		return err;
	err = read_lines(sql, arena, &cart);
	if (err)
		return err;
	*ret_cart = cart;
	return OK;
}

/* Every change of a cart or its lines begins with this. */
static enum err begin_change(struct sql *sql, struct cart *cart)
{
	enum err err;

	cart->updated_ms = sql_now_ms(sql);
	err = sql_run(sql,
		      "UPDATE carts SET version = version + 1, updated_at = $3"
		      " WHERE id = $1 AND version = $2",
		      sql_id(&cart->id), sql_int(cart->version), sql_int(cart->updated_ms));
	if (err)
		return err;
	cart->version++;
	return sql_changes(sql) == 1 ? OK : ERR_OVERLOADED;
}

static enum err store_quantity(struct sql *sql, const struct cart *cart,
			       const struct cart_line *line)
{
	return sql_run(sql, "UPDATE cart_lines SET quantity = $3 WHERE cart_id = $1 AND id = $2",
		       sql_id(&cart->id), sql_id(&line->id), sql_int(line->item.quantity));
}

enum err cart_put(struct sql *sql, struct cart *cart, const struct cart_line *added)
{
	struct cart_line *line = cart_find(cart, &added->item.product);
	struct cart_line before = {0};
	enum err err;

	assert(cart_room_for(cart, &added->item) == CART_FINE);
	err = begin_change(sql, cart);
	if (err)
		return err;
	if (line)
		before = *line;
	else
		line = &cart->lines[cart->line_count++];
	*line = *added;
	line->id = id_is_zero(&before.id) ? id_new() : before.id;
	line->item.quantity += before.item.quantity;
	return sql_run(sql,
		       "INSERT INTO cart_lines (cart_id, id, product_id, quantity, added_price,"
		       " added_currency, added_available) VALUES ($1, $2, $3, $4, $5, $6, $7)"
		       " ON CONFLICT (cart_id, id) DO UPDATE SET quantity = excluded.quantity,"
		       " added_price = excluded.added_price,"
		       " added_currency = excluded.added_currency,"
		       " added_available = excluded.added_available",
		       sql_id(&cart->id), sql_id(&line->id), sql_id(&line->item.product),
		       sql_int(line->item.quantity), sql_int(line->added_price.amount),
		       line->added_known ? sql_text(line->added_price.currency) : sql_null(),
		       sql_int(line->added_available));
}

static enum err remove_line(struct sql *sql, struct cart *cart, struct cart_line *line)
{
	struct id id = line->id;
	size_t behind = cart->line_count - (size_t)(line - cart->lines) - 1;

	memmove(line, line + 1, behind * sizeof(*line));
	cart->line_count--;
	return sql_run(sql, "DELETE FROM cart_lines WHERE cart_id = $1 AND id = $2",
		       sql_id(&cart->id), sql_id(&id));
}

enum err cart_set(struct sql *sql, struct cart *cart, const struct id *line, int64_t quantity)
{
	enum err err;

	for (size_t i = 0; i < cart->line_count; i++) {
		struct cart_line *found = &cart->lines[i];

		if (!id_equal(&found->id, line))
			continue;
		err = begin_change(sql, cart);
		if (err)
			return err;
		found->item.quantity = quantity;
		return quantity ? store_quantity(sql, cart, found) : remove_line(sql, cart, found);
	}
	return ERR_NOT_FOUND;
}

enum err cart_give(struct sql *sql, struct cart *cart, const struct id *user)
{
	enum err err = begin_change(sql, cart);

	if (err)
		return err;
	cart->user = *user;
	return sql_run(sql, "UPDATE carts SET user_id = $2, secret = NULL WHERE id = $1",
		       sql_id(&cart->id), sql_id(user));
}

enum err cart_begin_order(struct sql *sql, const struct id *id, int64_t version,
			  const struct id *order)
{
	enum err err = sql_run(sql,
			       "UPDATE carts SET order_id = $3 WHERE id = $1 AND version = $2"
			       " AND order_id IS NULL",
			       sql_id(id), sql_int(version), sql_id(order));

	if (err)
		return err;
	return sql_changes(sql) == 1 ? OK : ERR_NOT_FOUND;
}

static enum err take_out(struct sql *sql, const struct id *cart, const struct order_line *line)
{
	enum err err = sql_run(sql,
			       "DELETE FROM cart_lines WHERE cart_id = $1 AND product_id = $2"
			       " AND quantity <= $3",
			       sql_id(cart), sql_id(&line->product), sql_int(line->quantity));

	if (err || sql_changes(sql) == 1)
		return err;
	/* More was put in meanwhile, or it was taken out. */
	return sql_run(sql,
		       "UPDATE cart_lines SET quantity = quantity - $3 WHERE cart_id = $1"
		       " AND product_id = $2",
		       sql_id(cart), sql_id(&line->product), sql_int(line->quantity));
}

enum err cart_end_order(struct sql *sql, const struct order *order)
{
	bool paid = order->status == ORDER_PAID;
	enum err err;

	err = sql_run(sql,
		      "UPDATE carts SET order_id = NULL, version = version + $3,"
		      " updated_at = CASE $3 WHEN 1 THEN $4 ELSE updated_at END"
		      " WHERE id = $1 AND order_id = $2",
		      sql_id(&order->cart), sql_id(&order->id), sql_bool(paid),
		      sql_int(sql_now_ms(sql)));
	if (err || !paid || sql_changes(sql) == 0)
		return err;
	for (size_t i = 0; !err && i < order->line_count; i++)
		err = take_out(sql, &order->cart, &order->lines[i]);
	return err;
}

enum err cart_remove(struct sql *sql, const struct id *id, int64_t version)
{
	enum err err = sql_run(sql, "DELETE FROM carts WHERE id = $1 AND version = $2", sql_id(id),
			       sql_int(version));

	if (err)
		return err;
	if (sql_changes(sql) == 0)
		return ERR_NOT_FOUND;
	return sql_run(sql, "DELETE FROM cart_lines WHERE cart_id = $1", sql_id(id));
}

enum err cart_remove_old(struct sql *sql, int64_t before_ms, int64_t limit, int64_t *ret_count)
{
	static const char lines[] = "DELETE FROM cart_lines WHERE cart_id IN (SELECT id FROM carts"
				    " WHERE updated_at < $1 ORDER BY updated_at, id LIMIT $2)";
	static const char carts[] = "DELETE FROM carts WHERE id IN (SELECT id FROM carts"
				    " WHERE updated_at < $1 ORDER BY updated_at, id LIMIT $2)";
	enum err err;

	err = sql_run(sql, lines, sql_int(before_ms), sql_int(limit));
	if (err)
		return err;
	err = sql_run(sql, carts, sql_int(before_ms), sql_int(limit));
	if (err)
		return err;
	*ret_count = sql_changes(sql);
	return OK;
}
