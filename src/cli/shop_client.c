/* See shop_client.h. */
#include "cli/shop_client.h"

#include <stdio.h>
#include <string.h>

#include "base/config.h"
#include "base/env.h"
#include "base/log.h"
#include "base/time.h"
#include "cli/data_directory.h"
#include "cli/program.h"
#include "http/client.h"
#include "platform/platform.h"
#include "runtime/worker.h"
#include "services/auth/key_files.h"

#define CALL_TIMEOUT_MS (60 * SECOND_MS)
#define TOKEN_LIFE_MS (5 * MINUTE_MS)
#define TOKEN_MARGIN_MS (1 * MINUTE_MS)
#define DRAIN_PATIENCE_MS (10 * MINUTE_MS)
#define STOP_PATIENCE_MS (10 * SECOND_MS)
#define FIBERS_MAX 256

static struct {
	struct arena *arena; /* what lives as long as the client */
	const char *name;
	struct service caller;
	char *address, *issuer; /* of the server; NULL: the shop is in this process */
	struct arena *token_arena;
	const char *token;
	int64_t token_expires_ms;
} client;

/* --- a server runs ---------------------------------------------------------------------------- */

static enum err renew_token(const char **ret_why)
{
	int64_t now_ms = env_now_ms();
	struct token_claims claims = {
		.issuer = client.issuer,
		.audience = client.issuer,
		.client = arena_printf(client.arena, "souk:%s", client.name),
		.issued_s = now_ms / SECOND_MS,
		.expires_s = (now_ms + TOKEN_LIFE_MS) / SECOND_MS,
		.token_id = id_new(),
		.roles = ROLE_SERVICE,
	};
	struct jwt_keys keys;
	enum err err;

	if (client.token && now_ms < client.token_expires_ms - TOKEN_MARGIN_MS)
		return OK;
	arena_reset(client.token_arena);
	err = key_files_read(config_text("data"), client.token_arena, &keys, ret_why);
	if (err)
		return err;
	if (keys.count == 0)
		return ERR_UNAUTHENTICATED;
	client.token = token_sign(client.token_arena, key_that_signs(&keys, now_ms), &claims);
	client.token_expires_ms = now_ms + TOKEN_LIFE_MS;
	return OK;
}

static enum err call_remote(struct arena *arena, const struct call *call,
			    struct call_answer *ret_answer)
{
	struct header headers[4];
	struct exchange exchange = {.method = call->method, .timeout_ms = CALL_TIMEOUT_MS};
	struct answer answer;
	const char *why = NULL;
	enum err err;
	size_t i;

	err = renew_token(&why);
	if (err)
		return err;
	headers[exchange.header_count++] =
		(struct header){"Authorization", arena_printf(arena, "Bearer %s", client.token)};
	if (call->body) {
		headers[exchange.header_count++] =
			(struct header){"Content-Type", "application/json"};
		exchange.body = call->body->data;
		exchange.body_length = call->body->length;
	}
	if (call->idempotency_key)
		headers[exchange.header_count++] =
			(struct header){"Idempotency-Key", call->idempotency_key};
	exchange.headers = headers;
	exchange.url = arena_printf(arena, "%s%s", client.address, call->path);
	err = http_exchange(arena, &exchange, &answer, &why);
	if (err) {
		log_error("cli.call", "%s", why ? why : err_info(err)->title);
		return err;
	}
	*ret_answer = (struct call_answer){.status = answer.status, .body = answer.body};
	for (i = 0; i < answer.header_count; i++)
		if (strcmp(answer.headers[i].name, "etag") == 0)
			ret_answer->etag = answer.headers[i].value;
	call_answer_read(arena, answer.length, ret_answer);
	return OK;
}

/* --- opening and closing ---------------------------------------------------------------------- */

static enum err open_here(struct arena *arena, const char **ret_why)
{
	struct platform_options options = {.directory = config_text("data"),
					   .services = program_get()->services,
					   .all = program_get()->services};
	enum err err = platform_open(&options, NULL, arena, ret_why);

	if (err) {
		data_directory_unlock();
		return err;
	}
	err = workers_start(1, FIBERS_MAX);
	if (err) {
		platform_close();
		data_directory_unlock();
		return err;
	}
	platform_start();
	return OK;
}

enum err shop_client_open(const char *name, struct arena *arena, const char **ret_why)
{
	struct data_holder holder;
	enum err err = data_directory_lock(arena, config_text("data"), &holder, ret_why);

	/* A command's own words are what its user wants to read. */
	log_set_level(LOG_WARNING);
	if (err && err != ERR_CONFLICT)
		return err;
	if (err == ERR_CONFLICT && !holder.pid) {
		*ret_why = "another souk runs on the data directory, and its souk.lock, which says "
			   "where it listens, was removed; restart it";
		return err;
	}
	if (err == ERR_CONFLICT && !holder.address) {
		*ret_why = "another souk is at work on the data directory, and does not listen; "
			   "try again when it is done";
		return err;
	}
	client.name = name;
	client.arena = arena_new();
	client.token_arena = arena_new();
	client.caller = (struct service){.name = arena_printf(client.arena, "souk:%s", name)};
	client.address = err ? arena_copy_text(client.arena, holder.address) : NULL;
	if (client.address)
		client.issuer = holder.issuer ? arena_copy_text(client.arena, holder.issuer)
					      : client.address;
	err = client.address ? OK : open_here(arena, ret_why);
	if (err) {
		arena_free(client.token_arena);
		arena_free(client.arena);
	}
	return err;
}

enum err shop_client_call(struct arena *arena, const struct call *call,
			  struct call_answer *ret_answer)
{
	if (client.address)
		return call_remote(arena, call, ret_answer);
	return service_call(arena, &client.caller, NULL, call, ret_answer);
}

bool shop_client_is_remote(void)
{
	return client.address;
}

void shop_client_close(void)
{
	if (!client.address) {
		if (!platform_drain(DRAIN_PATIENCE_MS))
			log_warning("cli.not-drained",
				    "some events wait; the shop goes on with them when it runs");
		workers_stop(STOP_PATIENCE_MS);
		platform_close();
		data_directory_unlock();
	}
	arena_free(client.token_arena);
	arena_free(client.arena);
	memset(&client, 0, sizeof(client));
}
