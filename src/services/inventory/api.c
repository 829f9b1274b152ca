/* Inventory's endpoints for orders, and the table of all its routes. */
#include "services/inventory/api.h"
#include "base/config.h"
#include "base/time.h"
#include "services/inventory/reserve.h"
#include "services/inventory/rules.h"

#define EXPIRES_IN_S_MAX 86400

/* What the body of a request works on. */
struct work {
	struct request *req;
	struct reply *reply;
	struct id order;
	struct wanted *wanted;
	size_t count;
	int64_t keep_ms;
};

static void reply_reservation(struct reply *reply, int status,
			      const struct reservation *reservation)
{
	struct out out = out_new(reply->arena);

	out_open(&out, NULL);
	write_kept(&out, reservation);
	out_text(&out, "status", reservation_status_text(reservation->status));
	out_close(&out);
	reply_json(reply, status, &out);
}

static enum err refuse_out_of_stock(struct request *req, const struct shortages *shortages)
{
	struct out members = out_new(req->arena);

	out_open(&members, NULL);
	write_shortages(&members, shortages);
	out_close(&members);
	return refuse_with(req, ERR_OUT_OF_STOCK, &members, "Too few are free of %zu product%s.",
			   shortages->count, shortages->count == 1 ? "" : "s");
}

static struct scope scope_of(struct sql *sql, const struct request *req)
{
	return (struct scope){sql, req->arena, req->traceparent};
}

/* --- reserving ------------------------------------------------------------------------------ */

struct reserve_draft {
	struct id order;
	struct list items;
	int64_t expires_in_s;
	bool expires_given;
};

static const struct field wanted_fields[] = {
	FIELD(struct wanted, product, "productId", ID, .flags = REQUIRED),
	FIELD(struct wanted, quantity, "quantity", INT, .flags = REQUIRED, .min = 1,
	      .max = QUANTITY_MAX),
	FIELD_END,
};

static const struct field reserve_fields[] = {
	FIELD(struct reserve_draft, order, "orderId", ID, .flags = REQUIRED),
	FIELD(struct reserve_draft, items, "items", LIST, .flags = REQUIRED, .min = 1,
	      .max = RESERVE_ITEMS_MAX, STRUCT_OF(wanted_fields, struct wanted)),
	FIELD(struct reserve_draft, expires_in_s, "expiresIn", INT, .min = 1,
	      .max = EXPIRES_IN_S_MAX, GIVEN(struct reserve_draft, expires_given)),
	FIELD_END,
};

static enum err reserve_body(struct sql *sql, void *arg)
{
	struct work *work = arg;
	struct scope scope = scope_of(sql, work->req);
	struct shortages *shortages = ARENA_NEW(work->req->arena, struct shortages);
	struct reservation reservation;
	enum err err;

	err = reserve_order(&scope, &work->order, work->wanted, work->count,
			    sql_now_ms(sql) + work->keep_ms, &reservation, shortages);
	if (err == ERR_OUT_OF_STOCK)
		return refuse_out_of_stock(work->req, shortages);
	if (err == ERR_CONFLICT)
		return refuse(work->req, err,
			      "The order has reserved other items, or its reservation is over.");
	if (!err)
		reply_reservation(work->reply, 201, &reservation);
	return err;
}

/* POST /inventory/reserve: keeps what an order needs, all or nothing. */
static enum err post_reserve(struct request *req, struct reply *reply)
{
	struct work work = {.req = req, .reply = reply};
	struct reserve_draft draft = {0};
	enum err err;

	err = request_body(req, reserve_fields, &draft);
	if (err)
		return err;
	work.order = draft.order;
	work.wanted = draft.items.items;
	work.count = wanted_merge(work.wanted, draft.items.count);
	work.keep_ms = draft.expires_given ? draft.expires_in_s * SECOND_MS
					   : config_int("reservation-minutes") * MINUTE_MS;
	return request_transaction(req, reply, reserve_body, &work);
}

/* --- releasing and committing ----------------------------------------------------------------- */

static const struct field order_fields[] = {
	FIELD(struct work, order, "orderId", ID, .flags = REQUIRED),
	FIELD_END,
};

static enum err release_body(struct sql *sql, void *arg)
{
	struct work *work = arg;
	struct scope scope = scope_of(sql, work->req);
	struct reservation reservation;
	enum err err = release_order(&scope, &work->order, &reservation);

	if (err == ERR_CONFLICT)
		return refuse(work->req, err, "What was reserved is sold.");
	if (!err)
		reply_reservation(work->reply, 200, &reservation);
	return err;
}

/* POST /inventory/release: frees what is kept for an order. */
static enum err post_release(struct request *req, struct reply *reply)
{
	struct work work = {.req = req, .reply = reply};
	enum err err = request_body(req, order_fields, &work);

	return err ? err : request_transaction(req, reply, release_body, &work);
}

static enum err commit_body(struct sql *sql, void *arg)
{
	struct work *work = arg;
	struct scope scope = scope_of(sql, work->req);
	struct shortages *shortages = ARENA_NEW(work->req->arena, struct shortages);
	struct reservation reservation;
	enum err err = commit_order(&scope, &work->order, false, &reservation, shortages);

	if (err == ERR_OUT_OF_STOCK)
		return refuse_out_of_stock(work->req, shortages);
	if (err == ERR_CONFLICT)
		return refuse(work->req, err, "The order's reservation was released.");
	if (!err)
		reply_reservation(work->reply, 200, &reservation);
	return err;
}

/* POST /inventory/commit: what is kept for an order is sold. */
static enum err post_commit(struct request *req, struct reply *reply)
{
	struct work work = {.req = req, .reply = reply};
	enum err err = request_body(req, order_fields, &work);

	return err ? err : request_transaction(req, reply, commit_body, &work);
}

/* clang-format off */
const struct route inventory_routes[] = {
	{HTTP_GET, "/inventory", get_stock_list, ROLE_VENDOR | ROLE_ADMIN, ROUTE_PAGE | ROUTE_QUERY},
	{HTTP_GET, "/inventory/:productId", get_stock, ANYONE, 0},
	{HTTP_PUT, "/inventory/:productId", put_stock, ROLE_VENDOR | ROLE_ADMIN,
	 ROUTE_BODY | ROUTE_VERSIONED},
	{HTTP_POST, "/inventory/reserve", post_reserve,
	 ROLE_SERVICE | ROLE_ADMIN, ROUTE_BODY | ROUTE_IDEMPOTENT},
	{HTTP_POST, "/inventory/release", post_release,
	 ROLE_SERVICE | ROLE_ADMIN, ROUTE_BODY | ROUTE_IDEMPOTENT},
	{HTTP_POST, "/inventory/commit", post_commit,
	 ROLE_SERVICE | ROLE_ADMIN, ROUTE_BODY | ROUTE_IDEMPOTENT},
	{0},
};
/* clang-format on */
