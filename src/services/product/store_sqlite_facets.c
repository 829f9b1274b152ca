/*
 * The catalogue in SQLite: facets, counted over all that a query finds, however much it is. What is
 * found is looked at once, and counted here: the engine would find it anew for each facet, and sort
 * it for each grouping. Tags are counted along their index, of which all of them are read where much
 * is found, and those of each product where little is.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/out.h"
#include "services/product/rules.h"
#include "services/product/store_sqlite.h"

#define VALUES_READ_MAX 10000 /* distinct ones, of which the commonest are shown */
#define FEW_FOUND 8	      /* one of so many products, or less: their tags are read one by one */

struct counting {
	struct sql *sql;
	struct arena *arena;
	const struct product_query *query;
	bool shelved;
	const char *numbers;
	struct facet_value *values; /* of the categories, then of the tags */
	size_t count;
	struct map *known; /* categories to their value */
	int64_t prices[PRICE_RANGES];
	struct sql_builder variants; /* asks for the prices of one product's */
	uint64_t *found;	     /* a bit for each product's number */
	int64_t number_max, found_count;
};

/* --- what is found ----------------------------------------------------------------------- */

static enum err read_number_max(struct counting *counting)
{
	struct sql_rows *rows = sql_query(counting->sql, "SELECT MAX(number) FROM products");
	enum err err = SQL_TAKE(rows, &counting->number_max, sql_get_int(rows, 0));

	if (err)
		return err;
	counting->found =
		ARENA_ARRAY(counting->arena, uint64_t, (size_t)counting->number_max / 64 + 1);
	return OK;
}

static bool is_found(const struct counting *counting, int64_t number)
{
	return number <= counting->number_max &&
	       (counting->found[number / 64] & UINT64_C(1) << (number % 64));
}

static void count_category(struct counting *counting, const char *category)
{
	struct facet_value *value;

	if (!category)
		return;
	value = map_get(counting->known, category, strlen(category));
	if (!value) {
		if (counting->count == VALUES_READ_MAX)
			return;
		value = &counting->values[counting->count];
		value->value = arena_copy_text(counting->arena, category);
		if (!map_put(counting->known, category, strlen(category), value))
			return;
		counting->count++;
	}
	value->count++;
}

/* The ranges that its variants lie in which do all that is asked. */
static enum err read_ranges(struct counting *counting, int64_t number, unsigned *ret_ranges)
{
	struct sql_rows *rows;
	unsigned ranges = 0;

	counting->variants.values[0] = sql_int(number);
	rows = sql_query_built(counting->sql, &counting->variants);
	while (sql_next(rows))
		ranges |= price_range_bit(sql_get_int(rows, 0));
	*ret_ranges = ranges;
	return sql_end(rows);
}

static enum err count_prices(struct counting *counting, struct sql_rows *rows, int64_t number)
{
	const struct product_query *query = counting->query;
	unsigned ranges = (unsigned)sql_get_int(rows, 2);
	bool several = (ranges & (ranges - 1)) != 0;
	enum err err;

	if (strcmp(sql_peek_text(rows, 3), query->price_currency) != 0)
		return OK;
	if (several && (query->has_min_price || query->has_max_price || query->has_in_stock)) {
		err = read_ranges(counting, number, &ranges);
		if (err)
			return err;
	}
	for (size_t i = 0; i < PRICE_RANGES; i++)
		counting->prices[i] += ranges >> i & 1;
	return OK;
}

/* One look at all that is found. */
static enum err look(struct counting *counting, const bool wanted[static FACETS])
{
	const struct product_query *query = counting->query;
	struct sql_builder built = sql_builder_new(counting->arena);
	struct sql_rows *rows;
	enum err err = OK, end_err;

	sql_add(&built, "SELECT p.number, p.category, p.price_ranges, p.currency");
	sqlite_add_source(&built, query, counting->shelved, query->words ? query->words->all : NULL,
			  "");
	sqlite_add_conditions(&built, query, counting->shelved, counting->numbers);
	sql_add(&counting->variants, "SELECT v.price FROM variants v WHERE v.product = ?",
		sql_int(0));
	sqlite_add_variant(&counting->variants, query);
	rows = sql_query_built(counting->sql, &built);
	while (!err && sql_next(rows)) {
		int64_t number = sql_get_int(rows, 0);

		counting->found[number / 64] |= UINT64_C(1) << (number % 64);
		counting->found_count++;
		if (wanted[FACET_CATEGORY])
			count_category(counting, sql_peek_text(rows, 1));
		if (wanted[FACET_PRICE])
			err = count_prices(counting, rows, number);
	}
	end_err = sql_end(rows);
	return err ? err : end_err;
}

/* --- categories and prices ---------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
	const struct facet_value *one = a, *other = b;

	return strcmp(one->value, other->value);
}

static int commonest_first(const void *a, const void *b)
{
	const struct facet_value *one = a, *other = b;

	if (one->count != other->count)
		return one->count > other->count ? -1 : 1;
	return by_value(a, b);
}

static void show_commonest(struct counting *counting, struct facet *ret_facet)
{
	qsort(counting->values, counting->count, sizeof(*counting->values), commonest_first);
	ret_facet->values = counting->values;
	ret_facet->count = MIN(counting->count, (size_t)FACET_VALUES_MAX);
}

/* As paths without the slash behind them. */
static void show_categories(struct counting *counting, struct facet *ret_facet)
{
	qsort(counting->values, counting->count, sizeof(*counting->values), by_value);
	facet_roll_up(counting->values, counting->count);
	for (size_t i = 0; i < counting->count; i++) {
		const char *path = counting->values[i].value;

		counting->values[i].value =
			arena_copy_bytes(counting->arena, path, strlen(path) - 1);
	}
	show_commonest(counting, ret_facet);
}

static void show_prices(const struct counting *counting, struct facet *ret_facet)
{
	ret_facet->values = ARENA_ARRAY(counting->arena, struct facet_value, PRICE_RANGES);
	ret_facet->count = 0;
	for (size_t i = 0; i < PRICE_RANGES; i++)
		if (counting->prices[i])
			ret_facet->values[ret_facet->count++] = (struct facet_value){
				.value = arena_printf(counting->arena, "%" PRId64 "-%" PRId64,
						      price_ranges[i].min, price_ranges[i].max),
				.count = counting->prices[i],
			};
}

/* --- tags --------------------------------------------------------------------------------- */

/* The next tag, folded; they come in their order. */
static struct facet_value *next_tag(struct counting *counting, const char *fold)
{
	struct facet_value *last = counting->count ? &counting->values[counting->count - 1] : NULL;

	if (last && strcmp(last->value, fold) == 0)
		return last;
	if (counting->count == VALUES_READ_MAX)
		return NULL;
	counting->values[counting->count] =
		(struct facet_value){.value = arena_copy_text(counting->arena, fold)};
	return &counting->values[counting->count++];
}

/* Of all products. */
static enum err count_all_tags(struct counting *counting)
{
	struct sql_rows *rows =
		sql_query(counting->sql, "SELECT product, fold FROM tags INDEXED BY tags_by_tag"
					 " ORDER BY fold, product");

	while (sql_next(rows)) {
		struct facet_value *value;

		if (!is_found(counting, sql_get_int(rows, 0)))
			continue;
		value = next_tag(counting, sql_peek_text(rows, 1));
		if (value)
			value->count++;
	}
	return sql_end(rows);
}

/* Of those that are found. */
static enum err count_found_tags(struct counting *counting)
{
	struct out numbers = out_new(counting->arena);
	struct sql_rows *rows;

	out_open_list(&numbers, NULL);
	for (int64_t number = 0; number <= counting->number_max; number++)
		if (is_found(counting, number))
			out_int(&numbers, NULL, number);
	out_close_list(&numbers);
	rows = sql_query(
		counting->sql,
		"SELECT t.fold, COUNT(*) FROM json_each($1) n"
		" CROSS JOIN tags t ON t.product = n.value GROUP BY t.fold ORDER BY t.fold",
		sql_text(numbers.data));
	while (sql_next(rows)) {
		struct facet_value *value = next_tag(counting, sql_peek_text(rows, 0));

		if (value)
			value->count = sql_get_int(rows, 1);
	}
	return sql_end(rows);
}

/* As the oldest product that has it writes it. */
static enum err write_tag(struct counting *counting, struct facet_value *value)
{
	struct sql_rows *rows =
		sql_query(counting->sql,
			  "SELECT tag FROM tags WHERE product = (SELECT MIN(product) FROM tags"
			  " WHERE fold = $1) AND fold = $1",
			  sql_text(value->value));

	return SQL_TAKE(rows, &value->value, sql_get_text(rows, 0, counting->arena));
}

static enum err show_tags(struct counting *counting, struct facet *ret_facet)
{
	bool few = counting->found_count <= counting->number_max / FEW_FOUND;
	enum err err;

	counting->count = 0;
	counting->values = ARENA_ARRAY(counting->arena, struct facet_value, VALUES_READ_MAX);
	err = few ? count_found_tags(counting) : count_all_tags(counting);
	if (err)
		return err;
	show_commonest(counting, ret_facet);
	for (size_t i = 0; !err && i < ret_facet->count; i++)
		err = write_tag(counting, &ret_facet->values[i]);
	return err;
}

/* --- all of it ---------------------------------------------------------------------------- */

static enum err count(struct counting *counting, const bool wanted[static FACETS],
		      struct facet ret_facets[static FACETS])
{
	enum err err = read_number_max(counting);

	if (!err && counting->query->has_ids)
		err = sqlite_ids_to_numbers(counting->sql, counting->arena, &counting->query->ids,
					    &counting->numbers);
	if (!err)
		err = look(counting, wanted);
	if (err)
		return err;
	if (wanted[FACET_PRICE])
		show_prices(counting, &ret_facets[FACET_PRICE]);
	if (wanted[FACET_CATEGORY])
		show_categories(counting, &ret_facets[FACET_CATEGORY]);
	return wanted[FACET_TAG] ? show_tags(counting, &ret_facets[FACET_TAG]) : OK;
}

enum err store_facets(struct sql *sql, struct arena *arena, const struct product_query *query,
		      const bool wanted[static FACETS], struct facet ret_facets[static FACETS])
{
	struct counting counting = {
		.sql = sql,
		.arena = arena,
		.query = query,
		.shelved = sqlite_is_shelved(query),
		.values = ARENA_ARRAY(arena, struct facet_value, VALUES_READ_MAX),
		.known = map_new(VALUES_READ_MAX, false, NULL),
		.variants = sql_builder_new(arena),
	};
	enum err err = count(&counting, wanted, ret_facets);

	map_free(counting.known);
	return err;
}
