/*
 * Payment's endpoints.
 *
 * A charge, and a refund, is three steps: the intent is stored; the provider is asked; its answer
 * is stored together with the event and the reply. Only the last is the request's effect in the
 * sense of Idempotency-Key, because a request that is killed before it has done nothing that its
 * repetition would do again: that finds the intent, by the order or by the key.
 */
#include "base/card.h"
#include "base/config.h"
#include "base/env.h"
#include "services/payment/intent.h"
#include "services/payment/owed.h"
#include "services/payment/rules.h"
#include "services/payment/settle.h"

#define CALL_PATIENCE_MS 4000 /* how long a caller is kept waiting for a provider that is silent */
#define REASON_MAX 500
#define ORDER_NUMBER_MAX 40

static const struct field charge_fields[] = {
	FIELD(struct charge_draft, order, "orderId", ID, .flags = REQUIRED),
	FIELD(struct charge_draft, amount, "amount", MONEY, .flags = REQUIRED, .min = 1,
	      .max = MONEY_MAX),
	FIELD(struct charge_draft, payment_method, "paymentMethod", TEXT, .flags = REQUIRED,
	      .min = 1, .max = PAYMENT_TOKEN_MAX, .check = is_payment_token,
	      .expected = PAYMENT_TOKEN_EXPECTED),
	FIELD(struct charge_draft, user, "userId", ID),
	FIELD(struct charge_draft, order_number, "orderNumber", TEXT, .min = 1,
	      .max = ORDER_NUMBER_MAX),
	FIELD_END,
};

static const struct field refund_fields[] = {
	FIELD(struct refund_draft, order, "orderId", ID, .flags = REQUIRED),
	FIELD(struct refund_draft, amount, "amount", MONEY, .min = 1, .max = MONEY_MAX,
	      GIVEN(struct refund_draft, amount_given)),
	FIELD(struct refund_draft, reason, "reason", TEXT, .min = 1, .max = REASON_MAX,
	      .check = no_card_number_in, .expected = NO_CARD_NUMBER_EXPECTED),
	FIELD_END,
};

static void write_transaction(struct out *out, const char *name,
			      const struct transaction *transaction)
{
	out_open(out, name);
	out_id(out, "id", &transaction->id);
	out_id(out, "orderId", &transaction->order);
	out_text(out, "kind", transaction_kind_text(transaction->kind));
	out_money(out, "amount", &transaction->amount);
	out_text(out, "status", transaction_status_text(transaction->status));
	out_text(out, "provider", transaction->provider);
	out_text(out, "providerReference", transaction->provider_reference);
	if (transaction->failure_code) {
		out_open(out, "failure");
		out_text(out, "code", transaction->failure_code);
		out_text(out, "message", transaction->failure_message);
		out_close(out);
	}
	out_time(out, "createdAt", transaction->created_ms);
	out_close(out);
}

/* --- charging and refunding ----------------------------------------------------------------- */

/* What the bodies of one request work on. */
struct work {
	struct request *req;
	struct reply *reply;
	const void *draft;
	struct settlement settlement;
};

static enum err refuse_declined(struct request *req, const struct transaction *transaction)
{
	struct out members = out_new(req->arena);

	out_open(&members, NULL);
	out_text(&members, "code", transaction->failure_code);
	out_id(&members, "transactionId", &transaction->id);
	out_close(&members);
	return refuse_with(req, ERR_PAYMENT_DECLINED, &members, "%s", transaction->failure_message);
}

static void reply_transaction(struct work *work)
{
	const struct transaction *transaction = &work->settlement.transaction;
	struct out out = out_new_kept(work->req->arena, work->req->arena);

	write_transaction(&out, NULL, transaction);
	reply_header(work->reply, "Location", "/payments/%s/status",
		     id_text(work->req->arena, &transaction->order));
	reply_json(work->reply, 201, &out);
}

/* Stores that it succeeded, or that it is to be tried again, and the reply with it. */
static enum err proceed(struct sql *sql, void *arg)
{
	struct work *work = arg;
	struct settlement *settlement = &work->settlement;
	enum err err;

	err = intent_settle(sql, work->req->arena, &settlement->asked, &settlement->answer,
			    &settlement->transaction);
	if (err)
		return err;
	/* A provider that contradicts itself: what was stored first holds. */
	if (settlement->transaction.status == STATUS_FAILED)
		return refuse_declined(work->req, &settlement->transaction);
	reply_transaction(work);
	return OK;
}

/* A refund that waits for its next time is answered as it is: with the key of the request, where it
 * has one, the first answer is stored. */
static enum err reply_waiting(struct sql *sql, void *arg)
{
	(void)sql;
	reply_transaction(arg);
	return OK;
}

/* Brings an intent to its end, and answers. */
static enum err conclude(struct work *work)
{
	struct settlement *settlement = &work->settlement;
	enum err err;

	err = settle_ask(settlement, env_monotonic_ms() + CALL_PATIENCE_MS);
	if (err == ERR_UNAVAILABLE && settle_is_waiting(settlement))
		return request_transaction(work->req, work->reply, reply_waiting, work);
	if (err == ERR_UNAVAILABLE)
		return refuse(work->req, err,
			      "The payment provider gives no answer. The transaction %s is being "
			      "processed, and will be settled as soon as it answers.",
			      id_text(work->req->arena, &settlement->transaction.id));
	if (err)
		return err;
	if (settlement->answer.kind == ANSWER_DECLINED &&
	    !intent_is_tried_again(&settlement->transaction, &settlement->answer)) {
		err = settle_store(settlement);
		return err ? err : refuse_declined(work->req, &settlement->transaction);
	}
	err = request_transaction(work->req, work->reply, proceed, work);
	if (!err)
		settle_tell(settlement);
	return err;
}

static enum err begin_charge(struct sql *sql, void *arg)
{
	struct work *work = arg;

	return intent_charge(sql, work->req, work->draft, &work->settlement.transaction,
			     &work->settlement.claimed);
}

/* POST /payments/charge: takes an order's money, once. */
static enum err post_charge(struct request *req, struct reply *reply)
{
	struct charge_draft draft = {0};
	struct work work = {
		.req = req,
		.reply = reply,
		.draft = &draft,
		.settlement.arena = req->arena,
	};
	enum err err;

	err = request_body(req, charge_fields, &draft);
	if (!err)
		err = owed_check(req, &draft);
	if (err)
		return err;
	err = sql_transaction(service_database(&payment_service), begin_charge, &work);
	if (err)
		return err;
	return conclude(&work);
}

/* Who asks for a refund, and under which key; NULL where there is none. */
static const char *request_key(const struct request *req)
{
	const char *key = request_header(req, "Idempotency-Key");

	if (!key)
		return NULL;
	return arena_printf(req->arena, "%s:%s:%s", req->caller.client ? req->caller.client : "",
			    id_text(req->arena, &req->caller.user), key);
}

static enum err begin_refund(struct sql *sql, void *arg)
{
	struct work *work = arg;

	/* There were none, or the body runs once more. */
	work->req->faults = (struct faults){.arena = work->req->arena};
	return intent_refund(sql, work->req, work->draft, request_key(work->req),
			     &work->settlement.transaction, &work->settlement.claimed);
}

/* POST /payments/refund: gives back what was paid for an order, or a part of it. */
static enum err post_refund(struct request *req, struct reply *reply)
{
	struct refund_draft draft = {0};
	struct work work = {
		.req = req,
		.reply = reply,
		.draft = &draft,
		.settlement.arena = req->arena,
	};
	enum err err;

	err = request_body(req, refund_fields, &draft);
	if (err)
		return err;
	err = sql_transaction(service_database(&payment_service), begin_refund, &work);
	if (err)
		return err;
	return conclude(&work);
}

/* --- looking -------------------------------------------------------------------------------- */

struct look {
	struct arena *arena;
	struct id order;
	struct transactions transactions;
	const struct transaction *charge; /* the latest; NULL where there is none */
};

static const struct transaction *last_charge(const struct transactions *transactions)
{
	for (size_t i = transactions->count; i > 0; i--) {
		if (transactions->items[i - 1].kind == KIND_CHARGE)
			return &transactions->items[i - 1];
	}
	return NULL;
}

static enum err read_order(struct sql *sql, void *arg)
{
	struct look *look = arg;

	return transactions_of_order(sql, &look->order, look->arena, &look->transactions);
}

static bool may_look(const struct request *req, const struct look *look)
{
	return request_has_role(req, ROLE_SERVICE | ROLE_ADMIN) ||
	       (look->charge && request_is_user(req, &look->charge->user));
}

static void write_sum(struct out *out, const char *name, const struct look *look, int64_t amount)
{
	const char *currency =
		look->charge ? look->charge->amount.currency : config_text("currency");
	struct money sum = {.amount = amount};

	snprintf(sum.currency, sizeof(sum.currency), "%s", currency);
	out_money(out, name, &sum);
}

static void write_status(struct out *out, const struct look *look)
{
	const struct transaction *charge = look->charge;
	bool paid = charge && charge->status == STATUS_SUCCEEDED;

	out_open(out, NULL);
	out_id(out, "orderId", &look->order);
	out_text(out, "status", payment_status(charge));
	write_sum(out, "paid", look, paid ? charge->amount.amount : 0);
	write_sum(out, "refunded", look, paid ? charge->refunded : 0);
	out_open_list(out, "transactions");
	for (size_t i = 0; i < look->transactions.count; i++)
		write_transaction(out, NULL, &look->transactions.items[i]);
	out_close_list(out);
	out_close(out);
}

/* All that changes is that a transaction is added, or settled. */
static size_t count_settled(const struct transactions *transactions)
{
	size_t settled = 0;

	for (size_t i = 0; i < transactions->count; i++)
		settled += transactions->items[i].status != STATUS_PROCESSING;
	return settled;
}

/* GET /payments/:orderId/status: how the order's payment stands. */
static enum err get_status(struct request *req, struct reply *reply)
{
	struct look *look = ARENA_NEW(req->arena, struct look);
	struct out out = out_new(req->arena);
	enum err err;

	look->arena = req->arena;
	err = request_id(req, "orderId", &look->order);
	if (err)
		return err;
	err = request_read(req, read_order, look);
	if (err)
		return err;
	look->charge = last_charge(&look->transactions);
	if (!may_look(req, look))
		return ERR_NOT_FOUND;
	write_status(&out, look);
	reply_json(reply, 200, &out);
	reply_etag(reply, (int64_t)look->transactions.count,
		   (int64_t)count_settled(&look->transactions));
	return OK;
}

/* --- lists ---------------------------------------------------------------------------------- */

static const struct field filter_fields[] = {
	FIELD(struct transaction_filter, kind, "kind", CHOICE, .choices = transaction_kind_words,
	      GIVEN(struct transaction_filter, has_kind)),
	FIELD(struct transaction_filter, status, "status", CHOICE,
	      .choices = transaction_status_words, GIVEN(struct transaction_filter, has_status)),
	FIELD_END,
};

struct listing {
	struct transaction_filter filter;
	struct page page;
	struct arena *arena;
	struct transaction *transactions;
	size_t count;
};

static enum err list(struct sql *sql, void *arg)
{
	struct listing *listing = arg;

	return transactions_list(sql, &listing->filter, &listing->page, listing->arena,
				 &listing->transactions, &listing->count);
}

/* GET /payments: charges and refunds of all orders, the newest first. */
static enum err get_payments(struct request *req, struct reply *reply)
{
	struct listing listing = {.arena = req->arena};
	struct cursor next;
	bool more;
	struct out out;
	enum err err, page_err;

	err = request_query_read(req, filter_fields, &listing.filter);
	page_err = request_page(req, "payments", &listing.page);
	if (err || page_err)
		return err ? err : page_err;
	err = request_read_long(req, WORK_LIST, list, &listing);
	if (err)
		return err;

	more = listing.count > (size_t)listing.page.limit;
	if (more) {
		listing.count--;
		next = (struct cursor){.id = listing.transactions[listing.count - 1].id};
	}
	out = reply_list_begin(reply);
	for (size_t i = 0; i < listing.count; i++)
		write_transaction(&out, NULL, &listing.transactions[i]);
	reply_list_end_items(&out);
	reply_list_end(req, reply, &out, "payments", more ? &next : NULL);
	return OK;
}

extern const struct route payment_routes[];

/* clang-format off */
const struct route payment_routes[] = {
	{HTTP_POST, "/payments/charge", post_charge,
	 ROLE_SERVICE | ROLE_ADMIN, ROUTE_BODY | ROUTE_IDEMPOTENT},
	{HTTP_POST, "/payments/refund", post_refund,
	 ROLE_SERVICE | ROLE_ADMIN, ROUTE_BODY | ROUTE_IDEMPOTENT},
	{HTTP_GET, "/payments", get_payments, ROLE_ADMIN, ROUTE_PAGE | ROUTE_QUERY},
	{HTTP_GET, "/payments/:orderId/status", get_status, ANY_CALLER, 0},
	{0},
};
/* clang-format on */
