/* The Notification service's decisions. Pure: no I/O, no clock, no database. */
#include "services/notification/rules.h"

#include <string.h>

#include "base/hash.h"
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

#define ID_TIME_BYTES 6

struct id message_id_of(const struct id *event, const struct id *user, const char *template_name)
{
	struct {
		struct id event, user;
		struct hash template;
	} of = {*event, *user, hash_of_text(template_name)};
	struct hash hash = hash_of(&of, sizeof(of));
	struct id id = *event;

	memcpy(id.bytes + ID_TIME_BYTES, hash.bytes, sizeof(id.bytes) - ID_TIME_BYTES);
	id.bytes[6] = (id.bytes[6] & 0x0f) | 0x70; /* version 7 */
	id.bytes[8] = (id.bytes[8] & 0x3f) | 0x80; /* the variant of RFC 9562 */
	return id;
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
