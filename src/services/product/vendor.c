/* Vendors that may not sell, and their products. */
#include "services/product/vendor.h"

#include <stdlib.h>
#include <string.h>

#include "base/config.h"
#include "base/log.h"
#include "base/time.h"
#include "runtime/worker.h"
#include "services/product/change.h"
#include "services/product/draft.h"
#include "services/product/service.h"
#include "services/product/store.h"

#define PRODUCTS_MAX 50 /* in one transaction */

const struct job product_jobs[] = {
	{"product-vendors", SECOND_MS, vendors_settle},
	{0},
};

/* --- what they may ---------------------------------------------------------------------------- */

static enum vendor_standing standing_of(const char *status)
{
	if (status && strcmp(status, "suspended") == 0)
		return VENDOR_SUSPENDED;
	return status && strcmp(status, "pending") == 0 ? VENDOR_PENDING : VENDOR_ACTIVE;
}

bool vendor_may_sell(enum vendor_standing standing)
{
	return standing == VENDOR_ACTIVE ||
	       (standing == VENDOR_PENDING && !config_flag("vendor-approval"));
}

enum err vendor_ask(struct request *req, const struct id *vendor,
		    enum vendor_standing *ret_standing)
{
	const struct call call = {
		.service = "user",
		.method = HTTP_GET,
		.path = arena_printf(req->arena, "/users/%s", id_text(req->arena, vendor)),
	};
	struct call_answer answer;
	enum err err;

	err = service_call(req->arena, &product_service, req, &call, &answer);
	if (err)
		return err;
	if (answer.err && answer.err != ERR_NOT_FOUND)
		return answer.err;
	*ret_standing =
		answer.err ? VENDOR_ACTIVE : standing_of(json_get_text(answer.json, "status"));
	return OK;
}

enum err vendor_refuse(struct request *req, enum vendor_standing standing)
{
	return refuse(req, ERR_VENDOR_NOT_APPROVED,
		      standing == VENDOR_SUSPENDED
			      ? "The vendor is suspended."
			      : "An admin has to approve the vendor first. Until then it may "
				"prepare drafts.");
}

/* What User's news says. */
static enum err vendor_look(struct sql *sql, const struct id *vendor,
			    enum vendor_standing *ret_standing)
{
	enum vendor_standing standing = VENDOR_ACTIVE;
	struct sql_rows *rows =
		sql_query(sql, "SELECT status FROM vendors WHERE id = $1", sql_id(vendor));
	enum err err = SQL_TAKE(rows, &standing, standing_of(sql_peek_text(rows, 0)));

	if (err && err != ERR_NOT_FOUND)
		return err;
	*ret_standing = standing;
	return OK;
}

enum err vendor_check(struct sql *sql, const struct id *vendor, enum vendor_standing said,
		      enum vendor_standing *ret_news)
{
	enum err err = vendor_look(sql, vendor, ret_news);

	if (err)
		return err;
	if (!vendor_may_sell(said) || !vendor_may_sell(*ret_news))
		return ERR_VENDOR_NOT_APPROVED;
	if (said != VENDOR_PENDING)
		return OK;
	/* Its registration is no news: noted, for a start with another setting. */
	return sql_run(sql,
		       "INSERT INTO vendors (id, status, due) VALUES ($1, 'pending', 0)"
		       " ON CONFLICT DO NOTHING",
		       sql_id(vendor));
}

/* --- what is heard ---------------------------------------------------------------------------- */

static void on_noted(struct sql_hook *hook, bool is_committed)
{
	if (is_committed)
		job_poke(&product_jobs[0]);
	free(hook);
}

enum err vendor_note(struct sql *sql, const struct id *vendor, const char *status)
{
	struct sql_hook *hook;
	enum err err;

	err = sql_run(sql,
		      "INSERT INTO vendors (id, status, due) VALUES ($1, $2, 1)"
		      " ON CONFLICT (id) DO UPDATE SET status = $2, due = 1",
		      sql_id(vendor), sql_text(status));
	if (err)
		return err;
	hook = must_alloc(sizeof(*hook));
	hook->end = on_noted;
	sql_on_end(sql, hook);
	return OK;
}

enum err vendors_look_again(struct sql *sql, void *arg)
{
	return sql_run(sql, "UPDATE vendors SET due = 1 WHERE status = 'pending'");
}

/* --- their products --------------------------------------------------------------------------- */

struct settling {
	struct arena *arena;
	struct id vendor;
	int64_t numbers[PRODUCTS_MAX];
	size_t count;
	bool any; /* vendor that is due */
};

static enum err find_due(struct sql *sql, void *arg)
{
	struct settling *settling = arg;
	struct sql_rows *rows =
		sql_query(sql, "SELECT id FROM vendors WHERE due = 1 ORDER BY id LIMIT 1");
	enum err err = SQL_TAKE(rows, &settling->vendor, sql_get_id(rows, 0));

	settling->any = !err;
	return err == ERR_NOT_FOUND ? OK : err;
}

static enum err take_numbers(struct sql_rows *rows, struct settling *settling)
{
	settling->count = 0;
	while (sql_next(rows))
		settling->numbers[settling->count++] = sql_get_int(rows, 0);
	return sql_end(rows);
}

/* Gives the product the status, if it has the other one, is this vendor's, and is there. */
static enum err turn(struct sql *sql, const struct settling *settling, int64_t number,
		     enum product_status from, enum product_status to)
{
	struct change change = {.arena = settling->arena};
	struct product product;
	enum err err;

	err = store_load(sql, settling->arena, number, &product);
	if (err)
		return err == ERR_NOT_FOUND ? OK : err;
	if (product.status != from || !id_equal(&product.vendor_id, &settling->vendor))
		return OK;
	err = content_read(settling->arena, product.document, &product.content);
	if (err)
		return err;
	product.status = to;
	return change_update(sql, &change, &product);
}

/* The vendor's products are found by its index: with the expression no engine goes through all that
 * are active instead. */
static enum err take_out(struct sql *sql, struct settling *settling)
{
	const struct id *vendor = &settling->vendor;
	enum err err;

	err = take_numbers(sql_query(sql,
				     "SELECT number FROM products WHERE vendor_id = $1"
				     " AND (status || '') = 'active' LIMIT $2",
				     sql_id(vendor), sql_int(PRODUCTS_MAX)),
			   settling);
	for (size_t i = 0; !err && i < settling->count; i++) {
		err = sql_run(sql,
			      "INSERT INTO withheld (vendor_id, product) VALUES ($1, $2)"
			      " ON CONFLICT DO NOTHING",
			      sql_id(vendor), sql_int(settling->numbers[i]));
		if (!err)
			err = turn(sql, settling, settling->numbers[i], PRODUCT_ACTIVE,
				   PRODUCT_DRAFT);
	}
	if (err || settling->count == PRODUCTS_MAX)
		return err;
	return sql_run(sql, "UPDATE vendors SET due = 0 WHERE id = $1", sql_id(vendor));
}

static enum err put_back(struct sql *sql, struct settling *settling)
{
	const struct id *vendor = &settling->vendor;
	enum err err;

	err = take_numbers(sql_query(sql,
				     "SELECT product FROM withheld WHERE vendor_id = $1 LIMIT $2",
				     sql_id(vendor), sql_int(PRODUCTS_MAX)),
			   settling);
	for (size_t i = 0; !err && i < settling->count; i++) {
		err = sql_run(sql, "DELETE FROM withheld WHERE vendor_id = $1 AND product = $2",
			      sql_id(vendor), sql_int(settling->numbers[i]));
		if (!err)
			err = turn(sql, settling, settling->numbers[i], PRODUCT_DRAFT,
				   PRODUCT_ACTIVE);
	}
	if (err || settling->count == PRODUCTS_MAX)
		return err;
	err = sql_run(sql, "DELETE FROM vendors WHERE id = $1 AND status = 'active'",
		      sql_id(vendor));
	/* Kept where it is the setting that lets it sell. */
	if (!err)
		err = sql_run(sql, "UPDATE vendors SET due = 0 WHERE id = $1", sql_id(vendor));
	return err;
}

static enum err settle_some(struct sql *sql, void *arg)
{
	struct settling *settling = arg;
	enum vendor_standing standing;
	enum err err = vendor_look(sql, &settling->vendor, &standing);

	if (err)
		return err;
	return vendor_may_sell(standing) ? put_back(sql, settling) : take_out(sql, settling);
}

void vendors_settle(void)
{
	struct database *database = service_database(&product_service);
	struct settling settling = {.any = true};
	enum err err = OK;

	while (!err && settling.any && !workers_stopping()) {
		settling.arena = arena_new();
		err = sql_read(database, find_due, &settling);
		if (!err && settling.any)
			err = sql_transaction(database, settle_some, &settling);
		arena_free(settling.arena);
	}
	if (err)
		log_error("product.vendors", "%s", err_info(err)->title);
}
