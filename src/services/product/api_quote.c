/* POST /products/quote: what lines of carts and orders cost. One of the hottest routes. */
#include "services/product/api.h"
#include "services/product/store.h"
#include "services/product/write.h"

struct line {
	struct id product_id;
	int64_t quantity;
};

struct quoting {
	struct request *req;
	struct list lines; /* struct line */
	struct quote *quotes;
};

static const struct field line_fields[] = {
	FIELD(struct line, product_id, "productId", ID, .flags = REQUIRED),
	FIELD(struct line, quantity, "quantity", INT, .min = 1, .max = INT32_MAX),
	FIELD_END,
};

static const struct field quoting_fields[] = {
	FIELD(struct quoting, lines, "items", LIST, .flags = REQUIRED, .max = QUOTE_ITEMS_MAX,
	      STRUCT_OF(line_fields, struct line)),
	FIELD_END,
};

static enum err quote_body(struct sql *sql, void *arg)
{
	struct quoting *quoting = arg;
	const struct line *lines = quoting->lines.items;
	enum err err = OK;

	for (size_t i = 0; !err && i < quoting->lines.count; i++)
		err = store_quote(sql, quoting->req->arena, &lines[i].product_id,
				  &quoting->quotes[i]);
	return err;
}

/* In the order asked; what nobody sells is not purchasable, and no more is said of it. */
enum err post_quote(struct request *req, struct reply *reply)
{
	struct quoting quoting = {.req = req};
	struct out out = out_new_kept(req->arena, req->arena);
	enum err err;

	err = request_body(req, quoting_fields, &quoting);
	if (err)
		return err;
	quoting.quotes = ARENA_ARRAY(req->arena, struct quote, quoting.lines.count + 1);
	err = request_read(req, quote_body, &quoting);
	if (err)
		return err;
	out_open(&out, NULL);
	out_open_list(&out, "items");
	for (size_t i = 0; i < quoting.lines.count; i++)
		quote_write(&out, req->arena, &quoting.quotes[i]);
	out_close_list(&out);
	out_close(&out);
	reply_json(reply, 200, &out);
	return OK;
}
