/* For tests of reserving: a shop with lamps and trays, and what is done and looked at in it. */
#ifndef SERVICES_INVENTORY_TEST_RESERVE_H
#define SERVICES_INVENTORY_TEST_RESERVE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/test_directory.h"
#include "services/inventory/reserve.h"
#include "services/inventory/rules.h"
#include "services/inventory/store.h"

#define FAR INT64_C(9000000000000)
#define PAST 1
#define RACERS 8
#define RACER_ORDERS 25

extern const struct migration inventory_migrations[];
extern const struct subscription inventory_subscriptions[];

static struct {
	char directory[TEST_DIRECTORY_SIZE];
	struct arena *arena;
	struct database *database;
	struct id lamp, tray; /* 10 and 20 of them */
	struct id vendor;
} shop;

/* --- doing ----------------------------------------------------------------------------------- */

struct doing {
	enum err (*verb)(const struct scope *scope, struct doing *doing);
	struct id order;
	struct wanted wanted[3];
	size_t count;
	int64_t expires_ms;
	const char *kind;
	bool paid, tracked, backorder;
	struct reservation reservation;
	struct shortages shortages;
	struct event event;
	struct arena *arena;
};

static inline enum err do_body(struct sql *sql, void *arg)
{
	struct doing *doing = arg;
	struct scope scope = {sql, doing->arena, NULL};

	return doing->verb(&scope, doing);
}

static inline enum err run(struct doing *doing)
{
	if (!doing->arena)
		doing->arena = shop.arena;
	return sql_transaction(shop.database, do_body, doing);
}

static inline enum err do_reserve(const struct scope *scope, struct doing *doing)
{
	enum err err = reserve_order(scope, &doing->order, doing->wanted, doing->count,
				     doing->expires_ms, &doing->reservation, &doing->shortages);

	/* As the events' handlers do: the transaction goes on, and tells of it. */
	if (err == ERR_OUT_OF_STOCK)
		return tell_rejected(scope, &doing->order, &doing->shortages);
	return err;
}

static inline enum err do_commit(const struct scope *scope, struct doing *doing)
{
	return commit_order(scope, &doing->order, doing->paid, &doing->reservation,
			    &doing->shortages);
}

static inline enum err do_release(const struct scope *scope, struct doing *doing)
{
	return release_order(scope, &doing->order, &doing->reservation);
}

static inline enum err do_restock(const struct scope *scope, struct doing *doing)
{
	return restock_order(scope, &doing->order, doing->kind, &doing->reservation);
}

static inline enum err do_expire(const struct scope *scope, struct doing *doing)
{
	return expire_order(scope, &doing->order);
}

static inline enum err do_event(const struct scope *scope, struct doing *doing)
{
	const struct subscription *subscription = inventory_subscriptions;

	while (strcmp(subscription->type, doing->event.type) != 0)
		subscription++;
	return subscription->handle(scope->sql, &doing->event);
}

static inline struct doing wanting(const struct id *order, int64_t lamps, int64_t trays)
{
	struct doing doing = {.verb = do_reserve, .order = *order, .expires_ms = FAR};

	if (lamps)
		doing.wanted[doing.count++] = (struct wanted){shop.lamp, lamps};
	if (trays)
		doing.wanted[doing.count++] = (struct wanted){shop.tray, trays};
	doing.count = wanted_merge(doing.wanted, doing.count);
	return doing;
}

static inline enum err reserve(const struct id *order, int64_t lamps, int64_t trays)
{
	struct doing doing = wanting(order, lamps, trays);

	return run(&doing);
}

static inline enum err simply(enum err (*verb)(const struct scope *, struct doing *),
			      const struct id *order)
{
	struct doing doing = {.verb = verb, .order = *order, .kind = "return"};

	return run(&doing);
}

static inline enum err commit_paid(const struct id *order)
{
	struct doing doing = {.verb = do_commit, .order = *order, .paid = true};

	return run(&doing);
}

static inline enum err hear(const char *type, const struct id *subject, const char *data)
{
	struct doing doing = {.verb = do_event};
	json_t *json;

	assert_int_equal(json_parse(shop.arena, data, strlen(data), &json, NULL), OK);
	doing.event = (struct event){.id = id_new(),
				     .type = type,
				     .subject = *subject,
				     .data = data,
				     .json = json,
				     .arena = shop.arena};
	return run(&doing);
}

static const char *text_of(const struct id *id)
{
	return id_text(shop.arena, id);
}

/* A product of one variant with its own id. */
static inline struct id hear_of_product(const char *name, int64_t stock)
{
	struct id id = id_new();
	const char *data = arena_printf(
		shop.arena,
		"{\"productId\": \"%s\", \"name\": \"%s\", \"vendorId\": \"%s\", \"variants\":"
		" [{\"id\": \"%s\", \"sku\": \"SKU\", \"name\": \"%s\", \"initialStock\": %d}]}",
		text_of(&id), name, text_of(&shop.vendor), text_of(&id), name, (int)stock);

	assert_int_equal(hear("ProductCreated", &id, data), OK);
	return id;
}

/* --- looking --------------------------------------------------------------------------------- */

struct look {
	const char *text;
	struct sql_value value;
	int64_t number;
};

static inline enum err look_body(struct sql *sql, void *arg)
{
	struct look *look = arg;
	struct sql_rows *rows = sql_query(sql, look->text, look->value);

	return SQL_TAKE(rows, &look->number, sql_get_int(rows, 0));
}

static inline int64_t look(const char *text, struct sql_value value)
{
	struct look looking = {.text = text, .value = value};

	assert_int_equal(sql_read(shop.database, look_body, &looking), OK);
	return looking.number;
}

static inline void check_stock(const struct id *product, int64_t on_hand, int64_t reserved)
{
	assert_int_equal(look("SELECT on_hand FROM items WHERE id = $1", sql_id(product)), on_hand);
	assert_int_equal(look("SELECT reserved FROM items WHERE id = $1", sql_id(product)),
			 reserved);
}

static inline int64_t events_told(const char *type)
{
	return look("SELECT COUNT(*) FROM outbox WHERE type = $1", sql_text(type));
}

static inline void check_books(void)
{
	static const char *const faults[] = {
		"SELECT COUNT(*) FROM items i WHERE on_hand <> (SELECT COALESCE(SUM(s.on_hand), 0)"
		" FROM warehouse_stock s WHERE s.product_id = i.id)",
		"SELECT COUNT(*) FROM items i WHERE reserved <> (SELECT COALESCE(SUM(s.reserved), 0)"
		" FROM warehouse_stock s WHERE s.product_id = i.id)",
		"SELECT COUNT(*) FROM warehouse_stock s WHERE on_hand <> (SELECT COALESCE(SUM(m.delta), 0)"
		" FROM movements m WHERE m.product_id = s.product_id AND m.warehouse = s.warehouse)",
		"SELECT COUNT(*) FROM warehouse_stock s WHERE reserved <> (SELECT COALESCE(SUM(l.quantity), 0)"
		" FROM reservation_lines l JOIN reservations r ON r.order_id = l.order_id"
		" WHERE r.status = 'active' AND l.product_id = s.product_id"
		" AND l.warehouse = s.warehouse)",
	};

	for (size_t i = 0; i < ARRAY_LENGTH(faults); i++)
		assert_int_equal(look(faults[i], sql_null()), 0);
}

/* --- the shop -------------------------------------------------------------------------------- */

static inline void open_shop(const struct migration *migrations)
{
	const struct migration_set own = {"inventory", migrations};
	const struct migration_set *const sets[] = {&events_migration_set, &own, NULL};
	struct database_options options = {
		.directory = shop.directory,
		.name = "inventory",
		.migration_sets = sets,
		.queue_max = 1000,
	};
	const char *why = "";

	if (database_open(&options, shop.arena, &shop.database, &why))
		fail_msg("%s", why);
}

static inline int set_up(void **state)
{
	(void)state;
	shop.arena = arena_new();
	assert_int_equal(test_directory_make(shop.directory), 0);
	open_shop(inventory_migrations);
	shop.vendor = id_new();
	shop.lamp = hear_of_product("Lamp", 10);
	shop.tray = hear_of_product("Tray", 20);
	return 0;
}

static inline int tear_down(void **state)
{
	(void)state;
	check_books();
	database_close(shop.database);
	arena_free(shop.arena);
	return test_directory_remove(shop.directory);
}

/* Puts so many of the lamps elsewhere. */
static inline enum err open_second_warehouse(const struct scope *scope, struct doing *doing)
{
	struct movement movement = {
		.product = shop.lamp,
		.warehouse = "berlin",
		.delta = 7,
		.kind = "adjustment",
	};
	struct item item;
	enum err err = item_get(scope->sql, &shop.lamp, scope->arena, &item);

	(void)doing;
	if (!err)
		err = stock_open(scope->sql, &item, "berlin");
	if (!err)
		err = stock_change(scope->sql, &item, "berlin", 7, 0);
	item.threshold = 3;
	if (!err)
		err = item_set(scope->sql, &item, 7, scope->arena, &item);
	return err ? err : movement_add(scope->sql, &movement);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

#endif
