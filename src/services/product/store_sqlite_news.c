/*
 * The catalogue in SQLite: what others tell of products. Each purchase brings news of every variant
 * in it, so these touch as few pages as they can: no index holds what they change.
 */
#include "services/product/rules.h"
#include "services/product/store_sqlite.h"

/* A variant's stock and its product's, as they are before news of them. */
struct stocked {
	int64_t product, position, version;
	size_t variants; /* of the product */
	struct stock variant, product_stock;
};

/* ERR_NOT_FOUND. */
static enum err find_stocked(struct sql *sql, const struct id *variant_id,
			     struct stocked *ret_stocked)
{
	struct sql_rows *rows;

	rows = sql_query(sql,
			 "SELECT v.product, v.position, v.stock_version, v.available,"
			 " v.stock_status, p.available, p.stock_status, v.uncounted, v.backorder,"
			 " p.uncounted, p.variant_count FROM variants v"
			 " JOIN products p ON p.number = v.product WHERE v.id = $1",
			 sql_id(variant_id));
	return SQL_TAKE(
		rows, ret_stocked,
		(struct stocked){
			.product = sql_get_int(rows, 0),
			.position = sql_get_int(rows, 1),
			.version = sql_get_int(rows, 2),
			.variant.available = sql_get_int(rows, 3),
			.variant.status = stock_status_from_word(sql_peek_text(rows, 4)),
			.product_stock.available = sql_get_int(rows, 5),
			.product_stock.status = stock_status_from_word(sql_peek_text(rows, 6)),
			.variant.uncounted = sql_get_int(rows, 7),
			.variant.backorder = sql_get_bool(rows, 8),
			.product_stock.uncounted = sql_get_int(rows, 9),
			.variants = (size_t)sql_get_int(rows, 10),
		});
}

static enum err sum_stock(struct sql *sql, const struct stocked *stocked, struct stock *ret_all)
{
	struct stock all = {.status = STOCK_OUT};
	struct sql_rows *rows;
	enum err err;

	rows = sql_query(sql,
			 "SELECT available, stock_status, uncounted FROM variants"
			 " WHERE product = $1",
			 sql_int(stocked->product));
	while (sql_next(rows))
		stock_add(&all,
			  &(struct stock){
				  .available = sql_get_int(rows, 0),
				  .status = stock_status_from_word(sql_peek_text(rows, 1)),
				  .uncounted = sql_get_int(rows, 2),
			  },
			  stocked->variants);
	err = sql_end(rows);
	if (err)
		return err;
	*ret_all = all;
	return OK;
}

enum err store_set_stock(struct sql *sql, const struct id *variant_id, const struct stock *stock,
			 int64_t version)
{
	struct stocked now;
	struct stock all;
	bool same;
	enum err err;

	err = find_stocked(sql, variant_id, &now);
	if (err)
		return err == ERR_NOT_FOUND ? OK : err;
	same = now.variant.available == stock->available && now.variant.status == stock->status &&
	       now.variant.uncounted == stock->uncounted &&
	       now.variant.backorder == stock->backorder;
	/* What says the same right behind the last that was heard need not be noted (a threshold
	 * that was changed, say): nothing can come that is newer than the one and older than the
	 * other. */
	if (version <= now.version || (same && version == now.version + 1))
		return OK;
	err = sql_run(sql,
		      "UPDATE variants SET available = $3, stock_status = $4, stock_version = $5,"
		      " uncounted = $6, backorder = $7"
		      " WHERE product = $1 AND position = $2",
		      sql_int(now.product), sql_int(now.position), sql_int(stock->available),
		      sql_text(stock_status_word(stock->status)), sql_int(version),
		      sql_int(stock->uncounted), sql_int(stock->backorder));
	if (err || same)
		return err;

	all = now.product_stock;
	all.available += stock_share(stock, now.variants) - stock_share(&now.variant, now.variants);
	all.uncounted += stock->uncounted - now.variant.uncounted;
	all.status = MAX(all.status, stock->status);
	/* It may have been this variant alone that had as much. */
	if (now.variant.status == all.status && stock->status < all.status) {
		err = sum_stock(sql, &now, &all);
		if (err)
			return err;
	}
	return sql_run(sql,
		       "UPDATE products SET available = $2, stock_status = $3, uncounted = $4,"
		       " revision = revision + 1 WHERE number = $1",
		       sql_int(now.product), sql_int(all.available),
		       sql_text(stock_status_word(all.status)), sql_int(all.uncounted));
}

enum err store_set_rating(struct sql *sql, const struct id *product_id, int64_t rating,
			  int64_t count, int64_t version)
{
	return sql_run(sql,
		       "UPDATE products SET rating = $2, rating_count = $3, rating_version = $4,"
		       " revision = revision + 1 WHERE id = $1 AND rating_version < $4",
		       sql_id(product_id), sql_int(rating), sql_int(count), sql_int(version));
}
