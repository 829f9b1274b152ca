/* The providers that the program knows. */
#include "services/payment/provider.h"

#include <string.h>

#include "base/time.h"

static const struct payment_provider *const providers[] = {
	&sandbox_provider,
};

const struct payment_provider *payment_provider_chosen(void)
{
	return providers[0];
}

const struct payment_provider *payment_provider_by_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_LENGTH(providers); i++) {
		if (strcmp(providers[i]->name, name) == 0)
			return providers[i];
	}
	return NULL;
}

int64_t payment_provider_timeout_ms(const char *name)
{
	const struct payment_provider *provider = payment_provider_by_name(name);

	return provider ? provider->timeout_ms : MINUTE_MS;
}

enum err payment_providers_start(void)
{
	enum err err = OK;

	for (size_t i = 0; i < ARRAY_LENGTH(providers) && !err; i++)
		err = providers[i]->start();
	return err;
}

void payment_providers_stop(void)
{
	for (size_t i = 0; i < ARRAY_LENGTH(providers); i++)
		providers[i]->stop();
}
