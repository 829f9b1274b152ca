/* The noun of the Notification service: a message, on its way to one recipient. */
#ifndef SERVICES_NOTIFICATION_MESSAGE_H
#define SERVICES_NOTIFICATION_MESSAGE_H

#include "base/out.h"
#include "platform/service.h"

#define MESSAGE_TO_MAX 4096 /* push tokens are long */
#define MESSAGE_SUBJECT_MAX 200
#define MESSAGE_EMAIL_BODY_MAX 100000
#define MESSAGE_SMS_BODY_MAX 1600
#define MESSAGE_PUSH_BODY_MAX 4000

enum channel { CHANNEL_EMAIL, CHANNEL_SMS, CHANNEL_PUSH, CHANNEL_COUNT };
extern const char *const channel_words[]; /* by channel; ends with NULL */

enum message_status { MESSAGE_QUEUED, MESSAGE_SENT, MESSAGE_FAILED };
extern const char *const message_status_words[]; /* by message_status; ends with NULL */

struct message {
	struct id id;
	enum channel channel;
	const char *to;		   /* NULL until the user's address is looked up */
	struct id user;		   /* zero: somebody with an address only */
	struct id event;	   /* what it tells of; zero: somebody asked for it */
	const char *template_name; /* or NULL */
	const char *subject;	   /* or NULL */
	const char *body;
	enum message_status status;
	int64_t attempts;
	const char *provider;
	const char *last_error;	 /* or NULL */
	const char *traceparent; /* of what it comes from; or NULL */
	int64_t due_ms;
	int64_t version;
	int64_t created_ms, sent_ms;
};

void message_write(struct out *out, const char *name, const struct message *message);

extern const struct service notification_service;
extern const struct route notification_routes[];
extern const struct subscription notification_subscriptions[];
enum { JOB_DELIVER, JOB_ADMINS, JOB_FORGET };
extern const struct job notification_jobs[];

#endif
