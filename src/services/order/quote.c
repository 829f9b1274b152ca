/* Asking the Product service for names, prices and what can be bought: never the client. */
#include "base/log.h"
#include "services/order/service.h"

static struct out write_question(struct arena *arena, const struct order_item *items, size_t count)
{
	struct out out = out_new_kept(arena, arena);

	out_open(&out, NULL);
	out_open_list(&out, "items");
	for (size_t i = 0; i < count; i++) {
		out_open(&out, NULL);
		out_id(&out, "productId", &items[i].product);
		out_int(&out, "quantity", items[i].quantity);
		out_close(&out);
	}
	out_close_list(&out);
	out_close(&out);
	return out;
}

/* False where a part is missing without which nothing can be sold. */
static bool read_quote(const json_t *json, struct quote *ret_quote)
{
	struct quote quote = {
		.purchasable = json_get_bool(json, "purchasable"),
		.name = json_get_text(json, "name"),
		.sku = json_get_text(json, "sku"),
		.category = json_get_text(json, "category"),
		.unlimited = json_is_null(json_object_get(json, "available")),
	};

	/* Enough for any line. */
	quote.available = quote.unlimited ? ORDER_QUANTITY_MAX : json_get_int(json, "available");
	*ret_quote = (struct quote){0};
	if (!quote.purchasable)
		return true;
	if (!quote.name || !json_get_id(json, "parentId", &quote.parent) ||
	    !json_get_id(json, "vendorId", &quote.vendor) ||
	    !json_get_money(json, "price", &quote.price))
		return false;
	*ret_quote = quote;
	return true;
}

static enum err ask(struct request *req, const struct out *question, json_t **ret_answers)
{
	const struct call call = {
		.service = "product",
		.method = HTTP_POST,
		.path = "/products/quote",
		.body = question,
	};
	struct call_answer answer;
	enum err err;

	err = service_call(req->arena, &order_service, req, &call, &answer);
	if (err)
		return err;
	if (answer.err) {
		log_error("order.quote", "product answers %d", answer.status);
		return err_is_fault(answer.err) ? answer.err : ERR_UPSTREAM;
	}
	*ret_answers = json_object_get(answer.json, "items");
	return OK;
}

enum err order_quote(struct request *req, const struct order_item *items, size_t count,
		     struct quote **ret_quotes)
{
	struct quote *quotes = ARENA_ARRAY(req->arena, struct quote, count);
	struct out question = write_question(req->arena, items, count);
	json_t *answers = NULL;
	enum err err;

	err = count ? ask(req, &question, &answers) : OK;
	if (err)
		return err;
	for (size_t i = 0; i < count; i++) {
		const json_t *answer = json_array_get(answers, i);
		struct id product;

		if (!json_get_id(answer, "productId", &product) ||
		    !id_equal(&product, &items[i].product) || !read_quote(answer, &quotes[i])) {
			log_error("order.quote", "product's quote is not what was asked for");
			return ERR_UPSTREAM;
		}
	}
	*ret_quotes = quotes;
	return OK;
}
