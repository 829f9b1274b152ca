/* The Notification service's decisions. Pure: no I/O, no clock, no database. */
#include "services/notification/rules.h"

#include <string.h>

#include "base/text.h"

#define DEAD_DOMAIN ".invalid"

static bool is_token(const char *text)
{
	for (const char *c = text; *c; c++)
		if (*c <= ' ' || *c > '~')
			return false;
	return *text != '\0';
}

static const struct {
	bool (*check)(const char *address);
	const char *expected;
} addresses[] = {
	[CHANNEL_EMAIL] = {text_is_email, "must be an e-mail address"},
	[CHANNEL_SMS] = {text_is_mobile, "must be a number as in E.164, such as +49301234567"},
	[CHANNEL_PUSH] = {is_token, "must be a device's token"},
};

bool address_is_good(enum channel channel, const char *address)
{
	return addresses[channel].check(address);
}

const char *address_expected(enum channel channel)
{
	return addresses[channel].expected;
}

bool address_is_dead(const char *address)
{
	size_t length = strlen(address), end = strlen(DEAD_DOMAIN);

	return strchr(address, '@') && length > end &&
	       text_equal_ignoring_case(address + length - end, DEAD_DOMAIN);
}

const char *recipient_key(struct arena *arena, const struct message *message)
{
	if (!id_is_zero(&message->user))
		return arena_printf(arena, "user:%s", id_text(arena, &message->user));
	return text_lower(arena, message->to);
}

int64_t message_retry_delay_ms(int64_t attempts, uint32_t chance)
{
	int64_t delay_ms = RETRY_FIRST_MS;

	assert(attempts >= 1 && chance < RETRY_CHANCES);
	while (--attempts && delay_ms < RETRY_MOST_MS)
		delay_ms *= RETRY_FACTOR;
	delay_ms = MIN(delay_ms, (int64_t)RETRY_MOST_MS);
	return delay_ms / 2 + delay_ms / 2 * chance / (RETRY_CHANCES - 1);
}
