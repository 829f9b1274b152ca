/*
 * From the transaction that makes a message to the job that carries it, without a look for what is
 * due: the ids of messages that were claimed when they were made (attempt counted, due_at a lease
 * ahead).
 *
 *      offered (in the transaction) ──┬──► committed ──► taken (by the job)
 *                                     └──► undone: forgotten
 *
 * A hint and no more: the store decides. An id that is lost, with the process, is one whose lease
 * runs out.
 */
#ifndef SERVICES_NOTIFICATION_HANDOVER_H
#define SERVICES_NOTIFICATION_HANDOVER_H

#include "services/notification/message.h"

#define HANDOVER_MAX 1024 /* waiting; what finds no room is not claimed when it is made */

/* Any thread; but offers are of one loop, that of the service's events, so that there is still room
 * where there was some. */
bool handover_has_room(void);
void handover_offer(struct sql *sql, const struct id *message);

/* Takes out up to `most` of those that are committed; how many. */
size_t handover_take(struct id *ret_messages, size_t most);

#endif
