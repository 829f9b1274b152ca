/*
 * Asking Order what an order owes. It may be cancelled behind the answer: then it will hear that it
 * was charged, and has the money given back.
 */
#include "services/payment/owed.h"

#include <string.h>

#include "base/log.h"

/* What Order says of the order; false in *ret_known where it has none. */
static enum err ask(struct request *req, const struct id *order, bool *ret_known,
		    struct id *ret_user, const char **ret_number, struct money *ret_owed)
{
	const struct call call = {
		.service = "order",
		.method = HTTP_GET,
		.path = arena_printf(req->arena, "/orders/%s/owed", id_text(req->arena, order)),
	};
	struct call_answer answer;
	enum err err;

	err = service_call(req->arena, &payment_service, req, &call, &answer);
	if (err)
		return err;
	*ret_known = answer.err != ERR_NOT_FOUND;
	if (!*ret_known)
		return OK;
	if (answer.err && (err_is_fault(answer.err) || err_info(answer.err)->transient))
		return answer.err;
	*ret_number = json_get_text(answer.json, "number");
	if (answer.err || !*ret_number || !json_get_id(answer.json, "userId", ret_user) ||
	    !json_get_money(answer.json, "owed", ret_owed)) {
		log_error("payment.owed", "order answers %d", answer.status);
		return ERR_UPSTREAM;
	}
	return OK;
}

enum err owed_check(struct request *req, struct charge_draft *draft)
{
	struct money *owed = ARENA_NEW(req->arena, struct money);
	const char *number = NULL;
	struct id user;
	bool known;
	enum err err;

	if (request_is_service(req, "order"))
		return OK;
	err = ask(req, &draft->order, &known, &user, &number, owed);
	if (err)
		return err;
	if (!known)
		fault_add(&req->faults, "/orderId", "is of no order");
	else if (!id_is_zero(&draft->user) && !id_equal(&draft->user, &user))
		fault_add(&req->faults, "/userId", "is not who placed the order");
	if (known && draft->order_number && strcmp(draft->order_number, number) != 0)
		fault_add(&req->faults, "/orderNumber", "is not the order's");
	err = faults_err(&req->faults);
	if (err)
		return err;
	draft->user = user;
	draft->order_number = number;
	if (owed->amount != draft->amount.amount || !money_same_currency(owed, &draft->amount))
		draft->owed = owed;
	return OK;
}
