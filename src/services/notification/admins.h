/*
 * What the admins of the shop are told. Who they are User knows: an event is noted in the
 * transaction that hears it, and a job asks for them and queues a message for each.
 */
#ifndef SERVICES_NOTIFICATION_ADMINS_H
#define SERVICES_NOTIFICATION_ADMINS_H

#include "services/notification/message.h"
#include "store/sql.h"

/* Notes that they are to be told of the event by the template; once for an event. */
enum err admins_note(struct sql *sql, const struct event *event, const char *template_name)
	MUST_CHECK;

/* The job. */
void admins_tell(void);

/* Brings back what waits for a time that only a clock that was ahead can have set. */
enum err admins_mend_times(struct sql *sql, int64_t *ret_count) MUST_CHECK;

#endif
