/* Payment's decisions: no I/O, no clock, no database. */
#include "services/payment/rules.h"

#include <string.h>

const char *const transaction_kind_words[] = {
	[KIND_CHARGE] = "charge",
	[KIND_REFUND] = "refund",
	NULL,
};

const char *const transaction_status_words[] = {
	[STATUS_PROCESSING] = "processing",
	[STATUS_SUCCEEDED] = "succeeded",
	[STATUS_FAILED] = "failed",
	NULL,
};

/* An outcome is for good. */
static const bool may_move[][3] = {
	[STATUS_PROCESSING] = {[STATUS_SUCCEEDED] = true, [STATUS_FAILED] = true},
	[STATUS_SUCCEEDED] = {false},
	[STATUS_FAILED] = {false},
};

bool transaction_may_move(enum transaction_status from, enum transaction_status to)
{
	return may_move[from][to];
}

static bool same_money(const struct money *a, const struct money *b)
{
	return a->amount == b->amount && money_same_currency(a, b);
}

enum charge_decision charge_decide(const struct transaction *last, const struct charge_draft *draft)
{
	bool same = same_money(&last->amount, &draft->amount);

	switch (last->status) {
	case STATUS_SUCCEEDED:
		return same ? CHARGE_GO_ON : CHARGE_PAID;
	case STATUS_PROCESSING:
		return same ? CHARGE_GO_ON : CHARGE_CONFLICT;
	case STATUS_FAILED:
	default:
		/* The same again would only be declined again. */
		return same && strcmp(last->payment_method, draft->payment_method) == 0
			       ? CHARGE_GO_ON
			       : CHARGE_NEW;
	}
}

struct money charge_left(const struct transaction *charge)
{
	struct money left = charge->amount;

	assert(charge->refunded + charge->refunding <= charge->amount.amount);
	if (charge->status == STATUS_SUCCEEDED)
		left.amount -= charge->refunded + charge->refunding;
	else
		left.amount = 0;
	return left;
}

const char *payment_status(const struct transaction *last_charge)
{
	if (!last_charge)
		return "none";
	if (last_charge->status != STATUS_SUCCEEDED)
		return transaction_status_text(last_charge->status);
	if (last_charge->refunded == 0)
		return "paid";
	return last_charge->refunded < last_charge->amount.amount ? "partially_refunded"
								  : "refunded";
}

/* The pause behind the `count`-th time, grown by `factor` each time, less what chance takes off. */
static int64_t delay_after(int64_t count, int64_t first_ms, int64_t factor, int64_t most_ms,
			   uint32_t chance)
{
	int64_t delay_ms = first_ms;

	assert(count >= 1);
	for (int64_t i = 1; i < count && delay_ms < most_ms; i++)
		delay_ms *= factor;
	delay_ms = MIN(delay_ms, most_ms);
	return delay_ms - (int64_t)chance % (delay_ms / 4 + 1);
}

int64_t payment_retry_delay_ms(int64_t attempts, uint32_t chance)
{
	return delay_after(attempts, PAYMENT_RETRY_FIRST_MS, 2, PAYMENT_RETRY_MOST_MS, chance);
}

bool refund_may_retry(int64_t refusals, int64_t most)
{
	return refusals < most;
}

int64_t refund_retry_delay_ms(int64_t refusals, int64_t first_ms, uint32_t chance)
{
	return delay_after(refusals, first_ms, REFUND_RETRY_FACTOR, REFUND_RETRY_MOST_MS, chance);
}

const char *transaction_kind_text(enum transaction_kind kind)
{
	assert(kind == KIND_CHARGE || kind == KIND_REFUND);
	return transaction_kind_words[kind];
}

const char *transaction_status_text(enum transaction_status status)
{
	assert(status >= STATUS_PROCESSING && status <= STATUS_FAILED);
	return transaction_status_words[status];
}

enum transaction_kind transaction_kind_from_text(const char *text)
{
	return text && strcmp(text, transaction_kind_words[KIND_REFUND]) == 0 ? KIND_REFUND
									      : KIND_CHARGE;
}

enum transaction_status transaction_status_from_text(const char *text)
{
	for (size_t i = 0; transaction_status_words[i]; i++) {
		if (text && strcmp(text, transaction_status_words[i]) == 0)
			return (enum transaction_status)i;
	}
	assert(!"the schema allows no other status");
	return STATUS_FAILED;
}
