/* Inventory's SQL: what is kept for orders. */
#include "services/inventory/rules.h"
#include "services/inventory/store.h"

enum err reservation_add(struct sql *sql, const struct reservation *reservation)
{
	int64_t now_ms = sql_now_ms(sql);
	enum err err;

	err = sql_run(sql,
		      "INSERT INTO reservations (order_id, id, status, expires_at, created_at,"
		      " updated_at) VALUES ($1, $2, $3, $4, $5, $5)"
		      " ON CONFLICT (order_id) DO NOTHING",
		      sql_id(&reservation->order), sql_id(&reservation->id),
		      sql_text(reservation_status_text(reservation->status)),
		      sql_int(reservation->expires_ms), sql_int(now_ms));
	if (err)
		return err;
	return sql_changes(sql) == 1 ? OK : ERR_CONFLICT;
}

enum err reservation_add_line(struct sql *sql, const struct id *order, const struct kept *line)
{
	return sql_run(sql,
		       "INSERT INTO reservation_lines (order_id, product_id, warehouse, quantity)"
		       " VALUES ($1, $2, $3, $4)",
		       sql_id(order), sql_id(&line->product), sql_text(line->warehouse),
		       sql_int(line->quantity));
}

enum err reservation_remove_lines(struct sql *sql, const struct id *order)
{
	return sql_run(sql, "DELETE FROM reservation_lines WHERE order_id = $1", sql_id(order));
}

enum err reservation_line_uncounted(struct sql *sql, const struct id *order,
				    const struct kept *line)
{
	return sql_run(sql,
		       "UPDATE reservation_lines SET counted = 0"
		       " WHERE order_id = $1 AND product_id = $2 AND warehouse = $3",
		       sql_id(order), sql_id(&line->product), sql_text(line->warehouse));
}

static enum err read_lines(struct sql *sql, struct reservation *reservation, struct arena *arena)
{
	struct sql_rows *rows;
	size_t room = 8;

	reservation->lines = ARENA_ARRAY(arena, struct kept, room);
	reservation->count = 0;
	rows = sql_query(sql,
			 "SELECT product_id, warehouse, quantity, counted FROM reservation_lines"
			 " WHERE order_id = $1 ORDER BY product_id, warehouse",
			 sql_id(&reservation->order));
	while (sql_next(rows)) {
		if (reservation->count == room) {
			struct kept *more = ARENA_ARRAY(arena, struct kept, 2 * room);

			for (size_t i = 0; i < room; i++)
				more[i] = reservation->lines[i];
			reservation->lines = more;
			room *= 2;
		}
		reservation->lines[reservation->count++] = (struct kept){
			.product = sql_get_id(rows, 0),
			.warehouse = sql_get_text(rows, 1, arena),
			.quantity = sql_get_int(rows, 2),
			.uncounted = !sql_get_bool(rows, 3),
		};
	}
	return sql_end(rows);
}

enum err reservation_get(struct sql *sql, const struct id *order, struct arena *arena,
			 struct reservation *ret_reservation)
{
	struct reservation reservation;
	struct sql_rows *rows;
	enum err err;

	rows = sql_query(sql, "SELECT id, status, expires_at FROM reservations WHERE order_id = $1",
			 sql_id(order));
	err = SQL_TAKE(rows, &reservation,
		       (struct reservation){
			       .order = *order,
			       .id = sql_get_id(rows, 0),
			       .status = reservation_status_from_text(sql_peek_text(rows, 1)),
			       .expires_ms = sql_get_int(rows, 2),
		       });
	if (!err)
		err = read_lines(sql, &reservation, arena);
	if (!err)
		*ret_reservation = reservation;
	return err;
}

enum err reservation_move(struct sql *sql, struct reservation *reservation,
			  enum reservation_status to)
{
	enum err err;

	assert(reservation_may_move(reservation->status, to));
	err = sql_run(sql,
		      "UPDATE reservations SET status = $3, updated_at = $4"
		      " WHERE order_id = $1 AND status = $2",
		      sql_id(&reservation->order),
		      sql_text(reservation_status_text(reservation->status)),
		      sql_text(reservation_status_text(to)), sql_int(sql_now_ms(sql)));
	if (err)
		return err;
	if (sql_changes(sql) == 0)
		return ERR_CONFLICT;
	reservation->status = to;
	return OK;
}

enum err reservations_due(struct sql *sql, size_t most, struct id *ret_orders, size_t *ret_count)
{
	struct sql_rows *rows;
	size_t count = 0;
	enum err err;

	rows = sql_query(sql,
			 "SELECT order_id FROM reservations WHERE status = 'active'"
			 " AND expires_at <= $1 ORDER BY expires_at LIMIT $2",
			 sql_int(sql_now_ms(sql)), sql_int((int64_t)most));
	while (sql_next(rows)) {
		assert(count < most);
		ret_orders[count++] = sql_get_id(rows, 0);
	}
	err = sql_end(rows);
	if (!err)
		*ret_count = count;
	return err;
}

enum err reservations_mend(struct sql *sql, int64_t longest_ms, int64_t *ret_count)
{
	int64_t now_ms = sql_now_ms(sql);
	enum err err;

	err = sql_run(sql,
		      "UPDATE reservations SET expires_at = expires_at - created_at + $1,"
		      " created_at = $1 WHERE order_id IN (SELECT order_id FROM reservations"
		      " WHERE status = 'active' AND expires_at > $2 AND created_at > $1 LIMIT $3)",
		      sql_int(now_ms), sql_int(now_ms + longest_ms), sql_int(MEND_ROWS_MAX));
	if (!err)
		*ret_count += sql_changes(sql);
	return err;
}
