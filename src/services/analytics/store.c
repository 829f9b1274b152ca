/*
 * Analytics' SQL.
 *
 * Invariants:
 *  1. A fact is stored once: by the order, the refund, the event (whose time never changes).
 *  2. A refund that is shared out has lines that add up to it, and its order is in `sales`.
 *  3. Sums are cast: engines differ in the type that SUM of integers has.
 */
#include "services/analytics/store.h"

#include "services/analytics/rules.h"

/* --- facts ------------------------------------------------------------------------------------ */

enum err activity_insert(struct sql *sql, const struct activity *activity)
{
	const struct id *user = id_is_zero(&activity->user) ? NULL : &activity->user;

	return sql_run(sql,
		       "INSERT INTO activity (id, type, at, user_id, session_id, properties)"
		       " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (at, id) DO NOTHING",
		       sql_id(&activity->id), sql_text(activity->type), sql_int(activity->at_ms),
		       sql_id(user), sql_text(activity->session), sql_text(activity->properties));
}

enum err activity_forget(struct sql *sql, int64_t before_ms, int64_t events_before_ms,
			 int64_t limit, int64_t *ret_count)
{
	enum err err = sql_run(sql,
			       "DELETE FROM activity WHERE (at, id) IN (SELECT at, id FROM activity"
			       " WHERE at < $1 AND (at < $2 OR type < 'A' OR type >= '[')"
			       " ORDER BY at, id LIMIT $3)",
			       sql_int(before_ms), sql_int(events_before_ms), sql_int(limit));

	if (!err)
		*ret_count = sql_changes(sql);
	return err;
}

static enum err insert_line(struct sql *sql, const struct sale *sale, size_t i)
{
	const struct sale_line *line = &sale->lines[i];

	return sql_run(sql,
		       "INSERT INTO sale_lines (order_id, line, paid_at, currency, product_id,"
		       " vendor_id, category, country, units, revenue)"
		       " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
		       sql_id(&sale->order), sql_int((int64_t)i), sql_int(sale->paid_ms),
		       sql_text(sale->currency), sql_id(&line->product), sql_id(&line->vendor),
		       sql_text(line->category), sql_text(sale->country), sql_int(line->units),
		       sql_int(line->revenue));
}

enum err sales_insert(struct sql *sql, const struct sale *sale)
{
	enum err err;

	err = sql_run(sql,
		      "INSERT INTO sales (order_id, paid_at, currency, units, revenue)"
		      " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (order_id) DO NOTHING",
		      sql_id(&sale->order), sql_int(sale->paid_ms), sql_text(sale->currency),
		      sql_int(sale->units), sql_int(sale->revenue));
	if (err || sql_changes(sql) == 0)
		return err;
	for (size_t i = 0; !err && i < sale->line_count; i++)
		err = insert_line(sql, sale, i);
	return err;
}

enum err refunds_insert(struct sql *sql, const struct refund *refund)
{
	return sql_run(sql,
		       "INSERT INTO refunds (id, order_id, at, currency, amount, shared_out)"
		       " VALUES ($1, $2, $3, $4, $5, 0) ON CONFLICT (id) DO NOTHING",
		       sql_id(&refund->id), sql_id(&refund->order), sql_int(refund->at_ms),
		       sql_text(refund->amount.currency), sql_int(refund->amount.amount));
}

enum err products_set_name(struct sql *sql, const struct id *product, const char *name)
{
	return sql_run(sql,
		       "INSERT INTO products (product_id, name) VALUES ($1, $2)"
		       " ON CONFLICT (product_id) DO UPDATE SET name = excluded.name",
		       sql_id(product), sql_text(name));
}

/* --- sharing refunds out ---------------------------------------------------------------------- */

/* An order's lines, as refunds are shared out among them. */
struct shares {
	struct id *vendors;
	int64_t *weights, *parts;
	size_t count;
};

#define OF_ORDER                                                           \
	" FROM sales AS s JOIN sale_lines AS l ON l.currency = s.currency" \
	" AND l.paid_at = s.paid_at AND l.order_id = s.order_id WHERE s.order_id = $1"

static enum err count_lines(struct sql *sql, const struct id *order, size_t *ret_count)
{
	struct sql_rows *rows = sql_query(sql, "SELECT COUNT(*)" OF_ORDER, sql_id(order));

	return SQL_TAKE(rows, ret_count, (size_t)sql_get_int(rows, 0));
}

static enum err read_shares(struct sql *sql, const struct id *order, struct arena *arena,
			    struct shares *ret_shares)
{
	struct shares shares = {0};
	struct sql_rows *rows;
	size_t count, i = 0;
	enum err err;

	err = count_lines(sql, order, &count);
	if (err)
		return err;
	shares.vendors = ARENA_ARRAY(arena, struct id, count + 1);
	shares.weights = ARENA_ARRAY(arena, int64_t, count + 1);
	shares.parts = ARENA_ARRAY(arena, int64_t, count + 1);
	shares.count = count;
	rows = sql_query(sql, "SELECT l.vendor_id, l.revenue" OF_ORDER " ORDER BY l.line",
			 sql_id(order));
	while (sql_next(rows)) {
		assert(i < count);
		shares.vendors[i] = sql_get_id(rows, 0);
		shares.weights[i++] = sql_get_int(rows, 1);
	}
	err = sql_end(rows);
	if (!err)
		*ret_shares = shares;
	return err;
}

/* ERR_NOT_FOUND where none is waiting: that is so of nearly all orders that are paid. */
static enum err find_waiting(struct sql *sql, const struct id *order)
{
	struct sql_rows *rows;
	enum err err;

	rows = sql_query(sql, "SELECT 1 FROM refunds WHERE order_id = $1 AND shared_out = 0",
			 sql_id(order));
	err = sql_first(rows);
	return err ? err : sql_end(rows);
}

/* ERR_NOT_FOUND where none is waiting. */
static enum err next_waiting(struct sql *sql, const struct id *order, struct refund *ret_refund)
{
	struct sql_rows *rows;
	enum err err;

	rows = sql_query(sql,
			 "UPDATE refunds SET shared_out = 1 WHERE id IN (SELECT id FROM refunds"
			 " WHERE order_id = $1 AND shared_out = 0 ORDER BY id LIMIT 1)"
			 " RETURNING id, order_id, at, currency, amount",
			 sql_id(order));
	err = sql_first(rows);
	if (err)
		return err;
	ret_refund->id = sql_get_id(rows, 0);
	ret_refund->order = sql_get_id(rows, 1);
	ret_refund->at_ms = sql_get_int(rows, 2);
	sql_get_currency(rows, 3, ret_refund->amount.currency);
	ret_refund->amount.amount = sql_get_int(rows, 4);
	return sql_end(rows);
}

static enum err share_one(struct sql *sql, const struct refund *refund, struct shares *shares)
{
	enum err err = OK;

	share_out(refund->amount.amount, shares->weights, shares->count, shares->parts);
	for (size_t i = 0; !err && i < shares->count; i++) {
		if (!shares->parts[i])
			continue;
		err = sql_run(sql,
			      "INSERT INTO refund_lines (refund_id, line, vendor_id, at, currency,"
			      " amount) VALUES ($1, $2, $3, $4, $5, $6)",
			      sql_id(&refund->id), sql_int((int64_t)i), sql_id(&shares->vendors[i]),
			      sql_int(refund->at_ms), sql_text(refund->amount.currency),
			      sql_int(shares->parts[i]));
	}
	return err;
}

enum err refunds_share_out(struct sql *sql, const struct id *order, struct arena *arena)
{
	struct shares shares;
	struct refund refund;
	enum err err;

	err = find_waiting(sql, order);
	if (err)
		return err == ERR_NOT_FOUND ? OK : err;
	err = read_shares(sql, order, arena, &shares);
	if (err || shares.count == 0)
		return err;
	while (!err) {
		err = next_waiting(sql, order, &refund);
		if (!err)
			err = share_one(sql, &refund, &shares);
	}
	return err == ERR_NOT_FOUND ? OK : err;
}

/* --- sales ------------------------------------------------------------------------------------ */

static enum err sum_orders(struct sql *sql, const struct sales_scope *scope, struct range range,
			   struct sales_sum *sum)
{
	struct sql_value currency = sql_text(scope->currency);
	struct sql_value from = sql_int(range.from_ms), to = sql_int(range.to_ms);
	struct sql_rows *rows;
	enum err err;

	if (scope->vendor)
		rows = sql_query(sql,
				 "SELECT COUNT(DISTINCT order_id),"
				 " CAST(COALESCE(SUM(units), 0) AS BIGINT),"
				 " CAST(COALESCE(SUM(revenue), 0) AS BIGINT) FROM sale_lines"
				 " WHERE vendor_id = $4 AND currency = $1 AND paid_at >= $2"
				 " AND paid_at < $3",
				 currency, from, to, sql_id(scope->vendor));
	else
		rows = sql_query(sql,
				 "SELECT COUNT(*), CAST(COALESCE(SUM(units), 0) AS BIGINT),"
				 " CAST(COALESCE(SUM(revenue), 0) AS BIGINT) FROM sales"
				 " WHERE currency = $1 AND paid_at >= $2 AND paid_at < $3",
				 currency, from, to);
	err = sql_first(rows);
	if (err)
		return err;
	sum->orders = sql_get_int(rows, 0);
	sum->units = sql_get_int(rows, 1);
	sum->revenue = sql_get_int(rows, 2);
	return sql_end(rows);
}

static enum err sum_refunds(struct sql *sql, const struct sales_scope *scope, struct range range,
			    struct sales_sum *sum)
{
	struct sql_value currency = sql_text(scope->currency);
	struct sql_value from = sql_int(range.from_ms), to = sql_int(range.to_ms);
	struct sql_rows *rows;

	if (scope->vendor)
		rows = sql_query(sql,
				 "SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) FROM refund_lines"
				 " WHERE vendor_id = $4 AND currency = $1 AND at >= $2 AND at < $3",
				 currency, from, to, sql_id(scope->vendor));
	else
		rows = sql_query(sql,
				 "SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) FROM refund_lines"
				 " WHERE currency = $1 AND at >= $2 AND at < $3",
				 currency, from, to);
	return SQL_TAKE(rows, &sum->refunds, sql_get_int(rows, 0));
}

enum err sales_sum(struct sql *sql, const struct sales_scope *scope, struct range range,
		   struct sales_sum *ret_sum)
{
	struct sales_sum sum;
	enum err err;

	err = sum_orders(sql, scope, range, &sum);
	if (err)
		return err;
	err = sum_refunds(sql, scope, range, &sum);
	if (!err)
		*ret_sum = sum;
	return err;
}

/* What a grouping groups by; ids are told from texts when they are read. */
static const struct {
	const char *column;
	bool is_id;
} group_keys[] = {
	[GROUP_PRODUCT] = {"product_id", true},
	[GROUP_CATEGORY] = {"category", false},
	[GROUP_VENDOR] = {"vendor_id", true},
	[GROUP_COUNTRY] = {"country", false},
};

static void build_groups(struct sql_builder *query, const struct sales_scope *scope,
			 struct range range, enum grouping grouping)
{
	sql_add(query, "SELECT g.group_key, g.orders, g.units, g.revenue, ");
	sql_add(query, grouping == GROUP_PRODUCT ? "p.name" : "NULL");
	sql_add(query, " FROM (SELECT ");
	sql_add(query, group_keys[grouping].column);
	sql_add(query,
		" AS group_key, COUNT(DISTINCT order_id) AS orders,"
		" CAST(SUM(units) AS BIGINT) AS units, CAST(SUM(revenue) AS BIGINT) AS revenue"
		" FROM sale_lines WHERE currency = ? AND paid_at >= ? AND paid_at < ?",
		sql_text(scope->currency), sql_int(range.from_ms), sql_int(range.to_ms));
	if (scope->vendor)
		sql_add(query, " AND vendor_id = ?", sql_id(scope->vendor));
	sql_add(query, " GROUP BY 1) AS g");
	if (grouping == GROUP_PRODUCT)
		sql_add(query, " LEFT JOIN products AS p ON p.product_id = g.group_key");
	sql_add(query, " ORDER BY g.revenue DESC, g.group_key LIMIT ?", sql_int(REPORT_GROUPS_MAX));
}

static struct sales_group read_group(struct sql_rows *rows, enum grouping grouping,
				     struct arena *arena)
{
	struct sales_group group = {
		.orders = sql_get_int(rows, 1),
		.units = sql_get_int(rows, 2),
		.revenue = sql_get_int(rows, 3),
		.name = sql_get_text(rows, 4, arena),
	};

	if (group_keys[grouping].is_id) {
		struct id id = sql_get_id(rows, 0);

		group.key = id_text(arena, &id);
	} else {
		group.key = sql_get_text(rows, 0, arena);
	}
	return group;
}

enum err sales_groups(struct sql *sql, const struct sales_scope *scope, struct range range,
		      enum grouping grouping, struct arena *arena, struct sales_group **ret_groups,
		      size_t *ret_count)
{
	struct sql_builder query = sql_builder_new(arena);
	struct sales_group *groups = ARENA_ARRAY(arena, struct sales_group, REPORT_GROUPS_MAX);
	struct sql_rows *rows;
	size_t count = 0;
	enum err err;

	build_groups(&query, scope, range, grouping);
	rows = sql_query_built(sql, &query);
	while (sql_next(rows))
		groups[count++] = read_group(rows, grouping, arena);
	err = sql_end(rows);
	if (err)
		return err;
	*ret_groups = groups;
	*ret_count = count;
	return OK;
}

/* --- activity --------------------------------------------------------------------------------- */

enum err activity_sum(struct sql *sql, struct range range, struct activity_sum *ret_sum)
{
	struct sql_rows *rows;

	rows = sql_query(sql,
			 "SELECT COUNT(DISTINCT user_id), COUNT(DISTINCT session_id), COUNT(*)"
			 " FROM activity WHERE at >= $1 AND at < $2",
			 sql_int(range.from_ms), sql_int(range.to_ms));
	return SQL_TAKE(rows, ret_sum,
			(struct activity_sum){
				.users = sql_get_int(rows, 0),
				.sessions = sql_get_int(rows, 1),
				.events = sql_get_int(rows, 2),
			});
}

enum err activity_types(struct sql *sql, struct range range, struct arena *arena,
			struct type_count **ret_types, size_t *ret_count)
{
	struct type_count *types = ARENA_ARRAY(arena, struct type_count, REPORT_TYPES_MAX);
	struct sql_rows *rows;
	size_t count = 0;
	enum err err;

	rows = sql_query(sql,
			 "SELECT type, COUNT(*) AS n FROM activity WHERE at >= $1 AND at < $2"
			 " GROUP BY type ORDER BY n DESC, type LIMIT $3",
			 sql_int(range.from_ms), sql_int(range.to_ms), sql_int(REPORT_TYPES_MAX));
	while (sql_next(rows)) {
		types[count++] = (struct type_count){
			.type = sql_get_text(rows, 0, arena),
			.count = sql_get_int(rows, 1),
		};
	}
	err = sql_end(rows);
	if (err)
		return err;
	*ret_types = types;
	*ret_count = count;
	return OK;
}

enum err activity_users(struct sql *sql, struct range range, const char *type, int64_t *ret_users)
{
	struct sql_rows *rows;

	rows = sql_query(sql,
			 "SELECT COUNT(DISTINCT user_id) FROM activity"
			 " WHERE at >= $1 AND at < $2 AND type = $3",
			 sql_int(range.from_ms), sql_int(range.to_ms), sql_text(type));
	return SQL_TAKE(rows, ret_users, sql_get_int(rows, 0));
}
