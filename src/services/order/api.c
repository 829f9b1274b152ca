/*
 * The endpoints of orders, and the route table of the service (carts' handlers are in api_cart.c).
 *
 * Who may see an order: the one who placed it, admins, and vendors of its lines, who see those
 * alone. To everybody else it does not exist.
 */
#include <string.h>

#include "base/card.h"
#include "base/env.h"
#include "base/hash.h"
#include "runtime/watch.h"
#include "services/order/rules.h"
#include "services/order/service.h"
#include "services/order/store.h"
#include "services/order/store_cart.h"
#include "services/order/view.h"

#define REASON_MAX 200

/* --- one order -------------------------------------------------------------------------------- */

struct look {
	struct request *req;
	struct id id;
	struct order order;
};

static enum err read_order(struct sql *sql, void *arg)
{
	struct look *look = arg;
	enum err err = order_read(sql, look->req->arena, &look->id, &look->order);

	return err ? err : order_read_history(sql, look->req->arena, &look->order);
}

/* What the caller is for this order: bits of enum mover; none: it may not know of it. */
static unsigned movers_of(const struct request *req, const struct order *order)
{
	unsigned movers = 0;

	if (request_is_user(req, &order->user))
		movers |= MOVER_CUSTOMER;
	if (request_has_role(req, ROLE_ADMIN))
		movers |= MOVER_ADMIN;
	if (request_has_role(req, ROLE_VENDOR) && order_lines_of(order, &req->caller.user))
		movers |= MOVER_VENDOR;
	return movers;
}

static struct order_view view_of(const struct request *req, unsigned movers)
{
	return (struct order_view){.vendor = movers == MOVER_VENDOR ? &req->caller.user : NULL};
}

/* What a vendor is shown is another representation than its customer's, and so has another tag. */
static void reply_order(struct reply *reply, int status, const struct order *order,
			struct order_view view)
{
	struct out out = out_new(reply->arena);
	int64_t revision = order->revision;

	order_write(&out, order, view);
	if (view.vendor)
		revision = (int64_t)(hash_short(out.data, out.length) >> 1);
	reply_etag(reply, order->version, revision);
	reply_json(reply, status, &out);
}

/* GET /orders/:id */
static enum err get_order(struct request *req, struct reply *reply)
{
	struct look look = {.req = req};
	unsigned movers;
	enum err err;

	err = request_id(req, "id", &look.id);
	if (err)
		return err;
	err = request_read(req, read_order, &look);
	if (err)
		return err;
	movers = movers_of(req, &look.order);
	if (!movers)
		return ERR_NOT_FOUND;
	reply_order(reply, 200, &look.order, view_of(req, movers));
	return OK;
}

/* --- placing ---------------------------------------------------------------------------------- */

struct placing {
	struct request *req;
	struct reply *reply;
	struct order_draft draft;
	bool async;
};

static const struct order_view whole = {.vendor = NULL};

static void reply_placed(struct reply *reply, int status, const struct order *order)
{
	reply_order(reply, status, order, whole);
	reply_header(reply, "Location", "/orders/%s", id_text(reply->arena, &order->id));
}

/* The cart is not what it was a moment ago. */
static enum err refuse_changed(struct sql *sql, const struct placing *placing)
{
	struct request *req = placing->req;
	struct cart_key key = cart_key_of(req);
	struct cart cart;
	enum err err = cart_open(sql, req->arena, &placing->draft.order.cart, &key, &cart);

	if (err)
		return err;
	if (!id_is_zero(&cart.order))
		return cart_refuse_ordered(req, &cart);
	if (request_header(req, "If-Match"))
		return ERR_VERSION_MISMATCH;
	return refuse(req, ERR_CONFLICT, "The cart was changed in the meantime.");
}

static enum err place(struct sql *sql, void *arg)
{
	struct placing *placing = arg;
	struct order_draft *draft = &placing->draft;
	enum err err = OK;

	if (!id_is_zero(&draft->order.cart))
		err = cart_begin_order(sql, &draft->order.cart, draft->cart_version,
				       &draft->order.id);
	if (err == ERR_NOT_FOUND)
		return refuse_changed(sql, placing);
	if (err)
		return err;
	err = order_insert(sql, placing->req->arena, &draft->order, order_settings.patience_ms);
	if (!err && placing->async)
		reply_placed(placing->reply, 202, &draft->order);
	return err;
}

/* Until the order is settled, or time is up. An order that cannot be read then is answered with what
 * is known of it: it is placed. */
static void wait_for_outcome(struct request *req, struct watch *watch, struct order *order)
{
	int64_t deadline_ms = env_monotonic_ms() + order_settings.wait_ms;
	struct look look = {.req = req, .id = order->id};
	bool told;

	do {
		told = watch_wait(watch, deadline_ms);
		if (request_read(req, read_order, &look))
			break;
		*order = look.order;
	} while (told && !order_is_settled(order->status));
}

/* POST /orders */
static enum err post_order(struct request *req, struct reply *reply)
{
	struct placing placing = {.req = req, .reply = reply};
	struct order *order = &placing.draft.order;
	struct watch watch;
	enum err err;

	if (id_is_zero(&req->caller.user))
		return refuse(req, ERR_FORBIDDEN, "Orders are placed by users.");
	err = order_draft_read(req, &placing.draft);
	if (err)
		return err;
	placing.async = request_prefers(req, "respond-async");
	if (placing.async)
		reply_header(reply, "Preference-Applied", "respond-async");
	else
		request_effect(
			req, 201,
			arena_printf(req->arena, "/orders/%s", id_text(req->arena, &order->id)));
	watch_begin(&watch, &order->id);
	err = request_transaction(req, reply, place, &placing);
	if (!err && !placing.async) {
		wait_for_outcome(req, &watch, order);
		reply_placed(reply, 201, order);
	}
	watch_end(&watch);
	return err;
}

/* --- moving ----------------------------------------------------------------------------------- */

struct move_body {
	int status;
	char *reason;
};

static const struct field move_fields[] = {
	FIELD(struct move_body, status, "status", CHOICE, .flags = REQUIRED,
	      .choices = order_status_words),
	FIELD(struct move_body, reason, "reason", TEXT, .flags = NULLABLE, .min = 1,
	      .max = REASON_MAX, .check = no_card_number_in, .expected = NO_CARD_NUMBER_EXPECTED),
	FIELD_READ_ONLY("id"),
	FIELD_READ_ONLY("number"),
	FIELD_READ_ONLY("userId"),
	FIELD_READ_ONLY("lines"),
	FIELD_READ_ONLY("subtotal"),
	FIELD_READ_ONLY("total"),
	FIELD_READ_ONLY("shippingAddress"),
	FIELD_READ_ONLY("payment"),
	FIELD_READ_ONLY("shortages"),
	FIELD_READ_ONLY("history"),
	FIELD_READ_ONLY("createdAt"),
	FIELD_READ_ONLY("updatedAt"),
	FIELD_END,
};

struct moving {
	struct look look;
	struct move_body body;
	unsigned movers;
	bool is_refunded; /* all of it, or about to be: as Payment says */
};

static enum err refuse_illegal(const struct moving *moving, const char *is)
{
	const struct order *order = &moving->look.order;
	struct request *req = moving->look.req;
	struct out members = out_new(req->arena);

	out_open(&members, NULL);
	out_open_list(&members, "allowed");
	for (int to = 0; to < ORDER_STATUS_COUNT; to++) {
		if (to == ORDER_SHIPPED && moving->is_refunded)
			continue;
		if (order_mover(order->status, (enum order_status)to, moving->movers))
			out_text(&members, NULL, order_status_text((enum order_status)to));
	}
	out_close_list(&members);
	out_close(&members);
	return refuse_with(req, ERR_ILLEGAL_TRANSITION, &members, "The order is %s.", is);
}

/* Whether the caller may move this order so. */
static enum err check_move(const struct moving *moving)
{
	struct request *req = moving->look.req;
	const struct order *order = &moving->look.order;
	enum order_status to = (enum order_status)moving->body.status;
	enum mover mover = order_mover(order->status, to, moving->movers);

	if (order_is_others_move(to, moving->movers))
		return refuse(req, ERR_FORBIDDEN, "It is for others to say that an order is %s.",
			      order_status_text(to));
	if (!mover)
		return refuse_illegal(moving, order_status_text(order->status));
	if (mover == MOVER_VENDOR && order_lines_of(order, &req->caller.user) < order->line_count)
		return refuse(req, ERR_FORBIDDEN,
			      "The order has lines of other vendors too: an admin moves it.");
	if (to == ORDER_SHIPPED && moving->is_refunded)
		return refuse_illegal(moving, "refunded in full, or about to be");
	return OK;
}

static enum err move(struct sql *sql, void *arg)
{
	struct moving *moving = arg;
	struct request *req = moving->look.req;
	struct order *order = &moving->look.order;
	enum order_status to = (enum order_status)moving->body.status;
	struct order_move step = {
		.to = to,
		.by_user = id_is_zero(&req->caller.user) ? NULL : &req->caller.user,
		.reason = moving->body.reason,
		.traceparent = req->traceparent,
	};
	enum err err;

	err = order_read(sql, req->arena, &moving->look.id, order);
	if (err)
		return err;
	moving->movers = movers_of(req, order);
	if (!moving->movers)
		return ERR_NOT_FOUND;
	err = request_if_match(req, order->version);
	if (err)
		return err;
	moving->is_refunded |= !order_may_ship(order);
	err = check_move(moving);
	if (err)
		return err;
	step.by = order_mover(order->status, to, moving->movers);
	/* A cancellation has a reason always: by hand it is who did it. */
	if (to == ORDER_CANCELLED && !step.reason)
		step.reason = mover_text(step.by);
	err = order_move(sql, req->arena, order, &step);
	return err ? err : order_read_history(sql, req->arena, order);
}

/* What of the payment is given back, or is to be, in minor units. */
static int64_t given_back(const json_t *payment)
{
	const json_t *transactions = json_object_get(payment, "transactions"), *transaction;
	struct money amount = {0};
	int64_t sum = 0;
	size_t i;

	json_array_foreach (transactions, i, transaction) {
		const char *kind = json_get_text(transaction, "kind");
		const char *status = json_get_text(transaction, "status");

		if (kind && strcmp(kind, "refund") == 0 && status &&
		    strcmp(status, "failed") != 0 && json_get_money(transaction, "amount", &amount))
			sum += amount.amount;
	}
	return sum;
}

/* Payment is asked itself: its news of a refund may still be on its way to us. */
static enum err ask_refunded(struct moving *moving)
{
	struct request *req = moving->look.req;
	const struct call call = {
		.service = "payment",
		.method = HTTP_GET,
		.path = arena_printf(req->arena, "/payments/%s/status",
				     id_text(req->arena, &moving->look.id)),
	};
	struct call_answer answer;
	struct money paid;
	enum err err;

	err = service_call(req->arena, &order_service, req, &call, &answer);
	if (!err)
		err = answer.err;
	if (err)
		return err;
	if (!json_get_money(answer.json, "paid", &paid))
		return ERR_UPSTREAM;
	moving->is_refunded = paid.amount > 0 && given_back(answer.json) >= paid.amount;
	return OK;
}

/* PUT /orders/:id/status */
static enum err put_order_status(struct request *req, struct reply *reply)
{
	struct moving moving = {.look.req = req};
	enum err err;

	err = request_id(req, "id", &moving.look.id);
	if (err)
		return err;
	err = request_body(req, move_fields, &moving.body);
	if (err)
		return err;
	if (moving.body.status == ORDER_SHIPPED)
		err = ask_refunded(&moving);
	if (!err)
		err = request_transaction(req, reply, move, &moving);
	if (err)
		return err;
	watch_tell(&moving.look.id);
	order_jobs_poke();
	reply_order(reply, 200, &moving.look.order, view_of(req, moving.movers));
	return OK;
}

/* --- lists ------------------------------------------------------------------------------------ */

struct listing {
	struct request *req;
	struct order_filter filter;
	struct order *orders;
	size_t count;
};

struct list_query {
	int status;
	char *number, *email;
	int64_t from_ms, to_ms;
	bool has_status;
};

static bool is_order_number(const char *text)
{
	int64_t number;

	return order_number_parse(text, &number);
}

#define STATUS_FIELD                                                                      \
	FIELD(struct list_query, status, "status", CHOICE, .choices = order_status_words, \
	      GIVEN(struct list_query, has_status))

static const struct field user_list_fields[] = {STATUS_FIELD, FIELD_END};

static const struct field list_fields[] = {
	STATUS_FIELD,
	FIELD(struct list_query, number, "number", TEXT, .min = 1, .max = 24,
	      .check = is_order_number, .expected = "must be an order's number, as SO-000042"),
	FIELD(struct list_query, email, "email", TEXT, .min = 1, .max = 254),
	FIELD(struct list_query, from_ms, "from", TIME),
	FIELD(struct list_query, to_ms, "to", TIME),
	FIELD_END,
};

/* The account of this address; ERR_NOT_FOUND where there is none. */
static enum err find_user(struct request *req, const char *email, struct id *ret_user)
{
	struct out body = out_new(req->arena);
	const struct call call = {
		.service = "user", .method = HTTP_POST, .path = "/users/find", .body = &body};
	struct call_answer answer;
	enum err err;

	out_open(&body, NULL);
	out_text(&body, "email", email);
	out_close(&body);
	err = service_call(req->arena, &order_service, req, &call, &answer);
	if (!err)
		err = answer.err;
	if (err)
		return err;
	return json_get_id(answer.json, "id", ret_user) ? OK : ERR_UPSTREAM;
}

static enum err list(struct sql *sql, void *arg)
{
	struct listing *listing = arg;

	return order_list(sql, listing->req->arena, &listing->filter, &listing->orders,
			  &listing->count);
}

/* Reads the query, and answers with the page; whose orders they are, the filter says. */
static enum err reply_list(struct request *req, struct reply *reply, const char *kind,
			   const struct field *fields, struct order_filter filter,
			   struct order_view view)
{
	struct id user = {{0}};
	struct listing listing = {.req = req};
	struct list_query query = {0};
	struct page page;
	struct cursor next;
	struct out out;
	enum err err;

	/* Both note what is wrong, so that all of it is told. */
	err = request_query_read(req, fields, &query);
	if (!err || err == ERR_INVALID)
		err = request_page(req, kind, &page);
	if (err)
		return err;
	filter.status = query.has_status ? query.status : -1;
	filter.from_ms = query.from_ms;
	filter.to_ms = query.to_ms;
	if (query.number && !order_number_parse(query.number, &filter.number))
		return ERR_INTERNAL;
	if (query.email) {
		/* An address that nobody has is of no order: that of no user. */
		err = find_user(req, query.email, &user);
		if (err && err != ERR_NOT_FOUND)
			return err;
		filter.user = &user;
	}
	filter.before_number = page.has_after ? page.after.number : 0;
	filter.limit = page.limit + 1;
	listing.filter = filter;
	err = request_read_long(req, WORK_LIST, list, &listing);
	if (err)
		return err;
	out = reply_list_begin(reply);
	for (size_t i = 0; i < MIN(listing.count, (size_t)page.limit); i++) {
		order_write(&out, &listing.orders[i], view);
		next = (struct cursor){.number = listing.orders[i].number,
				       .id = listing.orders[i].id};
	}
	reply_list_end_items(&out);
	reply_list_end(req, reply, &out, kind, listing.count > (size_t)page.limit ? &next : NULL);
	return OK;
}

/* GET /orders: all of them for admins, else those with lines of the vendor's. */
static enum err get_orders(struct request *req, struct reply *reply)
{
	struct order_filter filter = {0};
	struct order_view view = {0};

	if (!request_has_role(req, ROLE_ADMIN))
		filter.vendor = view.vendor = &req->caller.user;
	return reply_list(req, reply, "orders", list_fields, filter, view);
}

/* GET /orders/user/:userId */
static enum err get_user_orders(struct request *req, struct reply *reply)
{
	struct order_filter filter = {0};
	struct id user;
	enum err err;

	err = request_id(req, "userId", &user);
	if (err)
		return err;
	if (!request_is_user(req, &user) && !request_has_role(req, ROLE_ADMIN))
		return ERR_FORBIDDEN;
	filter.user = &user;
	return reply_list(req, reply, "orders/user", user_list_fields, filter, whole);
}

/* --- what is owed ----------------------------------------------------------------------------- */

static enum err read_head(struct sql *sql, void *arg)
{
	struct look *look = arg;

	return order_read_head(sql, look->req->arena, &look->id, &look->order);
}

/* GET /orders/:id/owed: for Payment, before it charges. */
static enum err get_owed(struct request *req, struct reply *reply)
{
	struct look look = {.req = req};
	struct out out = out_new_kept(req->arena, req->arena);
	char number[ORDER_NUMBER_SIZE];
	struct money owed;
	enum err err;

	err = request_id(req, "id", &look.id);
	if (err)
		return err;
	err = request_read(req, read_head, &look);
	if (err)
		return err;
	owed = order_owed(&look.order);
	order_number_format(look.order.number, number);
	out_open(&out, NULL);
	out_id(&out, "orderId", &look.order.id);
	out_text(&out, "number", number);
	out_id(&out, "userId", &look.order.user);
	out_money(&out, "owed", &owed);
	out_close(&out);
	reply_json(reply, 200, &out);
	return OK;
}

/* --- the table -------------------------------------------------------------------------------- */

/* clang-format off */
const struct route order_routes[] = {
	{ HTTP_POST, "/carts", post_cart, ANYONE,
	  ROUTE_BODY | ROUTE_BODY_OPTIONAL | ROUTE_IDEMPOTENT | ROUTE_GUEST_SECRET },
	{ HTTP_GET, "/carts/current", get_current_cart, ANY_USER, 0 },
	{ HTTP_GET, "/carts/:id", get_cart, ANYONE, 0 },
	{ HTTP_POST, "/carts/:id/items", post_cart_item, ANYONE,
	  ROUTE_BODY | ROUTE_IDEMPOTENT | ROUTE_VERSIONED },
	{ HTTP_PUT, "/carts/:id/items/:lineId", put_cart_item, ANYONE, ROUTE_BODY | ROUTE_VERSIONED },
	{ HTTP_DELETE, "/carts/:id/items/:lineId", delete_cart_item, ANYONE, ROUTE_VERSIONED },
	{ HTTP_POST, "/carts/:id/claim", post_cart_claim, ANY_USER,
	  ROUTE_BODY | ROUTE_BODY_OPTIONAL | ROUTE_IDEMPOTENT },

	{ HTTP_POST, "/orders", post_order, ANY_USER,
	  ROUTE_BODY | ROUTE_IDEMPOTENT | ROUTE_VERSIONED },
	{ HTTP_GET, "/orders", get_orders, ROLE_ADMIN | ROLE_VENDOR, ROUTE_PAGE | ROUTE_QUERY },
	{ HTTP_GET, "/orders/:id", get_order, ANY_USER, 0 },
	{ HTTP_GET, "/orders/:id/owed", get_owed, ROLE_SERVICE, ROUTE_INTERNAL },
	{ HTTP_GET, "/orders/user/:userId", get_user_orders, ANY_USER, ROUTE_PAGE | ROUTE_QUERY },
	{ HTTP_PUT, "/orders/:id/status", put_order_status, ANY_USER, ROUTE_BODY | ROUTE_VERSIONED },
	{ 0 },
};
/* clang-format on */
