/*
 * Delivering.
 *
 *      queued ──┬──► sent      the provider has it for good
 *       ▲   │   └──► failed    it can never be carried, or the last attempt failed
 *       └───┘ tried again later: message_retry_delay_ms
 *
 * A batch of what is due is claimed in one transaction, which counts the attempts, and then carried
 * in as many fibers at once. What a provider has for good is settled at once; where it finishes many
 * together (provider->finish), they are settled together behind that. A crash in between forgets
 * nothing: the claim runs out. The provider may have had such a message; by its id it knows it again.
 */
#include "services/notification/deliver.h"

#include "base/config.h"
#include "base/env.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/time.h"
#include "runtime/fiber.h"
#include "runtime/worker.h"
#include "services/notification/provider.h"
#include "services/notification/rules.h"
#include "services/notification/store.h"

#define BATCH_MAX 64 /* all at once, so that a claim outlives the time that a provider may take */
#define LEASE_EXTRA_MS (2 * SECOND_MS) /* beyond that time */

static struct metric *outcomes[CHANNEL_COUNT][3]; /* by outcome */

void deliver_start(void)
{
	static const char *const words[] = {"sent", "later", "never"};

	for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
		for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
			char labels[64];

			snprintf(labels, sizeof(labels), "channel=\"%s\",outcome=\"%s\"",
				 channel_words[channel], words[i]);
			outcomes[channel][i] = metric_counter(
				"souk_notifications_total", "Attempts to send a message.", labels);
		}
	}
}

/* --- one message ------------------------------------------------------------------------------ */

/* What the user's account holds for the channel. */
static enum outcome take_address(struct message *message, const json_t *user, const char **ret_why)
{
	static const char *const members[] = {"email", "mobile", NULL};
	static const char *const missing[] = {
		"The user has no address.",
		"The user has no mobile number.",
		"The user has no device that takes push messages.",
	};
	const char *member = members[message->channel];

	message->to = member ? json_get_text(user, member) : NULL;
	if (message->to)
		return SENT;
	*ret_why = missing[message->channel];
	return SEND_NEVER;
}

/* Looks the user's address up: it is the one of now, not of when the message was queued. */
static enum outcome find_address(struct arena *arena, struct message *message, const char **ret_why)
{
	struct call call = {
		.service = "user",
		.method = HTTP_GET,
		.path = arena_printf(arena, "/users/%s", id_text(arena, &message->user)),
	};
	struct call_answer answer;
	enum err err;

	if (id_is_zero(&message->user))
		return SENT;
	err = service_call(arena, &notification_service, NULL, &call, &answer);
	if (!err)
		err = answer.err;
	if (!err)
		return take_address(message, answer.json, ret_why);
	if (err == ERR_NOT_FOUND) {
		*ret_why = "There is no such user.";
		return SEND_NEVER;
	}
	*ret_why = arena_printf(arena, "The user's address cannot be looked up: %s",
				err_info(err)->title);
	return SEND_LATER;
}

/* Who carries it: the one that it was queued for, as long as there is such a one. */
static const struct provider *provider_of(const struct message *message)
{
	const struct provider *provider = message_provider_find(message->provider);

	return provider ? provider : message_provider_of(message->channel);
}

static enum outcome carry(struct arena *arena, struct message *message, const char **ret_why)
{
	enum outcome outcome = find_address(arena, message, ret_why);

	if (outcome != SENT)
		return outcome;
	if (!address_is_good(message->channel, message->to)) {
		*ret_why = "That is no address.";
		return SEND_NEVER;
	}
	if (address_is_dead(message->to)) {
		*ret_why = "Nobody receives mail under the domain .invalid.";
		return SEND_NEVER;
	}
	return provider_of(message)->send(arena, message, ret_why);
}

/* Says in the message what became of the attempt; `why` must live as long as it. */
static void conclude(struct arena *arena, struct message *message, enum outcome outcome,
		     const char *why)
{
	int64_t now_ms = env_now_ms();

	metric_add(outcomes[message->channel][outcome], 1);
	if (outcome != SENT)
		log_warning("notification.not_sent", "message %s, attempt %d: %s",
			    id_text(arena, &message->id), (int)message->attempts, why);
	message->last_error = why;
	if (outcome == SENT) {
		message->status = MESSAGE_SENT;
		message->last_error = NULL;
		message->sent_ms = now_ms;
	} else if (outcome == SEND_NEVER ||
		   message->attempts >= config_int("notification-attempts")) {
		message->status = MESSAGE_FAILED;
	} else {
		message->due_ms = now_ms + message_retry_delay_ms(message->attempts,
								  env_random_below(RETRY_CHANCES));
	}
}

/* --- a batch ---------------------------------------------------------------------------------- */

/* All lanes run on one worker: no lock. */
struct batch {
	struct arena *arena;
	struct message messages[BATCH_MAX];
	size_t count, next;
	struct message *unfinished[BATCH_MAX]; /* carried; their provider is still to finish */
	size_t unfinished_count;
	size_t lanes; /* running beside the job's own */
	bool waiting;
	struct ticket waiter;
};

static enum err settle(struct sql *sql, void *arg)
{
	return messages_settle(sql, arg);
}

static void deliver(struct arena *arena, struct batch *batch, struct message *message)
{
	struct log_context before =
		log_set_context((struct log_context){.traceparent = message->traceparent});
	const char *why = NULL;
	enum outcome outcome = carry(arena, message, &why);
	enum err err;

	if (outcome == SENT && provider_of(message)->finish) {
		/* It outlives the lane's arena, in which its address was found. */
		message->to = arena_copy_text(batch->arena, message->to);
		batch->unfinished[batch->unfinished_count++] = message;
	} else {
		conclude(arena, message, outcome, why);
		err = sql_transaction(service_database(&notification_service), settle, message);
		if (err)
			log_warning("notification.not_settled", "message %s will be sent again: %s",
				    id_text(arena, &message->id), err_info(err)->slug);
	}
	log_set_context(before);
}

static void run_lane(struct batch *batch)
{
	struct arena *arena = arena_new();

	while (batch->next < batch->count && !workers_stopping()) {
		deliver(arena, batch, &batch->messages[batch->next++]);
		arena_reset(arena);
	}
	arena_free(arena);
}

static void lane(void *arg)
{
	struct batch *batch = arg;

	run_lane(batch);
	batch->lanes--;
	if (batch->lanes == 0 && batch->waiting)
		fiber_wake(batch->waiter);
}

static void carry_batch(struct batch *batch)
{
	while (batch->lanes + 1 < batch->count) {
		batch->lanes++;
		if (fiber_start(lane, batch))
			continue;
		batch->lanes--;
		break;
	}
	run_lane(batch);
	while (batch->lanes) {
		batch->waiter = fiber_ticket();
		batch->waiting = true;
		fiber_park(WAIT_FOREVER);
	}
}

static enum err settle_unfinished(struct sql *sql, void *arg)
{
	const struct batch *batch = arg;
	enum err err = OK;

	for (size_t i = 0; !err && i < batch->unfinished_count; i++)
		err = messages_settle(sql, batch->unfinished[i]);
	return err;
}

/* Has each provider finish what it carried, and settles all of it. */
static void finish_batch(struct batch *batch)
{
	const struct provider *finished = NULL;
	enum outcome outcome = SENT;
	const char *why = NULL;
	enum err err;

	if (!batch->unfinished_count)
		return;
	for (size_t i = 0; i < batch->unfinished_count; i++) {
		struct message *message = batch->unfinished[i];
		const struct provider *provider = provider_of(message);

		if (provider != finished)
			outcome = provider->finish(batch->arena, &why);
		finished = provider;
		conclude(batch->arena, message, outcome, why);
	}
	err = sql_transaction(service_database(&notification_service), settle_unfinished, batch);
	if (err)
		log_warning("notification.not_settled", "%zu messages will be sent again: %s",
			    batch->unfinished_count, err_info(err)->slug);
}

static enum err claim(struct sql *sql, void *arg)
{
	struct batch *batch = arg;

	return messages_claim(sql, config_int("provider-timeout-ms") + LEASE_EXTRA_MS, BATCH_MAX,
			      batch->arena, batch->messages, &batch->count);
}

/* Whether there may be more. */
static bool deliver_some(void)
{
	struct arena *arena = arena_new();
	struct batch *batch = ARENA_NEW(arena, struct batch);
	bool more = false;
	enum err err;

	batch->arena = arena;
	err = sql_transaction(service_database(&notification_service), claim, batch);
	if (err) {
		log_warning("notification.claim", "%s", err_info(err)->slug);
	} else {
		carry_batch(batch);
		finish_batch(batch);
		more = batch->count == BATCH_MAX;
	}
	arena_free(arena);
	return more;
}

static enum err look_for_due(struct sql *sql, void *arg)
{
	return messages_due(sql, env_now_ms(), arg);
}

void deliver_due(void)
{
	bool due = false;

	/* A look costs no write: most of the times there is nothing. */
	while (!sql_read(service_database(&notification_service), look_for_due, &due) && due &&
	       !workers_stopping() && deliver_some())
		;
}
