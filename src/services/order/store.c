/*
 * Orders in SQL.
 *
 * Invariants:
 *  1. Only order_insert and order_move write orders.status; each writes the order_history row of the
 *     same version along, and the event that tells of it.
 *  2. orders.version counts the moves. Every UPDATE that was decided upon what was read names the
 *     version it read, so that two transactions that decide at the same time cannot both win.
 *  3. Lines are never changed.
 */
#include "services/order/store.h"

#include <string.h>

#include "events/event.h"
#include "platform/service.h"
#include "services/order/counts.h"
#include "services/order/rules.h"
#include "services/order/store_cart.h"
#include "services/order/view.h"

#define COLUMNS                                                                    \
	"number, id, user_id, status, total, currency, shipping_address, country," \
	" payment_method, payment_status, transaction_id, due_at, attempts,"       \
	" reserved_until, traceparent, version, revision, created_at, updated_at," \
	" cart_id, shortages, failure_code, failure_message"

#define LINE_COLUMNS \
	"order_number, product_id, parent_id, vendor_id, name, sku, category, quantity, unit_price"

#define HISTORY_COLUMNS "order_number, status, moved_at, moved_by, reason"

/* The event that tells of a move; nobody outside needs to know of `reserved`. */
static const char *const event_of_status[ORDER_STATUS_COUNT] = {
	[ORDER_PENDING] = "OrderPlaced",    [ORDER_PAID] = "OrderPaid",
	[ORDER_SHIPPED] = "OrderShipped",   [ORDER_DELIVERED] = "OrderDelivered",
	[ORDER_RETURNED] = "OrderReturned", [ORDER_CANCELLED] = "OrderCancelled",
};

/* --- rows ------------------------------------------------------------------------------------- */

static struct sql_value time_or_null(int64_t time_ms)
{
	return time_ms ? sql_int(time_ms) : sql_null();
}

static struct sql_value id_or_null(const struct id *id)
{
	return id_is_zero(id) ? sql_null() : sql_id(id);
}

/* As they were written: what cannot be read is none. */
static void get_shortages(struct arena *arena, const char *text, struct order *order)
{
	json_t *list = NULL, *item;
	size_t i;

	if (!text || json_parse_own(arena, text, strlen(text), &list))
		return;
	order->shortages = ARENA_ARRAY(arena, struct shortage, json_array_size(list));
	json_array_foreach (list, i, item) {
		struct shortage *shortage = &order->shortages[order->shortage_count];

		shortage->requested = json_get_int(item, "requested");
		shortage->available = json_get_int(item, "available");
		order->shortage_count += json_get_id(item, "productId", &shortage->product);
	}
}

static struct order get_order(struct sql_rows *rows, struct arena *arena)
{
	struct order order = {
		.number = sql_get_int(rows, 0),
		.id = sql_get_id(rows, 1),
		.user = sql_get_id(rows, 2),
		.status = order_status_from(sql_peek_text(rows, 3)),
		.total.amount = sql_get_int(rows, 4),
		.shipping_address = sql_get_text(rows, 6, arena),
		.country = sql_get_text(rows, 7, arena),
		.payment_method = sql_get_text(rows, 8, arena),
		.payment_status = payment_status_from(sql_peek_text(rows, 9)),
		.transaction = sql_get_id(rows, 10),
		.due_ms = sql_get_int(rows, 11),
		.attempts = sql_get_int(rows, 12),
		.reserved_until_ms = sql_get_int(rows, 13),
		.traceparent = sql_get_text(rows, 14, arena),
		.version = sql_get_int(rows, 15),
		.revision = sql_get_int(rows, 16),
		.created_ms = sql_get_int(rows, 17),
		.updated_ms = sql_get_int(rows, 18),
		.cart = sql_get_id(rows, 19),
		.failure_code = sql_get_text(rows, 21, arena),
		.failure_message = sql_get_text(rows, 22, arena),
	};

	sql_get_currency(rows, 5, order.total.currency);
	get_shortages(arena, sql_peek_text(rows, 20), &order);
	return order;
}

static struct order_line get_line(struct sql_rows *rows, struct arena *arena,
				  const char currency[static 4])
{
	struct order_line line = {
		.product = sql_get_id(rows, 1),
		.parent = sql_get_id(rows, 2),
		.vendor = sql_get_id(rows, 3),
		.name = sql_get_text(rows, 4, arena),
		.sku = sql_get_text(rows, 5, arena),
		.category = sql_get_text(rows, 6, arena),
		.quantity = sql_get_int(rows, 7),
		.unit_price.amount = sql_get_int(rows, 8),
	};
	bool fits;

	memcpy(line.unit_price.currency, currency, sizeof(line.unit_price.currency));
	fits = money_multiply(line.unit_price, line.quantity, &line.line_total);
	assert(fits);
	return line;
}

static struct order_step get_step(struct sql_rows *rows, struct arena *arena)
{
	return (struct order_step){
		.status = order_status_from(sql_peek_text(rows, 1)),
		.at_ms = sql_get_int(rows, 2),
		.by = mover_from(sql_peek_text(rows, 3)),
		.reason = sql_get_text(rows, 4, arena),
	};
}

static void add_line(struct arena *arena, struct order *order, struct sql_rows *rows)
{
	assert(order->line_count < ORDER_LINES_MAX);
	/* Grown by doubling: most orders have one line or two. */
	if ((order->line_count & (order->line_count - 1)) == 0) {
		struct order_line *lines =
			ARENA_ARRAY(arena, struct order_line, MAX(2 * order->line_count, 1));

		if (order->line_count)
			memcpy(lines, order->lines, order->line_count * sizeof(*lines));
		order->lines = lines;
	}
	order->lines[order->line_count++] = get_line(rows, arena, order->total.currency);
}

static void add_step(struct arena *arena, struct order *order, struct sql_rows *rows)
{
	if (!order->history)
		order->history = ARENA_ARRAY(arena, struct order_step, ORDER_STATUS_COUNT);
	assert(order->history_count < ORDER_STATUS_COUNT); /* no status is had twice */
	order->history[order->history_count++] = get_step(rows, arena);
}

/* --- placing ---------------------------------------------------------------------------------- */

static enum err insert_row(struct sql *sql, struct order *order)
{
	enum err err = sql_run(
		sql,
		"INSERT INTO orders (id, user_id, status, total, currency,"
		" shipping_address, country, payment_method, payment_status, due_at,"
		" attempts, traceparent, version, revision, created_at, updated_at, cart_id)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, $11, $12, 0, $13, $13, $14)",
		sql_id(&order->id), sql_id(&order->user),
		sql_text(order_status_text(order->status)), sql_int(order->total.amount),
		sql_text(order->total.currency), sql_text(order->shipping_address),
		sql_text(order->country), sql_text(order->payment_method),
		sql_text(payment_status_text(order->payment_status)), sql_int(order->due_ms),
		sql_text(order->traceparent), sql_int(order->version), sql_int(order->created_ms),
		id_or_null(&order->cart));

	if (!err)
		order->number = sql_last_number(sql);
	return err;
}

/* Whether no line before has the same vendor. */
static bool leads(const struct order *order, size_t position)
{
	for (size_t i = 0; i < position; i++) {
		if (id_equal(&order->lines[i].vendor, &order->lines[position].vendor))
			return false;
	}
	return true;
}

static enum err insert_line(struct sql *sql, const struct order *order, size_t position)
{
	const struct order_line *line = &order->lines[position];

	return sql_run(sql,
		       "INSERT INTO order_lines (order_number, position, product_id, parent_id,"
		       " vendor_id, name, sku, category, quantity, unit_price, leads)"
		       " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
		       sql_int(order->number), sql_int((int64_t)position), sql_id(&line->product),
		       sql_id(&line->parent), sql_id(&line->vendor), sql_text(line->name),
		       sql_text(line->sku), sql_text(line->category), sql_int(line->quantity),
		       sql_int(line->unit_price.amount), sql_bool(leads(order, position)));
}

static enum err insert_step(struct sql *sql, const struct order *order,
			    const struct order_move *move)
{
	return sql_run(sql,
		       "INSERT INTO order_history (order_number, version, status, moved_at,"
		       " moved_by, user_id, reason) VALUES ($1, $2, $3, $4, $5, $6, $7)",
		       sql_int(order->number), sql_int(order->version),
		       sql_text(order_status_text(order->status)), sql_int(order->updated_ms),
		       sql_text(mover_text(move->by)), sql_id(move->by_user),
		       sql_text(move->reason));
}

static enum err publish(struct sql *sql, struct arena *arena, const struct order *order,
			enum order_status previous, const struct order_move *move)
{
	struct out *data = event_data(sql, arena);

	if (order->status == ORDER_PENDING)
		order_write_placed(data, order);
	else
		order_write_moved(data, order, previous, move->by, move->reason);
	return event_publish(sql, event_of_status[order->status], &order->id, move->traceparent,
			     data);
}

enum err order_insert(struct sql *sql, struct arena *arena, struct order *order,
		      int64_t patience_ms)
{
	const struct order_move placing = {
		.by = MOVER_CUSTOMER,
		.by_user = &order->user,
		.traceparent = order->traceparent,
	};
	enum err err;

	order->status = ORDER_PENDING;
	order->payment_status = PAYMENT_NONE;
	order->version = 1;
	order->created_ms = order->updated_ms = sql_now_ms(sql);
	order->due_ms = order->created_ms + patience_ms;
	err = insert_row(sql, order);
	for (size_t i = 0; !err && i < order->line_count; i++)
		err = insert_line(sql, order, i);
	if (!err)
		err = insert_step(sql, order, &placing);
	if (!err)
		err = publish(sql, arena, order, ORDER_PENDING, &placing);
	if (err)
		return err;
	order_count(sql, order->status);
	order->history = ARENA_NEW(arena, struct order_step);
	order->history[0] = (struct order_step){
		.status = order->status,
		.at_ms = order->created_ms,
		.by = placing.by,
	};
	order->history_count = 1;
	return OK;
}

/* --- reading ---------------------------------------------------------------------------------- */

enum err order_read_head(struct sql *sql, struct arena *arena, const struct id *id,
			 struct order *ret_order)
{
	struct sql_rows *rows =
		sql_query(sql, "SELECT " COLUMNS " FROM orders WHERE id = $1", sql_id(id));

	return SQL_TAKE(rows, ret_order, get_order(rows, arena));
}

static enum err read_lines(struct sql *sql, struct arena *arena, struct order *order)
{
	struct sql_rows *rows;

	order->line_count = 0;
	rows = sql_query(sql,
			 "SELECT " LINE_COLUMNS " FROM order_lines WHERE order_number = $1"
			 " ORDER BY position",
			 sql_int(order->number));
	while (sql_next(rows))
		add_line(arena, order, rows);
	return sql_end(rows);
}

enum err order_read(struct sql *sql, struct arena *arena, const struct id *id,
		    struct order *ret_order)
{
	enum err err = order_read_head(sql, arena, id, ret_order);

	return err ? err : read_lines(sql, arena, ret_order);
}

enum err order_read_history(struct sql *sql, struct arena *arena, struct order *order)
{
	struct sql_rows *rows;

	order->history_count = 0;
	rows = sql_query(sql,
			 "SELECT " HISTORY_COLUMNS " FROM order_history WHERE order_number = $1"
			 " ORDER BY version",
			 sql_int(order->number));
	while (sql_next(rows))
		add_step(arena, order, rows);
	return sql_end(rows);
}

/* --- moving ----------------------------------------------------------------------------------- */

/* One row was changed, or somebody was quicker than what we read: the caller comes again. */
static enum err expect_change(struct sql *sql, enum err err)
{
	if (err)
		return err;
	return sql_changes(sql) == 1 ? OK : ERR_OVERLOADED;
}

static enum err update_status(struct sql *sql, const struct order *order, int64_t read_version)
{
	enum err err = sql_run(
		sql,
		"UPDATE orders SET status = $3, payment_status = $4, transaction_id = $5, due_at = $6,"
		" attempts = $7, reserved_until = $8, version = $9, updated_at = $10"
		" WHERE number = $1 AND version = $2",
		sql_int(order->number), sql_int(read_version),
		sql_text(order_status_text(order->status)),
		sql_text(payment_status_text(order->payment_status)),
		id_or_null(&order->transaction), time_or_null(order->due_ms),
		sql_int(order->attempts), time_or_null(order->reserved_until_ms),
		sql_int(order->version), sql_int(order->updated_ms));

	return expect_change(sql, err);
}

enum err order_move(struct sql *sql, struct arena *arena, struct order *order,
		    const struct order_move *move)
{
	enum order_status previous = order->status;
	enum err err;

	if (!order_mover(previous, move->to, move->by))
		return ERR_ILLEGAL_TRANSITION;
	order_apply(order, move->to, sql_now_ms(sql));
	if (move->taken_ms) {
		order->due_ms += move->taken_ms;
		order->attempts = 1;
	}
	order->version++;
	order->updated_ms = sql_now_ms(sql);
	err = update_status(sql, order, order->version - 1);
	if (err)
		return err;
	err = insert_step(sql, order, move);
	if (!err)
		order_count(sql, order->status);
	if (!err && event_of_status[order->status] && order->line_count == 0)
		err = read_lines(sql, arena, order);
	if (!err && !id_is_zero(&order->cart) &&
	    (order->status == ORDER_PAID || order->status == ORDER_CANCELLED))
		err = cart_end_order(sql, order);
	if (err || !event_of_status[order->status])
		return err;
	return publish(sql, arena, order, previous, move);
}

enum err order_store_failure(struct sql *sql, struct arena *arena, const struct order *order)
{
	struct out shortages = out_new(arena);

	order_write_shortages(&shortages, NULL, order, (struct order_view){0});
	return sql_run(sql,
		       "UPDATE orders SET shortages = $2, failure_code = $3, failure_message = $4"
		       " WHERE number = $1",
		       sql_int(order->number),
		       order->shortage_count ? sql_text(shortages.data) : sql_null(),
		       sql_text(order->failure_code), sql_text(order->failure_message));
}

enum err order_store_payment(struct sql *sql, struct order *order)
{
	enum err err;

	order->updated_ms = sql_now_ms(sql);
	err = sql_run(sql,
		      "UPDATE orders SET payment_status = $4, transaction_id = $5, due_at = $6,"
		      " attempts = $7, revision = revision + 1, updated_at = $8"
		      " WHERE number = $1 AND version = $2 AND revision = $3",
		      sql_int(order->number), sql_int(order->version), sql_int(order->revision),
		      sql_text(payment_status_text(order->payment_status)),
		      id_or_null(&order->transaction), time_or_null(order->due_ms),
		      sql_int(order->attempts), sql_int(order->updated_ms));
	order->revision++;
	return expect_change(sql, err);
}

/* --- lists ------------------------------------------------------------------------------------ */

/* The orders of the filter with numbers from `low` to `high`, as `o`. */
static void add_orders(struct sql_builder *query, const char *columns,
		       const struct order_filter *filter, int64_t low, int64_t high)
{
	sql_add(query, "SELECT ");
	sql_add(query, columns);
	if (filter->vendor)
		sql_add(query,
			" FROM order_lines v JOIN orders o ON o.number = v.order_number"
			" WHERE v.leads = 1 AND v.vendor_id = ? AND v.order_number BETWEEN ? AND ?",
			sql_id(filter->vendor), sql_int(low), sql_int(high));
	else
		sql_add(query, " FROM orders o WHERE o.number BETWEEN ? AND ?", sql_int(low),
			sql_int(high));
	if (filter->user)
		sql_add(query, " AND o.user_id = ?", sql_id(filter->user));
	if (filter->from_ms)
		sql_add(query, " AND o.created_at >= ?", sql_int(filter->from_ms));
	if (filter->to_ms)
		sql_add(query, " AND o.created_at < ?", sql_int(filter->to_ms));
	if (filter->status < 0)
		return;
	/* A user's or a vendor's orders are found by that index: with the expression no engine goes
	 * through all orders of the status instead. */
	sql_add(query,
		filter->user || filter->vendor ? " AND (o.status || '') = ?" : " AND o.status = ?",
		sql_text(order_status_text((enum order_status)filter->status)));
}

static enum err list_orders(struct sql *sql, struct arena *arena, const struct order_filter *filter,
			    struct order *orders, size_t *ret_count)
{
	struct sql_builder query = sql_builder_new(arena);
	int64_t high = filter->before_number ? filter->before_number - 1 : INT64_MAX;
	struct sql_rows *rows;
	size_t count = 0;

	if (filter->number)
		high = MIN(high, filter->number);
	add_orders(&query, COLUMNS, filter, filter->number, high);
	sql_add(&query,
		filter->vendor ? " ORDER BY v.order_number DESC LIMIT ?"
			       : " ORDER BY o.number DESC LIMIT ?",
		sql_int(filter->limit));
	rows = sql_query_built(sql, &query);
	while (sql_next(rows))
		orders[count++] = get_order(rows, arena);
	*ret_count = count;
	return sql_end(rows);
}

/* Reads what belongs to the listed orders, in one statement: `select` is of a table with
 * order_number, whose rows are handed to `add` with their order. */
static enum err list_parts(struct sql *sql, struct arena *arena, const struct order_filter *filter,
			   const char *select, const char *then_by, struct order *orders,
			   size_t count,
			   void (*add)(struct arena *arena, struct order *order,
				       struct sql_rows *rows))
{
	struct sql_builder query = sql_builder_new(arena);
	struct sql_rows *rows;
	size_t i = 0;

	sql_add(&query, select);
	sql_add(&query, " WHERE order_number IN (");
	add_orders(&query, "o.number", filter, orders[count - 1].number, orders[0].number);
	sql_add(&query, ") ORDER BY order_number DESC, ");
	sql_add(&query, then_by);
	rows = sql_query_built(sql, &query);
	while (sql_next(rows)) {
		while (orders[i].number != sql_get_int(rows, 0))
			i++;
		assert(i < count);
		add(arena, &orders[i], rows);
	}
	return sql_end(rows);
}

enum err order_list(struct sql *sql, struct arena *arena, const struct order_filter *filter,
		    struct order **ret_orders, size_t *ret_count)
{
	struct order *orders = ARENA_ARRAY(arena, struct order, (size_t)filter->limit);
	size_t count = 0;
	enum err err;

	err = list_orders(sql, arena, filter, orders, &count);
	if (!err && count)
		err = list_parts(sql, arena, filter, "SELECT " LINE_COLUMNS " FROM order_lines",
				 "position", orders, count, add_line);
	if (!err && count)
		err = list_parts(sql, arena, filter,
				 "SELECT " HISTORY_COLUMNS " FROM order_history", "version", orders,
				 count, add_step);
	if (err)
		return err;
	*ret_orders = orders;
	*ret_count = count;
	return OK;
}

/* --- what is due ------------------------------------------------------------------------------ */

enum err order_any_due(struct sql *sql, enum order_status status, bool *ret_any)
{
	return sql_end_any(
		sql_query(sql, "SELECT 1 FROM orders WHERE status = $1 AND due_at <= $2 LIMIT 1",
			  sql_text(order_status_text(status)), sql_int(sql_now_ms(sql))),
		ret_any);
}

enum err order_take_due(struct sql *sql, struct arena *arena, const struct order_taking *taking,
			struct order **ret_orders, size_t *ret_count)
{
	struct order *orders = ARENA_ARRAY(arena, struct order, (size_t)taking->limit);
	int64_t now_ms = sql_now_ms(sql);
	struct sql_rows *rows;
	size_t count = 0;
	enum err err;

	rows = sql_query(sql,
			 "UPDATE orders SET due_at = $1, attempts = attempts + 1,"
			 " reserved_until = CASE WHEN updated_at > $3 AND reserved_until > $5"
			 " THEN $5 ELSE reserved_until END"
			 " WHERE number IN (SELECT number FROM orders WHERE status = $2"
			 " AND due_at <= $3 ORDER BY due_at LIMIT $4) RETURNING " COLUMNS,
			 sql_int(now_ms + taking->lease_ms),
			 sql_text(order_status_text(taking->status)), sql_int(now_ms),
			 sql_int(taking->limit), sql_int(now_ms + taking->keep_ms));
	while (sql_next(rows))
		orders[count++] = get_order(rows, arena);
	err = sql_end(rows);
	if (err)
		return err;
	*ret_orders = orders;
	*ret_count = count;
	return OK;
}

enum err order_set_due(struct sql *sql, const struct id *id, enum order_status status,
		       int64_t due_ms)
{
	return sql_run(sql,
		       "UPDATE orders SET due_at = $3 WHERE id = $1 AND status = $2"
		       " AND due_at IS NOT NULL",
		       sql_id(id), sql_text(order_status_text(status)), time_or_null(due_ms));
}

enum err order_mend_due(struct sql *sql, enum order_status status, int64_t longest_ms,
			int64_t pause_ms, int64_t *ret_count)
{
	int64_t now_ms = sql_now_ms(sql);
	enum err err;

	err = sql_run(sql,
		      "UPDATE orders SET due_at = $1 WHERE number IN (SELECT number FROM orders"
		      " WHERE status = $2 AND due_at > $3 LIMIT $4)",
		      sql_int(now_ms + pause_ms), sql_text(order_status_text(status)),
		      sql_int(now_ms + longest_ms), sql_int(MEND_ROWS_MAX));
	if (!err)
		*ret_count += sql_changes(sql);
	return err;
}

enum err order_release_due(struct sql *sql)
{
	return sql_run(sql,
		       "UPDATE orders SET due_at = $1 WHERE due_at > $1"
		       " AND status IN ('reserved', 'cancelled', 'returned')",
		       sql_int(sql_now_ms(sql)));
}
