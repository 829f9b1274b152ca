/*
 * From the transaction that makes a message to the job that carries it, without a look for what is
 * due: the ids of messages that were claimed when they were made (attempt counted, due_at a lease
 * ahead).
 *
 *      offer (in the transaction) ──► commit (behind it) ──► take (the job)
 *
 * A hint and no more: the store decides. An id whose transaction was undone, or that is here twice
 * because a body ran twice, is one that the job does not find there, or finds carried. An id that is
 * lost, with the process, is one whose lease runs out.
 */
#ifndef SERVICES_NOTIFICATION_HANDOVER_H
#define SERVICES_NOTIFICATION_HANDOVER_H

#include "services/notification/message.h"

#define HANDOVER_MAX 1024 /* waiting; what finds no room is not claimed when it is made */

/* Any thread; but offers and commits are of one loop, that of the service's events, so that there
 * is still room where there was some. */
bool handover_has_room(void);
void handover_offer(const struct id *message);
void handover_commit(void);

/* Takes out up to `most` of those behind their commit; how many. */
size_t handover_take(struct id *ret_messages, size_t most);

#endif
