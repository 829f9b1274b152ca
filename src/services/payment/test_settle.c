/*
 * Charges and refunds from the intent to the outcome, on real files: Payment's and the sandbox's.
 * The test's threads stand for the fibers of the program.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/config.h"
#include "base/env.h"
#include "base/test_directory.h"
#include "platform/platform.h"
#include "services/payment/intent.h"
#include "services/payment/settle.h"

#define PATIENCE_MS 20000
#define RACERS 8

static struct {
	char directory[TEST_DIRECTORY_SIZE];
	struct arena *arena;
	struct database *payment;
	struct buyer *buyers; /* of the test, the latest first */
} shop;

static const struct service *const services[] = {&payment_service, NULL};

static void open_shop(void)
{
	const struct platform_options options = {.directory = shop.directory, .services = services};
	const char *why = "";

	if (platform_open(&options, NULL, shop.arena, &why))
		fail_msg("%s", why);
	shop.payment = service_database(&payment_service);
}

/* One who asks: for what, and what came of it. */
struct buyer {
	struct buyer *earlier;
	struct arena *arena; /* its own: it may ask from a thread of its own */
	struct request req;
	struct charge_draft charge;
	struct refund_draft refund;
	const char *key;
	struct settlement settlement;
	enum err err;
};

static int set_up(void **state)
{
	(void)state;
	shop.arena = arena_new();
	assert_int_equal(test_directory_make(shop.directory), 0);
	assert_int_equal(config_set("data", shop.directory), OK);
	open_shop();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	platform_close();
	for (; shop.buyers; shop.buyers = shop.buyers->earlier)
		arena_free(shop.buyers->arena);
	arena_free(shop.arena);
	return test_directory_remove(shop.directory);
}

/* --- asking ------------------------------------------------------------------------------------ */

static struct buyer *new_buyer(const struct id *order, int64_t amount, const char *method)
{
	struct buyer *buyer = ARENA_NEW(shop.arena, struct buyer);

	buyer->arena = arena_new();
	buyer->earlier = shop.buyers;
	shop.buyers = buyer;
	buyer->req.arena = buyer->settlement.arena = buyer->arena;
	buyer->charge = (struct charge_draft){
		.order = *order, .amount = {amount, "EUR"}, .payment_method = (char *)method};
	buyer->refund = (struct refund_draft){
		.order = *order, .amount = {amount, "EUR"}, .amount_given = amount > 0};
	return buyer;
}

static enum err begin_charge(struct sql *sql, void *arg)
{
	struct buyer *buyer = arg;

	return intent_charge(sql, &buyer->req, &buyer->charge, &buyer->settlement.transaction,
			     &buyer->settlement.claimed);
}

static enum err begin_refund(struct sql *sql, void *arg)
{
	struct buyer *buyer = arg;

	return intent_refund(sql, &buyer->req, &buyer->refund, buyer->key,
			     &buyer->settlement.transaction, &buyer->settlement.claimed);
}

static enum err run_to_end(struct buyer *buyer, sql_body *begin, int64_t patience_ms)
{
	buyer->err = sql_transaction(shop.payment, begin, buyer);
	if (!buyer->err)
		buyer->err = settle_ask(&buyer->settlement, env_monotonic_ms() + patience_ms);
	if (!buyer->err)
		buyer->err = settle_store(&buyer->settlement);
	return buyer->err;
}

static void *charge_thread(void *arg)
{
	run_to_end(arg, begin_charge, PATIENCE_MS);
	return NULL;
}

static struct transaction charge(const struct id *order, int64_t amount, const char *method)
{
	struct buyer *buyer = new_buyer(order, amount, method);

	assert_int_equal(run_to_end(buyer, begin_charge, PATIENCE_MS), OK);
	return buyer->settlement.transaction;
}

static enum err refund(const struct id *order, int64_t amount, const char *key,
		       struct transaction *ret_transaction)
{
	struct buyer *buyer = new_buyer(order, amount, NULL);
	enum err err;

	buyer->key = key;
	err = run_to_end(buyer, begin_refund, PATIENCE_MS);
	*ret_transaction = buyer->settlement.transaction;
	return err;
}

/* --- looking ----------------------------------------------------------------------------------- */

struct count {
	const char *text;
	const char *key;
	int64_t number;
};

static enum err count_body(struct sql *sql, void *arg)
{
	struct count *count = arg;
	struct sql_rows *rows = sql_query(sql, count->text, sql_text(count->key));

	return SQL_TAKE(rows, &count->number, sql_get_int(rows, 0));
}

static int64_t look(struct database *database, const char *text, const char *key)
{
	struct count count = {.text = text, .key = key};

	assert_int_equal(sql_read(database, count_body, &count), OK);
	return count.number;
}

/* In the sandbox's books, read as another process would. */
static int64_t look_in_sandbox(const char *text, const char *key)
{
	static const struct migration_set *const sets[] = {NULL};
	const struct database_options options = {.directory = shop.directory,
						 .name = "sandbox",
						 .migration_sets = sets,
						 .read_only = true};
	struct database *sandbox = NULL;
	const char *why = "";
	int64_t number;

	if (database_open(&options, shop.arena, &sandbox, &why))
		fail_msg("%s", why);
	number = look(sandbox, text, key);
	database_close(sandbox);
	return number;
}

static int64_t taken_for(const struct id *order)
{
	return look_in_sandbox("SELECT COALESCE(SUM(amount - refunded), 0) FROM charges"
			       " WHERE order_id = $1 AND status = 'succeeded'",
			       id_text(shop.arena, order));
}

static int64_t events_told(const char *type)
{
	return look(shop.payment, "SELECT COUNT(*) FROM outbox WHERE type = $1", type);
}

static enum err read_charge(struct sql *sql, void *arg)
{
	struct transaction *charge = arg;
	struct id order = charge->order;

	return transaction_last_charge(sql, &order, shop.arena, charge);
}

static struct transaction charge_of(const struct id *order)
{
	struct transaction charge = {.order = *order};

	assert_int_equal(sql_read(shop.payment, read_charge, &charge), OK);
	return charge;
}

/* --- charges ----------------------------------------------------------------------------------- */

static void a_charge_succeeds_once(void **state)
{
	struct id order = id_new();
	struct transaction first, again;
	struct buyer *other;

	(void)state;
	first = charge(&order, 500, "tok_visa");
	assert_int_equal(first.status, STATUS_SUCCEEDED);
	assert_non_null(first.provider_reference);
	assert_string_equal(first.provider_key, id_text(shop.arena, &order));

	again = charge(&order, 500, "tok_visa");
	assert_true(id_equal(&again.id, &first.id));
	assert_int_equal(charge_of(&order).status, STATUS_SUCCEEDED);
	assert_int_equal(taken_for(&order), 500);
	assert_int_equal(events_told("PaymentSucceeded"), 1);

	other = new_buyer(&order, 600, "tok_visa");
	assert_int_equal(run_to_end(other, begin_charge, PATIENCE_MS), ERR_ALREADY_PAID);
	assert_int_equal(taken_for(&order), 500);
}

static void a_declined_charge_is_tried_again_with_another_method(void **state)
{
	struct id order = id_new();
	struct transaction first, same, second, other;

	(void)state;
	first = charge(&order, 500, "tok_declined");
	assert_int_equal(first.status, STATUS_FAILED);
	assert_string_equal(first.failure_code, "card_declined");
	same = charge(&order, 500, "tok_declined");
	assert_true(id_equal(&same.id, &first.id));
	assert_int_equal(events_told("PaymentFailed"), 1);

	other = charge(&order, 500, "tok_nobody_knows");
	assert_string_equal(other.failure_code, "invalid_payment_method");
	other = charge(&order, 500, "tok_insufficient_funds");
	assert_string_equal(other.failure_code, "insufficient_funds");
	assert_int_equal(taken_for(&order), 0);

	second = charge(&order, 500, "tok_visa");
	assert_int_equal(second.status, STATUS_SUCCEEDED);
	assert_string_not_equal(second.provider_key, first.provider_key);
	assert_int_equal(taken_for(&order), 500);
	assert_int_equal(charge_of(&order).status, STATUS_SUCCEEDED);
}

static void a_lost_answer_is_found_and_not_charged_again(void **state)
{
	struct id order = id_new();
	struct transaction found = charge(&order, 500, "tok_timeout");

	(void)state;
	assert_int_equal(found.status, STATUS_SUCCEEDED);
	assert_int_equal(found.attempts, 2);
	assert_int_equal(taken_for(&order), 500);
	assert_int_equal(
		look_in_sandbox("SELECT asked FROM charges WHERE key = $1", found.provider_key), 1);
}

static void a_failing_provider_is_asked_until_it_answers(void **state)
{
	struct id order = id_new();
	struct transaction third = charge(&order, 500, "tok_flaky");

	(void)state;
	assert_int_equal(third.status, STATUS_SUCCEEDED);
	assert_int_equal(third.attempts, 3);
	assert_int_equal(taken_for(&order), 500);
}

static void who_has_no_patience_leaves_it_to_the_next(void **state)
{
	struct id order = id_new();
	struct buyer *hasty = new_buyer(&order, 500, "tok_timeout");
	struct buyer *other = new_buyer(&order, 700, "tok_timeout");
	struct transaction patient;

	(void)state;
	assert_int_equal(run_to_end(hasty, begin_charge, 0), ERR_UNAVAILABLE);
	assert_int_equal(charge_of(&order).status, STATUS_PROCESSING);
	assert_int_equal(taken_for(&order), 500);
	/* While it is not known, nothing else can be charged. */
	assert_int_equal(run_to_end(other, begin_charge, 0), ERR_CONFLICT);

	patient = charge(&order, 500, "tok_visa");
	assert_true(id_equal(&patient.id, &hasty->settlement.transaction.id));
	assert_int_equal(patient.status, STATUS_SUCCEEDED);
	assert_int_equal(taken_for(&order), 500);
}

static void a_killed_buyers_charge_is_settled_after_the_restart(void **state)
{
	struct id order = id_new();
	struct buyer *killed = new_buyer(&order, 500, "tok_visa");
	int64_t deadline_ms = env_monotonic_ms() + PATIENCE_MS;

	(void)state;
	/* It has stored the intent, and was killed before it asked. */
	assert_int_equal(sql_transaction(shop.payment, begin_charge, killed), OK);
	assert_true(killed->settlement.claimed);
	platform_close();
	open_shop();
	assert_int_equal(charge_of(&order).status, STATUS_PROCESSING);
	/* Its claim runs out, and whoever comes next asks in its place. */
	assert_int_equal(charge(&order, 500, "tok_visa").status, STATUS_SUCCEEDED);
	assert_true(env_monotonic_ms() < deadline_ms);
	assert_int_equal(taken_for(&order), 500);
}

struct claim {
	struct transaction transaction;
	bool claimed;
};

static enum err claim_body(struct sql *sql, void *arg)
{
	struct claim *claim = arg;

	return transaction_claim(sql, &claim->transaction, 10000, shop.arena, &claim->claimed);
}

static enum err postpone_body(struct sql *sql, void *arg)
{
	struct claim *claim = arg;

	return transaction_postpone(sql, &claim->transaction, 0);
}

static bool try_claim(struct claim *claim)
{
	assert_int_equal(sql_transaction(shop.payment, claim_body, claim), OK);
	return claim->claimed;
}

static void one_asks_at_a_time(void **state)
{
	struct id order = id_new();
	struct buyer *buyer = new_buyer(&order, 500, "tok_visa");
	struct claim first = {0}, second = {0}, late = {0};

	(void)state;
	assert_int_equal(sql_transaction(shop.payment, begin_charge, buyer), OK);
	assert_true(buyer->settlement.claimed);
	first.transaction = second.transaction = late.transaction = buyer->settlement.transaction;
	assert_false(try_claim(&first));
	assert_int_equal(first.transaction.status, STATUS_PROCESSING);

	/* Given up, the next has it, and alone. */
	first.transaction = buyer->settlement.transaction;
	assert_int_equal(sql_transaction(shop.payment, postpone_body, &first), OK);
	assert_true(try_claim(&second));
	assert_int_equal(second.transaction.attempts, 2);
	assert_false(try_claim(&late));
	/* Who had it before can give up no more. */
	assert_int_equal(sql_transaction(shop.payment, postpone_body, &first), OK);
	assert_false(try_claim(&late));
}

static void many_at_once_charge_once(void **state)
{
	struct id order = id_new();
	struct buyer *buyers[RACERS];
	pthread_t threads[RACERS];
	const char *methods[] = {"tok_timeout", "tok_visa"};

	(void)state;
	for (size_t i = 0; i < RACERS; i++) {
		buyers[i] = new_buyer(&order, 500, methods[i % 2]);
		assert_int_equal(pthread_create(&threads[i], NULL, charge_thread, buyers[i]), 0);
	}
	for (size_t i = 0; i < RACERS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(buyers[i]->err, OK);
		assert_int_equal(buyers[i]->settlement.transaction.status, STATUS_SUCCEEDED);
		assert_true(id_equal(&buyers[i]->settlement.transaction.id,
				     &buyers[0]->settlement.transaction.id));
	}
	assert_int_equal(taken_for(&order), 500);
	assert_int_equal(charge_of(&order).status, STATUS_SUCCEEDED);
}

/* --- refunds ----------------------------------------------------------------------------------- */

static void refunds_never_exceed_what_was_paid(void **state)
{
	struct id order = id_new(), nobody = id_new();
	struct transaction part, rest, more;

	(void)state;
	assert_int_equal(refund(&nobody, 1, NULL, &more), ERR_REFUND_EXCEEDS_PAYMENT);
	charge(&order, 500, "tok_visa");
	assert_int_equal(refund(&order, 501, NULL, &more), ERR_REFUND_EXCEEDS_PAYMENT);
	assert_int_equal(refund(&order, 200, NULL, &part), OK);
	assert_int_equal(part.status, STATUS_SUCCEEDED);
	assert_int_equal(refund(&order, 301, NULL, &more), ERR_REFUND_EXCEEDS_PAYMENT);
	/* Without an amount: all that is left. */
	assert_int_equal(refund(&order, 0, NULL, &rest), OK);
	assert_int_equal(rest.amount.amount, 300);
	assert_int_equal(refund(&order, 0, NULL, &more), ERR_REFUND_EXCEEDS_PAYMENT);

	assert_int_equal(charge_of(&order).refunded, 500);
	assert_int_equal(charge_of(&order).refunding, 0);
	assert_int_equal(taken_for(&order), 0);
	assert_int_equal(events_told("PaymentRefunded"), 2);
}

static void a_refund_that_is_running_counts(void **state)
{
	struct id order = id_new();
	struct buyer *running;
	struct transaction more;

	(void)state;
	charge(&order, 500, "tok_visa");
	running = new_buyer(&order, 400, NULL);
	assert_int_equal(sql_transaction(shop.payment, begin_refund, running), OK);
	assert_int_equal(charge_of(&order).refunding, 400);
	assert_int_equal(refund(&order, 101, NULL, &more), ERR_REFUND_EXCEEDS_PAYMENT);
	assert_int_equal(refund(&order, 100, NULL, &more), OK);
	assert_int_equal(charge_of(&order).refunding, 400);
	assert_int_equal(charge_of(&order).refunded, 100);
}

static void a_repeated_key_is_the_same_refund(void **state)
{
	struct id order = id_new(), other = id_new();
	struct transaction first, again, foreign;

	(void)state;
	charge(&order, 500, "tok_visa");
	charge(&other, 500, "tok_visa");
	assert_int_equal(refund(&order, 100, "souk:x:key", &first), OK);
	assert_int_equal(refund(&order, 100, "souk:x:key", &again), OK);
	assert_true(id_equal(&first.id, &again.id));
	assert_int_equal(charge_of(&order).refunded, 100);
	assert_int_equal(refund(&order, 200, "souk:x:key", &foreign), ERR_IDEMPOTENCY_KEY_REUSED);
	assert_int_equal(refund(&other, 100, "souk:x:key", &foreign), ERR_IDEMPOTENCY_KEY_REUSED);
	assert_int_equal(refund(&order, 100, "souk:y:key", &again), OK);
	assert_int_equal(charge_of(&order).refunded, 200);
	assert_int_equal(taken_for(&order), 300);
}

/* The same refund, by its key, until it has its outcome. */
static struct transaction refund_to_end(const struct id *order, const char *key)
{
	struct transaction refunded = {0};
	enum err err;

	do {
		err = refund(order, 500, key, &refunded);
		assert_true(err == OK || err == ERR_UNAVAILABLE);
	} while (refunded.status == STATUS_PROCESSING);
	return refunded;
}

static void a_refused_refund_is_tried_again_under_another_key(void **state)
{
	struct id order = id_new();
	struct transaction refused, refunded;

	(void)state;
	assert_int_equal(config_set("refund-retry-ms", "1"), OK);
	charge(&order, 500, "tok_refund_flaky");
	assert_int_equal(refund(&order, 500, "souk:x:key", &refused), OK);
	assert_int_equal(refused.status, STATUS_PROCESSING);
	assert_int_equal(refused.refusals, 1);
	assert_string_not_equal(refused.provider_key, id_text(shop.arena, &refused.id));
	assert_int_equal(charge_of(&order).refunding, 500);

	refunded = refund_to_end(&order, "souk:x:key");
	assert_true(id_equal(&refunded.id, &refused.id));
	assert_int_equal(refunded.status, STATUS_SUCCEEDED);
	assert_int_equal(charge_of(&order).refunding, 0);
	assert_int_equal(charge_of(&order).refunded, 500);
	assert_int_equal(taken_for(&order), 0);
	assert_int_equal(events_told("PaymentRefunded"), 1);
	assert_int_equal(events_told("RefundFailed"), 0);
}

static void a_refund_that_failed_gives_free_what_it_held(void **state)
{
	struct id order = id_new();
	struct transaction declined;

	(void)state;
	assert_int_equal(config_set("refund-retry-ms", "1"), OK);
	charge(&order, 500, "tok_refund_declined");
	declined = refund_to_end(&order, "souk:x:key");
	assert_int_equal(declined.status, STATUS_FAILED);
	assert_int_equal(declined.refusals, config_int("refund-attempts") - 1);
	assert_string_equal(declined.failure_code, "refund_declined");
	assert_int_equal(charge_of(&order).refunding, 0);
	assert_int_equal(charge_of(&order).refunded, 0);
	assert_int_equal(taken_for(&order), 500);
	assert_int_equal(events_told("PaymentRefunded"), 0);
	assert_int_equal(events_told("RefundFailed"), 1);
}

static void a_refund_is_of_the_currency_that_was_paid(void **state)
{
	struct id order = id_new();
	struct buyer *buyer;

	(void)state;
	charge(&order, 500, "tok_visa");
	buyer = new_buyer(&order, 100, NULL);
	memcpy(buyer->refund.amount.currency, "USD", sizeof("USD"));
	assert_int_equal(run_to_end(buyer, begin_refund, PATIENCE_MS), ERR_INVALID);
	assert_string_equal(buyer->req.faults.first->pointer, "/amount/currency");
}

static void an_order_has_a_bounded_number_of_transactions(void **state)
{
	struct id order = id_new();
	struct transaction more;

	(void)state;
	charge(&order, 500, "tok_visa");
	for (int i = 1; i < TRANSACTIONS_PER_ORDER_MAX; i++)
		assert_int_equal(refund(&order, 1, NULL, &more), OK);
	assert_int_equal(refund(&order, 1, NULL, &more), ERR_CONFLICT);
	assert_int_equal(charge_of(&order).refunded, TRANSACTIONS_PER_ORDER_MAX - 1);
	assert_int_equal(charge_of(&order).refunding, 0);

	order = id_new();
	for (int i = 0; i < TRANSACTIONS_PER_ORDER_MAX; i++)
		charge(&order, 500, i % 2 ? "tok_declined" : "tok_unknown");
	assert_int_equal(run_to_end(new_buyer(&order, 500, "tok_visa"), begin_charge, 0),
			 ERR_CONFLICT);
	assert_int_equal(taken_for(&order), 0);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_charge_succeeds_once),
		TEST(a_declined_charge_is_tried_again_with_another_method),
		TEST(a_lost_answer_is_found_and_not_charged_again),
		TEST(a_failing_provider_is_asked_until_it_answers),
		TEST(who_has_no_patience_leaves_it_to_the_next),
		TEST(a_killed_buyers_charge_is_settled_after_the_restart),
		TEST(one_asks_at_a_time),
		TEST(many_at_once_charge_once),
		TEST(refunds_never_exceed_what_was_paid),
		TEST(a_refund_that_is_running_counts),
		TEST(a_repeated_key_is_the_same_refund),
		TEST(a_refused_refund_is_tried_again_under_another_key),
		TEST(a_refund_that_failed_gives_free_what_it_held),
		TEST(a_refund_is_of_the_currency_that_was_paid),
		TEST(an_order_has_a_bounded_number_of_transactions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
