/* The local bus between two services, as their handlers and their data see it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/config.h"
#include "base/test_directory.h"
#include "events/bus.h"
#include "runtime/fiber.h"
#include "runtime/worker.h"

#define PATIENCE_MS 30000

static const struct migration told_migrations[] = {{1, "SELECT 1"}, {0, NULL}};
static const struct migration heard_migrations[] = {
	{1, "CREATE TABLE effects (seq INTEGER PRIMARY KEY, subject UUID, n BIGINT)"},
	{0, NULL},
};
static const struct migration_set told_set = {"order", told_migrations};
static const struct migration_set heard_set = {"inventory", heard_migrations};

static struct {
	char directory[TEST_DIRECTORY_SIZE];
	struct arena *arena;
	struct database *order, *inventory;
	struct bus *bus;
	atomic_llong failing; /* the handler refuses events with this n */
} shop;

/* --- the services ----------------------------------------------------------------------------- */

static enum err on_placed(struct sql *sql, const struct event *event)
{
	int64_t n = json_get_int(event->json, "n");

	if (n == atomic_load(&shop.failing))
		return ERR_CONFLICT;
	return sql_run(sql, "INSERT INTO effects (subject, n) VALUES ($1, $2)",
		       sql_id(&event->subject), sql_int(n));
}

static const struct subscription inventory_hears[] = {
	{"OrderPlaced", on_placed},
	{0},
};

static struct database *open_database(const char *name, const struct migration_set *own)
{
	const struct migration_set *const sets[] = {&events_migration_set, own, NULL};
	const struct database_options options = {.directory = shop.directory,
						 .name = name,
						 .migration_sets = sets,
						 .queue_max = 1000};
	struct database *database = NULL;
	const char *why = NULL;

	assert_int_equal(database_open(&options, shop.arena, &database, &why), OK);
	return database;
}

static void open_shop(void)
{
	shop.order = open_database("order", &told_set);
	shop.inventory = open_database("inventory", &heard_set);
	shop.bus = bus_new();
	bus_add(shop.bus, "order", shop.order, NULL, 0);
	bus_add(shop.bus, "inventory", shop.inventory, inventory_hears, 1);
	assert_int_equal(workers_start(2, 100), OK);
	bus_start(shop.bus);
}

static void close_shop(void)
{
	workers_stop(PATIENCE_MS);
	database_close(shop.order);
	database_close(shop.inventory);
	bus_free(shop.bus);
}

static int setup(void **state)
{
	(void)state;
	if (test_directory_make(shop.directory))
		return -1;
	shop.arena = arena_new();
	atomic_store(&shop.failing, -1);
	open_shop();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close_shop();
	arena_free(shop.arena);
	return test_directory_remove(shop.directory);
}

/* --- telling and looking ---------------------------------------------------------------------- */

struct telling {
	struct id subject;
	int64_t n;
	enum err then;
};

static enum err tell_one(struct sql *sql, void *arg)
{
	const struct telling *telling = arg;
	struct arena *arena = arena_new();
	struct out *data = event_data(sql, arena);
	enum err err;

	out_open(data, NULL);
	out_int(data, "n", telling->n);
	out_close(data);
	err = event_publish(sql, "OrderPlaced", &telling->subject, NULL, data);
	arena_free(arena);
	return err ? err : telling->then;
}

static void tell(const struct id *subject, int64_t n)
{
	struct telling telling = {.subject = *subject, .n = n};

	assert_int_equal(sql_transaction(shop.order, tell_one, &telling), OK);
}

static enum err read_effects(struct sql *sql, void *arg)
{
	struct sql_rows *rows = sql_query(sql, "SELECT n FROM effects ORDER BY seq");
	char **text = arg;

	*text = arena_copy_text(shop.arena, "");
	while (sql_next(rows))
		*text = arena_printf(shop.arena, "%s%lld ", *text, (long long)sql_get_int(rows, 0));
	return sql_end(rows);
}

static const char *effects(void)
{
	char *text;

	assert_int_equal(sql_read(shop.inventory, read_effects, &text), OK);
	return text;
}

static size_t parked_count(struct parked_event **ret_events)
{
	size_t count;

	assert_int_equal(parked_list(shop.inventory, shop.arena, 0, 10, ret_events, &count), OK);
	return count;
}

/* --- tests ------------------------------------------------------------------------------------ */

static void events_arrive_in_their_order(void **state)
{
	struct id subject = id_new();
	int64_t n;

	(void)state;
	for (n = 1; n <= 5; n++)
		tell(&subject, n);
	assert_true(bus_drain(shop.bus, PATIENCE_MS));
	assert_string_equal(effects(), "1 2 3 4 5 ");
}

static void what_was_undone_is_not_told(void **state)
{
	struct telling telling = {.subject = id_new(), .n = 1, .then = ERR_FORBIDDEN};

	(void)state;
	assert_int_equal(sql_transaction(shop.order, tell_one, &telling), ERR_FORBIDDEN);
	assert_true(bus_drain(shop.bus, PATIENCE_MS));
	assert_string_equal(effects(), "");
}

static void what_was_told_before_a_restart_is_heard_after_it(void **state)
{
	struct id subject = id_new();

	(void)state;
	close_shop();
	shop.order = open_database("order", &told_set);
	tell(&subject, 1);
	tell(&subject, 2);
	database_close(shop.order);
	open_shop();
	assert_true(bus_drain(shop.bus, PATIENCE_MS));
	assert_string_equal(effects(), "1 2 ");
}

static void what_was_handled_is_not_handled_again_after_a_restart(void **state)
{
	struct id subject = id_new();

	(void)state;
	tell(&subject, 1);
	assert_true(bus_drain(shop.bus, PATIENCE_MS));
	close_shop();
	open_shop();
	tell(&subject, 2);
	assert_true(bus_drain(shop.bus, PATIENCE_MS));
	assert_string_equal(effects(), "1 2 ");
}

struct telling_many {
	struct id subject;
	int64_t first, count;
	size_t padding; /* bytes that each has beside its number */
};

static enum err tell_many(struct sql *sql, void *arg)
{
	const struct telling_many *telling = arg;
	struct arena *arena = arena_new();
	char *padding = arena_alloc(arena, telling->padding + 1);
	enum err err = OK;

	memset(padding, 'x', telling->padding);
	for (int64_t i = 0; !err && i < telling->count; i++) {
		struct out *data = event_data(sql, arena);

		out_open(data, NULL);
		out_int(data, "n", telling->first + i);
		out_text(data, "padding", padding);
		out_close(data);
		err = event_publish(sql, "OrderPlaced", &telling->subject, NULL, data);
	}
	arena_free(arena);
	return err;
}

/* Some of them come from memory, which has room for fewer in number and in bytes, some from the
 * outbox. */
static void what_memory_does_not_hold_is_read_from_the_outbox(void **state)
{
	struct telling_many telling[] = {
		{.subject = id_new(), .first = 1, .count = 2000},
		{.subject = id_new(), .first = 2001, .count = 900, .padding = 5000},
		{.subject = id_new(), .first = 2901, .count = 10},
	};
	struct out expected = out_new(shop.arena);

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(telling); i++)
		assert_int_equal(sql_transaction(shop.order, tell_many, &telling[i]), OK);
	for (int64_t n = 1; n <= 2910; n++)
		out_printf(&expected, "%lld ", (long long)n);
	assert_true(bus_drain(shop.bus, PATIENCE_MS));
	assert_string_equal(effects(), expected.data);
}

static void a_failing_event_holds_up_its_own_subject_only(void **state)
{
	struct id stuck = id_new(), free_one = id_new();
	struct parked_event *events;

	(void)state;
	atomic_store(&shop.failing, 1);
	tell(&stuck, 1);
	tell(&free_one, 2);
	tell(&stuck, 3);
	tell(&free_one, 4);
	while (parked_count(&events) < 2 || strcmp(effects(), "2 4 ") != 0) {
		(void)fiber_ticket();
		fiber_park(1);
	}
	assert_string_equal(events[0].last_error, "conflict");
	atomic_store(&shop.failing, -1);
	assert_true(bus_drain(shop.bus, PATIENCE_MS));
	assert_string_equal(effects(), "2 4 1 3 ");
	assert_int_equal(parked_count(&events), 0);
}

static enum err put_off(struct sql *sql, void *arg)
{
	(void)arg;
	return sql_run(sql, "UPDATE parked SET next_try_at = next_try_at + 86400000");
}

static void what_a_clock_that_was_ahead_has_put_off_is_tried(void **state)
{
	struct id subject = id_new();
	struct parked_event *events;

	(void)state;
	atomic_store(&shop.failing, 1);
	tell(&subject, 1);
	while (parked_count(&events) < 1) {
		(void)fiber_ticket();
		fiber_park(1);
	}
	assert_int_equal(sql_transaction(shop.inventory, put_off, NULL), OK);
	atomic_store(&shop.failing, -1);
	assert_true(bus_drain(shop.bus, PATIENCE_MS));
	assert_string_equal(effects(), "1 ");
}

static void after_the_last_try_an_admin_can_have_it_tried_again(void **state)
{
	struct id subject = id_new();
	struct parked_event *events;

	(void)state;
	assert_int_equal(config_set("event-attempts", "2"), OK);
	atomic_store(&shop.failing, 1);
	tell(&subject, 1);
	assert_true(bus_drain(shop.bus, PATIENCE_MS));
	assert_int_equal(parked_count(&events), 1);
	assert_int_equal(events[0].next_try_ms, 0);
	assert_string_equal(effects(), "");
	atomic_store(&shop.failing, -1);
	assert_int_equal(parked_retry(shop.bus, &events[0].event.id), OK);
	assert_true(bus_drain(shop.bus, PATIENCE_MS));
	assert_string_equal(effects(), "1 ");
	assert_int_equal(parked_retry(shop.bus, &events[0].event.id), ERR_NOT_FOUND);
}

static enum err count_outbox(struct sql *sql, void *arg)
{
	struct sql_rows *rows = sql_query(sql, "SELECT COUNT(*), MAX(seq) FROM outbox");
	enum err err = sql_first(rows);

	if (err)
		return err;
	((int64_t *)arg)[0] = sql_get_int(rows, 0);
	((int64_t *)arg)[1] = sql_get_int(rows, 1);
	return sql_end(rows);
}

static void pruning_keeps_the_numbers_growing(void **state)
{
	struct id subject = id_new();
	int64_t outbox[2];

	(void)state;
	tell(&subject, 1);
	tell(&subject, 2);
	assert_true(bus_drain(shop.bus, PATIENCE_MS));
	assert_int_equal(bus_prune(shop.bus, INT64_MAX), OK);
	assert_int_equal(sql_read(shop.order, count_outbox, outbox), OK);
	assert_int_equal(outbox[0], 1);
	assert_int_equal(outbox[1], 2);
	tell(&subject, 3);
	assert_true(bus_drain(shop.bus, PATIENCE_MS));
	assert_string_equal(effects(), "1 2 3 ");
}

static void pruning_waits_for_who_does_not_run_here(void **state)
{
	static const struct subscription other_types[] = {{"StockLow", on_placed}, {0}};
	struct id subject = id_new();
	int64_t outbox[2];

	(void)state;
	bus_add_absent(shop.bus, NULL);
	bus_add_absent(shop.bus, other_types);
	tell(&subject, 1);
	tell(&subject, 2);
	tell(&subject, 3);
	assert_true(bus_drain(shop.bus, PATIENCE_MS));
	bus_add_absent(shop.bus, inventory_hears);
	assert_int_equal(bus_prune(shop.bus, INT64_MAX), OK);
	assert_int_equal(sql_read(shop.order, count_outbox, outbox), OK);
	assert_int_equal(outbox[0], 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(events_arrive_in_their_order),
		TEST(what_was_undone_is_not_told),
		TEST(what_was_told_before_a_restart_is_heard_after_it),
		TEST(what_was_handled_is_not_handled_again_after_a_restart),
		TEST(what_memory_does_not_hold_is_read_from_the_outbox),
		TEST(a_failing_event_holds_up_its_own_subject_only),
		TEST(pruning_keeps_the_numbers_growing),
		TEST(pruning_waits_for_who_does_not_run_here),
		TEST(what_a_clock_that_was_ahead_has_put_off_is_tried),
		TEST(after_the_last_try_an_admin_can_have_it_tried_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
