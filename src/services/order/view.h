/* How orders and carts look from outside: to clients, and in events. */
#ifndef SERVICES_ORDER_VIEW_H
#define SERVICES_ORDER_VIEW_H

#include "base/out.h"
#include "services/order/order.h"

/* Whose lines are shown, and summed: a vendor sees its own ones only. */
struct order_view {
	const struct id *vendor; /* NULL: all lines */
};

/* Members of what it comes to: lines, subtotal, total. */
void order_write_lines(struct out *out, const struct order *order, struct order_view view);

/* The list of what was short. */
void order_write_shortages(struct out *out, const char *name, const struct order *order,
			   struct order_view view);

/* The contract's Order; it was read with its history. */
void order_write(struct out *out, const struct order *order, struct order_view view);

/* The contract's Cart. `quotes` are its lines', in their order. What is not for sale (any more) has
 * neither name nor price, and is not in the subtotal. */
void cart_write(struct out *out, const struct cart *cart, const struct quote *quotes,
		const char *secret);

/* Data of OrderPlaced, and of the events of all moves. */
void order_write_placed(struct out *out, const struct order *order);
void order_write_moved(struct out *out, const struct order *order, enum order_status previous,
		       enum mover by, const char *reason);

#endif
