/* The suite of Notification's store. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/test_directory.h"
#include "services/notification/store.h"

#define FAR_MS INT64_C(4102444800000) /* 2100 */

extern const struct migration notification_migrations[];

struct place {
	char directory[TEST_DIRECTORY_SIZE];
	struct arena *arena;
	struct database *database;
};

static int setup(void **state)
{
	static const struct migration_set set = {"notification", notification_migrations};
	static const struct migration_set *const sets[] = {&set, NULL};
	struct place *place = must_alloc(sizeof(*place));
	struct database_options options = {
		.name = "notification", .migration_sets = sets, .queue_max = 100};
	const char *why = "";

	if (test_directory_make(place->directory))
		return -1;
	place->arena = arena_new();
	options.directory = place->directory;
	if (database_open(&options, place->arena, &place->database, &why))
		fail_msg("%s", why);
	*state = place;
	return 0;
}

static int teardown(void **state)
{
	struct place *place = *state;
	int failed;

	database_close(place->database);
	arena_free(place->arena);
	failed = test_directory_remove(place->directory);
	free(place);
	return failed;
}

/* --- one body for all ------------------------------------------------------------------------- */

struct step {
	struct place *place;
	enum err (*run)(struct sql *sql, struct step *step);
	struct message message;
	struct message_filter filter;
	struct page page;
	struct message *messages;
	struct message claimed[8];
	size_t count, most;
	int64_t lease_ms, now_ms, mended;
	struct id order;
	struct known_order known;
	struct waiting_refund refund;
};

static enum err run_step(struct sql *sql, void *arg)
{
	struct step *step = arg;

	return step->run(sql, step);
}

static enum err run(struct step *step, enum err (*fn)(struct sql *sql, struct step *step))
{
	step->run = fn;
	return sql_transaction(step->place->database, run_step, step);
}

static enum err insert(struct sql *sql, struct step *step)
{
	return messages_insert(sql, &step->message);
}

static enum err find_born(struct sql *sql, struct step *step)
{
	const struct id ids[] = {step->message.id, id_new(), step->message.id};

	return messages_born(sql, ids, ARRAY_LENGTH(ids), step->now_ms, step->place->arena,
			     step->claimed, &step->count);
}

static enum err let_go(struct sql *sql, struct step *step)
{
	return messages_let_go(sql, &step->message.id);
}

static enum err mend(struct sql *sql, struct step *step)
{
	step->mended = 0;
	return messages_mend(sql, step->lease_ms, &step->mended);
}

static enum err find(struct sql *sql, struct step *step)
{
	return messages_find(sql, &step->message.id, step->place->arena, &step->message);
}

static enum err list(struct sql *sql, struct step *step)
{
	return messages_list(sql, &step->filter, &step->page, step->place->arena, &step->messages,
			     &step->count);
}

static enum err claim(struct sql *sql, struct step *step)
{
	return messages_claim(sql, step->lease_ms, step->most, step->place->arena, step->claimed,
			      &step->count);
}

static enum err settle(struct sql *sql, struct step *step)
{
	return messages_settle(sql, &step->message);
}

static enum err note_order(struct sql *sql, struct step *step)
{
	return known_orders_note(sql, &step->order, &step->known);
}

static enum err find_order(struct sql *sql, struct step *step)
{
	return known_orders_find(sql, &step->order, step->place->arena, &step->known);
}

static enum err wait_refund(struct sql *sql, struct step *step)
{
	return refunds_wait(sql, &step->refund);
}

static enum err take_refund(struct sql *sql, struct step *step)
{
	return refunds_take(sql, &step->order, step->place->arena, &step->refund);
}

static struct step step_of(struct place *place)
{
	return (struct step){
		.place = place,
		.page.limit = 20,
		.most = 8,
		.lease_ms = 60000,
		.message =
			{
				.id = id_new(),
				.channel = CHANNEL_EMAIL,
				.to = "Leyla@buyers.example",
				.subject = "Hello",
				.body = "World",
				.provider = "outbox",
				.due_ms = 1,
				.version = 1,
				.created_ms = 1,
			},
	};
}

/* --- tests ------------------------------------------------------------------------------------ */

static void test_once_per_id(void **state)
{
	struct step step = step_of(*state);

	assert_int_equal(run(&step, insert), OK);
	step.message.subject = "Another";
	assert_int_equal(run(&step, insert), OK);
	assert_int_equal(run(&step, list), OK);
	assert_int_equal(step.count, 1);
	assert_string_equal(step.messages[0].subject, "Hello");
}

static void test_what_is_born_claimed_is_due_when_the_lease_is_over(void **state)
{
	struct step step = step_of(*state);

	step.message.attempts = 1;
	step.message.due_ms = FAR_MS;
	step.now_ms = FAR_MS - 1;
	assert_int_equal(run(&step, insert), OK);
	assert_int_equal(run(&step, claim), OK);
	assert_int_equal(step.count, 0);
	assert_int_equal(run(&step, find_born), OK);
	assert_int_equal(step.count, 1);
	assert_string_equal(step.claimed[0].subject, "Hello");
	step.now_ms = FAR_MS;
	assert_int_equal(run(&step, find_born), OK);
	assert_int_equal(step.count, 0);

	/* Let go, it is anybody's. */
	step.now_ms = 0;
	assert_int_equal(run(&step, let_go), OK);
	assert_int_equal(run(&step, find_born), OK);
	assert_int_equal(step.count, 0);
	step.lease_ms = -1;
	for (int i = 1; i <= 2; i++) {
		assert_int_equal(run(&step, claim), OK);
		assert_int_equal(step.count, 1);
		assert_int_equal(step.claimed[0].attempts, i);
	}
	/* Claimed again it is not as it was born. */
	assert_int_equal(run(&step, let_go), OK);
	assert_int_equal(run(&step, find), OK);
	assert_int_equal(step.message.attempts, 2);
}

static void test_what_waits_for_too_long_is_due(void **state)
{
	struct step step = step_of(*state);

	step.message.due_ms = FAR_MS;
	assert_int_equal(run(&step, insert), OK);
	step.lease_ms = FAR_MS;
	assert_int_equal(run(&step, mend), OK);
	assert_int_equal(step.mended, 0);
	step.lease_ms = 60000;
	for (int left = 1; left >= 0; left--) {
		assert_int_equal(run(&step, mend), OK);
		assert_int_equal(step.mended, left);
	}
	assert_int_equal(run(&step, claim), OK);
	assert_int_equal(step.count, 1);
}

static void test_what_is_claimed_is_nobody_elses(void **state)
{
	struct step step = step_of(*state);

	assert_int_equal(run(&step, insert), OK);
	assert_int_equal(run(&step, claim), OK);
	assert_int_equal(step.count, 1);
	assert_int_equal(step.claimed[0].attempts, 1);
	assert_string_equal(step.claimed[0].subject, "Hello");
	assert_int_equal(run(&step, claim), OK);
	assert_int_equal(step.count, 0);
}

static void test_a_claim_runs_out(void **state)
{
	struct step step = step_of(*state);

	assert_int_equal(run(&step, insert), OK);
	step.lease_ms = -1;
	for (int i = 1; i <= 3; i++) {
		assert_int_equal(run(&step, claim), OK);
		assert_int_equal(step.count, 1);
		assert_int_equal(step.claimed[0].attempts, i);
	}
}

static void test_batches_are_bounded_and_the_longest_waiting_first(void **state)
{
	struct step step = step_of(*state);
	struct id oldest = {0};

	for (int64_t i = 0; i < 5; i++) {
		step.message.id = id_new();
		step.message.due_ms = 5 - i;
		oldest = step.message.id;
		assert_int_equal(run(&step, insert), OK);
	}
	step.message.id = id_new();
	step.message.due_ms = FAR_MS;
	assert_int_equal(run(&step, insert), OK);
	step.most = 1;
	assert_int_equal(run(&step, claim), OK);
	assert_int_equal(step.count, 1);
	assert_true(id_equal(&step.claimed[0].id, &oldest));
	step.most = 8;
	assert_int_equal(run(&step, claim), OK);
	assert_int_equal(step.count, 4);
}

static void test_what_is_settled_stays(void **state)
{
	struct step step = step_of(*state);

	assert_int_equal(run(&step, insert), OK);
	assert_int_equal(run(&step, claim), OK);
	step.message.status = MESSAGE_SENT;
	step.message.sent_ms = 5;
	assert_int_equal(run(&step, settle), OK);
	step.message.status = MESSAGE_FAILED;
	step.message.last_error = "late";
	step.message.sent_ms = 0;
	assert_int_equal(run(&step, settle), OK);
	assert_int_equal(run(&step, find), OK);
	assert_int_equal(step.message.status, MESSAGE_SENT);
	assert_int_equal(step.message.sent_ms, 5);
	assert_null(step.message.last_error);
	assert_int_equal(step.message.version, 3);
	step.lease_ms = -1;
	assert_int_equal(run(&step, claim), OK);
	assert_int_equal(step.count, 0);
	step.message.id = id_new();
	assert_int_equal(run(&step, find), ERR_NOT_FOUND);
}

static void test_lists(void **state)
{
	struct step step = step_of(*state);
	struct id user = id_new();

	for (int i = 0; i < 5; i++) {
		step.message.id = id_new();
		step.message.user = i < 2 ? user : id_new();
		step.message.to = NULL;
		assert_int_equal(run(&step, insert), OK);
	}
	step.page.limit = 3;
	assert_int_equal(run(&step, list), OK);
	assert_int_equal(step.count, 4);
	step.page.has_after = true;
	step.page.after.id = step.messages[2].id;
	assert_int_equal(run(&step, list), OK);
	assert_int_equal(step.count, 2);
	step.page.has_after = false;
	step.filter = (struct message_filter){
		.user = user, .has_user = true, .has_status = true, .status = MESSAGE_QUEUED};
	assert_int_equal(run(&step, list), OK);
	assert_int_equal(step.count, 2);
	assert_null(step.messages[0].to);
	step.filter.status = MESSAGE_SENT;
	assert_int_equal(run(&step, list), OK);
	assert_int_equal(step.count, 0);
	step.filter.has_user = false;
	for (int status = MESSAGE_QUEUED; status <= MESSAGE_FAILED; status++) {
		step.filter.status = status;
		assert_int_equal(run(&step, list), OK);
		assert_int_equal(step.count, status == MESSAGE_QUEUED ? 4 : 0);
	}
}

static void test_refunds_wait_for_their_order(void **state)
{
	struct step step = step_of(*state);

	step.order = step.refund.order = id_new();
	step.refund.event = id_new();
	step.refund.amount = (struct money){.amount = 500, .currency = "EUR"};
	assert_int_equal(run(&step, find_order), ERR_NOT_FOUND);
	assert_int_equal(run(&step, wait_refund), OK);
	assert_int_equal(run(&step, wait_refund), OK);
	step.known = (struct known_order){.user = id_new(), .number = "S-1"};
	assert_int_equal(run(&step, note_order), OK);
	assert_int_equal(run(&step, note_order), OK);
	step.known.number = NULL;
	assert_int_equal(run(&step, find_order), OK);
	assert_string_equal(step.known.number, "S-1");
	memset(&step.refund, 0, sizeof(step.refund));
	assert_int_equal(run(&step, take_refund), OK);
	assert_int_equal(step.refund.amount.amount, 500);
	assert_string_equal(step.refund.amount.currency, "EUR");
	assert_int_equal(run(&step, take_refund), ERR_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_once_per_id, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_what_is_born_claimed_is_due_when_the_lease_is_over, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_waits_for_too_long_is_due, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_what_is_claimed_is_nobody_elses, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_a_claim_runs_out, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_batches_are_bounded_and_the_longest_waiting_first, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_is_settled_stays, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lists, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refunds_wait_for_their_order, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
