/*
 * From the body of a POST /orders to an order that only has to be stored: the body's own rules,
 * then the cart where one is ordered from, then names and prices from Product.
 *
 * A client's mistakes are pointed at in its body; what is wrong with a cart's products is the state
 * of things (409): the body names the cart alone.
 */
#include <string.h>

#include "base/card.h"
#include "services/order/rules.h"
#include "services/order/service.h"
#include "services/order/view.h"

struct address {
	char *name, *line1, *line2, *city, *region, *postal_code, *country, *phone;
};

struct body {
	struct id cart;
	bool has_cart, has_items;
	struct list items; /* struct order_item */
	struct address *address;
	json_t *sent_address; /* the same, before it is read */
	char *payment_method;
	struct money expected;
	bool has_expected;
};

/* The products and quantities that are ordered, each product once. */
struct wish {
	bool from_cart;
	struct order_item items[ORDER_LINES_MAX];
	size_t position[ORDER_LINES_MAX]; /* in the body's items */
	size_t count;
};

static const struct field address_fields[] = {
	FIELD(struct address, name, "name", TEXT, .flags = REQUIRED | VISIBLE, .min = 1, .max = 200,
	      .check = is_address_text, .expected = ADDRESS_TEXT_EXPECTED),
	FIELD(struct address, line1, "line1", TEXT, .flags = REQUIRED, .min = 1, .max = 200,
	      .check = is_address_text, .expected = ADDRESS_TEXT_EXPECTED),
	FIELD(struct address, line2, "line2", TEXT, .flags = NULLABLE, .min = 1, .max = 200,
	      .check = no_card_number_in, .expected = NO_CARD_NUMBER_EXPECTED),
	FIELD(struct address, city, "city", TEXT, .flags = REQUIRED, .min = 1, .max = 100,
	      .check = is_address_text, .expected = ADDRESS_TEXT_EXPECTED),
	FIELD(struct address, region, "region", TEXT, .flags = NULLABLE, .min = 1, .max = 100,
	      .check = no_card_number_in, .expected = NO_CARD_NUMBER_EXPECTED),
	FIELD(struct address, postal_code, "postalCode", TEXT, .flags = NULLABLE, .min = 1,
	      .max = 20, .check = is_address_text, .expected = ADDRESS_TEXT_EXPECTED),
	FIELD(struct address, country, "country", TEXT, .flags = REQUIRED, .min = 2, .max = 2,
	      .check = country_known,
	      .expected = "must be a country's two capitals of ISO 3166-1, such as DE"),
	FIELD(struct address, phone, "phone", TEXT, .flags = NULLABLE, .min = 1, .max = 40,
	      .check = is_phone, .expected = "must be a telephone number"),
	FIELD_END,
};

const struct field order_item_fields[] = {
	FIELD(struct order_item, product, "productId", ID, .flags = REQUIRED),
	FIELD(struct order_item, quantity, "quantity", INT, .flags = REQUIRED, .min = 1,
	      .max = ORDER_QUANTITY_MAX),
	FIELD_END,
};

static const struct field order_fields[] = {
	FIELD(struct body, cart, "cartId", ID, GIVEN(struct body, has_cart)),
	FIELD(struct body, items, "items", LIST, .min = 1, .max = ORDER_LINES_MAX,
	      STRUCT_OF(order_item_fields, struct order_item), GIVEN(struct body, has_items)),
	FIELD(struct body, address, "shippingAddress", OBJECT, .flags = REQUIRED,
	      STRUCT_OF(address_fields, struct address)),
	FIELD(struct body, sent_address, "shippingAddress", ANY, .flags = NULLABLE),
	/* What was sent is not repeated in the answer: it may be a card number. */
	FIELD(struct body, payment_method, "paymentMethod", TEXT, .flags = REQUIRED, .min = 1,
	      .max = PAYMENT_TOKEN_MAX, .check = is_payment_token,
	      .expected = PAYMENT_TOKEN_EXPECTED),
	FIELD(struct body, expected, "expectedTotal", MONEY, .max = MONEY_MAX,
	      GIVEN(struct body, has_expected)),
	FIELD_END,
};

static const char *address_json(struct arena *arena, const struct address *address)
{
	struct out out = out_new(arena);

	out_open(&out, NULL);
	out_text(&out, "name", address->name);
	out_text(&out, "line1", address->line1);
	out_text(&out, "line2", address->line2);
	out_text(&out, "city", address->city);
	out_text(&out, "region", address->region);
	out_text(&out, "postalCode", address->postal_code);
	out_text(&out, "country", address->country);
	out_text(&out, "phone", address->phone);
	out_close(&out);
	return out.data;
}

/* --- what is wanted --------------------------------------------------------------------------- */

/* Adds up items of the same product. */
static void wish_add(struct request *req, struct wish *wish, const struct order_item *item,
		     size_t position)
{
	for (size_t i = 0; i < wish->count; i++) {
		if (!id_equal(&wish->items[i].product, &item->product))
			continue;
		wish->items[i].quantity += item->quantity;
		if (wish->items[i].quantity > ORDER_QUANTITY_MAX)
			fault_add(&req->faults,
				  arena_printf(req->arena, "/items/%zu/quantity", position),
				  "makes more than %d of the product", ORDER_QUANTITY_MAX);
		return;
	}
	wish->items[wish->count] = *item;
	wish->position[wish->count++] = position;
}

/* Looks at what was sent: an address with another fault is not read. */
static void check_postal_code(struct request *req, const json_t *address)
{
	const json_t *code = json_object_get(address, "postalCode");
	const char *country = json_get_text(address, "country");

	if ((!code || json_is_null(code)) && country && country_has_postal_codes(country))
		fault_add(&req->faults, "/shippingAddress/postalCode",
			  "is required in this country");
}

static enum err read_body(struct request *req, struct body *body, struct wish *wish)
{
	const struct order_item *items;
	enum err err;

	err = request_body_parse(req, order_fields, body);
	if (err)
		return err;
	if (body->has_cart == body->has_items)
		fault_add(&req->faults, "", "must have either cartId or items");
	check_postal_code(req, body->sent_address);
	items = body->items.items;
	for (size_t i = 0; i < body->items.count; i++)
		wish_add(req, wish, &items[i], i);
	return faults_err(&req->faults);
}

struct look {
	struct request *req;
	const struct id *id;
	struct cart_key key;
	struct cart cart;
};

static enum err open_cart(struct sql *sql, void *arg)
{
	struct look *look = arg;

	return cart_open(sql, look->req->arena, look->id, &look->key, &look->cart);
}

/* The wish is what lies in the cart. */
static enum err read_cart(struct request *req, const struct id *id, struct order_draft *draft,
			  struct wish *wish)
{
	struct look look = {.req = req, .id = id, .key = cart_key_of(req)};
	enum err err;

	err = request_read(req, open_cart, &look);
	if (err)
		return err == ERR_NOT_FOUND ? refuse(req, err, "There is no such cart.") : err;
	if (!id_is_zero(&look.cart.order))
		return cart_refuse_ordered(req, &look.cart);
	if (look.cart.line_count == 0)
		return ERR_CART_EMPTY;
	for (size_t i = 0; i < look.cart.line_count; i++)
		wish_add(req, wish, &look.cart.lines[i].item, i);
	wish->from_cart = true;
	draft->order.cart = *id;
	draft->cart_version = look.cart.version;
	return OK;
}

/* --- prices ----------------------------------------------------------------------------------- */

/* Where the body speaks of this product: a cart is named as a whole. */
static const char *pointer_to(struct request *req, const struct wish *wish, size_t i,
			      const char *member)
{
	if (wish->from_cart)
		return "/cartId";
	return arena_printf(req->arena, "/items/%zu/%s", wish->position[i], member);
}

static void note_verdict(struct request *req, const struct wish *wish, size_t i,
			 enum line_verdict verdict)
{
	switch (verdict) {
	case LINE_NOT_FOR_SALE:
		if (!wish->from_cart)
			fault_add(&req->faults, pointer_to(req, wish, i, "productId"),
				  "is not for sale");
		break;
	case LINE_OTHER_CURRENCY:
		fault_add(&req->faults, pointer_to(req, wish, i, "productId"),
			  "makes a second currency: an order has one");
		break;
	case LINE_TOO_DEAR:
		fault_add(&req->faults, pointer_to(req, wish, i, "quantity"),
			  "makes a total beyond what can be paid");
		break;
	case LINE_FINE:
	default:
		break;
	}
}

static enum err refuse_unavailable(struct request *req, const struct wish *wish,
				   const struct quote *quotes)
{
	struct out members = out_new(req->arena);

	out_open(&members, NULL);
	out_open_list(&members, "products");
	for (size_t i = 0; i < wish->count; i++) {
		if (!quotes[i].purchasable)
			out_id(&members, NULL, &wish->items[i].product);
	}
	out_close_list(&members);
	out_close(&members);
	return refuse_with(req, ERR_PRODUCT_UNAVAILABLE, &members,
			   "The cart holds what is not for sale any more.");
}

/* What the client saw of the cart is what it is, at these prices. */
static enum err check_seen(struct request *req, const struct wish *wish,
			   const struct order_draft *draft, const struct quote *quotes)
{
	if (!request_header(req, "If-Match"))
		return OK;
	if (!wish->from_cart)
		return refuse(req, ERR_VERSION_MISMATCH, "If-Match is of a cart: there is none.");
	return request_if_match_part(
		req, draft->cart_version,
		cart_prices_mark(req->arena, &draft->order.cart, wish->items, quotes, wish->count));
}

/* Makes the order's lines and total of what is wanted. */
static enum err price(struct request *req, const struct wish *wish, struct order_draft *draft)
{
	struct order *order = &draft->order;
	struct quote *quotes;
	enum err err;

	err = order_quote(req, wish->items, wish->count, &quotes);
	if (!err)
		err = check_seen(req, wish, draft, quotes);
	if (err)
		return err;
	order->lines = ARENA_ARRAY(req->arena, struct order_line, wish->count);
	for (size_t i = 0; i < wish->count; i++) {
		const char *currency =
			order->line_count ? order->lines[0].unit_price.currency : NULL;
		enum line_verdict verdict = order_line_from(&quotes[i], &wish->items[i], currency,
							    &order->lines[order->line_count]);

		note_verdict(req, wish, i, verdict);
		order->line_count += verdict == LINE_FINE;
	}
	err = faults_err(&req->faults);
	if (err)
		return err;
	if (order->line_count < wish->count)
		return refuse_unavailable(req, wish, quotes);
	if (!order_lines_total(order->lines, order->line_count, &order->total)) {
		fault_add(&req->faults, wish->from_cart ? "/cartId" : "/items",
			  "makes a total beyond what can be paid");
		return ERR_INVALID;
	}
	return OK;
}

static enum err check_expected(struct request *req, const struct body *body,
			       const struct order *order)
{
	struct out members = out_new(req->arena);
	char total[40];

	if (!body->has_expected || (body->expected.amount == order->total.amount &&
				    money_same_currency(&body->expected, &order->total)))
		return OK;
	out_open(&members, NULL);
	order_write_lines(&members, order, (struct order_view){0});
	out_close(&members);
	money_format(&order->total, total, sizeof(total));
	return refuse_with(req, ERR_PRICE_CHANGED, &members, "It comes to %s now.", total);
}

enum err order_draft_read(struct request *req, struct order_draft *draft)
{
	struct wish *wish = ARENA_NEW(req->arena, struct wish);
	struct order *order = &draft->order;
	struct body body = {0};
	enum err err;

	err = read_body(req, &body, wish);
	if (err)
		return err;
	if (body.has_cart) {
		err = read_cart(req, &body.cart, draft, wish);
		if (err)
			return err;
	}
	order->id = id_new();
	order->user = req->caller.user;
	order->shipping_address = address_json(req->arena, body.address);
	order->country = body.address->country;
	order->payment_method = body.payment_method;
	order->traceparent = req->traceparent;
	err = price(req, wish, draft);
	return err ? err : check_expected(req, &body, order);
}
