/* See counts.h. */
#include "services/payment/counts.h"

#include <stdio.h>

#include "base/config.h"
#include "base/metrics.h"

static const struct {
	const char *outcomes, *outcomes_help, *money, *money_help;
} names[] = {
	[KIND_CHARGE] = {"souk_payments_total", "Charges that were settled, by their outcome.",
			 "souk_revenue_minor_units_total",
			 "Money charged, in minor units of the currency."},
	[KIND_REFUND] = {"souk_refunds_total", "Refunds that were settled, by their outcome.",
			 "souk_refunded_minor_units_total",
			 "Money given back, in minor units of the currency."},
};

static struct metric *outcome(enum transaction_kind kind, bool succeeded)
{
	return metric_counter(names[kind].outcomes, names[kind].outcomes_help,
			      succeeded ? "outcome=\"succeeded\"" : "outcome=\"failed\"");
}

static struct metric *money(enum transaction_kind kind, const char *currency)
{
	char labels[32];

	snprintf(labels, sizeof(labels), "currency=\"%s\"", currency);
	return metric_counter(names[kind].money, names[kind].money_help, labels);
}

/* What a dashboard asks for is there before the first sale. */
void payment_counts_start(void)
{
	for (size_t kind = 0; kind < ARRAY_LENGTH(names); kind++) {
		outcome((enum transaction_kind)kind, true);
		outcome((enum transaction_kind)kind, false);
		money((enum transaction_kind)kind, config_text("currency"));
	}
}

void payment_count(struct sql *sql, const struct transaction *settled)
{
	bool succeeded = settled->status == STATUS_SUCCEEDED;

	sql_count(sql, outcome(settled->kind, succeeded), 1);
	if (succeeded)
		sql_count(sql, money(settled->kind, settled->amount.currency),
			  settled->amount.amount);
}
