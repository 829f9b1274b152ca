/*
 * What Order does beside requests: it charges what is reserved, has refunded what was paid in
 * vain, expires what nobody answered for, and clears away old carts.
 *
 * Work is found in orders.due_at. Who takes an order moves that on by a lease in the same statement,
 * so no two work at it, and if one is killed another comes when the lease is over, or at once at the
 * next start. Asking twice does no harm: a charge is made once per order, and a refund gives back
 * what is left.
 *
 * An order that has just been reserved is taken in that transaction already, and handed over in
 * memory, on the desk: most are never looked for.
 *
 * What Payment answers to a charge is not stored here: its event says the same, and will come.
 *
 *	due ── taken ──┬── answered: a step of the saga, which says what is due then
 *	 │             └── no answer: due again, later each time
 *	 └── past the reservation's end: cancelled, unless Payment knows of money
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/config.h"
#include "base/env.h"
#include "base/log.h"
#include "base/time.h"
#include "runtime/fiber.h"
#include "runtime/limiter.h"
#include "runtime/watch.h"
#include "runtime/worker.h"
#include "services/order/rules.h"
#include "services/order/saga.h"
#include "services/order/service.h"
#include "services/order/store.h"
#include "services/order/store_cart.h"
#include "services/order/stray.h"

#define CHARGE_EVERY_MS SECOND_MS
#define REFUND_EVERY_MS SECOND_MS
#define EXPIRE_EVERY_MS (10 * SECOND_MS)
#define CARTS_EVERY_MS HOUR_MS
#define STRAYS_EVERY_MS SECOND_MS
#define TAKE_MAX 64			       /* orders in one statement */
#define CHARGE_ENDS_BEFORE_MS (30 * SECOND_MS) /* the reservation's end */
#define REFUND_LOOK_AGAIN_MS (10 * SECOND_MS)  /* whether Payment has told that it is done */
#define REFUND_REFUSED_PAUSE_MS HOUR_MS
#define STEP_PATIENCE_MS (20 * SECOND_MS)
#define STEP_PAUSE_MS 500
#define CARTS_MAX 500 /* in one transaction */

/* A kind of work: orders of one status that are due, each done by a fiber of its own. */
struct errand;
struct work {
	enum order_status status;
	struct limiter **limiter;
	void (*run)(struct errand *errand);
};

/* One order that is worked at. All of its memory is in its arena. */
struct errand {
	struct sql_hook hook;
	struct errand *next; /* on the desk */
	struct arena *arena;
	const struct work *work;
	struct order order; /* as it was taken: without lines */
	struct request trace;
	/* For transactions. */
	struct id transaction;
	struct money charged;
	const char *code, *message; /* why it was declined */
	int64_t due_ms;
};

enum { JOB_CHARGE, JOB_REFUND, JOB_EXPIRE, JOB_CARTS, JOB_STRAYS };

static struct limiter *charge_limiter, *refund_limiter, *expire_limiter;

/* --- steps, each in a transaction ------------------------------------------------------------ */

static struct news news_of(const struct errand *errand)
{
	return (struct news){
		.arena = errand->arena,
		.order = errand->order.id,
		.traceparent = errand->order.traceparent,
	};
}

static enum err charged(struct sql *sql, void *arg)
{
	struct errand *errand = arg;
	struct news news = news_of(errand);

	return saga_charged(sql, &news, &errand->transaction, &errand->charged);
}

static enum err declined(struct sql *sql, void *arg)
{
	struct errand *errand = arg;
	struct news news = news_of(errand);

	return saga_declined(sql, &news, errand->code, errand->message);
}

static enum err expired(struct sql *sql, void *arg)
{
	struct news news = news_of(arg);

	return saga_expired(sql, &news);
}

static enum err set_due(struct sql *sql, void *arg)
{
	struct errand *errand = arg;

	return order_set_due(sql, &errand->order.id, errand->work->status, errand->due_ms);
}

/* What was learned is kept for a store that takes nothing now (its disk is full); what fails for
 * longer, or for good, comes again when the lease is over. */
static void step(struct errand *errand, sql_body *body)
{
	struct database *database = service_database(&order_service);
	int64_t deadline_ms = env_monotonic_ms() + STEP_PATIENCE_MS;
	enum err err = sql_transaction(database, body, errand);

	while (err && err_info(err)->transient && env_monotonic_ms() < deadline_ms &&
	       !workers_stopping()) {
		fiber_sleep(STEP_PAUSE_MS);
		err = sql_transaction(database, body, errand);
	}
	if (err)
		log_error("order.step", "order %s: %s", id_text(errand->arena, &errand->order.id),
			  err_info(err)->title);
}

static void again_in(struct errand *errand, int64_t pause_ms)
{
	errand->due_ms = env_now_ms() + pause_ms;
	step(errand, set_due);
}

static void again_later(struct errand *errand)
{
	again_in(errand, order_retry_ms(errand->order.attempts, env_random_below(1000)));
}

/* --- asking Payment --------------------------------------------------------------------------- */

static enum err ask(struct errand *errand, enum http_method method, const char *path,
		    const struct out *body, const char *key, struct call_answer *ret_answer)
{
	const struct call call = {
		.service = "payment",
		.method = method,
		.path = path,
		.body = body,
		.idempotency_key = key,
	};
	enum err err;

	err = service_call(errand->arena, &order_service, &errand->trace, &call, ret_answer);
	return err ? err : ret_answer->err;
}

static enum err ask_for_status(struct errand *errand, struct call_answer *ret_answer)
{
	const char *path = arena_printf(errand->arena, "/payments/%s/status",
					id_text(errand->arena, &errand->order.id));

	return ask(errand, HTTP_GET, path, NULL, NULL, ret_answer);
}

/* The charge that went through, among the transactions of an order. */
static bool find_charge(const json_t *payment, struct errand *errand)
{
	const json_t *transactions = json_object_get(payment, "transactions");

	for (size_t i = 0; i < json_array_size(transactions); i++) {
		const json_t *transaction = json_array_get(transactions, i);
		const char *kind = json_get_text(transaction, "kind");
		const char *status = json_get_text(transaction, "status");

		if (kind && status && strcmp(kind, "charge") == 0 &&
		    strcmp(status, "succeeded") == 0)
			return json_get_id(transaction, "id", &errand->transaction) &&
			       json_get_money(transaction, "amount", &errand->charged);
	}
	return false;
}

/* Payment gave no answer that settles it: what does it know? Only where it has no money and waits
 * for none, and the time is over, is the order given up. */
static void settle_by_status(struct errand *errand, bool is_late)
{
	struct call_answer answer;
	const char *status;

	if (ask_for_status(errand, &answer)) {
		again_later(errand);
		return;
	}
	status = json_get_text(answer.json, "status");
	if (find_charge(answer.json, errand))
		step(errand, charged);
	else if (is_late && status && strcmp(status, "processing") != 0)
		step(errand, expired);
	else
		again_later(errand);
}

static struct out charge_body(struct errand *errand)
{
	struct out out = out_new_kept(errand->arena, errand->arena);
	char number[ORDER_NUMBER_SIZE];

	order_number_format(errand->order.number, number);
	out_open(&out, NULL);
	out_id(&out, "orderId", &errand->order.id);
	out_text(&out, "orderNumber", number);
	out_id(&out, "userId", &errand->order.user);
	out_money(&out, "amount", &errand->order.total);
	out_text(&out, "paymentMethod", errand->order.payment_method);
	out_close(&out);
	return out;
}

static void charge(struct errand *errand)
{
	struct order *order = &errand->order;
	struct out body = charge_body(errand);
	bool is_late = env_now_ms() >= order->reserved_until_ms - CHARGE_ENDS_BEFORE_MS;
	struct call_answer answer;
	enum err err;

	/* Was it charged by hand before it had its stock, Payment knows with which sum. */
	if (is_late || order_is_paid_for(order)) {
		settle_by_status(errand, is_late);
		return;
	}
	/* Without an idempotency key: an order is charged once, whoever asks. */
	err = ask(errand, HTTP_POST, "/payments/charge", &body, NULL, &answer);
	if (!err)
		return;
	if (err == ERR_PAYMENT_DECLINED) {
		/* The event says so too; but not again where somebody has tried the same by hand, before
		 * there was stock. */
		errand->code = json_get_text(answer.json, "code");
		errand->message = json_get_text(answer.json, "detail");
		step(errand, declined);
	} else if (err == ERR_ALREADY_PAID) {
		settle_by_status(errand, false);
	} else if (err == ERR_INVALID) {
		/* It would not be taken the next time either: nobody's stock waits for it. */
		errand->code = "refused";
		errand->message = err_info(err)->title;
		step(errand, declined);
	} else {
		again_later(errand);
	}
}

/* Whether the refund with that id has failed. */
static bool refund_has_failed(const json_t *payment, const struct id *refund)
{
	const json_t *transactions = json_object_get(payment, "transactions");

	for (size_t i = 0; i < json_array_size(transactions); i++) {
		const json_t *transaction = json_array_get(transactions, i);
		const char *status = json_get_text(transaction, "status");
		struct id id;

		if (json_get_id(transaction, "id", &id) && id_equal(&id, refund))
			return status && strcmp(status, "failed") == 0;
	}
	return false;
}

/* The provider has refused it as often as Payment tries: admins are told, and do what is to be
 * done. */
static void give_up_refund(struct errand *errand)
{
	log_error("order.refund-failed", "the refund of order %s has failed",
		  id_text(errand->arena, &errand->order.id));
	errand->due_ms = 0;
	step(errand, set_due);
}

/* Payment has taken the refund on. Until it has told that all is given back (PaymentRefunded), or
 * the refund has failed, the order stays due. */
static void look_after_refund(struct errand *errand, const json_t *refund)
{
	struct call_answer answer;
	struct id id;

	if (json_get_id(refund, "id", &id) && !ask_for_status(errand, &answer) &&
	    refund_has_failed(answer.json, &id))
		give_up_refund(errand);
	else
		again_in(errand, REFUND_LOOK_AGAIN_MS);
}

/* Payment gives back what is left and no more. The key begins one refund for each piece of news of
 * the order's payment: one that has failed is not begun anew, and where an admin has given back a
 * part meanwhile the rest is asked for again. */
static void refund(struct errand *errand)
{
	const char *key =
		arena_printf(errand->arena, "order-refund:%s:%" PRId64,
			     id_text(errand->arena, &errand->order.id), errand->order.revision);
	struct out body = out_new(errand->arena);
	struct call_answer answer;
	enum err err;

	out_open(&body, NULL);
	out_id(&body, "orderId", &errand->order.id);
	out_text(&body, "reason", order_status_text(errand->order.status));
	out_close(&body);
	err = ask(errand, HTTP_POST, "/payments/refund", &body, key, &answer);
	if (!err) {
		look_after_refund(errand, answer.json);
	} else if (err == ERR_PAYMENT_DECLINED) {
		give_up_refund(errand);
	} else if (err == ERR_REFUND_EXCEEDS_PAYMENT) {
		again_in(errand, REFUND_LOOK_AGAIN_MS);
	} else if (err_is_fault(err) || err_info(err)->transient) {
		again_later(errand);
	} else {
		log_error("order.refund-refused", "the refund of order %s is refused: %s",
			  id_text(errand->arena, &errand->order.id), err_info(err)->title);
		again_in(errand, REFUND_REFUSED_PAUSE_MS);
	}
}

static void expire(struct errand *errand)
{
	step(errand, expired);
}

/* --- finding work, and giving it out ----------------------------------------------------------- */

static const struct work charging = {ORDER_RESERVED, &charge_limiter, charge};
static const struct work refunding_cancelled = {ORDER_CANCELLED, &refund_limiter, refund};
static const struct work refunding_returned = {ORDER_RETURNED, &refund_limiter, refund};
static const struct work expiring = {ORDER_PENDING, &expire_limiter, expire};

static void errand_main(void *arg)
{
	struct errand *errand = arg;
	struct limiter *limiter = *errand->work->limiter;

	errand->work->run(errand);
	arena_free(errand->arena);
	limiter_leave(limiter);
}

static struct errand *errand_new(const struct work *work, const struct order *order)
{
	struct arena *arena = arena_new();
	struct errand *errand = ARENA_NEW(arena, struct errand);
	struct id request = id_new();

	errand->arena = arena;
	errand->work = work;
	errand->order = (struct order){
		.id = order->id,
		.number = order->number,
		.revision = order->revision,
		.user = order->user,
		.status = order->status,
		.total = order->total,
		.payment_method = arena_copy_text(arena, order->payment_method),
		.payment_status = order->payment_status,
		.attempts = order->attempts,
		.reserved_until_ms = order->reserved_until_ms,
		.traceparent = arena_copy_text(arena, order->traceparent),
	};
	/* What is asked for the order belongs to the trace of the request that placed it. */
	errand->trace.arena = arena;
	errand->trace.id = id_text(arena, &request);
	errand->trace.traceparent = errand->order.traceparent;
	return errand;
}

/* With as many at once as the limiter lets in. */
static void give_out(struct errand *errand)
{
	if (limiter_enter(*errand->work->limiter, WAIT_FOREVER)) {
		arena_free(errand->arena);
		return;
	}
	/* Where no fiber is to be had, the job's own does it. */
	if (!fiber_start(errand_main, errand))
		errand_main(errand);
}

/* --- the desk ----------------------------------------------------------------------------------- */

#define DESK_MAX 512

static struct {
	pthread_mutex_t lock;
	struct errand *first, **last;
	size_t count; /* with those whose transaction is running */
	bool open;
} desk = {.lock = PTHREAD_MUTEX_INITIALIZER, .last = &desk.first};

bool order_desk_has_room(void)
{
	bool room;

	pthread_mutex_lock(&desk.lock);
	room = desk.open && desk.count < DESK_MAX;
	pthread_mutex_unlock(&desk.lock);
	return room;
}

static void on_reserved(struct sql_hook *hook, bool committed)
{
	struct errand *errand = (struct errand *)hook;

	pthread_mutex_lock(&desk.lock);
	if (committed) {
		*desk.last = errand;
		desk.last = &errand->next;
	} else {
		desk.count--;
	}
	pthread_mutex_unlock(&desk.lock);
	if (committed)
		job_poke(&order_jobs[JOB_CHARGE]);
	else
		arena_free(errand->arena);
}

void order_charge_soon(struct sql *sql, const struct order *order)
{
	struct errand *errand = errand_new(&charging, order);

	pthread_mutex_lock(&desk.lock);
	desk.count++;
	pthread_mutex_unlock(&desk.lock);
	errand->hook.end = on_reserved;
	sql_on_end(sql, &errand->hook);
}

static struct errand *desk_take(void)
{
	struct errand *errand;

	pthread_mutex_lock(&desk.lock);
	errand = desk.first;
	if (errand) {
		desk.first = errand->next;
		desk.count--;
		if (!desk.first)
			desk.last = &desk.first;
	}
	pthread_mutex_unlock(&desk.lock);
	return errand;
}

static void desk_set_open(bool open)
{
	struct errand *errand;

	pthread_mutex_lock(&desk.lock);
	desk.open = open;
	pthread_mutex_unlock(&desk.lock);
	while (!open && (errand = desk_take()))
		arena_free(errand->arena);
}

/* --- what follows a step ------------------------------------------------------------------------ */

struct sequel {
	struct sql_hook hook;
	struct id order;
	bool settled, due;
};

static void on_step(struct sql_hook *hook, bool committed)
{
	struct sequel *sequel = (struct sequel *)hook;

	if (committed && sequel->settled)
		watch_tell(&sequel->order);
	if (committed && sequel->due)
		order_jobs_poke();
	free(sequel);
}

void order_step_follows(struct sql *sql, const struct order *order)
{
	bool settled = order_is_settled(order->status);
	bool due = order->due_ms && order->due_ms <= sql_now_ms(sql);
	struct sequel *sequel;

	if (!settled && !due)
		return;
	sequel = must_alloc(sizeof(*sequel));
	*sequel = (struct sequel){.hook.end = on_step, order->id, settled, due};
	sql_on_end(sql, &sequel->hook);
}

/* --- looking for what is due -------------------------------------------------------------------- */

struct taking {
	struct arena *arena;
	const struct work *work;
	bool any;
	struct order *orders;
	size_t count;
};

static enum err look(struct sql *sql, void *arg)
{
	struct taking *taking = arg;

	return order_any_due(sql, taking->work->status, &taking->any);
}

static enum err take(struct sql *sql, void *arg)
{
	struct taking *taking = arg;
	const struct order_taking how = {
		.status = taking->work->status,
		.limit = MIN(TAKE_MAX, order_settings.charges_parallel),
		.lease_ms = order_settings.lease_ms,
		.keep_ms = order_settings.patience_ms,
	};

	return order_take_due(sql, taking->arena, &how, &taking->orders, &taking->count);
}

/* Looks before it takes, because looking disturbs nobody. */
static enum err take_some(struct taking *taking)
{
	enum err err;

	taking->count = 0;
	err = sql_read(service_database(&order_service), look, taking);
	if (err || !taking->any)
		return err;
	return sql_transaction(service_database(&order_service), take, taking);
}

static void run(const struct work *work)
{
	struct arena *arena = arena_new();
	struct taking taking = {.arena = arena, .work = work};
	enum err err;

	do {
		arena_reset(arena);
		err = take_some(&taking);
		for (size_t i = 0; !err && i < taking.count && !workers_stopping(); i++)
			give_out(errand_new(work, &taking.orders[i]));
	} while (!err && taking.count > 0 && !workers_stopping());
	if (err)
		log_error("order.take", "%s", err_info(err)->title);
	arena_free(arena);
}

/* --- times that are too far off ---------------------------------------------------------------- */

/* Work is due at once, which does no harm where somebody is at it; what waits for others has all of
 * its time again. The end of a reservation is brought back whenever its order is taken. */
enum err order_mend_times(struct sql *sql, int64_t *ret_count)
{
	const struct {
		enum order_status status;
		int64_t longest_ms, pause_ms;
	} kinds[] = {
		{ORDER_PENDING, order_settings.patience_ms, order_settings.patience_ms},
		{ORDER_RESERVED, MAX(order_settings.lease_ms, RETRY_MOST_MS), 0},
		{ORDER_CANCELLED, MAX(order_settings.lease_ms, REFUND_REFUSED_PAUSE_MS), 0},
		{ORDER_RETURNED, MAX(order_settings.lease_ms, REFUND_REFUSED_PAUSE_MS), 0},
	};
	enum err err = OK;

	for (size_t i = 0; i < ARRAY_LENGTH(kinds) && !err; i++)
		err = order_mend_due(sql, kinds[i].status, kinds[i].longest_ms + TIME_SLACK_MS,
				     kinds[i].pause_ms, ret_count);
	return err;
}

/* --- carts ------------------------------------------------------------------------------------ */

static enum err remove_carts(struct sql *sql, void *arg)
{
	return cart_remove_old(sql, sql_now_ms(sql) - config_int("cart-days") * DAY_MS, CARTS_MAX,
			       arg);
}

static void run_carts(void)
{
	int64_t count;
	enum err err;

	do {
		count = 0;
		err = sql_transaction(service_database(&order_service), remove_carts, &count);
	} while (!err && count == CARTS_MAX && !workers_stopping());
	if (err)
		log_error("order.carts", "%s", err_info(err)->title);
}

/* --- the table -------------------------------------------------------------------------------- */

static void run_charge(void)
{
	struct errand *errand;

	while (!workers_stopping() && (errand = desk_take()))
		give_out(errand);
	run(&charging);
}

static void run_refund(void)
{
	run(&refunding_cancelled);
	run(&refunding_returned);
}

static void run_expire(void)
{
	run(&expiring);
}

const struct job order_jobs[] = {
	[JOB_CHARGE] = {"order-charge", CHARGE_EVERY_MS, run_charge},
	[JOB_REFUND] = {"order-refund", REFUND_EVERY_MS, run_refund},
	[JOB_EXPIRE] = {"order-expire", EXPIRE_EVERY_MS, run_expire},
	[JOB_CARTS] = {"order-carts", CARTS_EVERY_MS, run_carts},
	[JOB_STRAYS] = {"order-strays", STRAYS_EVERY_MS, strays_refund},
	{0},
};

void order_jobs_start(void)
{
	size_t width = (size_t)order_settings.charges_parallel;

	charge_limiter = limiter_new("charge", width, 1);
	refund_limiter = limiter_new("refund", width, 1);
	expire_limiter = limiter_new("expire", width, 1);
	desk_set_open(true);
}

void order_jobs_stop(void)
{
	desk_set_open(false);
	limiter_free(charge_limiter);
	limiter_free(refund_limiter);
	limiter_free(expire_limiter);
}

void order_jobs_poke(void)
{
	job_poke(&order_jobs[JOB_CHARGE]);
	job_poke(&order_jobs[JOB_REFUND]);
}
