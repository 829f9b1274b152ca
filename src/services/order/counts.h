/* The orders' metrics: how many have come to each status since the start. */
#ifndef SERVICES_ORDER_COUNTS_H
#define SERVICES_ORDER_COUNTS_H

#include "services/order/order.h"
#include "store/sql.h"

void order_counts_start(void);

/* The order came to this status, if the transaction is committed. */
void order_count(struct sql *sql, enum order_status status);

#endif
