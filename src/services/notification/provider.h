/*
 * The port to those who carry messages. A provider is a row of provider.c's table; which one
 * carries a channel's messages is decided once, at the start.
 */
#ifndef SERVICES_NOTIFICATION_PROVIDER_H
#define SERVICES_NOTIFICATION_PROVIDER_H

#include "services/notification/message.h"

enum outcome {
	SENT,
	SEND_LATER, /* it may work another time */
	SEND_NEVER, /* this message cannot be carried */
};

struct provider {
	const char *name;
	unsigned channels; /* bits: 1 << channel */
	/* Once, before anything is sent; or NULL. */
	enum err (*start)(void);
	/* Carries the message, whose `to` is set, and returns when it has arrived there for good.
	 * Called again with the same message it must not arrive twice. In a fiber; may park. Where it
	 * is not sent *ret_why is a sentence, in the arena or constant. */
	enum outcome (*send)(struct arena *arena, const struct message *message,
			     const char **ret_why) MUST_CHECK;
	/* NULL, or: what send() has carried since the last time has arrived for good only once this
	 * has returned SENT, for many messages together. In a fiber; may park. */
	enum outcome (*finish)(struct arena *arena, const char **ret_why) MUST_CHECK;
};

extern const struct provider provider_outbox;

enum err message_providers_start(void) MUST_CHECK;
const struct provider *message_provider_of(enum channel channel);

/* The one with this name, which may have been in use before a change of settings; or NULL. */
const struct provider *message_provider_find(const char *name);

#endif
