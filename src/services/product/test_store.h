/* For tests of the catalogue's store: a database of their own, and steps on it. */
#ifndef SERVICES_PRODUCT_TEST_STORE_H
#define SERVICES_PRODUCT_TEST_STORE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "events/event.h"
#include "services/product/change.h"
#include "services/product/rules.h"
#include "services/product/store.h"

extern const struct migration product_migrations[];

static struct {
	char directory[64];
	struct arena *arena;
	struct database *database;
} shop;

static inline void open_shop(const struct migration *migrations)
{
	const struct migration_set own = {"product", migrations};
	const struct migration_set *const sets[] = {&events_migration_set, &own, NULL};
	struct database_options options = {
		.name = "product", .migration_sets = sets, .queue_max = 100};
	const char *why = NULL;

	options.directory = shop.directory;
	assert_int_equal(database_open(&options, shop.arena, &shop.database, &why), OK);
}

static inline void remove_shop(void)
{
	static const char *const suffixes[] = {"", "-wal", "-shm"};

	database_close(shop.database);
	for (size_t i = 0; i < ARRAY_LENGTH(suffixes); i++)
		unlink(arena_printf(shop.arena, "%s/product.db%s", shop.directory, suffixes[i]));
}

static inline int set_up(void **state)
{
	snprintf(shop.directory, sizeof(shop.directory), "/tmp/souk-product-XXXXXX");
	assert_non_null(mkdtemp(shop.directory));
	shop.arena = arena_new();
	open_shop(product_migrations);
	return 0;
}

static inline int tear_down(void **state)
{
	remove_shop();
	assert_int_equal(rmdir(shop.directory), 0);
	arena_free(shop.arena);
	return 0;
}

/* --- helpers ---------------------------------------------------------------------------------- */

/* One step of a test, as a transaction or a read. */
struct step {
	struct product product;
	const char *text;
	struct id id;
	int64_t number;
	struct stock stock;
	struct quote quote;
	struct product_query query;
	struct page page;
	struct product_page found;
	bool glance, whole;
	enum product_facet which;
	struct facet facet;
	struct change change;
};

static inline struct step *step_new(void)
{
	struct step *step = ARENA_NEW(shop.arena, struct step);

	step->change.arena = shop.arena;
	step->page.limit = PAGE_LIMIT_MAX;
	step->query.status = PRODUCT_ACTIVE;
	step->query.sort = SORT_NEWEST;
	memcpy(step->query.currency, "EUR", sizeof(step->query.currency));
	memcpy(step->query.price_currency, "EUR", sizeof(step->query.price_currency));
	return step;
}

static inline enum err add_body(struct sql *sql, void *arg)
{
	struct step *step = arg;

	return change_add(sql, &step->change, &step->product);
}

static inline enum err update_body(struct sql *sql, void *arg)
{
	struct step *step = arg;
	struct product product = step->product;

	return change_update(sql, &step->change, &product);
}

static inline enum err remove_body(struct sql *sql, void *arg)
{
	struct step *step = arg;

	return change_remove(sql, &step->change, &step->product);
}

static inline enum err find_body(struct sql *sql, void *arg)
{
	struct step *step = arg;
	enum err err;

	err = step->text ? store_find_slug(sql, shop.arena, step->text, &step->product)
			 : store_find_id(sql, shop.arena, &step->id, &step->product);
	return err ? err : content_read(shop.arena, step->product.document, &step->product.content);
}

static inline enum err list_body(struct sql *sql, void *arg)
{
	struct step *step = arg;

	if (step->glance)
		return store_glance(sql, shop.arena, &step->query, &step->page, &step->found,
				    &step->whole);
	return store_list(sql, shop.arena, &step->query, &step->page, &step->found);
}

#define WRITE(body, step) sql_transaction(shop.database, body, step)
#define READ(body, step) sql_read(shop.database, body, step)

/* What a draft in JSON, with apostrophes for quotes, makes of `current`. */
static inline struct product merged(const char *body, const struct product *current)
{
	struct faults faults = {.arena = shop.arena};
	char *text = arena_copy_text(shop.arena, body);
	struct product product = {0};
	struct draft draft = {0};
	json_t *object;

	for (char *c = text; *c; c++)
		if (*c == '\'')
			*c = '"';
	assert_int_equal(json_parse(shop.arena, text, strlen(text), &object, NULL), OK);
	json_read_fields(object, draft_change_fields, "", &draft, &faults);
	draft_check(&draft, &faults);
	product_merge(current, &draft, &product, &faults);
	assert_int_equal(faults.count, 0);
	return product;
}

static inline struct product add(const char *body)
{
	struct step *step = step_new();

	step->product = merged(body, NULL);
	assert_int_equal(WRITE(add_body, step), OK);
	return step->product;
}

static inline struct product found(const struct id *id)
{
	struct step *step = step_new();

	step->id = *id;
	assert_int_equal(READ(find_body, step), OK);
	return step->product;
}

/* The names of what the query finds, in its order, with spaces between. */
static inline const char *names(struct step *step)
{
	const char *all = "";

	assert_int_equal(READ(list_body, step), OK);
	for (size_t i = 0; i < step->found.count; i++)
		all = arena_printf(shop.arena, "%s%s%s", all, i ? " " : "",
				   found(&step->found.heads[i].id).name);
	return all;
}

#define PRICE(amount) "'price': {'amount': " #amount ", 'currency': 'EUR'}"
#define SHIRT                                                                               \
	"{'name': 'Linen shirt', " PRICE(                                                   \
		2000) ", 'category': 'clothing/shirts', 'variants': ["                      \
		      "{'sku': 'a', 'options': {'Size': 'S', 'Color': 'Red'}, 'stock': 4}," \
		      "{'options': {'Size': 'M', 'Color': 'Red'}}]}"

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
