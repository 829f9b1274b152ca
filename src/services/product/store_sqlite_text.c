/*
 * The catalogue in SQLite: what is made of text by Unicode's rules, and made anew where the program
 * has another edition of them (a newer ICU, say): the order of names, tags as they compare, and the
 * words of searches, which the tokenizer in store/sqlite_words.c cuts.
 */
#include <string.h>

#include "base/html.h"
#include "base/out.h"
#include "base/unicode.h"
#include "services/product/store_sqlite.h"

#define RENEWED_AT_ONCE 500 /* rows that are read before they are changed */

struct sql_value sqlite_name_key(struct arena *arena, const char *name)
{
	size_t length;
	const void *key = unicode_sort_key(arena, name, &length);

	return sql_blob(key, length);
}

/* --- one product ------------------------------------------------------------------------- */

static enum err add_tag(struct sql *sql, struct arena *arena, int64_t number, const char *tag)
{
	return sql_run(sql,
		       "INSERT INTO tags (product, fold, tag) VALUES ($1, $2, $3)"
		       " ON CONFLICT DO NOTHING",
		       sql_int(number), sql_text(unicode_fold(arena, tag)), sql_text(tag));
}

static const char *joined_skus(struct arena *arena, const struct product *product)
{
	struct out out = out_new(arena);

	for (size_t i = 0; i < product->variant_count; i++)
		out_printf(&out, "%s ", product->variants[i].sku);
	return out.data;
}

enum err sqlite_add_text(struct sql *sql, struct arena *arena, const struct product *product)
{
	const char *const *tags = product->content.tags.items;
	const char *description = product->content.description;
	struct out all = out_new(arena);
	enum err err = OK;

	for (size_t i = 0; !err && i < product->content.tags.count; i++) {
		out_printf(&all, "%s ", tags[i]);
		err = add_tag(sql, arena, product->number, tags[i]);
	}
	if (err)
		return err;
	return sql_run(sql,
		       "INSERT INTO product_search (rowid, name, tags, category, sku, body)"
		       " VALUES ($1, $2, $3, $4, $5, $6)",
		       sql_int(product->number), sql_text(product->name), sql_text(all.data),
		       sql_text(product->category), sql_text(joined_skus(arena, product)),
		       sql_text(html_to_text(arena, description ? description : "")));
}

enum err sqlite_remove_text(struct sql *sql, int64_t number)
{
	enum err err;

	err = sql_run(sql, "DELETE FROM tags WHERE product = $1", sql_int(number));
	if (err)
		return err;
	return sql_run(sql, "DELETE FROM product_search WHERE rowid = $1", sql_int(number));
}

/* --- all of them ------------------------------------------------------------------------- */

struct named {
	int64_t number;
	const char *text;
};

/* The names of the next products behind `after`. */
static enum err read_names(struct sql *sql, struct arena *arena, int64_t after, struct named *names,
			   size_t *ret_count)
{
	struct sql_rows *rows;
	size_t count = 0;

	rows = sql_query(sql,
			 "SELECT number, name FROM products WHERE number > $1 ORDER BY number"
			 " LIMIT $2",
			 sql_int(after), sql_int(RENEWED_AT_ONCE));
	while (sql_next(rows))
		names[count++] = (struct named){sql_get_int(rows, 0), sql_get_text(rows, 1, arena)};
	*ret_count = count;
	return sql_end(rows);
}

static enum err renew_names(struct sql *sql)
{
	struct named names[RENEWED_AT_ONCE];
	struct arena *arena = arena_new();
	size_t count = RENEWED_AT_ONCE;
	int64_t after = -1;
	enum err err = OK;

	while (!err && count == RENEWED_AT_ONCE) {
		arena_reset(arena);
		err = read_names(sql, arena, after, names, &count);
		for (size_t i = 0; !err && i < count; i++) {
			after = names[i].number;
			err = sql_run(sql, "UPDATE products SET name_key = $2 WHERE number = $1",
				      sql_int(after), sqlite_name_key(arena, names[i].text));
		}
	}
	arena_free(arena);
	return err;
}

/* The tags of one product, which are few. Of two that are one now the first stays. */
static enum err renew_tags_of(struct sql *sql, struct arena *arena, int64_t number)
{
	const char *tags[PRODUCT_TAGS_MAX];
	struct sql_rows *rows;
	size_t count = 0;
	enum err err;

	rows = sql_query(sql, "SELECT tag FROM tags WHERE product = $1 LIMIT $2", sql_int(number),
			 sql_int(PRODUCT_TAGS_MAX));
	while (sql_next(rows))
		tags[count++] = sql_get_text(rows, 0, arena);
	err = sql_end(rows);
	if (!err)
		err = sql_run(sql, "DELETE FROM tags WHERE product = $1", sql_int(number));
	for (size_t i = 0; !err && i < count; i++)
		err = add_tag(sql, arena, number, tags[i]);
	return err;
}

static enum err renew_tags(struct sql *sql)
{
	struct arena *arena = arena_new();
	int64_t number = -1;
	enum err err;

	do {
		struct sql_rows *rows;

		arena_reset(arena);
		rows = sql_query(sql,
				 "SELECT product FROM tags WHERE product > $1 ORDER BY product"
				 " LIMIT 1",
				 sql_int(number));
		err = SQL_TAKE(rows, &number, sql_get_int(rows, 0));
		if (!err)
			err = renew_tags_of(sql, arena, number);
	} while (!err);
	arena_free(arena);
	return err == ERR_NOT_FOUND ? OK : err;
}

static enum err read_edition(struct sql *sql, struct arena *arena, const char **ret_edition)
{
	struct sql_rows *rows;
	enum err err;

	rows = sql_query(sql, "SELECT edition FROM editions WHERE name = 'text'");
	err = SQL_TAKE(rows, ret_edition, sql_get_text(rows, 0, arena));
	if (err != ERR_NOT_FOUND)
		return err;
	*ret_edition = NULL;
	return OK;
}

enum err store_text_is_current(struct sql *sql, struct arena *arena, bool *ret_current)
{
	const char *edition;
	enum err err = read_edition(sql, arena, &edition);

	if (!err)
		*ret_current = edition && strcmp(edition, unicode_edition(arena)) == 0;
	return err;
}

enum err store_renew_text(struct sql *sql, struct arena *arena)
{
	const char *edition;
	enum err err = read_edition(sql, arena, &edition);

	/* None: the words were just cut, when the table was made. */
	if (!err && edition)
		err = sql_run(sql,
			      "INSERT INTO product_search (product_search) VALUES ('rebuild')");
	if (!err)
		err = renew_names(sql);
	if (!err)
		err = renew_tags(sql);
	if (err)
		return err;
	return sql_run(sql,
		       "INSERT INTO editions (name, edition) VALUES ('text', $1)"
		       " ON CONFLICT (name) DO UPDATE SET edition = excluded.edition",
		       sql_text(unicode_edition(arena)));
}
