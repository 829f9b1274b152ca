/* The Notification service's decisions: what an address is, and when to try again. */
#ifndef SERVICES_NOTIFICATION_RULES_H
#define SERVICES_NOTIFICATION_RULES_H

#include "services/notification/message.h"

/* Whether it is an address of the channel: an e-mail address; a number as in E.164; a device's
 * token, which is visible ASCII. */
bool address_is_good(enum channel channel, const char *address);
const char *address_expected(enum channel channel); /* "must be an e-mail address" */

/* Whether it lies under the domain .invalid (RFC 2606), where nobody receives mail. */
bool address_is_dead(const char *address);

/* The id of the message that tells the user of the event by the template: always the same one, so
 * that the table's key alone holds that nobody is told twice. A version 7 id, of the event's
 * millisecond, in which a hash of the three stands in chance's place. */
struct id message_id_of(const struct id *event, const struct id *user, const char *template_name);

/*
 * How long to wait behind the attempt number `attempts` (from 1) that failed: a second, four times
 * as long each time, at most an hour; and of that a part between half and all of it, by `chance`
 * (0 to RETRY_CHANCES - 1), so that what failed together does not come back together.
 */
#define RETRY_FIRST_MS 1000
#define RETRY_FACTOR 4
#define RETRY_MOST_MS (60 * 60 * 1000)
#define RETRY_CHANCES 1024
int64_t message_retry_delay_ms(int64_t attempts, uint32_t chance);

#endif
