/* See counts.h. */
#include "services/order/counts.h"

#include <stdio.h>

#include "base/metrics.h"
#include "services/order/rules.h"

static struct metric *reached[ORDER_STATUS_COUNT];

void order_counts_start(void)
{
	for (int status = 0; status < ORDER_STATUS_COUNT; status++) {
		char labels[64];

		snprintf(labels, sizeof(labels), "status=\"%s\"",
			 order_status_text((enum order_status)status));
		reached[status] = metric_counter("souk_orders_total",
						 "Orders that have come to the status.", labels);
	}
}

void order_count(struct sql *sql, enum order_status status)
{
	if (reached[status])
		sql_count(sql, reached[status], 1);
}
