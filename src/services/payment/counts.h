/* The payments' metrics: outcomes of charges and refunds, and the money that moved. */
#ifndef SERVICES_PAYMENT_COUNTS_H
#define SERVICES_PAYMENT_COUNTS_H

#include "services/payment/payment.h"
#include "store/sql.h"

void payment_counts_start(void);

/* The transaction has succeeded or failed, if the one of the database is committed. */
void payment_count(struct sql *sql, const struct transaction *settled);

#endif
