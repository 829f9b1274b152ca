/* How orders and carts look from outside. */
#include "services/order/view.h"

#include <string.h>

#include "base/config.h"
#include "services/order/rules.h"

static void write_number(struct out *out, const struct order *order)
{
	char number[ORDER_NUMBER_SIZE];

	order_number_format(order->number, number);
	out_text(out, "number", number);
}

static const struct id *id_or_none(const struct id *id)
{
	return id_is_zero(id) ? NULL : id;
}

/* --- orders ----------------------------------------------------------------------------------- */

static void write_line(struct out *out, const struct order_line *line)
{
	out_open(out, NULL);
	out_id(out, "productId", &line->product);
	out_text(out, "name", line->name);
	out_text(out, "sku", line->sku);
	out_int(out, "quantity", line->quantity);
	out_money(out, "unitPrice", &line->unit_price);
	out_money(out, "lineTotal", &line->line_total);
	out_id(out, "vendorId", &line->vendor);
	out_close(out);
}

void order_write_lines(struct out *out, const struct order *order, struct order_view view)
{
	struct money total = order->total;

	if (view.vendor)
		total.amount = 0;
	out_open_list(out, "lines");
	for (size_t i = 0; i < order->line_count; i++) {
		const struct order_line *line = &order->lines[i];

		if (view.vendor && !id_equal(&line->vendor, view.vendor))
			continue;
		write_line(out, line);
		/* A part of the order's total, which is within bounds. */
		if (view.vendor)
			total.amount += line->line_total.amount;
	}
	out_close_list(out);
	out_money(out, "subtotal", &total);
	out_money(out, "total", &total);
}

static bool is_shown(const struct order *order, const struct id *product, struct order_view view)
{
	for (size_t i = 0; view.vendor && i < order->line_count; i++) {
		if (id_equal(&order->lines[i].product, product))
			return id_equal(&order->lines[i].vendor, view.vendor);
	}
	return !view.vendor;
}

void order_write_shortages(struct out *out, const char *name, const struct order *order,
			   struct order_view view)
{
	out_open_list(out, name);
	for (size_t i = 0; i < order->shortage_count; i++) {
		const struct shortage *shortage = &order->shortages[i];

		if (!is_shown(order, &shortage->product, view))
			continue;
		out_open(out, NULL);
		out_id(out, "productId", &shortage->product);
		out_int(out, "requested", shortage->requested);
		out_int(out, "available", shortage->available);
		out_close(out);
	}
	out_close_list(out);
}

/* Why a charge was declined is between the provider and who pays. */
static void write_payment(struct out *out, const struct order *order, struct order_view view)
{
	out_open(out, "payment");
	out_text(out, "status", payment_status_text(order->payment_status));
	out_id(out, "transactionId", id_or_none(&order->transaction));
	if (order->failure_code && !view.vendor) {
		out_open(out, "failure");
		out_text(out, "code", order->failure_code);
		out_text(out, "message", order->failure_message);
		out_close(out);
	}
	out_close(out);
}

static void write_history(struct out *out, const struct order *order)
{
	out_open_list(out, "history");
	for (size_t i = 0; i < order->history_count; i++) {
		const struct order_step *step = &order->history[i];

		out_open(out, NULL);
		out_text(out, "status", order_status_text(step->status));
		out_time(out, "at", step->at_ms);
		out_text(out, "by", mover_text(step->by));
		out_text(out, "reason", step->reason);
		out_close(out);
	}
	out_close_list(out);
}

void order_write(struct out *out, const struct order *order, struct order_view view)
{
	assert(order->history);
	out_open(out, NULL);
	out_id(out, "id", &order->id);
	write_number(out, order);
	out_id(out, "userId", &order->user);
	out_text(out, "status", order_status_text(order->status));
	order_write_lines(out, order, view);
	out_json(out, "shippingAddress", order->shipping_address);
	write_payment(out, order, view);
	if (order->shortage_count)
		order_write_shortages(out, "shortages", order, view);
	write_history(out, order);
	out_time(out, "createdAt", order->created_ms);
	out_time(out, "updatedAt", order->updated_ms);
	out_close(out);
}

/* --- carts ------------------------------------------------------------------------------------ */

/* Adds up what is for sale; false where that has no sum: several currencies, or too much. */
static bool subtotal_of(const struct cart *cart, const struct quote *quotes,
			struct money *ret_subtotal)
{
	struct money subtotal = {0};
	struct order_line line;
	bool any = false;

	for (size_t i = 0; i < cart->line_count; i++) {
		if (!quotes[i].purchasable)
			continue;
		if (order_line_from(&quotes[i], &cart->lines[i].item,
				    any ? subtotal.currency : NULL, &line))
			return false;
		if (!any)
			subtotal = line.line_total;
		else if (!money_add(subtotal, line.line_total, &subtotal))
			return false;
		any = true;
	}
	if (!any)
		memcpy(subtotal.currency, config_text("currency"), sizeof(subtotal.currency));
	*ret_subtotal = subtotal;
	return true;
}

static void write_changes(struct out *out, unsigned changes)
{
	static const enum cart_change each[] = {CART_PRICE, CART_CURRENCY, CART_AVAILABILITY,
						CART_GONE};

	out_open_list(out, "changes");
	for (size_t i = 0; i < ARRAY_LENGTH(each); i++) {
		if (changes & each[i])
			out_text(out, NULL, cart_change_text(each[i]));
	}
	out_close_list(out);
}

static void write_cart_line(struct out *out, const struct cart_line *line,
			    const struct quote *quote)
{
	struct order_line priced;

	out_open(out, NULL);
	out_id(out, "id", &line->id);
	out_id(out, "productId", &line->item.product);
	out_text(out, "name", quote->name);
	out_int(out, "quantity", line->item.quantity);
	if (order_line_from(quote, &line->item, NULL, &priced) == LINE_FINE) {
		out_money(out, "unitPrice", &priced.unit_price);
		out_money(out, "lineTotal", &priced.line_total);
	}
	if (quote->purchasable && quote->unlimited)
		out_null(out, "available");
	else
		out_int(out, "available", quote->purchasable ? quote->available : 0);
	if (line->added_known)
		out_money(out, "addedPrice", &line->added_price);
	write_changes(out, cart_line_changes(line, quote));
	out_close(out);
}

void cart_write(struct out *out, const struct cart *cart, const struct quote *quotes,
		const char *secret)
{
	struct money subtotal;

	out_open(out, NULL);
	out_id(out, "id", &cart->id);
	out_id(out, "userId", id_or_none(&cart->user));
	out_text(out, "secret", secret);
	out_id(out, "orderId", id_or_none(&cart->order));
	out_open_list(out, "lines");
	for (size_t i = 0; i < cart->line_count; i++)
		write_cart_line(out, &cart->lines[i], &quotes[i]);
	out_close_list(out);
	if (subtotal_of(cart, quotes, &subtotal))
		out_money(out, "subtotal", &subtotal);
	out_time(out, "updatedAt", cart->updated_ms);
	out_close(out);
}

/* --- events ----------------------------------------------------------------------------------- */

void order_write_placed(struct out *out, const struct order *order)
{
	out_open(out, NULL);
	out_id(out, "orderId", &order->id);
	write_number(out, order);
	out_id(out, "userId", &order->user);
	out_money(out, "total", &order->total);
	out_open_list(out, "items");
	for (size_t i = 0; i < order->line_count; i++) {
		out_open(out, NULL);
		out_id(out, "productId", &order->lines[i].product);
		out_id(out, "parentId", &order->lines[i].parent);
		out_int(out, "quantity", order->lines[i].quantity);
		out_close(out);
	}
	out_close_list(out);
	out_close(out);
}

static void write_event_line(struct out *out, const struct order_line *line)
{
	out_open(out, NULL);
	out_id(out, "productId", &line->product);
	out_id(out, "parentId", &line->parent);
	out_text(out, "name", line->name);
	out_text(out, "sku", line->sku);
	out_int(out, "quantity", line->quantity);
	out_money(out, "unitPrice", &line->unit_price);
	out_money(out, "lineTotal", &line->line_total);
	out_id(out, "vendorId", &line->vendor);
	out_text(out, "category", line->category);
	out_close(out);
}

void order_write_moved(struct out *out, const struct order *order, enum order_status previous,
		       enum mover by, const char *reason)
{
	out_open(out, NULL);
	out_id(out, "orderId", &order->id);
	write_number(out, order);
	out_id(out, "userId", &order->user);
	out_text(out, "status", order_status_text(order->status));
	out_text(out, "previousStatus", order_status_text(previous));
	out_text(out, "by", mover_text(by));
	out_text(out, "reason", reason);
	out_money(out, "total", &order->total);
	out_text(out, "country", order->country);
	out_id(out, "transactionId", id_or_none(&order->transaction));
	out_time(out, "placedAt", order->created_ms);
	out_open_list(out, "lines");
	for (size_t i = 0; i < order->line_count; i++)
		write_event_line(out, &order->lines[i]);
	out_close_list(out);
	out_close(out);
}
