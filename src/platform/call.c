/* Calls between services: in one process a second pass through the dispatcher. */
#include <string.h>

#include "base/env.h"
#include "base/text.h"
#include "platform/internal.h"

static const char *new_request_id(struct arena *arena)
{
	struct id id = id_new();

	return id_text(arena, &id);
}

static void add_header(struct request *req, const char *name, const char *value)
{
	assert(req->header_count < REQUEST_HEADERS_MAX);
	req->headers[req->header_count++] = (struct header){name, value};
}

static struct request *make_request(struct arena *arena, const struct service *from,
				    const struct request *outer, const struct call *call)
{
	struct request *req = ARENA_NEW(arena, struct request);
	const char *query = strchr(call->path, '?');

	req->arena = req->faults.arena = arena;
	req->method = call->method;
	req->path = query ? arena_copy_bytes(arena, call->path, (size_t)(query - call->path))
			  : call->path;
	req->query = query ? query + 1 : "";
	req->body = call->body ? call->body->data : "";
	req->body_length = call->body ? call->body->length : 0;
	req->body_value = call->body ? out_kept(call->body) : NULL;
	req->client_address = req->client_network = "internal";
	req->id = outer ? outer->id : new_request_id(arena);
	req->traceparent = outer ? outer->traceparent : NULL;
	req->received_ms = env_now_ms();
	req->outer = outer;
	req->caller = (struct caller){.roles = ROLE_SERVICE, .client = from->name};
	if (call->body)
		add_header(req, "Content-Type", "application/json");
	if (call->idempotency_key)
		add_header(req, "Idempotency-Key", call->idempotency_key);
	return req;
}

/* A problem's slug says which error it was; without one the status decides. */
static enum err err_of_answer(const struct call_answer *answer)
{
	const char *type = json_get_text(answer->json, "type");
	enum err err = OK;

	if (answer->status < 400)
		return OK;
	if (type && text_starts_with(type, "/problems/"))
		err = err_from_slug(type + strlen("/problems/"));
	if (err)
		return err;
	return answer->status >= 500 ? ERR_UPSTREAM : ERR_CONFLICT;
}

void call_answer_read(struct arena *arena, size_t length, struct call_answer *answer)
{
	if (length == 0 || json_parse(arena, answer->body, length, &answer->json, NULL))
		answer->json = NULL;
	answer->err = err_of_answer(answer);
}

enum err service_call(struct arena *arena, const struct service *from, const struct request *req,
		      const struct call *call, struct call_answer *ret_answer)
{
	struct request *inner;
	struct reply *reply = ARENA_NEW(arena, struct reply);
	struct call_answer answer = {0};
	enum err err;

	if (!platform_find(call->service))
		return ERR_UNAVAILABLE;
	inner = make_request(arena, from, req, call);
	reply->arena = arena;
	err = dispatch_find(inner, reply, true);
	if (err)
		reply_problem(inner, reply, err);
	else
		dispatch_run(inner, reply);
	answer.status = reply->status;
	answer.body = reply->body ? reply->body : "";
	answer.etag = reply_get_header(reply, "ETag");
	answer.json = reply->value;
	if (!answer.json && reply->length &&
	    json_parse_own(arena, answer.body, reply->length, &answer.json))
		answer.json = NULL;
	answer.err = err_of_answer(&answer);
	*ret_answer = answer;
	return OK;
}
