/* The providers there are. */
#include "services/notification/provider.h"

#include <string.h>

static const struct provider *const providers[] = {
	&provider_outbox,
};

enum err message_providers_start(void)
{
	enum err err = OK;

	for (size_t i = 0; !err && i < ARRAY_LENGTH(providers); i++)
		if (providers[i]->start)
			err = providers[i]->start();
	return err;
}

const struct provider *message_provider_of(enum channel channel)
{
	for (size_t i = 0; i < ARRAY_LENGTH(providers); i++)
		if (providers[i]->channels & (1u << channel))
			return providers[i];
	assert(!"a channel that nobody carries");
	return NULL;
}

const struct provider *message_provider_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LENGTH(providers); i++)
		if (strcmp(providers[i]->name, name) == 0)
			return providers[i];
	return NULL;
}
