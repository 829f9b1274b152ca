/* Review's calls to Product and User. */
#include "services/review/ask.h"

#include <string.h>

#define NAMELESS "Customer"

static enum err ask(struct request *req, const char *service, const char *collection,
		    const struct id *id, struct call_answer *ret_answer)
{
	struct call call = {
		.service = service,
		.method = HTTP_GET,
		.path = arena_printf(req->arena, "/%s/%s", collection, id_text(req->arena, id)),
	};

	return service_call(req->arena, &review_service, req, &call, ret_answer);
}

enum err ask_product(struct request *req, const struct id *id, struct id *ret_product,
		     struct id *ret_vendor)
{
	struct call_answer answer;
	const char *status;
	enum err err;

	err = ask(req, "product", "products", id, &answer);
	if (err)
		return err;
	if (answer.err && answer.err != ERR_NOT_FOUND)
		return answer.err;
	status = answer.err ? NULL : json_get_text(answer.json, "status");
	if (!status || strcmp(status, "draft") == 0) {
		fault_add(&req->faults, "/productId", "must be a product's id");
		return faults_err(&req->faults);
	}
	return json_get_id(answer.json, "id", ret_product) &&
			       json_get_id(answer.json, "vendorId", ret_vendor)
		       ? OK
		       : ERR_UPSTREAM;
}

enum err ask_author(struct request *req, const struct id *user, const char **ret_name,
		    int64_t *ret_since_ms)
{
	struct call_answer answer;
	const char *name;
	enum err err;

	err = ask(req, "user", "users", user, &answer);
	if (err)
		return err;
	if (answer.err && answer.err != ERR_NOT_FOUND)
		return answer.err;
	if (answer.err || !json_get_time(answer.json, "createdAt", ret_since_ms))
		*ret_since_ms = req->received_ms;
	name = answer.err ? NULL : json_get_text(answer.json, "name");
	*ret_name = name ? name : NAMELESS;
	return OK;
}
