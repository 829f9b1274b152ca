/* Messages are kept for message-days, and what their provider keeps of them with them. */
#ifndef SERVICES_NOTIFICATION_FORGET_H
#define SERVICES_NOTIFICATION_FORGET_H

/* The job: removes what is too old, a little at a time. */
void messages_forget(void);

#endif
