/*
 * A stray's row is there until Payment has taken its refund on, or has nothing of it left. There are
 * none in a shop where all is well, so one after the other is good enough.
 */
#include "services/order/stray.h"

#include "base/log.h"
#include "base/time.h"
#include "runtime/worker.h"
#include "services/order/service.h"

#define STRAYS_MAX 64 /* in one run */
#define STRAY_PAUSE_MS MINUTE_MS

enum err stray_note(struct sql *sql, const struct id *order)
{
	return sql_run(sql,
		       "INSERT INTO stray_charges (order_id, due_at) VALUES ($1, $2)"
		       " ON CONFLICT (order_id) DO NOTHING",
		       sql_id(order), sql_int(sql_now_ms(sql)));
}

struct strays {
	struct id orders[STRAYS_MAX];
	size_t count;
};

static enum err find(struct sql *sql, void *arg)
{
	struct strays *strays = arg;
	struct sql_rows *rows = sql_query(
		sql,
		"SELECT order_id FROM stray_charges WHERE due_at <= $1 ORDER BY due_at LIMIT $2",
		sql_int(sql_now_ms(sql)), sql_int(STRAYS_MAX));

	strays->count = 0;
	while (sql_next(rows))
		strays->orders[strays->count++] = sql_get_id(rows, 0);
	return sql_end(rows);
}

static enum err forget(struct sql *sql, void *arg)
{
	return sql_run(sql, "DELETE FROM stray_charges WHERE order_id = $1", sql_id(arg));
}

static enum err postpone(struct sql *sql, void *arg)
{
	return sql_run(sql, "UPDATE stray_charges SET due_at = $2 WHERE order_id = $1", sql_id(arg),
		       sql_int(sql_now_ms(sql) + STRAY_PAUSE_MS));
}

/* The key begins one refund: Payment tries it again by itself, and tells admins where it fails. */
static enum err ask_for_refund(const struct id *order)
{
	struct arena *arena = arena_new();
	struct out body = out_new(arena);
	const struct call call = {
		.service = "payment",
		.method = HTTP_POST,
		.path = "/payments/refund",
		.body = &body,
		.idempotency_key = arena_printf(arena, "order-stray:%s", id_text(arena, order)),
	};
	struct call_answer answer;
	enum err err;

	out_open(&body, NULL);
	out_id(&body, "orderId", order);
	out_text(&body, "reason", "nothing is owed");
	out_close(&body);
	err = service_call(arena, &order_service, NULL, &call, &answer);
	if (!err)
		err = answer.err;
	log_warning("order.stray", "a charge for %s is given back: %s", id_text(arena, order),
		    err ? err_info(err)->title : "done");
	arena_free(arena);
	return err;
}

void strays_refund(void)
{
	struct database *database = service_database(&order_service);
	struct strays strays;
	enum err err = sql_read(database, find, &strays);

	for (size_t i = 0; !err && i < strays.count && !workers_stopping(); i++) {
		enum err answer = ask_for_refund(&strays.orders[i]);
		bool done = !answer || answer == ERR_REFUND_EXCEEDS_PAYMENT ||
			    answer == ERR_PAYMENT_DECLINED;

		err = sql_transaction(database, done ? forget : postpone, &strays.orders[i]);
	}
	if (err)
		log_error("order.strays", "%s", err_info(err)->title);
}
