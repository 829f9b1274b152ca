/*
 * The endpoints of carts. A cart keeps products and quantities, and what its products were when they
 * were put in; names, prices and what can be bought are asked of Product whenever it is shown.
 *
 * A user's cart is opened by being that user, a guest's by the secret that was given out once, in
 * the header Cart-Secret. To everybody else it does not exist.
 */
#include <string.h>

#include "base/env.h"
#include "base/text.h"
#include "services/order/rules.h"
#include "services/order/service.h"
#include "services/order/view.h"

#define SECRET_BYTES 32

static const struct field no_fields[] = {FIELD_END};

static const struct field line_fields[] = {
	FIELD(struct order_item, quantity, "quantity", INT, .flags = REQUIRED, .min = 0,
	      .max = ORDER_QUANTITY_MAX),
	FIELD_READ_ONLY("id"),
	FIELD_READ_ONLY("productId"),
	FIELD_READ_ONLY("name"),
	FIELD_READ_ONLY("unitPrice"),
	FIELD_READ_ONLY("lineTotal"),
	FIELD_READ_ONLY("available"),
	FIELD_READ_ONLY("addedPrice"),
	FIELD_READ_ONLY("changes"),
	FIELD_END,
};

/* --- opening ---------------------------------------------------------------------------------- */

struct cart_key cart_key_of(const struct request *req)
{
	const char *secret = request_header(req, "Cart-Secret");
	struct cart_key key = {.user = req->caller.user, .has_secret = secret != NULL};

	if (secret)
		key.secret = hash_of_text(secret);
	return key;
}

/* One request's work on a cart: for the bodies of transactions. */
struct work {
	struct request *req;
	struct cart_key key;
	struct id id;
	struct cart cart;
	struct order_item item; /* the body */
	struct cart_line added;
	struct id line;
	enum cart_verdict verdict;
};

static enum err work_begin(struct request *req, struct work *work)
{
	work->req = req;
	work->key = cart_key_of(req);
	return request_id(req, "id", &work->id);
}

static enum err open_cart(struct sql *sql, void *arg)
{
	struct work *work = arg;

	return cart_open(sql, work->req->arena, &work->id, &work->key, &work->cart);
}

/* --- answering -------------------------------------------------------------------------------- */

static const char *cart_location(struct arena *arena, const struct cart *cart)
{
	return arena_printf(arena, "/carts/%s", id_text(arena, &cart->id));
}

static enum err quote_cart(struct request *req, const struct cart *cart, struct quote **ret_quotes)
{
	struct order_item *items = ARENA_ARRAY(req->arena, struct order_item, cart->line_count);

	for (size_t i = 0; i < cart->line_count; i++)
		items[i] = cart->lines[i].item;
	return order_quote(req, items, cart->line_count, ret_quotes);
}

uint32_t cart_prices_mark(struct arena *arena, const struct id *cart,
			  const struct order_item *items, const struct quote *quotes, size_t count)
{
	struct out out = out_new(arena);
	uint32_t mark;
	struct hash hash;

	out_open_list(&out, NULL);
	out_id(&out, NULL, cart);
	for (size_t i = 0; i < count; i++) {
		out_open(&out, NULL);
		out_id(&out, "id", &items[i].product);
		if (quotes[i].purchasable)
			out_money(&out, "price", &quotes[i].price);
		out_close(&out);
	}
	out_close_list(&out);
	hash = sha256_of(out.data, out.length);
	memcpy(&mark, hash.bytes, sizeof(mark));
	return mark >> 1; /* a revision is no negative number */
}

/* Prices change without the cart: the entity tag's revision is a hash of what is shown, and in its
 * upper half one of the prices alone. */
static void reply_cart_quoted(struct reply *reply, int status, const struct cart *cart,
			      const struct quote *quotes, const char *secret)
{
	struct order_item *items = ARENA_ARRAY(reply->arena, struct order_item, cart->line_count);
	struct out out = out_new(reply->arena);

	for (size_t i = 0; i < cart->line_count; i++)
		items[i] = cart->lines[i].item;
	cart_write(&out, cart, quotes, secret);
	reply_etag(
		reply, cart->version,
		(int64_t)cart_prices_mark(reply->arena, &cart->id, items, quotes, cart->line_count)
				<< 32 |
			(int64_t)(hash_short(out.data, out.length) & UINT32_MAX));
	reply_json(reply, status, &out);
}

static enum err reply_cart(struct request *req, struct reply *reply, int status,
			   const struct cart *cart)
{
	struct quote *quotes;
	enum err err;

	err = quote_cart(req, cart, &quotes);
	if (err)
		return err;
	reply_cart_quoted(reply, status, cart, quotes, NULL);
	return OK;
}

/* --- making and reading ----------------------------------------------------------------------- */

struct making {
	struct reply *reply;
	struct cart_key key;
	struct cart cart;
	const char *secret; /* NULL: a user's */
};

static enum err make(struct sql *sql, void *arg)
{
	struct making *making = arg;
	enum err err = cart_insert(sql, &making->cart, &making->key);

	if (err)
		return err;
	reply_cart_quoted(making->reply, 201, &making->cart, NULL, making->secret);
	reply_header(making->reply, "Location", "%s",
		     cart_location(making->reply->arena, &making->cart));
	return OK;
}

/* Neither has a body that says anything. */
static enum err read_no_body(struct request *req)
{
	return req->body_length ? request_body(req, no_fields, NULL) : OK;
}

/* POST /carts */
enum err post_cart(struct request *req, struct reply *reply)
{
	struct making making = {.reply = reply, .key.user = req->caller.user};
	uint8_t secret[SECRET_BYTES];
	enum err err;

	err = read_no_body(req);
	if (err)
		return err;
	making.cart.id = id_new();
	if (id_is_zero(&req->caller.user)) {
		env_random(secret, sizeof(secret));
		making.secret = base64url_encode(req->arena, secret, sizeof(secret));
		making.key.has_secret = true;
		making.key.secret = hash_of_text(making.secret);
	}
	return request_transaction(req, reply, make, &making);
}

/* GET /carts/:id */
enum err get_cart(struct request *req, struct reply *reply)
{
	struct work work = {0};
	enum err err;

	err = work_begin(req, &work);
	if (err)
		return err;
	err = request_read(req, open_cart, &work);
	if (err)
		return err;
	return reply_cart(req, reply, 200, &work.cart);
}

/* The caller's newest cart, or a new one. */
static enum err find_current(struct sql *sql, void *arg)
{
	struct work *work = arg;

	return cart_open_newest(sql, work->req->arena, &work->req->caller.user, &work->cart);
}

static enum err find_or_make(struct sql *sql, void *arg)
{
	struct work *work = arg;
	enum err err = find_current(sql, work);

	if (err != ERR_NOT_FOUND)
		return err;
	work->cart = (struct cart){.id = work->id};
	return cart_insert(sql, &work->cart, &work->key);
}

/* GET /carts/current: the caller's own on every device, made at first use. */
enum err get_current_cart(struct request *req, struct reply *reply)
{
	struct work work = {.req = req, .key.user = req->caller.user, .id = id_new()};
	enum err err = request_read(req, find_current, &work);

	if (err == ERR_NOT_FOUND)
		err = request_transaction(req, reply, find_or_make, &work);
	if (err)
		return err;
	reply_header(reply, "Content-Location", "%s", cart_location(req->arena, &work.cart));
	return reply_cart(req, reply, 200, &work.cart);
}

enum err cart_refuse_ordered(struct request *req, const struct cart *cart)
{
	struct out members = out_new(req->arena);

	out_open(&members, NULL);
	out_id(&members, "orderId", &cart->order);
	out_close(&members);
	return refuse_with(req, ERR_CART_BEING_ORDERED, &members,
			   "It stays as it is if the order is not paid.");
}

/* --- filling ---------------------------------------------------------------------------------- */

/* What is put in must be for sale, and in the currency of what lies there for sale. */
static enum err check_for_sale(struct request *req, const struct cart *cart,
			       struct cart_line *added)
{
	const struct order_item *item = &added->item;
	struct order_item *items = ARENA_ARRAY(req->arena, struct order_item, cart->line_count + 1);
	struct quote *quotes;
	const char *currency = NULL;
	struct order_line line;
	enum line_verdict verdict;
	enum err err;

	for (size_t i = 0; i < cart->line_count; i++)
		items[i] = cart->lines[i].item;
	items[cart->line_count] = *item;
	err = order_quote(req, items, cart->line_count + 1, &quotes);
	if (err)
		return err;
	for (size_t i = 0; i < cart->line_count && !currency; i++)
		currency = quotes[i].purchasable ? quotes[i].price.currency : NULL;
	verdict = order_line_from(&quotes[cart->line_count], item, currency, &line);
	if (verdict == LINE_NOT_FOR_SALE)
		fault_add(&req->faults, "/productId", "is not for sale");
	if (verdict == LINE_OTHER_CURRENCY)
		fault_add(&req->faults, "/productId", "is not sold in %s, as the cart's others are",
			  currency);
	if (verdict == LINE_TOO_DEAR)
		fault_add(&req->faults, "/quantity", "makes a total beyond what can be paid");
	added->added_known = true;
	added->added_price = quotes[cart->line_count].price;
	added->added_available = quotes[cart->line_count].available;
	return faults_err(&req->faults);
}

static enum err put_in(struct sql *sql, void *arg)
{
	struct work *work = arg;
	enum err err;

	work->verdict = CART_FINE;
	err = open_cart(sql, work);
	if (err)
		return err;
	err = request_if_match(work->req, work->cart.version);
	if (err)
		return err;
	work->verdict = cart_room_for(&work->cart, &work->added.item);
	if (work->verdict)
		return ERR_INVALID;
	return cart_put(sql, &work->cart, &work->added);
}

static enum err refuse_full(struct request *req, enum cart_verdict verdict)
{
	if (verdict == CART_LINE_FULL)
		fault_add(&req->faults, "/quantity", "makes more than %d of the product",
			  ORDER_QUANTITY_MAX);
	else
		fault_add(&req->faults, "", "makes more than %d lines in the cart",
			  ORDER_LINES_MAX);
	return ERR_INVALID;
}

/* POST /carts/:id/items */
enum err post_cart_item(struct request *req, struct reply *reply)
{
	struct work work = {0};
	enum err err;

	err = work_begin(req, &work);
	if (err)
		return err;
	err = request_body(req, order_item_fields, &work.item);
	if (err)
		return err;
	err = request_read(req, open_cart, &work);
	if (err)
		return err;
	work.added.item = work.item;
	err = check_for_sale(req, &work.cart, &work.added);
	if (err)
		return err;
	request_effect(req, 201, cart_location(req->arena, &work.cart));
	err = request_transaction(req, reply, put_in, &work);
	if (work.verdict)
		return refuse_full(req, work.verdict);
	if (err)
		return err;
	reply_header(reply, "Location", "%s", cart_location(req->arena, &work.cart));
	return reply_cart(req, reply, 201, &work.cart);
}

static enum err set_quantity(struct sql *sql, void *arg)
{
	struct work *work = arg;
	enum err err = open_cart(sql, work);

	if (err)
		return err;
	err = request_if_match(work->req, work->cart.version);
	if (err)
		return err;
	return cart_set(sql, &work->cart, &work->line, work->item.quantity);
}

static enum err change_line(struct request *req, struct reply *reply, struct work *work)
{
	enum err err;

	err = request_id(req, "lineId", &work->line);
	if (err)
		return err;
	return request_transaction(req, reply, set_quantity, work);
}

/* PUT /carts/:id/items/:lineId */
enum err put_cart_item(struct request *req, struct reply *reply)
{
	struct work work = {0};
	enum err err;

	err = work_begin(req, &work);
	if (err)
		return err;
	err = request_body(req, line_fields, &work.item);
	if (err)
		return err;
	err = change_line(req, reply, &work);
	if (err)
		return err;
	return reply_cart(req, reply, 200, &work.cart);
}

/* DELETE /carts/:id/items/:lineId */
enum err delete_cart_item(struct request *req, struct reply *reply)
{
	struct work work = {0};
	enum err err;

	err = work_begin(req, &work);
	if (err)
		return err;
	err = change_line(req, reply, &work);
	if (err)
		return err;
	reply_empty(reply, 204);
	return OK;
}

/* --- claiming --------------------------------------------------------------------------------- */

/* Into the user's newest cart, if there is one; else the guest's becomes the user's. As much as
 * there is room for: who logs in must not fail for a full cart. */
static enum err claim(struct sql *sql, void *arg)
{
	struct work *work = arg;
	const struct id *user = &work->req->caller.user;
	struct cart guest;
	enum err err;

	err = open_cart(sql, work);
	if (err || !id_is_zero(&work->cart.user))
		return err; /* one's own already */
	guest = work->cart;
	err = cart_open_newest(sql, work->req->arena, user, &work->cart);
	if (err == ERR_NOT_FOUND)
		return cart_give(sql, &work->cart, user);
	/* Merged now, what is about to be bought would stay where it was put. */
	if (!err && !id_is_zero(&guest.order))
		return cart_refuse_ordered(work->req, &guest);
	for (size_t i = 0; !err && i < guest.line_count; i++) {
		struct cart_line added = guest.lines[i];
		int64_t *quantity = &added.item.quantity;
		const struct cart_line *line = cart_find(&work->cart, &added.item.product);

		if (line) {
			*quantity = MIN(*quantity, ORDER_QUANTITY_MAX - line->item.quantity);
			added.added_known = line->added_known;
			added.added_price = line->added_price;
			added.added_available = line->added_available;
		}
		if (*quantity > 0 && cart_room_for(&work->cart, &added.item) == CART_FINE)
			err = cart_put(sql, &work->cart, &added);
	}
	return err ? err : cart_remove(sql, &guest.id, guest.version);
}

/* Which cart it is then is known only here. */
static enum err claim_and_tell(struct sql *sql, void *arg)
{
	struct work *work = arg;
	enum err err = claim(sql, work);

	if (!err)
		request_effect(work->req, 200, cart_location(work->req->arena, &work->cart));
	return err;
}

/* POST /carts/:id/claim */
enum err post_cart_claim(struct request *req, struct reply *reply)
{
	struct work work = {0};
	enum err err;

	err = work_begin(req, &work);
	if (err)
		return err;
	err = read_no_body(req);
	if (err)
		return err;
	if (id_is_zero(&req->caller.user))
		return refuse(req, ERR_FORBIDDEN, "Carts are claimed by users.");
	err = request_transaction(req, reply, claim_and_tell, &work);
	if (err)
		return err;
	return reply_cart(req, reply, 200, &work.cart);
}
