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
#define SILENCE_MS 200 /* how long it keeps silent, for a caller who waits for its answer */

extern const struct migration sandbox_migrations[];

struct behaviour {
	const char *token;
	const char *code;    /* it declines with this; NULL: it takes the money */
	int64_t failures;    /* so often it fails first, and has done nothing */
	bool answer_is_lost; /* the first time it keeps silent, and has done it nevertheless */
	bool declines_refunds;
};

static const struct behaviour behaviours[] = {
	{.token = "tok_visa"},
	{.token = "tok_declined", .code = "card_declined"},
	{.token = "tok_insufficient_funds", .code = "insufficient_funds"},
	{.token = "tok_timeout", .answer_is_lost = true},
	{.token = "tok_flaky", .failures = 2},
	{.token = "tok_refund_declined", .declines_refunds = true},
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

/* What a request's body works on. */
struct work {
	struct arena *arena;
	const struct transaction *transaction;
	const struct behaviour *behaviour;
	const char *reference; /* a new one, used if the key is new */
	int64_t asked;	       /* how often by now */
	struct answer answer;
};

/* The answer that a row stands for: status, code, reference, amount, currency, in its columns. */
static struct answer answer_of_row(struct sql_rows *rows, const struct work *work)
{
	const struct money *asked = &work->transaction->amount;
	const char *status = sql_peek_text(rows, 0);
	struct money amount = {.amount = sql_get_int(rows, 3)};

	sql_get_currency(rows, 4, amount.currency);
	if (amount.amount != asked->amount || !money_same_currency(&amount, asked))
		return answer_declined("idempotency_error");
	if (strcmp(status, "succeeded") == 0)
		return (struct answer){.kind = ANSWER_SUCCEEDED,
				       .reference = sql_get_text(rows, 2, work->arena)};
	if (strcmp(status, "declined") == 0)
		return answer_declined(sql_get_text(rows, 1, work->arena));
	return (struct answer){.kind = ANSWER_NONE};
}

/* --- charges -------------------------------------------------------------------------------- */

static enum err stop_failing(struct sql *sql, struct work *work)
{
	struct sql_rows *rows;
	enum err err;

	rows = sql_query(sql,
			 "UPDATE charges SET status = 'succeeded' WHERE key = $1"
			 " RETURNING status, code, reference, amount, currency",
			 sql_text(work->transaction->provider_key));
	err = sql_first(rows);
	if (err)
		return err;
	work->answer = answer_of_row(rows, work);
	return sql_end(rows);
}

static enum err charge_body(struct sql *sql, void *arg)
{
	struct work *work = arg;
	const struct transaction *transaction = work->transaction;
	const struct behaviour *behaviour = work->behaviour;
	const char *status = "succeeded";
	struct sql_rows *rows;
	enum err err;

	if (behaviour->code)
		status = "declined";
	else if (behaviour->failures > 0)
		status = "failing";

	rows = sql_query(sql,
			 "INSERT INTO charges (key, reference, order_id, payment_method, amount,"
			 " currency, status, code, asked, created_at)"
			 " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9)"
			 " ON CONFLICT (key) DO UPDATE SET asked = charges.asked + 1"
			 " RETURNING status, code, reference, amount, currency, asked",
			 sql_text(transaction->provider_key), sql_text(work->reference),
			 sql_text(id_text(work->arena, &transaction->order)),
			 sql_text(transaction->payment_method), sql_int(transaction->amount.amount),
			 sql_text(transaction->amount.currency), sql_text(status),
			 sql_text(behaviour->code), sql_int(sql_now_ms(sql)));
	err = sql_first(rows);
	if (err)
		return err;
	work->answer = answer_of_row(rows, work);
	work->asked = sql_get_int(rows, 5);
	err = sql_end(rows);
	if (!err && work->answer.kind == ANSWER_NONE && work->asked > behaviour->failures)
		err = stop_failing(sql, work);
	return err;
}

static struct answer sandbox_charge(struct arena *arena, const struct transaction *transaction)
{
	struct id id = id_new();
	struct work work = {
		.arena = arena,
		.transaction = transaction,
		.behaviour = behaviour_of(transaction->payment_method),
		.reference = arena_printf(arena, "ch_%s", id_text(arena, &id)),
	};

	if (sql_transaction(database, charge_body, &work))
		return (struct answer){.kind = ANSWER_NONE};
	if (work.behaviour->answer_is_lost && work.asked == 1) {
		fiber_sleep(SILENCE_MS);
		return (struct answer){.kind = ANSWER_NONE};
	}
	return work.answer;
}

/* --- refunds -------------------------------------------------------------------------------- */

static enum err stored_refund(struct sql *sql, struct work *work)
{
	struct sql_rows *rows;
	enum err err;

	rows = sql_query(sql,
			 "UPDATE refunds SET asked = asked + 1 WHERE key = $1"
			 " RETURNING status, code, reference, amount, currency",
			 sql_text(work->transaction->provider_key));
	err = sql_first(rows);
	if (err)
		return err;
	work->answer = answer_of_row(rows, work);
	return sql_end(rows);
}

/* Why the charge's method gives nothing back, or NULL. */
static enum err refund_obstacle(struct sql *sql, const struct transaction *transaction,
				const char **ret_code)
{
	struct sql_rows *rows = sql_query(sql,
					  "SELECT payment_method FROM charges"
					  " WHERE reference = $1",
					  sql_text(transaction->charge_reference));
	const char *code = NULL;
	enum err err = sql_first(rows);

	if (!err) {
		if (behaviour_of(sql_peek_text(rows, 0))->declines_refunds)
			code = "refund_declined";
		err = sql_end(rows);
	} else if (err == ERR_NOT_FOUND) {
		code = "charge_not_refundable";
		err = OK;
	}
	if (!err)
		*ret_code = code;
	return err;
}

static enum err refund_body(struct sql *sql, void *arg)
{
	struct work *work = arg;
	const struct transaction *transaction = work->transaction;
	const char *code = NULL;
	enum err err;

	err = stored_refund(sql, work);
	if (err != ERR_NOT_FOUND)
		return err;
	err = refund_obstacle(sql, transaction, &code);
	if (err)
		return err;
	if (!code) {
		err = sql_run(sql,
			      "UPDATE charges SET refunded = refunded + $2 WHERE reference = $1"
			      " AND status = 'succeeded' AND currency = $3"
			      " AND refunded + $2 <= amount",
			      sql_text(transaction->charge_reference),
			      sql_int(transaction->amount.amount),
			      sql_text(transaction->amount.currency));
		if (err)
			return err;
		if (sql_changes(sql) == 0)
			code = "charge_not_refundable";
	}
	err = sql_run(sql,
		      "INSERT INTO refunds (key, reference, order_id, charge_reference, amount,"
		      " currency, status, code, asked, created_at)"
		      " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9)",
		      sql_text(transaction->provider_key), sql_text(work->reference),
		      sql_text(id_text(work->arena, &transaction->order)),
		      sql_text(transaction->charge_reference), sql_int(transaction->amount.amount),
		      sql_text(transaction->amount.currency),
		      sql_text(code ? "declined" : "succeeded"), sql_text(code),
		      sql_int(sql_now_ms(sql)));
	return err ? err : stored_refund(sql, work);
}

static struct answer sandbox_refund(struct arena *arena, const struct transaction *transaction)
{
	struct id id = id_new();
	struct work work = {
		.arena = arena,
		.transaction = transaction,
		.reference = arena_printf(arena, "re_%s", id_text(arena, &id)),
	};

	if (sql_transaction(database, refund_body, &work))
		return (struct answer){.kind = ANSWER_NONE};
	return work.answer;
}

/* --- looking things up ---------------------------------------------------------------------- */

static enum err find_body(struct sql *sql, void *arg)
{
	struct work *work = arg;
	struct sql_rows *rows;
	enum err err;

	rows = work->transaction->kind == KIND_CHARGE
		       ? sql_query(sql,
				   "SELECT status, code, reference, amount, currency FROM charges"
				   " WHERE key = $1 AND status <> 'failing'",
				   sql_text(work->transaction->provider_key))
		       : sql_query(sql,
				   "SELECT status, code, reference, amount, currency FROM refunds"
				   " WHERE key = $1",
				   sql_text(work->transaction->provider_key));
	err = sql_first(rows);
	if (err)
		return err;
	work->answer = answer_of_row(rows, work);
	return sql_end(rows);
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
