/* What the tests of Order's stores share: a database in a directory of its own, and orders. */
#ifndef SERVICES_ORDER_TEST_PLACE_H
#define SERVICES_ORDER_TEST_PLACE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/test_directory.h"
#include "events/event.h"
#include "services/order/store.h"

#define PATIENCE_MS 60000

extern const struct migration order_migrations[];

struct place {
	char directory[TEST_DIRECTORY_SIZE];
	struct arena *arena;
	struct database *database;
};

static inline int place_open(void **state)
{
	static const struct migration_set order_set = {"order", order_migrations};
	static const struct migration_set *const sets[] = {&order_set, &events_migration_set, NULL};
	struct place *place = must_alloc(sizeof(*place));
	struct database_options options = {
		.directory = place->directory,
		.name = "order",
		.migration_sets = sets,
		.queue_max = 100,
	};
	const char *why = NULL;

	if (test_directory_make(place->directory))
		return -1;
	place->arena = arena_new();
	if (database_open(&options, place->arena, &place->database, &why)) {
		print_message("%s\n", why);
		return -1;
	}
	*state = place;
	return 0;
}

static inline int place_close(void **state)
{
	struct place *place = *state;
	int failed;

	database_close(place->database);
	arena_free(place->arena);
	failed = test_directory_remove(place->directory);
	free(place);
	return failed;
}

/* An order of `user`, with a line per vendor, of 100 EUR cents each; not stored yet. */
static inline struct order order_of(struct place *place, const struct id *user,
				    const struct id *vendors, size_t count)
{
	struct order order = {
		.id = id_new(),
		.user = *user,
		.total = {100 * (int64_t)count, "EUR"},
		.shipping_address = "{\"country\":\"DE\"}",
		.country = "DE",
		.payment_method = "tok_visa",
		.lines = ARENA_ARRAY(place->arena, struct order_line, count),
		.line_count = count,
	};

	for (size_t i = 0; i < count; i++)
		order.lines[i] = (struct order_line){
			.product = id_new(),
			.parent = id_new(),
			.vendor = vendors[i],
			.name = "Pot",
			.quantity = 1,
			.unit_price = {100, "EUR"},
			.line_total = {100, "EUR"},
		};
	return order;
}

/* --- bodies ----------------------------------------------------------------------------------- */

struct order_work {
	struct place *place;
	struct order *order, given; /* as it is after the transaction, and before it */
	struct order_move move;
};

static inline enum err insert_body(struct sql *sql, void *arg)
{
	struct order_work *work = arg;

	return order_insert(sql, work->place->arena, work->order, PATIENCE_MS);
}

static inline void insert(struct place *place, struct order *order)
{
	struct order_work work = {.place = place, .order = order};

	assert_int_equal(sql_transaction(place->database, insert_body, &work), OK);
}

static inline enum err read_body(struct sql *sql, void *arg)
{
	struct order_work *work = arg;
	enum err err = order_read(sql, work->place->arena, &work->order->id, work->order);

	return err ? err : order_read_history(sql, work->place->arena, work->order);
}

/* The order as it is stored, with lines and history. */
static inline struct order stored(struct place *place, const struct id *id)
{
	struct order order = {.id = *id};
	struct order_work work = {.place = place, .order = &order};

	assert_int_equal(sql_read(place->database, read_body, &work), OK);
	return order;
}

static inline enum err move_body(struct sql *sql, void *arg)
{
	struct order_work *work = arg;

	*work->order = work->given;
	return order_move(sql, work->place->arena, work->order, &work->move);
}

/* Moves an order as it was read. */
static inline enum err move(struct place *place, struct order *order, enum order_status to,
			    enum mover by, const char *reason)
{
	struct order_work work = {
		.place = place,
		.order = order,
		.given = *order,
		.move = {.to = to, .by = by, .reason = reason},
	};

	return sql_transaction(place->database, move_body, &work);
}

struct told {
	struct place *place;
	struct id subject;
	char *types; /* in order, with spaces between */
	char *data;  /* of the last */
	int64_t count;
};

static inline enum err told_body(struct sql *sql, void *arg)
{
	struct told *told = arg;
	struct sql_rows *rows =
		sql_query(sql, "SELECT type, data FROM outbox WHERE subject = $1 ORDER BY seq",
			  sql_id(&told->subject));

	told->types = arena_copy_text(told->place->arena, "");
	while (sql_next(rows)) {
		told->types = arena_printf(told->place->arena, "%s%s%s", told->types,
					   told->count++ ? " " : "", sql_peek_text(rows, 0));
		told->data = sql_get_text(rows, 1, told->place->arena);
	}
	return sql_end(rows);
}

/* What was told of the order. */
static inline struct told told_of(struct place *place, const struct id *order)
{
	struct told told = {.place = place, .subject = *order};

	assert_int_equal(sql_read(place->database, told_body, &told), OK);
	return told;
}

static inline json_t *told_json(struct told *told)
{
	json_t *json = NULL;

	assert_int_equal(
		json_parse(told->place->arena, told->data, strlen(told->data), &json, NULL), OK);
	return json;
}

#endif
