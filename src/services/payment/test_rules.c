/* Payment's decisions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "base/time.h"
#include "services/payment/rules.h"

static const struct money five_euros = {500, "EUR"};
static const struct money six_euros = {600, "EUR"};
static const struct money five_dollars = {500, "USD"};

static struct transaction charge(enum transaction_status status)
{
	return (struct transaction){
		.kind = KIND_CHARGE,
		.status = status,
		.amount = five_euros,
		.payment_method = (char *)"tok_visa",
	};
}

static struct charge_draft draft(struct money amount, const char *method)
{
	return (struct charge_draft){.amount = amount, .payment_method = (char *)method};
}

static void an_outcome_is_for_good(void **state)
{
	(void)state;
	for (int from = STATUS_PROCESSING; from <= STATUS_FAILED; from++) {
		for (int to = STATUS_PROCESSING; to <= STATUS_FAILED; to++)
			assert_int_equal(transaction_may_move(from, to),
					 from == STATUS_PROCESSING && to != STATUS_PROCESSING);
	}
}

static void an_order_is_charged_once(void **state)
{
	static const struct {
		const struct money *amount;
		const char *method;
		enum transaction_status status;
		enum charge_decision decision;
	} rows[] = {
		{&five_euros, "tok_visa", STATUS_SUCCEEDED, CHARGE_GO_ON},
		{&five_euros, "tok_other", STATUS_SUCCEEDED, CHARGE_GO_ON},
		{&six_euros, "tok_visa", STATUS_SUCCEEDED, CHARGE_PAID},
		{&five_dollars, "tok_visa", STATUS_SUCCEEDED, CHARGE_PAID},
		{&five_euros, "tok_visa", STATUS_PROCESSING, CHARGE_GO_ON},
		{&five_euros, "tok_other", STATUS_PROCESSING, CHARGE_GO_ON},
		{&six_euros, "tok_visa", STATUS_PROCESSING, CHARGE_CONFLICT},
		{&five_dollars, "tok_visa", STATUS_PROCESSING, CHARGE_CONFLICT},
		{&five_euros, "tok_visa", STATUS_FAILED, CHARGE_GO_ON},
		{&five_euros, "tok_other", STATUS_FAILED, CHARGE_NEW},
		{&six_euros, "tok_visa", STATUS_FAILED, CHARGE_NEW},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		struct transaction last = charge(rows[i].status);
		struct charge_draft asked = draft(*rows[i].amount, rows[i].method);

		assert_int_equal(charge_decide(&last, &asked), rows[i].decision);
	}
}

static void a_payment_has_a_status(void **state)
{
	struct transaction last = charge(STATUS_PROCESSING);

	(void)state;
	assert_string_equal(payment_status(NULL), "none");
	assert_string_equal(payment_status(&last), "processing");
	last.status = STATUS_FAILED;
	assert_string_equal(payment_status(&last), "failed");
	last.status = STATUS_SUCCEEDED;
	assert_string_equal(payment_status(&last), "paid");
	last.refunding = 500;
	assert_string_equal(payment_status(&last), "paid");
	last.refunding = 0;
	last.refunded = 1;
	assert_string_equal(payment_status(&last), "partially_refunded");
	last.refunded = 500;
	assert_string_equal(payment_status(&last), "refunded");
}

static void what_is_left_of_a_charge(void **state)
{
	struct transaction last = charge(STATUS_PROCESSING);

	(void)state;
	assert_int_equal(charge_left(&last).amount, 0);
	last.status = STATUS_FAILED;
	assert_int_equal(charge_left(&last).amount, 0);
	last.status = STATUS_SUCCEEDED;
	assert_int_equal(charge_left(&last).amount, 500);
	last.refunded = 100;
	last.refunding = 300;
	assert_int_equal(charge_left(&last).amount, 100);
	assert_string_equal(charge_left(&last).currency, "EUR");
}

static void pauses_grow_to_a_minute(void **state)
{
	(void)state;
	assert_int_equal(payment_retry_delay_ms(1, 0), 100);
	assert_int_equal(payment_retry_delay_ms(2, 0), 200);
	assert_int_equal(payment_retry_delay_ms(5, 0), 1600);
	assert_int_equal(payment_retry_delay_ms(1000000, 0), MINUTE_MS);
	for (uint32_t chance = 0; chance < 1000; chance++) {
		assert_in_range(payment_retry_delay_ms(3, chance), 300, 400);
		assert_in_range(payment_retry_delay_ms(100, chance), MINUTE_MS * 3 / 4, MINUTE_MS);
	}
}

static void refused_refunds_come_again_in_growing_pauses(void **state)
{
	(void)state;
	assert_true(refund_may_retry(3, 4));
	assert_false(refund_may_retry(4, 4));
	assert_int_equal(refund_retry_delay_ms(1, 1000, 0), 1000);
	assert_int_equal(refund_retry_delay_ms(2, 1000, 0), 4000);
	assert_int_equal(refund_retry_delay_ms(3, 1000, 0), 16000);
	assert_int_equal(refund_retry_delay_ms(1000, 1000, 0), HOUR_MS);
	for (uint32_t chance = 0; chance < 1000; chance++)
		assert_in_range(refund_retry_delay_ms(2, 1000, chance), 3000, 4000);
}

static void words_and_values_agree(void **state)
{
	(void)state;
	for (int status = STATUS_PROCESSING; status <= STATUS_FAILED; status++)
		assert_int_equal(transaction_status_from_text(transaction_status_text(status)),
				 status);
	for (int kind = KIND_CHARGE; kind <= KIND_REFUND; kind++)
		assert_int_equal(transaction_kind_from_text(transaction_kind_text(kind)), kind);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_outcome_is_for_good),
		cmocka_unit_test(an_order_is_charged_once),
		cmocka_unit_test(a_payment_has_a_status),
		cmocka_unit_test(what_is_left_of_a_charge),
		cmocka_unit_test(pauses_grow_to_a_minute),
		cmocka_unit_test(refused_refunds_come_again_in_growing_pauses),
		cmocka_unit_test(words_and_values_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
