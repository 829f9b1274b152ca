/* What orders owe: Order is asked, before any money moves. */
#ifndef SERVICES_PAYMENT_OWED_H
#define SERVICES_PAYMENT_OWED_H

#include "services/payment/payment.h"

/* Asks what the order owes, and sets draft->owed where it is not draft->amount, and draft->user to who
 * placed it. ERR_INVALID where there is no such order, or somebody else is to pay; ERR_UNAVAILABLE,
 * ERR_UPSTREAM where Order does not answer. Order itself is taken at its word. */
enum err owed_check(struct request *req, struct charge_draft *draft) MUST_CHECK;

#endif
