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

/* A message to be carried, and what came of it. */
struct parcel {
	struct message *message; /* its `to` is set */
	enum outcome outcome;	 /* SENT, until it is something else */
	const char *why;	 /* a sentence where it is not sent; in the arena, or constant */
};

struct provider {
	const char *name;
	unsigned channels; /* bits: 1 << channel */
	/* Once, before anything is sent; or NULL. */
	enum err (*start)(void);
	/* Carries them, and returns when all have arrived there for good, or their outcome says
	 * what became of them. The same message again must not arrive twice. In a fiber; may park,
	 * for no longer than provider-timeout-ms. */
	void (*send)(struct arena *arena, struct parcel *const *parcels, size_t count);
	/* Removes what it keeps of messages that are too old; some may be gone already. In a fiber; or
	 * NULL. */
	void (*forget)(struct arena *arena, const struct message *messages, size_t count);
};

extern const struct provider provider_outbox;

enum err message_providers_start(void) MUST_CHECK;
const struct provider *message_provider_of(enum channel channel);

/* The one with this name, which may have been in use before a change of settings; or NULL. */
const struct provider *message_provider_find(const char *name);

#endif
