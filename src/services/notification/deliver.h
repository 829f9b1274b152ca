/* The job that carries queued messages to their providers. */
#ifndef SERVICES_NOTIFICATION_DELIVER_H
#define SERVICES_NOTIFICATION_DELIVER_H

#include "services/notification/message.h"

void deliver_start(void); /* once, before the job runs */
void deliver_due(void);

/* How long a claimed message is its claimer's: due_at is so far ahead. */
int64_t deliver_lease_ms(void);

/* Brings back what waits for a time that only a clock that was ahead can have set. */
enum err deliver_mend_times(struct sql *sql, int64_t *ret_count) MUST_CHECK;

/* Lets go of what was handed over and not carried: the next start need not wait for its lease. When
 * the workers have stopped. */
void deliver_stop(void);

#endif
