/*
 * Delivering.
 *
 *      queued ──┬──► sent      the provider has it for good
 *       ▲   │   └──► failed    it can never be carried, or the last attempt failed
 *       └───┘ tried again later: message_retry_delay_ms
 *
 * Only what is claimed is carried: its attempt is counted, and for the time of a lease it is due to
 * nobody else. What an event makes is claimed when it is made, and handed over in memory. All else
 * (what was asked for, what is tried again, what a kill left behind) is claimed here once it is due.
 *
 * A batch goes its way together: one call for the addresses, one to the provider, one transaction
 * that settles it. A crash in between forgets nothing: the claim runs out. The provider may have had
 * such a message; by its id it knows it again.
 */
#include "services/notification/deliver.h"

#include "base/config.h"
#include "base/env.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/time.h"
#include "runtime/worker.h"
#include "services/notification/handover.h"
#include "services/notification/provider.h"
#include "services/notification/rules.h"
#include "services/notification/store.h"

#define BATCH_MAX 64		       /* as many addresses as User tells at once, or fewer */
#define LEASE_EXTRA_MS (2 * SECOND_MS) /* beyond the time that a provider may take */

static struct metric *outcomes[CHANNEL_COUNT][3]; /* by outcome */
static int64_t lease_ms;

void deliver_start(void)
{
	static const char *const words[] = {"sent", "later", "never"};

	lease_ms = config_int("provider-timeout-ms") + LEASE_EXTRA_MS;
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

int64_t deliver_lease_ms(void)
{
	return lease_ms;
}

struct batch {
	struct arena *arena;
	struct message messages[BATCH_MAX];
	struct parcel parcels[BATCH_MAX]; /* of the messages, in their order */
	size_t count;
};

/* --- addresses -------------------------------------------------------------------------------- */

static bool is_to_user(const struct message *message)
{
	return !id_is_zero(&message->user);
}

/* What the user's account holds for the channel. `user` is NULL where there is no such user. */
static void take_address(struct parcel *parcel, const json_t *user)
{
	static const char *const members[] = {"email", "mobile", NULL};
	static const char *const missing[] = {
		"The user has no address.",
		"The user has no mobile number.",
		"The user has no device that takes push messages.",
	};
	enum channel channel = parcel->message->channel;
	const char *address = NULL;

	if (user && members[channel])
		address = json_get_text(user, members[channel]);
	parcel->message->to = address;
	if (address)
		return;
	parcel->outcome = SEND_NEVER;
	parcel->why = user ? missing[channel] : "There is no such user.";
}

/* The answer is in the order asked; users that there are not are left out. */
static void take_addresses(struct batch *batch, const json_t *users)
{
	size_t next = 0;

	for (size_t i = 0; i < batch->count; i++) {
		struct message *message = &batch->messages[i];
		const json_t *user = json_array_get(users, next);
		struct id id;

		if (!is_to_user(message))
			continue;
		if (!user || !json_get_id(user, "id", &id) || !id_equal(&id, &message->user))
			user = NULL;
		else
			next++;
		take_address(&batch->parcels[i], user);
	}
}

static void fail_addresses(struct batch *batch, enum err err)
{
	for (size_t i = 0; i < batch->count; i++) {
		if (!is_to_user(&batch->messages[i]))
			continue;
		batch->parcels[i].outcome = SEND_LATER;
		batch->parcels[i].why =
			arena_printf(batch->arena, "The user's address cannot be looked up: %s",
				     err_info(err)->title);
	}
}

/* Looks the users' addresses up: they are those of now, not of when a message was queued. */
static void find_addresses(struct batch *batch)
{
	struct out body = out_new(batch->arena);
	struct call call = {
		.service = "user", .method = HTTP_POST, .path = "/users/addresses", .body = &body};
	struct call_answer answer;
	size_t count = 0;
	enum err err;

	out_open(&body, NULL);
	out_open_list(&body, "ids");
	for (size_t i = 0; i < batch->count; i++) {
		if (!is_to_user(&batch->messages[i]))
			continue;
		out_id(&body, NULL, &batch->messages[i].user);
		count++;
	}
	out_close_list(&body);
	out_close(&body);
	if (!count)
		return;
	err = service_call(batch->arena, &notification_service, NULL, &call, &answer);
	if (!err)
		err = answer.err;
	if (err)
		fail_addresses(batch, err);
	else
		take_addresses(batch, json_object_get(answer.json, "items"));
}

static void check_address(struct parcel *parcel)
{
	const struct message *message = parcel->message;

	if (!address_is_good(message->channel, message->to))
		parcel->why = "That is no address.";
	else if (address_is_dead(message->to))
		parcel->why = "Nobody receives mail under the domain .invalid.";
	if (parcel->why)
		parcel->outcome = SEND_NEVER;
}

/* --- a batch ---------------------------------------------------------------------------------- */

/* Who carries it: the one that it was queued for, as long as there is such a one. */
static const struct provider *provider_of(const struct message *message)
{
	const struct provider *provider = message_provider_find(message->provider);

	return provider ? provider : message_provider_of(message->channel);
}

/* Gives each provider what it is to carry, all at once. */
static void send_batch(struct batch *batch)
{
	struct parcel *ready[BATCH_MAX], *next[BATCH_MAX];
	size_t ready_count = 0;

	for (size_t i = 0; i < batch->count; i++) {
		struct parcel *parcel = &batch->parcels[i];

		if (parcel->outcome == SENT)
			check_address(parcel);
		if (parcel->outcome == SENT)
			ready[ready_count++] = parcel;
	}
	while (ready_count) {
		const struct provider *provider = provider_of(ready[0]->message);
		size_t next_count = 0, left = 0;

		for (size_t i = 0; i < ready_count; i++) {
			if (provider_of(ready[i]->message) == provider)
				next[next_count++] = ready[i];
			else
				ready[left++] = ready[i];
		}
		provider->send(batch->arena, next, next_count);
		ready_count = left;
	}
}

/* Says in the message what became of the attempt. */
static void conclude(struct arena *arena, const struct parcel *parcel)
{
	struct message *message = parcel->message;
	int64_t now_ms = env_now_ms();

	metric_add(outcomes[message->channel][parcel->outcome], 1);
	if (parcel->outcome == SENT) {
		message->status = MESSAGE_SENT;
		message->last_error = NULL;
		message->sent_ms = now_ms;
		return;
	}
	log_warning("notification.not_sent", "message %s, attempt %d: %s",
		    id_text(arena, &message->id), (int)message->attempts, parcel->why);
	message->last_error = parcel->why;
	if (parcel->outcome == SEND_NEVER ||
	    message->attempts >= config_int("notification-attempts"))
		message->status = MESSAGE_FAILED;
	else
		message->due_ms = now_ms + message_retry_delay_ms(message->attempts,
								  env_random_below(RETRY_CHANCES));
}

static enum err settle(struct sql *sql, void *arg)
{
	const struct batch *batch = arg;
	enum err err = OK;

	for (size_t i = 0; !err && i < batch->count; i++)
		err = messages_settle(sql, &batch->messages[i]);
	return err;
}

static void carry(struct batch *batch)
{
	enum err err;

	if (!batch->count)
		return;
	for (size_t i = 0; i < batch->count; i++)
		batch->parcels[i] =
			(struct parcel){.message = &batch->messages[i], .outcome = SENT};
	find_addresses(batch);
	send_batch(batch);
	for (size_t i = 0; i < batch->count; i++) {
		struct log_context before = log_set_context(
			(struct log_context){.traceparent = batch->messages[i].traceparent});

		conclude(batch->arena, &batch->parcels[i]);
		log_set_context(before);
	}
	err = sql_transaction(service_database(&notification_service), settle, batch);
	if (err)
		log_warning("notification.not_settled", "%zu messages will be sent again: %s",
			    batch->count, err_info(err)->slug);
}

/* --- which messages --------------------------------------------------------------------------- */

struct handed {
	struct batch *batch;
	struct id ids[BATCH_MAX];
	size_t count;
};

static enum err read_handed(struct sql *sql, void *arg)
{
	struct handed *handed = arg;
	struct batch *batch = handed->batch;

	return messages_born(sql, handed->ids, handed->count, env_now_ms(), batch->arena,
			     batch->messages, &batch->count);
}

static enum err look_for_due(struct sql *sql, void *arg)
{
	return messages_due(sql, env_now_ms(), arg);
}

static enum err claim(struct sql *sql, void *arg)
{
	struct batch *batch = arg;

	return messages_claim(sql, lease_ms, BATCH_MAX, batch->arena, batch->messages,
			      &batch->count);
}

/* What was handed over. Where it cannot be read its claim runs out. */
static enum err fill_handed(struct database *database, struct batch *batch, bool *ret_more)
{
	struct handed handed = {.batch = batch};

	handed.count = handover_take(handed.ids, BATCH_MAX);
	*ret_more = handed.count == BATCH_MAX;
	return handed.count ? sql_read(database, read_handed, &handed) : OK;
}

/* A look costs no write: most of the times nothing is due. */
static enum err fill_due(struct database *database, struct batch *batch, bool *ret_more)
{
	bool due = false;
	enum err err = sql_read(database, look_for_due, &due);

	if (!err && due)
		err = sql_transaction(database, claim, batch);
	*ret_more = batch->count == BATCH_MAX;
	return err;
}

/* Whether there may be more. */
static bool carry_some(enum err (*fill)(struct database *, struct batch *, bool *))
{
	struct arena *arena = arena_new();
	struct batch *batch = ARENA_NEW(arena, struct batch);
	bool more = false;
	enum err err;

	batch->arena = arena;
	err = fill(service_database(&notification_service), batch, &more);
	if (err)
		log_warning("notification.claim", "%s", err_info(err)->slug);
	else
		carry(batch);
	arena_free(arena);
	return more && !err;
}

void deliver_due(void)
{
	bool more = true;

	while (more && !workers_stopping()) {
		more = carry_some(fill_handed);
		more |= carry_some(fill_due);
	}
}

enum err deliver_mend_times(struct sql *sql, int64_t *ret_count)
{
	return messages_mend(sql, MAX(lease_ms, RETRY_MOST_MS) + TIME_SLACK_MS, ret_count);
}

/* --- the end ---------------------------------------------------------------------------------- */

static enum err let_go(struct sql *sql, void *arg)
{
	const struct handed *handed = arg;
	enum err err = OK;

	for (size_t i = 0; !err && i < handed->count; i++)
		err = messages_let_go(sql, &handed->ids[i]);
	return err;
}

void deliver_stop(void)
{
	struct handed handed = {0};
	enum err err = OK;

	while (!err && (handed.count = handover_take(handed.ids, BATCH_MAX)))
		err = sql_transaction(service_database(&notification_service), let_go, &handed);
	if (err)
		log_warning("notification.not_let_go", "what was claimed waits for its lease: %s",
			    err_info(err)->slug);
}
