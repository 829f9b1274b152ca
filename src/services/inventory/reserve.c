/*
 * The way of a reservation:
 *
 *   reserve_order ──> active ── commit_order ──> committed ── restock_order ──> restocked
 *                     │    ^
 *       release_order │    │ commit_order of an order that is paid,
 *        expire_order v    │ if all is still there
 *               released, expired
 *
 * Products are taken in the order of their ids, always, so that two transactions that want the
 * same ones never wait for each other in a circle.
 */
#include "services/inventory/reserve.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "services/inventory/rules.h"
#include "services/inventory/store.h"

/* --- keeping -------------------------------------------------------------------------------- */

struct taking {
	const struct scope *scope;
	struct reservation *reservation;
	bool anew; /* the reservation is there, and its time was over */
	const struct wanted *wanted;
	struct item *items; /* of what is wanted, as they are now */
	size_t count;
	size_t room; /* in the reservation's lines */
};

static enum err add_line(struct taking *taking, const struct kept *line)
{
	struct reservation *reservation = taking->reservation;

	if (reservation->count == taking->room) {
		size_t room = MAX(2 * taking->room, taking->count);
		struct kept *lines = ARENA_ARRAY(taking->scope->arena, struct kept, room);

		for (size_t i = 0; i < reservation->count; i++)
			lines[i] = reservation->lines[i];
		reservation->lines = lines;
		taking->room = room;
	}
	reservation->lines[reservation->count++] = *line;
	return reservation_add_line(taking->scope->sql, &reservation->order, line);
}

static int compare_warehouses(const void *a, const void *b)
{
	return strcmp(((const struct kept *)a)->warehouse, ((const struct kept *)b)->warehouse);
}

/* Which warehouses give it: the default one if it can alone. */
static enum err take_from_warehouses(struct taking *taking, const struct wanted *wanted,
				     const struct item *item)
{
	const struct scope *scope = taking->scope;
	struct kept lines[WAREHOUSES_MAX];
	struct stocks *stocks = ARENA_NEW(scope->arena, struct stocks);
	size_t count;
	enum err err;

	err = stocks_get(scope->sql, &wanted->product, scope->arena, stocks);
	if (err)
		return err;
	count = allocate(stocks, &wanted->product, wanted->quantity, lines);
	qsort(lines, count, sizeof(*lines), compare_warehouses);
	for (size_t i = 0; i < count && !err; i++) {
		err = stock_change(scope->sql, item, lines[i].warehouse, 0, lines[i].quantity);
		if (!err)
			err = add_line(taking, &lines[i]);
	}
	return err;
}

static enum err take_product(struct taking *taking, const struct wanted *wanted, struct item *item)
{
	const struct kept line = {wanted->product, WAREHOUSE_DEFAULT, wanted->quantity, false};
	const struct item before = *item;
	enum err err;

	err = item->spread ? take_from_warehouses(taking, wanted, item) : add_line(taking, &line);
	if (!err)
		err = item_change(taking->scope->sql, item, 0, wanted->quantity);
	if (err)
		return err;
	return tell_changed(taking->scope, &before, item);
}

/* Reads what is wanted, and notes of what there is not enough. */
static enum err look_at_items(struct taking *taking, struct shortages *ret_shortages)
{
	const struct scope *scope = taking->scope;

	taking->items = ARENA_ARRAY(scope->arena, struct item, taking->count);
	ret_shortages->count = 0;
	for (size_t i = 0; i < taking->count; i++) {
		const struct wanted *wanted = &taking->wanted[i];
		struct item *item = &taking->items[i];
		enum err err = item_get(scope->sql, &wanted->product, scope->arena, item);

		if (err && err != ERR_NOT_FOUND)
			return err;
		if (err || !item_has(item, wanted->quantity))
			ret_shortages->items[ret_shortages->count++] = (struct shortage){
				.product = wanted->product,
				.requested = wanted->quantity,
				.available = err ? 0 : item_available(item),
			};
	}
	return ret_shortages->count ? ERR_OUT_OF_STOCK : OK;
}

/* All or nothing: what there is is known before the first of it is taken. */
static enum err take(struct taking *taking, struct shortages *ret_shortages)
{
	struct sql *sql = taking->scope->sql;
	struct reservation *reservation = taking->reservation;
	enum err err;

	assert(taking->count >= 1 && taking->count <= RESERVE_ITEMS_MAX);
	err = look_at_items(taking, ret_shortages);
	if (err)
		return err;
	reservation->count = 0;
	if (taking->anew) {
		err = reservation_remove_lines(sql, &reservation->order);
		if (!err)
			err = reservation_move(sql, reservation, RESERVATION_ACTIVE);
	} else {
		err = reservation_add(sql, reservation);
	}
	for (size_t i = 0; i < taking->count && !err; i++)
		err = take_product(taking, &taking->wanted[i], &taking->items[i]);
	return err;
}

/* The order has a reservation already: the same, or a refusal. */
static enum err reserved_before(const struct scope *scope, const struct id *order,
				const struct wanted *wanted, size_t count,
				struct reservation *ret_reservation)
{
	struct reservation reservation;
	enum err err = reservation_get(scope->sql, order, scope->arena, &reservation);

	if (err)
		return err;
	if (reservation.status != RESERVATION_ACTIVE && reservation.status != RESERVATION_COMMITTED)
		return ERR_CONFLICT;
	if (!reservation_keeps(&reservation, wanted, count))
		return ERR_CONFLICT;
	*ret_reservation = reservation;
	return OK;
}

enum err reserve_order(const struct scope *scope, const struct id *order,
		       const struct wanted *wanted, size_t count, int64_t expires_ms,
		       struct reservation *ret_reservation, struct shortages *ret_shortages)
{
	struct reservation reservation = {
		.id = id_new(),
		.order = *order,
		.status = RESERVATION_ACTIVE,
		.expires_ms = expires_ms,
	};
	struct taking taking = {
		.scope = scope,
		.reservation = &reservation,
		.wanted = wanted,
		.count = count,
	};
	enum err err = take(&taking, ret_shortages), before_err;

	if (err == ERR_CONFLICT)
		return reserved_before(scope, order, wanted, count, ret_reservation);
	if (err == ERR_OUT_OF_STOCK) {
		before_err = reserved_before(scope, order, wanted, count, ret_reservation);
		return before_err == ERR_NOT_FOUND ? err : before_err;
	}
	if (!err)
		err = tell_reserved(scope, &reservation);
	if (!err)
		*ret_reservation = reservation;
	return err;
}

/* --- giving back and giving out --------------------------------------------------------------- */

/* What a line does to its item: so many times its quantity comes to what is on hand, and to what is
 * kept; `kind` (or NULL) is what the journal calls it. */
struct turn {
	int64_t on_hand, reserved;
	const char *kind;
};

/* What nobody counts does not go out, and what did not go out does not come back. */
static enum err count_line(const struct scope *scope, const struct id *order,
			   const struct kept *line, const struct item *item, int64_t *on_hand)
{
	if (*on_hand > 0 && line->uncounted)
		*on_hand = 0;
	if (*on_hand >= 0 || item->tracked)
		return OK;
	*on_hand = 0;
	return reservation_line_uncounted(scope->sql, order, line);
}

static enum err change_line(const struct scope *scope, const struct id *order,
			    const struct kept *line, const struct turn *turn)
{
	int64_t on_hand = turn->on_hand * line->quantity;
	int64_t reserved = turn->reserved * line->quantity;
	struct movement movement = {
		.product = line->product,
		.warehouse = line->warehouse,
		.kind = turn->kind,
		.order = order,
	};
	struct item item, before;
	enum err err;

	err = item_find(scope->sql, &line->product, scope->arena, &item);
	if (!err)
		err = count_line(scope, order, line, &item, &on_hand);
	if (err)
		return err;
	before = item;
	err = item_change(scope->sql, &item, on_hand, reserved);
	if (!err && item.spread)
		err = stock_change(scope->sql, &item, line->warehouse, on_hand, reserved);
	/* What a reservation keeps is there. */
	assert(err != ERR_OUT_OF_STOCK);
	movement.delta = on_hand;
	if (!err && on_hand)
		err = movement_add(scope->sql, &movement);
	return err ? err : tell_changed(scope, &before, &item);
}

static enum err change_lines(const struct scope *scope, const struct reservation *reservation,
			     int64_t on_hand, int64_t reserved, const char *kind)
{
	const struct turn turn = {on_hand, reserved, kind};
	enum err err = OK;

	for (size_t i = 0; i < reservation->count && !err; i++)
		err = change_line(scope, &reservation->order, &reservation->lines[i], &turn);
	return err;
}

static enum err take_anew(const struct scope *scope, struct reservation *reservation,
			  struct shortages *ret_shortages)
{
	struct wanted wanted[RESERVE_ITEMS_MAX];
	struct reservation renewed = *reservation;
	struct taking taking = {
		.scope = scope,
		.reservation = &renewed,
		.anew = true,
		.wanted = wanted,
	};
	enum err err;

	for (size_t i = 0; i < reservation->count; i++) {
		const struct kept *line = &reservation->lines[i];

		if (taking.count > 0 && id_equal(&wanted[taking.count - 1].product, &line->product))
			wanted[taking.count - 1].quantity += line->quantity;
		else
			wanted[taking.count++] = (struct wanted){line->product, line->quantity};
	}
	err = take(&taking, ret_shortages);
	if (!err)
		*reservation = renewed;
	return err;
}

enum err commit_order(const struct scope *scope, const struct id *order, bool paid,
		      struct reservation *ret_reservation, struct shortages *ret_shortages)
{
	struct reservation reservation;
	enum err err = reservation_get(scope->sql, order, scope->arena, &reservation);

	if (!err && (reservation.status == RESERVATION_EXPIRED ||
		     (reservation.status == RESERVATION_RELEASED && paid)))
		err = take_anew(scope, &reservation, ret_shortages);
	if (!err && reservation.status == RESERVATION_ACTIVE) {
		err = reservation_move(scope->sql, &reservation, RESERVATION_COMMITTED);
		if (!err)
			err = change_lines(scope, &reservation, -1, -1, "sale");
	}
	if (err)
		return err;
	if (reservation.status != RESERVATION_COMMITTED)
		return ERR_CONFLICT;
	*ret_reservation = reservation;
	return OK;
}

/* From active to where nothing is kept any more. */
static enum err end(const struct scope *scope, struct reservation *reservation,
		    enum reservation_status status)
{
	enum err err = reservation_move(scope->sql, reservation, status);

	return err ? err : change_lines(scope, reservation, 0, -1, NULL);
}

enum err release_order(const struct scope *scope, const struct id *order,
		       struct reservation *ret_reservation)
{
	struct reservation reservation;
	enum err err = reservation_get(scope->sql, order, scope->arena, &reservation);

	if (!err && reservation.status == RESERVATION_ACTIVE)
		err = end(scope, &reservation, RESERVATION_RELEASED);
	if (err)
		return err;
	if (reservation.status != RESERVATION_RELEASED && reservation.status != RESERVATION_EXPIRED)
		return ERR_CONFLICT;
	*ret_reservation = reservation;
	return OK;
}

enum err restock_order(const struct scope *scope, const struct id *order, const char *kind,
		       struct reservation *ret_reservation)
{
	struct reservation reservation;
	enum err err = reservation_get(scope->sql, order, scope->arena, &reservation);

	if (!err && reservation.status == RESERVATION_COMMITTED) {
		err = reservation_move(scope->sql, &reservation, RESERVATION_RESTOCKED);
		if (!err)
			err = change_lines(scope, &reservation, 1, 0, kind);
	}
	if (err)
		return err;
	if (reservation.status != RESERVATION_RESTOCKED)
		return ERR_CONFLICT;
	*ret_reservation = reservation;
	return OK;
}

enum err expire_order(const struct scope *scope, const struct id *order)
{
	struct reservation reservation;
	enum err err = reservation_get(scope->sql, order, scope->arena, &reservation);

	if (err)
		return err;
	if (reservation.status != RESERVATION_ACTIVE ||
	    reservation.expires_ms > sql_now_ms(scope->sql))
		return OK;
	return end(scope, &reservation, RESERVATION_EXPIRED);
}
