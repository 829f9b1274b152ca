/*
 * The catalogue in SQLite: single products. Lists are in store_sqlite_list.c, what others tell in
 * store_sqlite_news.c, what searches look through in store_sqlite_text.c.
 *
 * A change writes the variants, tags and words of a product anew: they are few, and the writer is
 * alone.
 */
#include "services/product/store_sqlite.h"

#include <string.h>

#include "services/product/rules.h"

static const char *const status_words[] = {
	[PRODUCT_DRAFT] = "draft",
	[PRODUCT_ACTIVE] = "active",
	[PRODUCT_ARCHIVED] = "archived",
	[PRODUCT_DELETED] = "deleted",
};

static enum product_status status_from_word(const char *word)
{
	for (enum product_status status = PRODUCT_DRAFT; status < PRODUCT_DELETED; status++)
		if (strcmp(word, status_words[status]) == 0)
			return status;
	return PRODUCT_DELETED;
}

/* --- reading ----------------------------------------------------------------------------- */

struct product_head sqlite_read_head(struct sql_rows *rows)
{
	return (struct product_head){
		.number = sql_get_int(rows, 0),
		.id = sql_get_id(rows, 1),
		.vendor_id = sql_get_id(rows, 2),
		.status = status_from_word(sql_peek_text(rows, 3)),
		.version = sql_get_int(rows, 4),
		.revision = sql_get_int(rows, 5),
	};
}

/* Without the slash behind it. */
static char *get_category(struct sql_rows *rows, int column, struct arena *arena)
{
	const char *category = sql_peek_text(rows, column);

	return category ? arena_copy_bytes(arena, category, strlen(category) - 1) : NULL;
}

/* The opposite. */
static char *category_path(struct arena *arena, const char *category)
{
	return category ? arena_printf(arena, "%s/", category) : NULL;
}

static void read_product(struct sql_rows *rows, struct arena *arena, struct product *product)
{
	*product = (struct product){
		.number = sql_get_int(rows, 0),
		.id = sql_get_id(rows, 1),
		.vendor_id = sql_get_id(rows, 2),
		.slug = sql_get_text(rows, 3, arena),
		.name = sql_get_text(rows, 4, arena),
		.category = get_category(rows, 5, arena),
		.status = status_from_word(sql_peek_text(rows, 6)),
		.price.amount = sql_get_int(rows, 7),
		.stock.available = sql_get_int(rows, 9),
		.stock.status = stock_status_from_word(sql_peek_text(rows, 10)),
		.rating = sql_get_int(rows, 11),
		.rating_count = sql_get_int(rows, 12),
		.variant_count = (size_t)sql_get_int(rows, 13),
		.version = sql_get_int(rows, 14),
		.revision = sql_get_int(rows, 15),
		.created_ms = sql_get_int(rows, 16),
		.updated_ms = sql_get_int(rows, 17),
		.document = sql_get_text(rows, 18, arena),
		.stock.uncounted = sql_get_int(rows, 19),
	};
	sql_get_currency(rows, 8, product->price.currency);
}

static enum err read_variants(struct sql *sql, struct arena *arena, struct product *product)
{
	struct sql_rows *rows;
	size_t count = 0;

	product->variants = ARENA_ARRAY(arena, struct variant, product->variant_count);
	rows = sql_query(sql,
			 "SELECT v.id, v.sku, v.options, v.title, v.price, v.available,"
			 " v.stock_status, v.stock_version, d.compare_at, d.barcode,"
			 " d.weight_grams, d.image, v.uncounted, v.backorder"
			 " FROM variants v LEFT JOIN variant_details d"
			 " ON d.product = v.product AND d.position = v.position"
			 " WHERE v.product = $1 ORDER BY v.position",
			 sql_int(product->number));
	while (sql_next(rows)) {
		assert(count < product->variant_count);
		product->variants[count++] = (struct variant){
			.id = sql_get_id(rows, 0),
			.sku = sql_get_text(rows, 1, arena),
			.options = sql_get_text(rows, 2, arena),
			.title = sql_get_text(rows, 3, arena),
			.price = sql_get_int(rows, 4),
			.stock.available = sql_get_int(rows, 5),
			.stock.status = stock_status_from_word(sql_peek_text(rows, 6)),
			.stock_version = sql_get_int(rows, 7),
			.details.compare_at = sql_get_int(rows, 8),
			.details.barcode = sql_get_text(rows, 9, arena),
			.details.weight_grams = sql_get_int(rows, 10),
			.details.image = sql_get_text(rows, 11, arena),
			.stock.uncounted = sql_get_int(rows, 12),
			.stock.backorder = sql_get_bool(rows, 13),
		};
	}
	/* Whoever changes no variant writes them back as they are. */
	product_settle_prices(product);
	return sql_end(rows);
}

enum err store_load(struct sql *sql, struct arena *arena, int64_t number,
		    struct product *ret_product)
{
	struct product product;
	struct sql_rows *rows;
	enum err err;

	rows = sql_query(sql,
			 "SELECT p.number, p.id, p.vendor_id, p.slug, p.name, p.category, p.status,"
			 " p.price, p.currency, p.available, p.stock_status, p.rating,"
			 " p.rating_count, p.variant_count, p.version, p.revision, p.created_at,"
			 " p.updated_at, d.document, p.uncounted FROM products p"
			 " JOIN documents d ON d.number = p.number WHERE p.number = $1",
			 sql_int(number));
	err = sql_first(rows);
	if (err)
		return err;
	read_product(rows, arena, &product);
	err = sql_end(rows);
	if (err)
		return err;
	err = read_variants(sql, arena, &product);
	if (err)
		return err;
	*ret_product = product;
	return OK;
}

/* The one row of `rows`. */
static enum err first_head(struct sql_rows *rows, struct product_head *ret_head)
{
	return SQL_TAKE(rows, ret_head, sqlite_read_head(rows));
}

#define FIND_HEAD "SELECT " HEAD_COLUMNS " FROM products p WHERE p.status <> 'deleted' AND "

enum err store_head_by_id(struct sql *sql, const struct id *id, struct product_head *ret_head)
{
	enum err err = first_head(sql_query(sql, FIND_HEAD "p.id = $1", sql_id(id)), ret_head);

	if (err != ERR_NOT_FOUND)
		return err;
	return first_head(
		sql_query(sql, FIND_HEAD "p.number = (SELECT product FROM variants WHERE id = $1)",
			  sql_id(id)),
		ret_head);
}

enum err store_head_by_slug(struct sql *sql, const char *slug, struct product_head *ret_head)
{
	return first_head(sql_query(sql, FIND_HEAD "p.slug = $1", sql_text(slug)), ret_head);
}

enum err store_find_id(struct sql *sql, struct arena *arena, const struct id *id,
		       struct product *ret_product)
{
	struct product_head head;
	enum err err = store_head_by_id(sql, id, &head);

	return err ? err : store_load(sql, arena, head.number, ret_product);
}

enum err store_find_slug(struct sql *sql, struct arena *arena, const char *slug,
			 struct product *ret_product)
{
	struct product_head head;
	enum err err = store_head_by_slug(sql, slug, &head);

	return err ? err : store_load(sql, arena, head.number, ret_product);
}

/* The number in the first row, or 0. */
static enum err first_number(struct sql_rows *rows, int64_t *ret_number)
{
	enum err err = SQL_TAKE(rows, ret_number, sql_get_int(rows, 0));

	if (err != ERR_NOT_FOUND)
		return err;
	*ret_number = 0;
	return OK;
}

enum err store_slug_owner(struct sql *sql, const char *slug, int64_t *ret_number)
{
	return first_number(
		sql_query(sql, "SELECT number FROM products WHERE slug = $1", sql_text(slug)),
		ret_number);
}

/* --- writing ----------------------------------------------------------------------------- */

/* Only of a variant that says any. */
static enum err add_details(struct sql *sql, int64_t product, size_t position,
			    const struct details *details)
{
	struct sql_value none = sql_null();

	if (!details->compare_at && !details->barcode && !details->weight_grams && !details->image)
		return OK;
	return sql_run(sql,
		       "INSERT INTO variant_details (product, position, compare_at, barcode,"
		       " weight_grams, image) VALUES ($1, $2, $3, $4, $5, $6)",
		       sql_int(product), sql_int((int64_t)position),
		       details->compare_at ? sql_int(details->compare_at) : none,
		       sql_text(details->barcode),
		       details->weight_grams ? sql_int(details->weight_grams) : none,
		       sql_text(details->image));
}

static enum err add_variants(struct sql *sql, const struct product *product)
{
	enum err err = OK;

	for (size_t i = 0; !err && i < product->variant_count; i++) {
		const struct variant *variant = &product->variants[i];

		err = sql_run(sql,
			      "INSERT INTO variants (product, position, id, sku, options, title,"
			      " price, available, stock_status, stock_version, uncounted,"
			      " backorder)"
			      " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
			      sql_int(product->number), sql_int((int64_t)i), sql_id(&variant->id),
			      sql_text(variant->sku), sql_text(variant->options),
			      sql_text(variant->title), sql_int(variant->price),
			      sql_int(variant->stock.available),
			      sql_text(stock_status_word(variant->stock.status)),
			      sql_int(variant->stock_version), sql_int(variant->stock.uncounted),
			      sql_int(variant->stock.backorder));
		if (!err)
			err = add_details(sql, product->number, i, &variant->details);
	}
	return err;
}

static enum err remove_details(struct sql *sql, int64_t number)
{
	return sql_run(sql, "DELETE FROM variant_details WHERE product = $1", sql_int(number));
}

/* Runs `text` for the category of `product`, and for each one above it: $1 is the category, $2 and
 * $3 are when the product was made and its id, $4 its number. */
static enum err each_shelf(struct sql *sql, struct arena *arena, const char *text,
			   const struct product *product)
{
	char *category = arena_copy_text(arena, product->category);
	enum err err = OK;

	while (!err && category) {
		char *slash = strrchr(category, '/');

		err = sql_run(sql, text, sql_text(category), sql_int(product->created_ms),
			      sql_id(&product->id), sql_int(product->number));
		if (slash)
			*slash = '\0';
		else
			category = NULL;
	}
	return err;
}

static enum err add_shelves(struct sql *sql, struct arena *arena, const struct product *product)
{
	if (product->status != PRODUCT_ACTIVE)
		return OK;
	return each_shelf(sql, arena,
			  "INSERT INTO shelves (category, created_at, id, product)"
			  " VALUES ($1, $2, $3, $4)",
			  product);
}

/* Off the shelves where it is now, whatever is to become of it. */
static enum err remove_shelves(struct sql *sql, struct arena *arena, int64_t number)
{
	struct product before = {.number = number};
	struct sql_rows *rows;
	enum err err;

	rows = sql_query(sql, "SELECT category, created_at, id FROM products WHERE number = $1",
			 sql_int(number));
	while (sql_next(rows)) {
		before.category = get_category(rows, 0, arena);
		before.created_ms = sql_get_int(rows, 1);
		before.id = sql_get_id(rows, 2);
	}
	err = sql_end(rows);
	if (err)
		return err;
	return each_shelf(sql, arena,
			  "DELETE FROM shelves WHERE category = $1 AND created_at = $2"
			  " AND id = $3 AND product = $4",
			  &before);
}

static enum err put_document(struct sql *sql, const struct product *product)
{
	return sql_run(sql,
		       "INSERT INTO documents (number, document) VALUES ($1, $2)"
		       " ON CONFLICT (number) DO UPDATE SET document = excluded.document",
		       sql_int(product->number), sql_text(product->document));
}

enum err store_add(struct sql *sql, struct arena *arena, struct product *product)
{
	enum err err;

	/* Asked before, since a RETURNING costs the statement a savepoint. */
	err = first_number(sql_query(sql, "SELECT MAX(number) + 1 FROM products"),
			   &product->number);
	if (err)
		return err;
	product->number = MAX(product->number, 1);
	err = sql_run(sql,
		      "INSERT INTO products (number, id, slug, vendor_id, status, name, category,"
		      " price, currency, available, stock_status, variant_count, version,"
		      " created_at, updated_at, name_key, price_max, price_ranges, uncounted)"
		      " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15,"
		      " $16, $17, $18, $19)",
		      sql_int(product->number), sql_id(&product->id), sql_text(product->slug),
		      sql_id(&product->vendor_id), sql_text(status_words[product->status]),
		      sql_text(product->name), sql_text(category_path(arena, product->category)),
		      sql_int(product->price.amount), sql_text(product->price.currency),
		      sql_int(product->stock.available),
		      sql_text(stock_status_word(product->stock.status)),
		      sql_int((int64_t)product->variant_count), sql_int(product->version),
		      sql_int(product->created_ms), sql_int(product->updated_ms),
		      sqlite_name_key(arena, product->name), sql_int(product->price_max),
		      sql_int(product->price_ranges), sql_int(product->stock.uncounted));
	if (err)
		return err;
	err = put_document(sql, product);
	if (err)
		return err;
	err = add_variants(sql, product);
	if (err)
		return err;
	err = add_shelves(sql, arena, product);
	if (err)
		return err;
	return sqlite_add_text(sql, arena, product);
}

enum err store_change(struct sql *sql, struct arena *arena, const struct product *product)
{
	enum err err;

	err = remove_shelves(sql, arena, product->number);
	if (err)
		return err;
	err = sql_run(sql,
		      "UPDATE products SET slug = $2, vendor_id = $3, status = $4, name = $5,"
		      " category = $6, price = $7, currency = $8, available = $9,"
		      " stock_status = $10, variant_count = $11, version = $12, updated_at = $13,"
		      " name_key = $14, price_max = $15, price_ranges = $16, uncounted = $17"
		      " WHERE number = $1",
		      sql_int(product->number), sql_text(product->slug),
		      sql_id(&product->vendor_id), sql_text(status_words[product->status]),
		      sql_text(product->name), sql_text(category_path(arena, product->category)),
		      sql_int(product->price.amount), sql_text(product->price.currency),
		      sql_int(product->stock.available),
		      sql_text(stock_status_word(product->stock.status)),
		      sql_int((int64_t)product->variant_count), sql_int(product->version),
		      sql_int(product->updated_ms), sqlite_name_key(arena, product->name),
		      sql_int(product->price_max), sql_int(product->price_ranges),
		      sql_int(product->stock.uncounted));
	if (err)
		return err;
	err = put_document(sql, product);
	if (err)
		return err;
	err = sql_run(sql, "DELETE FROM variants WHERE product = $1", sql_int(product->number));
	if (!err)
		err = remove_details(sql, product->number);
	if (err)
		return err;
	err = add_variants(sql, product);
	if (err)
		return err;
	err = sqlite_remove_text(sql, product->number);
	if (err)
		return err;
	err = add_shelves(sql, arena, product);
	if (err)
		return err;
	return sqlite_add_text(sql, arena, product);
}

enum err store_remove(struct sql *sql, struct arena *arena, const struct product *product)
{
	enum err err;

	err = remove_shelves(sql, arena, product->number);
	if (err)
		return err;
	err = sql_run(sql,
		      "UPDATE products SET status = 'deleted', slug = NULL, imported = NULL,"
		      " updated_at = $2 WHERE number = $1",
		      sql_int(product->number), sql_int(sql_now_ms(sql)));
	if (err)
		return err;
	err = sql_run(sql, "UPDATE variants SET sku = NULL WHERE product = $1",
		      sql_int(product->number));
	if (err)
		return err;
	err = sql_run(sql, "DELETE FROM documents WHERE number = $1", sql_int(product->number));
	if (!err)
		err = remove_details(sql, product->number);
	if (err)
		return err;
	return sqlite_remove_text(sql, product->number);
}

enum err store_imported(struct sql *sql, int64_t number, const struct hash *hash, bool *ret_same)
{
	int64_t same;
	enum err err;

	err = first_number(sql_query(sql,
				     "SELECT 1 FROM products WHERE number = $1 AND imported = $2",
				     sql_int(number), sql_blob(hash->bytes, sizeof(hash->bytes))),
			   &same);
	if (err)
		return err;
	*ret_same = same != 0;
	return OK;
}

enum err store_note_import(struct sql *sql, int64_t number, const struct hash *hash)
{
	return sql_run(sql, "UPDATE products SET imported = $2 WHERE number = $1", sql_int(number),
		       sql_blob(hash->bytes, sizeof(hash->bytes)));
}

/* --- selling ----------------------------------------------------------------------------- */

enum err store_quote(struct sql *sql, struct arena *arena, const struct id *id,
		     struct quote *ret_quote)
{
	struct quote quote = {.id = *id};
	struct sql_rows *rows;
	enum err err;

	rows = sql_query(sql,
			 "SELECT p.id, p.vendor_id, p.name, v.title, v.sku, p.category, v.price,"
			 " p.currency, p.status = 'active', v.available, v.uncounted, v.backorder"
			 " FROM variants v"
			 " JOIN products p ON p.number = v.product WHERE v.id = $1",
			 sql_id(id));
	err = sql_first(rows);
	if (err == ERR_NOT_FOUND) {
		*ret_quote = quote;
		return OK;
	}
	if (err)
		return err;
	quote.known = true;
	quote.product_id = sql_get_id(rows, 0);
	quote.vendor_id = sql_get_id(rows, 1);
	quote.name = sql_get_text(rows, 2, arena);
	quote.title = sql_get_text(rows, 3, arena);
	quote.sku = sql_get_text(rows, 4, arena);
	quote.category = get_category(rows, 5, arena);
	quote.price.amount = sql_get_int(rows, 6);
	sql_get_currency(rows, 7, quote.price.currency);
	quote.active = sql_get_bool(rows, 8);
	quote.stock.available = sql_get_int(rows, 9);
	quote.stock.uncounted = sql_get_int(rows, 10);
	quote.stock.backorder = sql_get_bool(rows, 11);
	err = sql_end(rows);
	if (err)
		return err;
	*ret_quote = quote;
	return OK;
}
