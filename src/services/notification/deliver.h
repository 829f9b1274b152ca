/* The job that carries queued messages to their providers. */
#ifndef SERVICES_NOTIFICATION_DELIVER_H
#define SERVICES_NOTIFICATION_DELIVER_H

#include "services/notification/message.h"

void deliver_start(void); /* once, before the job runs */
void deliver_due(void);

#endif
