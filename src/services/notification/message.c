/* Messages as clients see them. */
#include "services/notification/message.h"

const char *const channel_words[] = {"email", "sms", "push", NULL};
const char *const message_status_words[] = {"queued", "sent", "failed", NULL};

static const struct id *id_or_none(const struct id *id)
{
	return id_is_zero(id) ? NULL : id;
}

void message_write(struct out *out, const char *name, const struct message *message)
{
	out_open(out, name);
	out_id(out, "id", &message->id);
	out_text(out, "channel", channel_words[message->channel]);
	out_text(out, "to", message->to);
	out_id(out, "userId", id_or_none(&message->user));
	out_id(out, "eventId", id_or_none(&message->event));
	out_text(out, "template", message->template_name);
	out_text(out, "subject", message->subject);
	out_text(out, "body", message->body);
	out_text(out, "status", message_status_words[message->status]);
	out_int(out, "attempts", message->attempts);
	out_text(out, "provider", message->provider);
	out_text(out, "lastError", message->last_error);
	out_time(out, "createdAt", message->created_ms);
	out_time(out, "sentAt", message->sent_ms);
	out_close(out);
}
