/* The store's suite: what sql.h promises, on every engine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <sched.h>
#include <stdatomic.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/fiber.h"
#include "runtime/pool.h"
#include "runtime/worker.h"
#include "store/test_place.h"

static const struct migration migrations[] = {
	{1, "CREATE TABLE things (id UUID PRIMARY KEY, name TEXT UNIQUE, n BIGINT)"
	    " /*sqlite WITHOUT ROWID */"},
	{2, "CREATE INDEX things_by_n ON things (n); CREATE TABLE notes (text TEXT)"},
	{0, NULL},
};
static const struct migration_set set = {"things", migrations};
static const struct migration_set *const sets[] = {&set, NULL};

static struct database *open_at(struct place *place, bool read_only)
{
	return place_open(
		place, (struct database_options){.migration_sets = sets, .read_only = read_only});
}

static int setup(void **state)
{
	*state = place_make(sets);
	return 0;
}

static int teardown(void **state)
{
	return place_remove(*state);
}

/* --- bodies ----------------------------------------------------------------------------------- */

struct thing {
	struct id id;
	const char *name;
	int64_t n;
	enum err then; /* what the body answers after its insert */
};

static enum err insert(struct sql *sql, void *arg)
{
	const struct thing *thing = arg;
	enum err err = sql_run(sql, "INSERT INTO things (n, id, name) VALUES ($3, $1, $2)",
			       sql_id(&thing->id), sql_text(thing->name), sql_int(thing->n));

	return err ? err : thing->then;
}

struct found {
	struct arena *arena;
	int64_t count, sum;
	char *names;
};

static enum err read_all(struct sql *sql, void *arg)
{
	struct found *found = arg;
	struct sql_rows *rows = sql_query(sql, "SELECT name, n FROM things ORDER BY n");

	found->count = found->sum = 0;
	found->names = arena_copy_text(found->arena, "");
	while (sql_next(rows)) {
		found->count++;
		found->sum += sql_get_int(rows, 1);
		found->names =
			arena_printf(found->arena, "%s%s,", found->names, sql_peek_text(rows, 0));
	}
	return sql_end(rows);
}

static struct found all(struct place *place)
{
	struct found found = {.arena = place->arena};

	assert_int_equal(sql_read(place->database, read_all, &found), OK);
	return found;
}

/* --- tests ------------------------------------------------------------------------------------ */

static void what_is_stored_is_read(void **state)
{
	struct place *place = *state;
	struct thing thing = {.id = id_new(), .name = "lamp", .n = 7};
	struct found found;

	assert_int_equal(sql_transaction(place->database, insert, &thing), OK);
	found = all(place);
	assert_string_equal(found.names, "lamp,");
	assert_int_equal(found.sum, 7);
}

static void an_error_stores_nothing(void **state)
{
	struct place *place = *state;
	struct thing thing = {.id = id_new(), .name = "lamp", .then = ERR_FORBIDDEN};

	assert_int_equal(sql_transaction(place->database, insert, &thing), ERR_FORBIDDEN);
	assert_int_equal(all(place).count, 0);
}

static void a_broken_rule_is_a_conflict(void **state)
{
	struct place *place = *state;
	struct thing one = {.id = id_new(), .name = "lamp"};
	struct thing two = {.id = id_new(), .name = "lamp"};

	assert_int_equal(sql_transaction(place->database, insert, &one), OK);
	assert_int_equal(sql_transaction(place->database, insert, &two), ERR_CONFLICT);
	assert_int_equal(all(place).count, 1);
}

static enum err insert_and_try(struct sql *sql, void *arg)
{
	struct thing *things = arg;
	enum err err = insert(sql, &things[0]);

	if (err)
		return err;
	if (sql_nested(sql, insert, &things[1]) != ERR_FORBIDDEN)
		return ERR_INTERNAL;
	return sql_nested(sql, insert, &things[2]);
}

static void a_nested_part_fails_alone(void **state)
{
	struct place *place = *state;
	struct thing things[] = {
		{.id = id_new(), .name = "a", .n = 1},
		{.id = id_new(), .name = "b", .n = 2, .then = ERR_FORBIDDEN},
		{.id = id_new(), .name = "c", .n = 3},
	};

	assert_int_equal(sql_transaction(place->database, insert_and_try, things), OK);
	assert_string_equal(all(place).names, "a,c,");
}

/* As an engine does by itself where memory or room lacks; the caller takes no notice. */
static enum err lose(struct sql *sql, void *arg)
{
	(void)arg;
	return sql_run(sql, "ROLLBACK");
}

static enum err insert_behind_a_loss(struct sql *sql, void *arg)
{
	struct thing *things = arg;

	assert_int_equal(insert(sql, &things[0]), OK);
	assert_int_not_equal(sql_nested(sql, lose, NULL), OK);
	assert_int_equal(insert(sql, &things[1]), ERR_STORAGE);
	return OK;
}

static void behind_a_lost_transaction_nothing_is_stored(void **state)
{
	struct place *place = *state;
	struct thing things[] = {
		{.id = id_new(), .name = "a", .n = 1},
		{.id = id_new(), .name = "b", .n = 2},
	};

	assert_int_not_equal(sql_transaction(place->database, insert_behind_a_loss, things), OK);
	assert_string_equal(all(place).names, "");
	assert_int_equal(sql_transaction(place->database, insert, &things[1]), OK);
	assert_string_equal(all(place).names, "b,");
}

static void *many_inserts(void *arg)
{
	struct place *place = arg;
	size_t i;

	for (i = 0; i < 100; i++) {
		char name[32];
		struct thing thing = {.id = id_new(), .n = (int64_t)i, .name = name};
		char text[ID_TEXT_SIZE];

		id_format(&thing.id, text);
		snprintf(name, sizeof(name), "%.31s", text + 5);
		thing.then = i % 10 == 9 ? ERR_FORBIDDEN : OK;
		assert_int_equal(sql_transaction(place->database, insert, &thing), thing.then);
	}
	return NULL;
}

static void many_writers_share_commits_and_each_gets_its_own_answer(void **state)
{
	struct place *place = *state;
	pthread_t threads[8];
	size_t i;

	for (i = 0; i < ARRAY_LENGTH(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, many_inserts, place), 0);
	for (i = 0; i < ARRAY_LENGTH(threads); i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(all(place).count, 8 * 90);
}

static void data_and_schema_survive_opening_again(void **state)
{
	struct place *place = *state;
	struct thing thing = {.id = id_new(), .name = "lamp"};

	assert_int_equal(sql_transaction(place->database, insert, &thing), OK);
	database_close(place->database);
	place->database = open_at(place, false);
	assert_int_equal(all(place).count, 1);
}

static void a_newer_schema_is_refused(void **state)
{
	static const struct migration older[] = {{1, "SELECT 1"}, {0, NULL}};
	static const struct migration_set older_set = {"things", older};
	const struct migration_set *const older_sets[] = {&older_set, NULL};
	struct place *place = *state;
	const struct database_options options = {.directory = place->directory,
						 .name = "test",
						 .migration_sets = older_sets,
						 .queue_max = 1};
	struct database *database;
	const char *why = NULL;

	assert_int_equal(database_open(&options, place->arena, &database, &why), ERR_CONFLICT);
	assert_non_null(strstr(why, "newer"));
}

static enum err write_in_read(struct sql *sql, void *arg)
{
	struct thing *thing = arg;

	return insert(sql, thing) ? ERR_FORBIDDEN : OK;
}

static void a_reader_cannot_write(void **state)
{
	struct place *place = *state;
	struct thing thing = {.id = id_new(), .name = "lamp"};

	assert_int_equal(sql_read(place->database, write_in_read, &thing), ERR_FORBIDDEN);
	assert_int_equal(all(place).count, 0);
}

static void another_process_can_read_along(void **state)
{
	struct place *place = *state;
	struct thing thing = {.id = id_new(), .name = "lamp"};
	struct found found = {.arena = place->arena};
	struct database *beside = open_at(place, true);

	assert_int_equal(sql_transaction(place->database, insert, &thing), OK);
	assert_int_equal(sql_read(beside, read_all, &found), OK);
	assert_int_equal(found.count, 1);
	database_close(beside);
}

static enum err two_of_the_same(struct sql *sql, void *arg)
{
	static const char text[] = "SELECT n FROM things WHERE n >= $1 ORDER BY n";
	struct sql_rows *outer = sql_query(sql, text, sql_int(0));
	struct sql_rows *inner;
	int64_t *sum = arg;
	enum err err;

	*sum = 0;
	while (sql_next(outer)) {
		inner = sql_query(sql, text, sql_int(sql_get_int(outer, 0)));
		while (sql_next(inner))
			*sum += sql_get_int(inner, 0);
		err = sql_end(inner);
		if (err)
			return err;
	}
	return sql_end(outer);
}

static void one_text_can_be_queried_twice_at_once(void **state)
{
	struct place *place = *state;
	int64_t sum;
	size_t i;

	for (i = 1; i <= 3; i++) {
		char name[] = {(char)('a' + i), '\0'};
		struct thing thing = {.id = id_new(), .name = name, .n = (int64_t)i};

		assert_int_equal(sql_transaction(place->database, insert, &thing), OK);
	}
	assert_int_equal(sql_read(place->database, two_of_the_same, &sum), OK);
	assert_int_equal(sum, (1 + 2 + 3) + (2 + 3) + 3);
}

static enum err built(struct sql *sql, void *arg)
{
	struct place *place = arg;
	struct sql_builder query = sql_builder_new(place->arena);
	struct sql_rows *rows;
	int64_t count = 0;

	sql_add(&query, "SELECT id, name FROM things WHERE TRUE");
	sql_add(&query, " AND n >= ? AND n < ?", sql_int(10), sql_int(20));
	sql_add(&query, " AND name = ?", sql_text("lamp"));
	assert_string_equal(query.text, "SELECT id, name FROM things WHERE TRUE"
					" AND n >= $1 AND n < $2 AND name = $3");
	rows = sql_query_built(sql, &query);
	while (sql_next(rows))
		count++;
	assert_int_equal(count, 1);
	return sql_end(rows);
}

static void statements_can_be_built(void **state)
{
	struct place *place = *state;
	struct thing thing = {.id = id_new(), .name = "lamp", .n = 12};

	assert_int_equal(sql_transaction(place->database, insert, &thing), OK);
	assert_int_equal(sql_read(place->database, built, place), OK);
}

static enum err absent(struct sql *sql, void *arg)
{
	struct id id = id_new();
	struct sql_rows *rows = sql_query(sql, "SELECT n FROM things WHERE id = $1", sql_id(&id));

	(void)arg;
	return sql_first(rows);
}

static void what_is_not_there_is_not_found(void **state)
{
	struct place *place = *state;

	assert_int_equal(sql_read(place->database, absent, NULL), ERR_NOT_FOUND);
}

struct hooking {
	struct sql_hook hook;
	const char *name;
	enum err result;
	int committed, undone;
};

static void note_end(struct sql_hook *hook, bool committed)
{
	struct hooking *hooking = (struct hooking *)hook;

	if (committed)
		hooking->committed++;
	else
		hooking->undone++;
}

static enum err insert_with_hook(struct sql *sql, void *arg)
{
	struct hooking *hooking = arg;
	struct thing thing = {.id = id_new(), .name = hooking->name};
	enum err err = insert(sql, &thing);

	if (!err)
		sql_on_end(sql, &hooking->hook);
	return err ? err : hooking->result;
}

static void count_commit(void *owner)
{
	++*(int *)owner;
}

static void hooks_end_with_their_transaction(void **state)
{
	struct place *place = *state;
	struct thing thing = {.id = id_new(), .name = "lamp"};
	struct hooking kept = {.hook.end = note_end, .name = "chair"};
	struct hooking refused = {.hook.end = note_end, .name = "table", .result = ERR_FORBIDDEN};
	int told = 0;

	database_on_commit(place->database, count_commit, &told);
	assert_int_equal(sql_transaction(place->database, insert, &thing), OK);
	assert_int_equal(told, 0);
	assert_int_equal(sql_transaction(place->database, insert_with_hook, &kept), OK);
	assert_int_equal(told, 1);
	assert_int_equal(kept.committed, 1);
	assert_int_equal(kept.undone, BATCHES_TWICE);
	assert_int_equal(sql_transaction(place->database, insert_with_hook, &refused),
			 ERR_FORBIDDEN);
	assert_int_equal(told, 1);
	assert_int_equal(refused.committed, 0);
	assert_int_equal(refused.undone, 1 + BATCHES_TWICE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* --- readings that nobody waits for ----------------------------------------------------------- */

struct endless {
	struct database *database;
	atomic_bool begun, gone, ended;
	enum err err;
};

static enum err count_for_ever(struct sql *sql, void *arg)
{
	struct endless *endless = arg;

	atomic_store(&endless->begun, true);
	return sql_run(sql, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
			    " SELECT count(*) FROM n");
}

static void read_for_ever(void *arg)
{
	struct endless *endless = arg;

	endless->err = sql_read(endless->database, count_for_ever, endless);
}

static bool has_gone(const void *client)
{
	return atomic_load(&((const struct endless *)client)->gone);
}

static struct pool *pool;

static void read_in_pool(void *arg)
{
	struct endless *endless = arg;
	const struct pool_work work = {
		.fn = read_for_ever,
		.arg = endless,
		.client_is_gone = has_gone,
		.client = endless,
	};
	enum err err = pool_run(pool, &work, 60000);

	assert_int_equal(err, OK);
	atomic_store(&endless->ended, true);
}

static void a_reading_ends_when_its_client_has_gone(void **state)
{
	const struct pool_options options = {.name = "test", .threads = 1, .queue_max = 1};
	struct place *place = *state;
	struct endless endless = {.database = place->database};

	pool = pool_new(&options);
	assert_int_equal(workers_start(1, 4), OK);
	fiber_start_on(0, read_in_pool, &endless);
	while (!atomic_load(&endless.begun))
		sched_yield();
	atomic_store(&endless.gone, true);
	while (!atomic_load(&endless.ended))
		sched_yield();
	assert_int_equal(endless.err, ERR_ABANDONED);
	workers_stop(20000);
	pool_free(pool);
}

/* --- limits ----------------------------------------------------------------------------------- */

#define ENDLESS "WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT n FROM c"

/* Nothing of it fits: all is read before the first row. */
static enum err never_ends(struct sql *sql, void *arg)
{
	sql_limit(sql, 5, ERR_SEARCH_TOO_COSTLY);
	return sql_run(sql, ENDLESS " WHERE n < 0");
}

/* Its rows are few enough, and too many. */
static enum err never_stops(struct sql *sql, void *arg)
{
	struct sql_rows *rows;

	sql_limit(sql, 5, ERR_SEARCH_TOO_COSTLY);
	rows = sql_query(sql, ENDLESS);
	while (sql_next(rows))
		;
	return sql_end(rows);
}

static enum err insert_and_never_end(struct sql *sql, void *arg)
{
	enum err err = insert(sql, arg);

	return err ? err : never_ends(sql, NULL);
}

static enum err normal_never_ends(struct sql *sql, void *arg)
{
	return sql_run(sql, ENDLESS " WHERE n < 0");
}

/* What takes too much of a core ends, that alone, and what was stored with it is undone. */
static void costly_statements_end(void **state)
{
	struct place *place = *state;
	struct found found = {.arena = place->arena};
	struct thing thing = {.id = id_new(), .name = "a", .n = 1},
		     other = {.id = id_new(), .n = 2};

	assert_int_equal(sql_read(place->database, never_ends, NULL), ERR_SEARCH_TOO_COSTLY);
	assert_int_equal(sql_read(place->database, never_stops, NULL), ERR_SEARCH_TOO_COSTLY);
	assert_int_equal(sql_transaction(place->database, insert_and_never_end, &thing),
			 ERR_SEARCH_TOO_COSTLY);
	other.name = "b";
	assert_int_equal(sql_transaction(place->database, insert, &other), OK);
	assert_int_equal(sql_read(place->database, read_all, &found), OK);
	assert_string_equal(found.names, "b,");
}

/* Without a word of its own a body has the database's limit. */
static void statements_have_a_normal_limit(void **state)
{
	struct place *place = *state;
	struct database *database;

	database_close(place->database);
	database = place_open(
		place, (struct database_options){.migration_sets = sets, .statement_limit_ms = 5});
	place->database = database;
	assert_int_equal(sql_read(database, normal_never_ends, NULL), ERR_OVERLOADED);
	assert_int_equal(sql_transaction(database, normal_never_ends, NULL), ERR_OVERLOADED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(costly_statements_end),
		TEST(statements_have_a_normal_limit),
		TEST(what_is_stored_is_read),
		TEST(a_reading_ends_when_its_client_has_gone),
		TEST(an_error_stores_nothing),
		TEST(a_broken_rule_is_a_conflict),
		TEST(a_nested_part_fails_alone),
		TEST(behind_a_lost_transaction_nothing_is_stored),
		TEST(many_writers_share_commits_and_each_gets_its_own_answer),
		TEST(data_and_schema_survive_opening_again),
		TEST(a_newer_schema_is_refused),
		TEST(a_reader_cannot_write),
		TEST(another_process_can_read_along),
		TEST(one_text_can_be_queried_twice_at_once),
		TEST(statements_can_be_built),
		TEST(what_is_not_there_is_not_found),
		TEST(hooks_end_with_their_transaction),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
