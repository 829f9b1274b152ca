/*
 * The sandbox: a payment provider in miniature, built in. What it is offered as payment method says
 * how it behaves. It keeps books of its own (sandbox.db), as an outside company would, so that what
 * was charged can be told apart from what Payment believes was charged.
 *
 * Invariants:
 *  1. A key has one row, and one outcome, whatever is asked under it and however often.
 *  2. A row says `succeeded` before anybody is told so.
 *  3. Of a charge never more is given back than was taken (charges.refunded).
 */
#include <string.h>

#include "base/config.h"
#include "base/log.h"
#include "runtime/fiber.h"
#include "services/payment/provider.h"

#define TIMEOUT_MS 2000
#define SILENCE_MS 200	    /* how long it keeps silent, for a caller who waits for its answer */
#define CHARGE_PREFIX "ch_" /* behind which comes the key: what a charge is called */
#define REFUND_PREFIX "re_"

extern const struct migration sandbox_migrations[];

struct behaviour {
	const char *token;
	const char *code;    /* it declines with this; NULL: it takes the money */
	int64_t failures;    /* so often it fails first, and has done nothing */
	bool answer_is_lost; /* the first time it keeps silent, and has done it nevertheless */
	bool declines_refunds;
	int64_t refund_refusals; /* so many refunds of it are refused first */
};

static const struct behaviour behaviours[] = {
	{.token = "tok_visa"},
	{.token = "tok_declined", .code = "card_declined"},
	{.token = "tok_insufficient_funds", .code = "insufficient_funds"},
	{.token = "tok_timeout", .answer_is_lost = true},
	{.token = "tok_flaky", .failures = 2},
	{.token = "tok_refund_declined", .declines_refunds = true},
	{.token = "tok_refund_flaky", .refund_refusals = 2},
};

static const struct behaviour no_such_token = {.code = "invalid_payment_method"};

static const struct {
	const char *code, *message;
} messages[] = {
	{"card_declined", "The card was declined."},
	{"insufficient_funds", "The card has insufficient funds."},
	{"invalid_payment_method", "The provider does not know this payment method."},
	{"refund_declined", "The card's bank does not take refunds."},
	{"charge_not_refundable", "The charge is not known, or less is left of it."},
	{"idempotency_error", "The key was used before, for something else."},
};

static struct database *database;

static const struct behaviour *behaviour_of(const char *token)
{
	for (size_t i = 0; i < ARRAY_LENGTH(behaviours); i++) {
		if (strcmp(behaviours[i].token, token) == 0)
			return &behaviours[i];
	}
	return &no_such_token;
}

static struct answer answer_declined(const char *code)
{
	struct answer answer = {.kind = ANSWER_DECLINED, .code = code, .message = code};

	for (size_t i = 0; i < ARRAY_LENGTH(messages); i++) {
		if (strcmp(messages[i].code, code) == 0)
			answer.message = messages[i].message;
	}
	return answer;
}

static struct answer answer_succeeded(struct arena *arena, const struct transaction *transaction)
{
	const char *prefix = transaction->kind == KIND_CHARGE ? CHARGE_PREFIX : REFUND_PREFIX;

	return (struct answer){
		.kind = ANSWER_SUCCEEDED,
		.reference = arena_printf(arena, "%s%s", prefix, transaction->provider_key),
	};
}

/* What a request's body works on. */
struct work {
	struct arena *arena;
	const struct transaction *transaction;
	bool asked_before;
	struct answer answer;
};

/* Ends a query for what is stored under the key: status, code, amount, currency. */
static enum err take_stored(struct sql_rows *rows, struct work *work)
{
	const struct money *asked = &work->transaction->amount;
	struct money amount;
	const char *status;
	enum err err = sql_first(rows);

	if (err)
		return err;
	status = sql_peek_text(rows, 0);
	amount.amount = sql_get_int(rows, 2);
	sql_get_currency(rows, 3, amount.currency);
	work->answer = (struct answer){.kind = ANSWER_NONE};
	if (amount.amount != asked->amount || !money_same_currency(&amount, asked))
		work->answer = answer_declined("idempotency_error");
	else if (strcmp(status, "succeeded") == 0)
		work->answer = answer_succeeded(work->arena, work->transaction);
	else if (strcmp(status, "declined") == 0)
		work->answer = answer_declined(sql_get_text(rows, 1, work->arena));
	return sql_end(rows);
}

/* --- charges -------------------------------------------------------------------------------- */

/* One that has failed often enough succeeds now. */
static enum err charge_again(struct sql *sql, struct work *work, const struct behaviour *behaviour)
{
	const struct transaction *transaction = work->transaction;

	work->asked_before = true;
	return take_stored(
		sql_query(sql,
			  "UPDATE charges SET asked = asked + 1, status = CASE"
			  " WHEN status = 'failing' AND asked >= $2 AND amount = $3"
			  " AND currency = $4 THEN 'succeeded' ELSE status END WHERE key = $1"
			  " RETURNING status, code, amount, currency",
			  sql_text(transaction->provider_key), sql_int(behaviour->failures),
			  sql_int(transaction->amount.amount),
			  sql_text(transaction->amount.currency)),
		work);
}

static enum err charge_body(struct sql *sql, void *arg)
{
	struct work *work = arg;
	const struct transaction *transaction = work->transaction;
	const struct behaviour *behaviour = behaviour_of(transaction->payment_method);
	const char *status = "succeeded";
	enum err err;

	work->asked_before = false;
	work->answer = (struct answer){.kind = ANSWER_NONE};
	if (behaviour->code) {
		status = "declined";
		work->answer = answer_declined(behaviour->code);
	} else if (behaviour->failures > 0) {
		status = "failing";
	} else {
		work->answer = answer_succeeded(work->arena, transaction);
	}

	err = sql_run(sql,
		      "INSERT INTO charges (key, order_id, payment_method, amount, currency,"
		      " status, code, asked, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8)"
		      " ON CONFLICT (key) DO NOTHING",
		      sql_text(transaction->provider_key),
		      sql_text(id_text(work->arena, &transaction->order)),
		      sql_text(transaction->payment_method), sql_int(transaction->amount.amount),
		      sql_text(transaction->amount.currency), sql_text(status),
		      sql_text(behaviour->code), sql_int(sql_now_ms(sql)));
	if (err || sql_changes(sql) == 1)
		return err;
	return charge_again(sql, work, behaviour);
}

static struct answer sandbox_charge(struct arena *arena, const struct transaction *transaction)
{
	struct work work = {.arena = arena, .transaction = transaction};

	if (sql_transaction(database, charge_body, &work))
		return (struct answer){.kind = ANSWER_NONE};
	if (behaviour_of(transaction->payment_method)->answer_is_lost && !work.asked_before) {
		fiber_sleep(SILENCE_MS);
		return (struct answer){.kind = ANSWER_NONE};
	}
	return work.answer;
}

/* --- refunds -------------------------------------------------------------------------------- */

static const char *charge_key(const struct transaction *refund)
{
	const char *reference = refund->charge_reference;
	size_t length = strlen(CHARGE_PREFIX);

	return strncmp(reference, CHARGE_PREFIX, length) == 0 ? reference + length : reference;
}

/* How often refunds of the charge were asked for. Few charges want to know. */
static enum err count_refunds(struct sql *sql, const char *key, int64_t *ret_count)
{
	struct sql_rows *rows =
		sql_query(sql, "SELECT COUNT(*) FROM refunds WHERE charge_key = $1", sql_text(key));

	return SQL_TAKE(rows, ret_count, sql_get_int(rows, 0));
}

/* Why the charge's method gives nothing back, or NULL. */
static enum err refund_obstacle(struct sql *sql, const struct transaction *transaction,
				const char **ret_code)
{
	const char *key = charge_key(transaction);
	struct sql_rows *rows =
		sql_query(sql, "SELECT payment_method FROM charges WHERE key = $1", sql_text(key));
	const struct behaviour *behaviour = NULL;
	int64_t count = 0;
	enum err err = sql_first(rows);

	if (!err) {
		behaviour = behaviour_of(sql_peek_text(rows, 0));
		err = sql_end(rows);
	}
	if (!err && behaviour->refund_refusals)
		err = count_refunds(sql, key, &count);
	if (err && err != ERR_NOT_FOUND)
		return err;
	*ret_code = NULL;
	if (err == ERR_NOT_FOUND)
		*ret_code = "charge_not_refundable";
	else if (behaviour->declines_refunds || count < behaviour->refund_refusals)
		*ret_code = "refund_declined";
	return OK;
}

/* Takes the amount off the charge; a code in *ret_code where there is an obstacle. */
static enum err give_back(struct sql *sql, const struct transaction *transaction,
			  const char **ret_code)
{
	enum err err = refund_obstacle(sql, transaction, ret_code);

	if (err || *ret_code)
		return err;
	err = sql_run(sql,
		      "UPDATE charges SET refunded = refunded + $2 WHERE key = $1"
		      " AND status = 'succeeded' AND currency = $3 AND refunded + $2 <= amount",
		      sql_text(charge_key(transaction)), sql_int(transaction->amount.amount),
		      sql_text(transaction->amount.currency));
	if (!err && sql_changes(sql) == 0)
		*ret_code = "charge_not_refundable";
	return err;
}

static enum err refund_body(struct sql *sql, void *arg)
{
	struct work *work = arg;
	const struct transaction *transaction = work->transaction;
	const char *code = NULL;
	enum err err;

	err = take_stored(sql_query(sql,
				    "UPDATE refunds SET asked = asked + 1 WHERE key = $1"
				    " RETURNING status, code, amount, currency",
				    sql_text(transaction->provider_key)),
			  work);
	if (err != ERR_NOT_FOUND)
		return err;
	err = give_back(sql, transaction, &code);
	if (err)
		return err;
	work->answer = code ? answer_declined(code) : answer_succeeded(work->arena, transaction);
	return sql_run(
		sql,
		"INSERT INTO refunds (key, order_id, charge_key, amount, currency, status, code,"
		" asked, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8)",
		sql_text(transaction->provider_key),
		sql_text(id_text(work->arena, &transaction->order)),
		sql_text(charge_key(transaction)), sql_int(transaction->amount.amount),
		sql_text(transaction->amount.currency), sql_text(code ? "declined" : "succeeded"),
		sql_text(code), sql_int(sql_now_ms(sql)));
}

static struct answer sandbox_refund(struct arena *arena, const struct transaction *transaction)
{
	struct work work = {.arena = arena, .transaction = transaction};

	if (sql_transaction(database, refund_body, &work))
		return (struct answer){.kind = ANSWER_NONE};
	return work.answer;
}

/* --- looking things up ---------------------------------------------------------------------- */

static enum err find_body(struct sql *sql, void *arg)
{
	struct work *work = arg;
	struct sql_value key = sql_text(work->transaction->provider_key);

	if (work->transaction->kind == KIND_CHARGE)
		return take_stored(sql_query(sql,
					     "SELECT status, code, amount, currency FROM charges"
					     " WHERE key = $1 AND status <> 'failing'",
					     key),
				   work);
	return take_stored(
		sql_query(sql, "SELECT status, code, amount, currency FROM refunds WHERE key = $1",
			  key),
		work);
}

static struct answer sandbox_find(struct arena *arena, const struct transaction *transaction)
{
	struct work work = {.arena = arena, .transaction = transaction};
	enum err err = sql_read(database, find_body, &work);

	if (err == ERR_NOT_FOUND)
		return (struct answer){.kind = ANSWER_UNKNOWN};
	if (err)
		return (struct answer){.kind = ANSWER_NONE};
	return work.answer;
}

/* --- its life ------------------------------------------------------------------------------- */

const struct migration_set sandbox_migration_set = {"sandbox", sandbox_migrations};

static enum err sandbox_start(void)
{
	static const struct migration_set *const sets[] = {&sandbox_migration_set, NULL};
	struct database_options options = {
		.directory = config_text("data"),
		.name = "sandbox",
		.migration_sets = sets,
		.queue_max = (size_t)config_int("database-queue"),
		.statement_limit_ms = config_int("statement-limit-ms"),
	};
	struct arena *arena = arena_new();
	const char *why = NULL;
	enum err err;

	err = database_open(&options, arena, &database, &why);
	if (err)
		log_error("payment.sandbox", "%s", why ? why : "its books do not open");
	arena_free(arena);
	return err;
}

static void sandbox_stop(void)
{
	database_close(database);
	database = NULL;
}

const struct payment_provider sandbox_provider = {
	.name = "sandbox",
	.timeout_ms = TIMEOUT_MS,
	.start = sandbox_start,
	.stop = sandbox_stop,
	.charge = sandbox_charge,
	.refund = sandbox_refund,
	.find = sandbox_find,
};
