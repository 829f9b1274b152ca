/* Inventory's events. */
#include "services/inventory/tell.h"

#include "services/inventory/rules.h"

static enum err tell_stock(const struct scope *scope, const struct item *now)
{
	struct out *out = event_data(scope->sql, scope->arena);

	out_open(out, NULL);
	out_id(out, "productId", &now->id);
	out_id(out, "parentId", &now->parent);
	out_bool(out, "tracked", now->tracked);
	out_text(out, "backorder", item_backorder_word(now));
	write_available(out, now);
	out_int(out, "onHand", now->on_hand);
	out_int(out, "reserved", now->reserved);
	out_text(out, "status", now->status);
	out_int(out, "version", now->revision);
	out_close(out);
	return event_publish(scope->sql, "StockChanged", &now->id, scope->traceparent, out);
}

static enum err tell_low(const struct scope *scope, const struct item *now)
{
	struct out *out = event_data(scope->sql, scope->arena);

	out_open(out, NULL);
	out_id(out, "productId", &now->id);
	out_id(out, "parentId", &now->parent);
	out_text(out, "sku", now->sku);
	out_text(out, "name", now->name);
	out_id(out, "vendorId", &now->vendor);
	out_int(out, "available", item_available(now));
	out_int(out, "threshold", now->threshold);
	out_close(out);
	return event_publish(scope->sql, "StockLow", &now->id, scope->traceparent, out);
}

enum err tell_changed(const struct scope *scope, const struct item *before, const struct item *now)
{
	enum err err = OK;

	if (!before || item_differs(before, now))
		err = tell_stock(scope, now);
	/* Few from the start is no news to a vendor: it did not fall. */
	if (!err && before && item_fell_low(before, now))
		err = tell_low(scope, now);
	return err;
}

void write_available(struct out *out, const struct item *item)
{
	if (item->tracked)
		out_int(out, "available", item_available(item));
	else
		out_null(out, "available");
}

void write_kept(struct out *out, const struct reservation *reservation)
{
	out_id(out, "reservationId", &reservation->id);
	out_id(out, "orderId", &reservation->order);
	out_time(out, "expiresAt", reservation->expires_ms);
	out_open_list(out, "items");
	for (size_t i = 0; i < reservation->count; i++) {
		out_open(out, NULL);
		out_id(out, "productId", &reservation->lines[i].product);
		out_int(out, "quantity", reservation->lines[i].quantity);
		out_text(out, "warehouse", reservation->lines[i].warehouse);
		out_close(out);
	}
	out_close_list(out);
}

void write_shortages(struct out *out, const struct shortages *shortages)
{
	out_open_list(out, "items");
	for (size_t i = 0; i < shortages->count; i++) {
		out_open(out, NULL);
		out_id(out, "productId", &shortages->items[i].product);
		out_int(out, "requested", shortages->items[i].requested);
		out_int(out, "available", shortages->items[i].available);
		out_close(out);
	}
	out_close_list(out);
}

enum err tell_reserved(const struct scope *scope, const struct reservation *reservation)
{
	struct out *out = event_data(scope->sql, scope->arena);

	out_open(out, NULL);
	write_kept(out, reservation);
	out_close(out);
	return event_publish(scope->sql, "StockReserved", &reservation->order, scope->traceparent,
			     out);
}

enum err tell_rejected(const struct scope *scope, const struct id *order,
		       const struct shortages *shortages)
{
	struct out *out = event_data(scope->sql, scope->arena);

	out_open(out, NULL);
	out_id(out, "orderId", order);
	write_shortages(out, shortages);
	out_close(out);
	return event_publish(scope->sql, "StockRejected", order, scope->traceparent, out);
}
