/* Asking the provider, in the call of who wants to know, and in the job behind it. */
#include "services/payment/settle.h"

#include <stdatomic.h>

#include "base/env.h"
#include "base/log.h"
#include "runtime/fiber.h"
#include "runtime/watch.h"
#include "runtime/worker.h"
#include "services/payment/intent.h"
#include "services/payment/rules.h"

#define DUE_MAX 64 /* transactions that one run of the job asks about, at once */

static enum err claim_body(struct sql *sql, void *arg)
{
	struct settlement *settlement = arg;
	struct transaction *transaction = &settlement->transaction;

	return transaction_claim(sql, transaction,
				 payment_provider_timeout_ms(transaction->provider),
				 settlement->arena, &settlement->claimed);
}

static enum err postpone_body(struct sql *sql, void *arg)
{
	struct settlement *settlement = arg;
	struct transaction *transaction = &settlement->transaction;
	/* Not by chance, which would differ when the body runs again. */
	uint32_t spread = transaction->id.bytes[15];

	return transaction_postpone(sql, transaction,
				    payment_retry_delay_ms(transaction->attempts, spread));
}

static enum err store_body(struct sql *sql, void *arg)
{
	struct settlement *settlement = arg;

	return intent_settle(sql, settlement->arena, &settlement->asked, &settlement->answer,
			     &settlement->transaction);
}

/* One question. From the second time on what it did the first time is looked for, because it may
 * have forgotten an old key; only where it has done nothing it is asked anew. */
static struct answer ask(struct settlement *settlement)
{
	const struct transaction *transaction = &settlement->transaction;
	const struct payment_provider *provider = payment_provider_by_name(transaction->provider);
	struct answer answer = {.kind = ANSWER_UNKNOWN};

	if (!provider) {
		log_error("payment.no-provider", "%s is not known any more", transaction->provider);
		return (struct answer){.kind = ANSWER_NONE};
	}
	if (transaction->attempts > 1)
		answer = provider->find(settlement->arena, transaction);
	if (answer.kind != ANSWER_UNKNOWN)
		return answer;
	if (transaction->kind == KIND_CHARGE)
		return provider->charge(settlement->arena, transaction);
	return provider->refund(settlement->arena, transaction);
}

/* The answer that another has stored, or none. */
static struct answer stored_answer(const struct transaction *transaction)
{
	switch (transaction->status) {
	case STATUS_SUCCEEDED:
		return (struct answer){.kind = ANSWER_SUCCEEDED,
				       .reference = transaction->provider_reference};
	case STATUS_FAILED:
		return (struct answer){.kind = ANSWER_DECLINED,
				       .code = transaction->failure_code,
				       .message = transaction->failure_message};
	case STATUS_PROCESSING:
	default:
		return (struct answer){.kind = ANSWER_NONE};
	}
}

/* Asks if it is ours to ask; ANSWER_NONE stays where nothing is known. */
static enum err ask_once(struct settlement *settlement)
{
	settlement->answer = stored_answer(&settlement->transaction);
	settlement->asked = settlement->transaction;
	if (settlement->answer.kind != ANSWER_NONE || !settlement->claimed)
		return OK;
	settlement->answer = ask(settlement);
	if (settlement->answer.kind != ANSWER_NONE)
		return OK;
	settlement->claimed = false;
	return sql_transaction(service_database(&payment_service), postpone_body, settlement);
}

/* Until the provider may be asked again, or somebody knows its answer: the row will say which. */
static void wait_for_turn(const struct settlement *settlement, struct watch *watch,
			  int64_t deadline_ms)
{
	int64_t pause_ms = MAX(settlement->transaction.next_try_ms - env_now_ms(), 1);

	if (watch_wait(watch, MIN(env_monotonic_ms() + pause_ms, deadline_ms)))
		log_debug("payment.told", "another has the provider's answer");
}

bool settle_is_waiting(const struct settlement *settlement)
{
	const struct transaction *transaction = &settlement->transaction;

	return !settlement->claimed && transaction->refusals > 0 &&
	       transaction->status == STATUS_PROCESSING && transaction->next_try_ms > env_now_ms();
}

/* Until the answer is known: asking whenever the claim is free, waiting for who has it else. */
static enum err keep_asking(struct settlement *settlement, int64_t deadline_ms)
{
	struct database *database = service_database(&payment_service);
	struct watch watch;
	enum err err = OK;

	watch_begin(&watch, &settlement->transaction.id);
	while (!err && settlement->answer.kind == ANSWER_NONE) {
		if (env_monotonic_ms() >= deadline_ms || workers_stopping() ||
		    settle_is_waiting(settlement)) {
			err = ERR_UNAVAILABLE;
			break;
		}
		err = sql_transaction(database, claim_body, settlement);
		if (!err)
			err = ask_once(settlement);
		if (!err && settlement->answer.kind == ANSWER_NONE)
			wait_for_turn(settlement, &watch, deadline_ms);
	}
	watch_end(&watch);
	return err;
}

enum err settle_ask(struct settlement *settlement, int64_t deadline_ms)
{
	enum err err = ask_once(settlement);

	if (err || settlement->answer.kind != ANSWER_NONE)
		return err;
	return keep_asking(settlement, deadline_ms);
}

void settle_tell(const struct settlement *settlement)
{
	watch_tell(&settlement->transaction.id);
}

enum err settle_store(struct settlement *settlement)
{
	enum err err = sql_transaction(service_database(&payment_service), store_body, settlement);

	if (!err)
		settle_tell(settlement);
	return err;
}

/* --- the job -------------------------------------------------------------------------------- */

static atomic_size_t asking; /* fibers of the job */

/* One of them: its own memory, and what it asks about. */
struct errand {
	struct arena *arena;
	struct transaction transaction;
};

static void run_errand(void *arg)
{
	struct errand *errand = arg;
	struct settlement settlement = {
		.arena = errand->arena,
		.transaction = errand->transaction,
	};
	enum err err;

	err = sql_transaction(service_database(&payment_service), claim_body, &settlement);
	if (!err && settlement.claimed)
		err = settle_ask(&settlement, env_monotonic_ms());
	if (!err && settlement.claimed)
		err = settle_store(&settlement);
	if (err && err != ERR_UNAVAILABLE)
		log_error("payment.settle", "%s", err_info(err)->title);
	arena_free(errand->arena);
	atomic_fetch_sub(&asking, 1);
}

static bool start_errand(const struct transaction *transaction)
{
	struct arena *arena = arena_new();
	struct errand *errand = ARENA_NEW(arena, struct errand);

	errand->arena = arena;
	errand->transaction.order = transaction->order;
	errand->transaction.number = transaction->number;
	errand->transaction.provider = arena_copy_text(arena, transaction->provider);
	atomic_fetch_add(&asking, 1);
	if (fiber_start(run_errand, errand))
		return true;
	atomic_fetch_sub(&asking, 1);
	arena_free(arena);
	return false;
}

struct due {
	struct arena *arena;
	struct transaction transactions[DUE_MAX];
	size_t count;
};

static enum err due_body(struct sql *sql, void *arg)
{
	struct due *due = arg;

	return transactions_due(sql, due->arena, DUE_MAX, due->transactions, &due->count);
}

void settle_due(void)
{
	struct arena *arena = arena_new();
	struct due *due = ARENA_NEW(arena, struct due);
	enum err err;

	due->arena = arena;
	err = sql_read(service_database(&payment_service), due_body, due);
	if (err)
		log_error("payment.due", "%s", err_info(err)->title);
	for (size_t i = 0; i < due->count && atomic_load(&asking) < DUE_MAX; i++) {
		if (!start_errand(&due->transactions[i]))
			break;
	}
	arena_free(arena);
}
