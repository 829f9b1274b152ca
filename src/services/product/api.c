/* Products one at a time: handlers, and at the foot the routes of the whole service. */
#include "services/product/api.h"

#include "base/env.h"
#include "runtime/fiber.h"
#include "runtime/worker.h"
#include "services/product/change.h"
#include "services/product/draft.h"
#include "services/product/rendered.h"
#include "services/product/rules.h"
#include "services/product/store.h"
#include "services/product/vendor.h"
#include "services/product/write.h"

#define NEWS_PATIENCE_MS 2000 /* how long User's news may lag behind what it says */
#define NEWS_PAUSE_MS 50

/* One request's way through its transaction. */
struct edit {
	struct request *req;
	struct reply *reply;
	struct draft draft;
	struct faults found; /* before the transaction, whose body may run twice */
	struct product product;
	/* Who is asked about, where the product is to be active, and what User says. */
	struct id vendor;
	enum vendor_standing standing;
	bool news_lags; /* User says that it may sell, and its news not yet */
};

/* --- who may ----------------------------------------------------------------------------- */

static bool is_owner(const struct request *req, const struct id *vendor_id)
{
	return request_has_role(req, ROLE_ADMIN) || request_is_user(req, vendor_id);
}

/* Drafts and what is archived are for their owner. */
static bool is_visible(const struct request *req, enum product_status status,
		       const struct id *vendor_id)
{
	return status == PRODUCT_ACTIVE || is_owner(req, vendor_id);
}

/* The product with the path's id, if the caller may change it. */
static enum err find_own(struct sql *sql, struct request *req, struct product *ret_product)
{
	struct id id;
	enum err err;

	err = request_id(req, "id", &id);
	if (err)
		return err;
	err = store_find_id(sql, req->arena, &id, ret_product);
	if (err)
		return err;
	/* A variant's id reads its product, but does not delete it. */
	if (!is_visible(req, ret_product->status, &ret_product->vendor_id) ||
	    !id_equal(&ret_product->id, &id))
		return ERR_NOT_FOUND;
	if (!is_owner(req, &ret_product->vendor_id))
		return refuse(req, ERR_FORBIDDEN, "The product is another vendor's.");
	return OK;
}

/* Vendors sell what is their own; an administrator says whose it is. */
static enum err check_vendor(struct request *req, const struct draft *draft,
			     const struct id *vendor)
{
	if (!draft->vendor_given || id_equal(&draft->vendor_id, vendor) ||
	    request_has_role(req, ROLE_ADMIN))
		return OK;
	return refuse(req, ERR_FORBIDDEN,
		      "Only an administrator may give a product to another vendor.");
}

/* Asks User before the transaction, where the product will be active. */
static enum err ask_vendor(struct edit *edit, enum product_status status, const struct id *vendor)
{
	edit->vendor = *vendor;
	if (status != PRODUCT_ACTIVE)
		return OK;
	return vendor_ask(edit->req, vendor, &edit->standing);
}

/* What is active belongs to somebody who may sell; within the transaction. */
static enum err check_seller(struct sql *sql, struct edit *edit, const struct product *product)
{
	enum vendor_standing news;
	enum err err;

	edit->news_lags = false;
	if (product->status != PRODUCT_ACTIVE)
		return OK;
	if (!id_equal(&product->vendor_id, &edit->vendor))
		return refuse(edit->req, ERR_CONFLICT, "The product was given to another vendor.");
	err = vendor_check(sql, &product->vendor_id, edit->standing, &news);
	if (err != ERR_VENDOR_NOT_APPROVED)
		return err;
	edit->news_lags = vendor_may_sell(edit->standing);
	return vendor_refuse(edit->req, edit->news_lags ? news : edit->standing);
}

/* Runs the body until User and its news agree, which they do within milliseconds. */
static enum err store_edit(struct edit *edit, struct reply *reply, sql_body *body)
{
	int64_t deadline_ms = env_monotonic_ms() + NEWS_PATIENCE_MS;
	enum err err = request_transaction(edit->req, reply, body, edit);

	while (err == ERR_VENDOR_NOT_APPROVED && edit->news_lags && !workers_stopping() &&
	       env_monotonic_ms() < deadline_ms) {
		fiber_sleep(NEWS_PAUSE_MS);
		err = ask_vendor(edit, PRODUCT_ACTIVE, &edit->vendor);
		if (!err)
			err = request_transaction(edit->req, reply, body, edit);
	}
	return err;
}

/* --- answering --------------------------------------------------------------------------- */

static void reply_product(struct reply *reply, int status, const struct product *product)
{
	struct out out = out_new(reply->arena);

	product_write(&out, NULL, product);
	reply_etag(reply, product->version, product->revision);
	reply_json(reply, status, &out);
}

/* Says which slug it was. */
static enum err refuse_taken(struct request *req, enum err err, const struct change *change)
{
	if (err == ERR_SLUG_TAKEN)
		return refuse(req, err, "The slug \"%s\" belongs to another product.",
			      change->taken);
	return err;
}

/* --- GET /products/:id ------------------------------------------------------------------- */

struct view {
	struct request *req;
	const char *key; /* of the path */
	struct product_head head;
	struct out out;
};

enum err product_show(struct sql *sql, const struct product_head *head, struct out *out)
{
	struct product product;
	size_t begin;
	enum err err;

	if (rendered_take(head, out))
		return OK;
	err = store_load(sql, out->arena, head->number, &product);
	if (err)
		return err == ERR_NOT_FOUND ? ERR_INTERNAL : err;
	begin = out->length + out->comma;
	product_write(out, NULL, &product);
	rendered_keep(head, out->data + begin, out->length - begin);
	return OK;
}

static enum err view_body(struct sql *sql, void *arg)
{
	struct view *view = arg;
	struct id id;
	enum err err;

	err = id_parse(view->key, &id) ? store_head_by_id(sql, &id, &view->head)
				       : store_head_by_slug(sql, view->key, &view->head);
	if (err)
		return err;
	if (!is_visible(view->req, view->head.status, &view->head.vendor_id))
		return ERR_NOT_FOUND;
	return product_show(sql, &view->head, &view->out);
}

/* The product with this id or slug, or that the variant with this id belongs to. */
static enum err get_product(struct request *req, struct reply *reply)
{
	struct view view = {
		.req = req, .key = request_parameter(req, "id"), .out = out_new(req->arena)};
	enum err err;

	err = request_read(req, view_body, &view);
	if (err)
		return err;
	reply_etag(reply, view.head.version, view.head.revision);
	reply_json(reply, 200, &view.out);
	return OK;
}

/* --- POST /products ---------------------------------------------------------------------- */

static enum err add_body(struct sql *sql, void *arg)
{
	struct edit *edit = arg;
	struct request *req = edit->req;
	struct change change = {.arena = req->arena, .traceparent = req->traceparent};
	struct product product = edit->product;
	enum err err;

	err = check_seller(sql, edit, &product);
	if (err)
		return err;
	err = change_add(sql, &change, &product);
	if (err)
		return refuse_taken(req, err, &change);
	reply_header(edit->reply, "Location", "/products/%s", id_text(req->arena, &product.id));
	reply_product(edit->reply, 201, &product);
	return OK;
}

static enum err post_product(struct request *req, struct reply *reply)
{
	struct edit edit = {.req = req, .reply = reply};
	enum err err;

	err = request_body_parse(req, draft_new_fields, &edit.draft);
	if (err)
		return err;
	draft_check(&edit.draft, &req->faults);
	product_merge(NULL, &edit.draft, &edit.product, &req->faults);
	err = faults_err(&req->faults);
	if (err)
		return err;
	err = check_vendor(req, &edit.draft, &req->caller.user);
	if (err)
		return err;
	if (!edit.draft.vendor_given)
		edit.product.vendor_id = req->caller.user;
	err = ask_vendor(&edit, edit.product.status, &edit.product.vendor_id);
	return err ? err : store_edit(&edit, reply, add_body);
}

/* --- PUT /products/:id ------------------------------------------------------------------- */

/* Forgets the faults that an earlier run of the body has added. */
static void restore_faults(struct edit *edit)
{
	edit->req->faults = edit->found;
	if (edit->found.last)
		edit->found.last->next = NULL;
}

static enum err change_body(struct sql *sql, void *arg)
{
	struct edit *edit = arg;
	struct request *req = edit->req;
	struct change change = {.arena = req->arena, .traceparent = req->traceparent};
	struct product current, product;
	enum err err;

	restore_faults(edit);
	err = find_own(sql, req, &current);
	if (err)
		return err;
	err = request_if_match(req, current.version);
	if (err)
		return err;
	err = content_read(req->arena, current.document, &current.content);
	if (err)
		return err;
	product_merge(&current, &edit->draft, &product, &req->faults);
	err = faults_err(&req->faults);
	if (err)
		return err;
	err = check_vendor(req, &edit->draft, &current.vendor_id);
	if (!err)
		err = check_seller(sql, edit, &product);
	if (err)
		return err;
	err = change_update(sql, &change, &product);
	if (err)
		return refuse_taken(req, err, &change);
	reply_product(edit->reply, 200, &product);
	return OK;
}

static enum err read_current(struct sql *sql, void *arg)
{
	struct edit *edit = arg;

	return find_own(sql, edit->req, &edit->product);
}

/* What it will be is known from how it is now; should it change meanwhile, check_seller sees it. */
static enum err ask_about_change(struct edit *edit)
{
	const struct draft *draft = &edit->draft;
	enum product_status status;
	enum err err = request_read(edit->req, read_current, edit);

	if (err)
		return err;
	status = draft->status_given ? (enum product_status)draft->status : edit->product.status;
	return ask_vendor(edit, status,
			  draft->vendor_given ? &draft->vendor_id : &edit->product.vendor_id);
}

/* What is given changes, the rest stays. Given variants are all there are afterwards. */
static enum err put_product(struct request *req, struct reply *reply)
{
	struct edit edit = {.req = req, .reply = reply};
	enum err err;

	err = request_body_parse(req, draft_change_fields, &edit.draft);
	if (err)
		return err;
	draft_check(&edit.draft, &req->faults);
	edit.found = req->faults;
	err = ask_about_change(&edit);
	return err ? err : store_edit(&edit, reply, change_body);
}

/* --- DELETE /products/:id ---------------------------------------------------------------- */

static enum err remove_body(struct sql *sql, void *arg)
{
	struct edit *edit = arg;
	struct request *req = edit->req;
	struct change change = {.arena = req->arena, .traceparent = req->traceparent};
	struct product product;
	enum err err;

	err = find_own(sql, req, &product);
	if (err)
		return err;
	err = request_if_match(req, product.version);
	if (err)
		return err;
	err = change_remove(sql, &change, &product);
	if (err)
		return err;
	reply_empty(edit->reply, 204);
	return OK;
}

static enum err delete_product(struct request *req, struct reply *reply)
{
	struct edit edit = {.req = req, .reply = reply};

	return request_transaction(req, reply, remove_body, &edit);
}

/* --- routes ------------------------------------------------------------------------------ */

/* clang-format off */
const struct route product_routes[] = {
	{HTTP_GET, "/products", get_products, ANYONE, ROUTE_PAGE | ROUTE_QUERY},
	{HTTP_POST, "/products", post_product, ROLE_VENDOR | ROLE_ADMIN,
	 ROUTE_BODY | ROUTE_IDEMPOTENT},
	{HTTP_GET, "/products/:id", get_product, ANYONE},
	{HTTP_PUT, "/products/:id", put_product, ROLE_VENDOR | ROLE_ADMIN,
	 ROUTE_BODY | ROUTE_VERSIONED},
	{HTTP_DELETE, "/products/:id", delete_product, ROLE_VENDOR | ROLE_ADMIN,
	 ROUTE_VERSIONED},
	{HTTP_POST, "/products/quote", post_quote, ROLE_SERVICE, ROUTE_BODY | ROUTE_INTERNAL},
	{HTTP_POST, "/products/batch", post_batch, ROLE_SERVICE, ROUTE_BODY | ROUTE_INTERNAL,
	 .body_limit = BATCH_BODY_BYTES_MAX},
	{.path = NULL},
};
/* clang-format on */
