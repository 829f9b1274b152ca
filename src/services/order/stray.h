/*
 * Strays: charges that no order takes, because there is none or it costs nothing. Payment refuses
 * such charges, but a provider may still have one under way that was begun before, and files that
 * were brought back from different moments hold them too.
 */
#ifndef SERVICES_ORDER_STRAY_H
#define SERVICES_ORDER_STRAY_H

#include "base/id.h"
#include "store/sql.h"

/* Notes that what was charged for this order goes back; once, however often it is told. */
enum err stray_note(struct sql *sql, const struct id *order) MUST_CHECK;

/* Asks Payment to give back what is noted, until it has taken that on: a job. */
void strays_refund(void);

#endif
