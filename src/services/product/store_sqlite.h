/* What the parts of the SQLite store share. */
#ifndef SERVICES_PRODUCT_STORE_SQLITE_H
#define SERVICES_PRODUCT_STORE_SQLITE_H

#include "services/product/store.h"

#define HEAD_COLUMNS "p.number, p.id, p.vendor_id, p.status, p.version, p.revision"
#define HEAD_COLUMN_COUNT 6

/* Of a row that begins with these columns. */
struct product_head sqlite_read_head(struct sql_rows *rows);

/* What the name sorts by; it lives in `arena`. */
struct sql_value sqlite_name_key(struct arena *arena, const char *name);

/* What searches and filters look through of a product: its tags and its words. */
enum err sqlite_add_text(struct sql *sql, struct arena *arena, const struct product *product)
	MUST_CHECK;
enum err sqlite_remove_text(struct sql *sql, int64_t number) MUST_CHECK;

/* --- what is looked for ------------------------------------------------------------------ */

/* The numbers of the ids that there are, as a JSON list: one parameter, however many. */
enum err sqlite_ids_to_numbers(struct sql *sql, struct arena *arena, const struct list *ids,
			       const char **ret_numbers) MUST_CHECK;

/* Whether a category's products are taken off its shelf. */
bool sqlite_is_shelved(const struct product_query *query);

/* FROM and WHERE of what is looked for among products p, but for its conditions. `match` is of the
 * full-text search, or NULL; `join` what else to look at. */
void sqlite_add_source(struct sql_builder *built, const struct product_query *query, bool shelved,
		       const char *match, const char *join);

/* `numbers` is what the query's ids are. */
void sqlite_add_conditions(struct sql_builder *built, const struct product_query *query,
			   bool shelved, const char *numbers);

/* The conditions of price and stock on a variant v itself. */
void sqlite_add_variant(struct sql_builder *built, const struct product_query *query);

#endif
