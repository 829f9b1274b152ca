/* Messages of events. */
#include "services/notification/tell.h"

#include "services/notification/deliver.h"
#include "services/notification/handover.h"
#include "services/notification/provider.h"
#include "services/notification/rules.h"
#include "services/notification/store.h"
#include "services/notification/templates.h"

enum err tell(struct sql *sql, const struct news *news, const char *template_name,
	      const struct id *user, bool hand_over)
{
	const struct template *template = template_find(template_name);
	struct faults faults = {.arena = news->arena};
	struct message message = {
		.id = message_id_of(&news->event, user, template_name),
		.channel = CHANNEL_EMAIL,
		.user = *user,
		.event = news->event,
		.provider = message_provider_of(CHANNEL_EMAIL)->name,
		.traceparent = news->traceparent,
		.due_ms = sql_now_ms(sql),
		.version = 1,
		.created_ms = sql_now_ms(sql),
	};
	enum err err;

	assert(template);
	template_check(template, news->data, false, "", &faults);
	err = faults_err(&faults);
	if (err)
		return err;
	template_fill(template, news->data, news->arena, &message);
	hand_over = hand_over && handover_has_room();
	if (hand_over) {
		message.attempts = 1;
		message.due_ms += deliver_lease_ms();
	}
	err = messages_insert(sql, &message);
	if (!err && hand_over && sql_changes(sql) == 1)
		handover_offer(sql, &message.id);
	return err;
}
