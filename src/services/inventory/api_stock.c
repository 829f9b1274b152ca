/* Inventory's endpoints for stock. */
#include <inttypes.h>
#include <string.h>

#include "services/inventory/api.h"
#include "services/inventory/rules.h"
#include "services/inventory/store.h"
#include "services/inventory/tell.h"

#define LIST_KIND "inventory/id"

/* --- looking -------------------------------------------------------------------------------- */

static void write_stock(struct out *out, const char *name, const struct item *item,
			const struct stocks *stocks)
{
	out_open(out, name);
	out_id(out, "productId", &item->id);
	out_bool(out, "tracked", item->tracked);
	out_text(out, "backorder", item_backorder_word(item));
	out_int(out, "onHand", item->on_hand);
	out_int(out, "reserved", item->reserved);
	write_available(out, item);
	out_text(out, "status", item->status);
	out_int(out, "lowStockThreshold", item->threshold);
	out_open_list(out, "warehouses");
	for (size_t i = 0; i < stocks->count; i++) {
		out_open(out, NULL);
		out_text(out, "warehouse", stocks->items[i].warehouse);
		out_int(out, "onHand", stocks->items[i].on_hand);
		out_int(out, "reserved", stocks->items[i].reserved);
		out_close(out);
	}
	out_close_list(out);
	out_time(out, "updatedAt", item->updated_ms);
	out_close(out);
}

static void reply_stock(struct reply *reply, const struct item *item, const struct stocks *stocks)
{
	struct out out = out_new(reply->arena);

	write_stock(&out, NULL, item, stocks);
	reply_json(reply, 200, &out);
	reply_etag(reply, item->version, item->revision);
}

struct look {
	struct arena *arena;
	struct id id;
	struct item item;
	struct stocks stocks;
};

static enum err read_stock(struct sql *sql, void *arg)
{
	struct look *look = arg;
	enum err err = item_get(sql, &look->id, look->arena, &look->item);

	return err ? err : stocks_get(sql, &look->id, look->arena, &look->stocks);
}

/* GET /inventory/:productId: what there is of a product's variant. */
enum err get_stock(struct request *req, struct reply *reply)
{
	struct look *look = ARENA_NEW(req->arena, struct look);
	enum err err;

	look->arena = req->arena;
	err = request_id(req, "productId", &look->id);
	if (err)
		return err;
	err = request_read(req, read_stock, look);
	if (err)
		return err;
	reply_stock(reply, &look->item, &look->stocks);
	return OK;
}

static const char *const stock_statuses[] = {"in_stock", "low_stock", "backorder", "out_of_stock",
					     NULL};

struct list_query {
	int status;
	bool status_given;
};

static const struct field list_fields[] = {
	FIELD(struct list_query, status, "status", CHOICE, .choices = stock_statuses,
	      GIVEN(struct list_query, status_given)),
	FIELD_END,
};

struct listing {
	struct arena *arena;
	struct item_filter filter;
	struct item *items;
	struct stocks *stocks;
	size_t count;
};

static enum err read_list(struct sql *sql, void *arg)
{
	struct listing *listing = arg;
	enum err err =
		items_list(sql, &listing->filter, listing->arena, listing->items, &listing->count);

	for (size_t i = 0; i < listing->count && !err; i++)
		err = stocks_get(sql, &listing->items[i].id, listing->arena, &listing->stocks[i]);
	return err;
}

/* GET /inventory: the caller's own stock; an admin sees all. */
enum err get_stock_list(struct request *req, struct reply *reply)
{
	struct listing listing = {.arena = req->arena};
	struct list_query query = {0};
	struct cursor next = {0};
	struct page page;
	struct out out;
	size_t shown;
	enum err err, page_err;

	err = request_query_read(req, list_fields, &query);
	page_err = request_page(req, LIST_KIND, &page);
	if (err || page_err)
		return err ? err : page_err;

	listing.filter.limit = (size_t)page.limit + 1;
	listing.filter.status = query.status_given ? stock_statuses[query.status] : NULL;
	listing.filter.vendor = request_has_role(req, ROLE_ADMIN) ? NULL : &req->caller.user;
	listing.filter.after = page.has_after ? &page.after.id : NULL;
	listing.items = ARENA_ARRAY(req->arena, struct item, listing.filter.limit);
	listing.stocks = ARENA_ARRAY(req->arena, struct stocks, listing.filter.limit);
	err = request_read_long(req, WORK_LIST, read_list, &listing);
	if (err)
		return err;

	shown = MIN(listing.count, (size_t)page.limit);
	out = reply_list_begin(reply);
	for (size_t i = 0; i < shown; i++)
		write_stock(&out, NULL, &listing.items[i], &listing.stocks[i]);
	reply_list_end_items(&out);
	if (shown > 0)
		next.id = listing.items[shown - 1].id;
	reply_list_end(req, reply, &out, LIST_KIND, listing.count > shown ? &next : NULL);
	return OK;
}

/* --- changing ------------------------------------------------------------------------------- */

struct stock_draft {
	char *warehouse, *reason;
	int64_t on_hand, adjust, threshold;
	bool tracked;
	int backorder;
	bool reason_given, on_hand_given, adjust_given, threshold_given;
	bool tracked_given, backorder_given;
};

static const char *const backorder_words[] = {"deny", "allow", NULL};

static const struct field stock_fields[] = {
	FIELD(struct stock_draft, warehouse, "warehouse", TEXT, .min = 1, .max = WAREHOUSE_NAME_MAX,
	      .check = warehouse_is_name, .expected = WAREHOUSE_EXPECTED),
	FIELD(struct stock_draft, on_hand, "onHand", INT, .min = -ON_HAND_MAX, .max = ON_HAND_MAX,
	      GIVEN(struct stock_draft, on_hand_given)),
	FIELD(struct stock_draft, adjust, "adjust", INT, .min = -ON_HAND_MAX, .max = ON_HAND_MAX,
	      GIVEN(struct stock_draft, adjust_given)),
	FIELD(struct stock_draft, reason, "reason", TEXT, .min = 1, .max = REASON_MAX,
	      GIVEN(struct stock_draft, reason_given)),
	FIELD(struct stock_draft, threshold, "lowStockThreshold", INT, .min = 0, .max = ON_HAND_MAX,
	      GIVEN(struct stock_draft, threshold_given)),
	FIELD(struct stock_draft, tracked, "tracked", BOOL,
	      GIVEN(struct stock_draft, tracked_given)),
	FIELD(struct stock_draft, backorder, "backorder", CHOICE, .choices = backorder_words,
	      GIVEN(struct stock_draft, backorder_given)),
	FIELD_READ_ONLY("productId"),
	FIELD_READ_ONLY("reserved"),
	FIELD_READ_ONLY("available"),
	FIELD_READ_ONLY("status"),
	FIELD_READ_ONLY("warehouses"),
	FIELD_READ_ONLY("updatedAt"),
	FIELD_END,
};

static enum err read_stock_draft(struct request *req, struct stock_draft *ret_draft)
{
	enum err err = request_body_parse(req, stock_fields, ret_draft);

	if (err)
		return err;
	if (ret_draft->on_hand_given && ret_draft->adjust_given)
		fault_add(&req->faults, "/adjust", "must not come together with onHand");
	if (ret_draft->adjust_given && !ret_draft->reason_given)
		fault_add(&req->faults, "/reason", "is required with adjust");
	if (!ret_draft->on_hand_given && !ret_draft->adjust_given && !ret_draft->threshold_given &&
	    !ret_draft->tracked_given && !ret_draft->backorder_given)
		fault_add(&req->faults, "",
			  "must have onHand, adjust, lowStockThreshold, tracked or backorder");
	return faults_err(&req->faults);
}

/* What the body of a change works on. */
struct change {
	struct request *req;
	struct reply *reply;
	struct id id;
	const struct stock_draft *draft;
	struct item item; /* as it was, then as it is */
	struct item next; /* as it was, with what the client sets */
	struct stocks stocks;
};

static enum err find_warehouse(const struct change *change, const char **ret_warehouse)
{
	const char *warehouse = change->draft->warehouse;

	if (!warehouse)
		warehouse = warehouse_meant(&change->stocks);
	if (!warehouse) {
		change->req->faults.arena = change->req->arena;
		fault_add(&change->req->faults, "/warehouse",
			  "is required: more than one has the product");
		return ERR_INVALID;
	}
	*ret_warehouse = warehouse;
	return OK;
}

static enum err refuse_below_reserved(struct request *req, const struct stock *stock)
{
	struct out members = out_new(req->arena);

	out_open(&members, NULL);
	out_text(&members, "warehouse", stock->warehouse);
	out_int(&members, "onHand", stock->on_hand);
	out_int(&members, "reserved", stock->reserved);
	out_close(&members);
	return refuse_with(req, ERR_BELOW_RESERVED, &members,
			   "%" PRId64 " are reserved for orders in the warehouse %s.",
			   stock->reserved, stock->warehouse);
}

/* What is on hand is counted from 0; what was sold before it was there is owed, and stays so until it
 * is counted anew or comes. */
static enum err check_left(const struct change *change, const struct stock *stock, int64_t delta)
{
	int64_t left = stock->on_hand + delta;

	if (change->draft->on_hand_given && left < 0) {
		change->req->faults.arena = change->req->arena;
		fault_add(&change->req->faults, "/onHand", "must not be below 0");
		return ERR_INVALID;
	}
	if ((left < 0 && delta < 0) || (left < stock->reserved && item_must_cover(&change->next)))
		return refuse_below_reserved(change->req, stock);
	return OK;
}

/* Changes one warehouse, and notes it in the journal; the sums are the caller's to change. */
static enum err move_stock(struct sql *sql, struct change *change, const char *warehouse,
			   int64_t *ret_delta)
{
	const struct stock_draft *draft = change->draft;
	struct stock stock = {.warehouse = warehouse};
	struct movement movement = {
		.product = change->id,
		.warehouse = warehouse,
		.kind = draft->adjust_given ? "adjustment" : "count",
		.reason = draft->reason,
		.by = &change->req->caller.user,
	};
	enum err err;
	size_t i;

	for (i = 0; i < change->stocks.count; i++) {
		if (strcmp(change->stocks.items[i].warehouse, warehouse) == 0)
			break;
	}
	if (i < change->stocks.count)
		stock = change->stocks.items[i];
	else if (i == WAREHOUSES_MAX)
		return refuse(change->req, ERR_CONFLICT, "A product has at most %d warehouses.",
			      WAREHOUSES_MAX);
	movement.delta = draft->adjust_given ? draft->adjust : draft->on_hand - stock.on_hand;
	*ret_delta = movement.delta;
	if (movement.delta == 0)
		return OK;
	if (stock.on_hand + movement.delta > ON_HAND_MAX)
		return refuse(change->req, ERR_CONFLICT, "A warehouse holds at most %" PRId64 ".",
			      ON_HAND_MAX);
	err = check_left(change, &stock, movement.delta);
	if (err)
		return err;
	err = stock_open(sql, &change->item, warehouse);
	if (!err && change->item.spread)
		err = stock_change(sql, &change->next, warehouse, movement.delta, 0);
	return err ? err : movement_add(sql, &movement);
}

/* Whether the client says what is so already: what it read, sent back. */
static bool says_nothing_new(const struct change *change)
{
	const struct stock_draft *draft = change->draft;

	return !draft->adjust_given &&
	       (!draft->on_hand_given ||
		(!draft->warehouse && draft->on_hand == change->item.on_hand));
}

static enum err change_stock(struct sql *sql, struct change *change, int64_t *ret_delta)
{
	const char *warehouse;
	enum err err;

	*ret_delta = 0;
	if (says_nothing_new(change))
		return OK;
	err = find_warehouse(change, &warehouse);
	return err ? err : move_stock(sql, change, warehouse, ret_delta);
}

static struct item next_item(const struct change *change)
{
	const struct stock_draft *draft = change->draft;
	struct item next = change->item;

	if (draft->threshold_given)
		next.threshold = draft->threshold;
	if (draft->tracked_given)
		next.tracked = draft->tracked;
	if (draft->backorder_given)
		next.backorder = draft->backorder == 1;
	return next;
}

/* What must be covered from now on has to be, in each warehouse: one that the change leaves alone too. */
static enum err check_covered(const struct change *change, const struct item *before)
{
	for (size_t i = 0; i < change->stocks.count; i++)
		if (item_must_cover(&change->item) && !item_must_cover(before) &&
		    change->stocks.items[i].on_hand < change->stocks.items[i].reserved)
			return refuse_below_reserved(change->req, &change->stocks.items[i]);
	return OK;
}

static enum err put_body(struct sql *sql, void *arg)
{
	struct change *change = arg;
	struct request *req = change->req;
	struct scope scope = {sql, req->arena, req->traceparent};
	struct item before;
	int64_t delta;
	enum err err;

	err = item_get(sql, &change->id, req->arena, &change->item);
	if (err)
		return err;
	if (!request_has_role(req, ROLE_ADMIN) && !request_is_user(req, &change->item.vendor))
		return ERR_FORBIDDEN;
	err = request_if_match(req, change->item.version);
	if (!err)
		err = stocks_get(sql, &change->id, req->arena, &change->stocks);
	if (err)
		return err;
	change->next = next_item(change);
	err = change_stock(sql, change, &delta);
	if (err)
		return err;

	before = change->item;
	err = item_set(sql, &change->next, delta, req->arena, &change->item);
	if (err == ERR_BELOW_RESERVED)
		return refuse_below_reserved(req, &change->stocks.items[0]);
	if (!err)
		err = tell_changed(&scope, &before, &change->item);
	if (!err)
		err = stocks_get(sql, &change->id, req->arena, &change->stocks);
	if (!err)
		err = check_covered(change, &before);
	if (!err)
		reply_stock(change->reply, &change->item, &change->stocks);
	return err;
}

/* PUT /inventory/:productId: counts or corrects what a warehouse holds, or says what few are. */
enum err put_stock(struct request *req, struct reply *reply)
{
	struct change *change = ARENA_NEW(req->arena, struct change);
	struct stock_draft draft = {0};
	enum err err;

	change->req = req;
	change->reply = reply;
	change->draft = &draft;
	err = request_id(req, "productId", &change->id);
	if (err)
		return err;
	err = read_stock_draft(req, &draft);
	if (err)
		return err;
	return request_transaction(req, reply, put_body, change);
}
