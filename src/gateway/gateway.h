/*
 * The gateway: what every request from outside passes, before and after the dispatcher: security
 * headers, CORS, token check, rate limits, metrics and the access log; and the routes that belong
 * to no service (health, metrics, the API's description, the pages that explain problems).
 */
#ifndef GATEWAY_GATEWAY_H
#define GATEWAY_GATEWAY_H

#include "http/request.h"
#include "http/router.h"

struct gateway_options {
	/* Who holds this access token; ERR_UNAUTHENTICATED where it is dead. */
	enum err (*check_token)(struct arena *arena, const char *token, struct caller *ret_caller);
};

/* After platform_open, before any request. */
void gateway_open(const struct gateway_options *options);
void gateway_close(void);

/* The server's handler. */
void gateway_handle(struct request *req, struct reply *reply);

/* The handler of the listener that metrics-listen asks for: GET /metrics and nothing else. */
void gateway_handle_metrics(struct request *req, struct reply *reply);

/* For platform_open. */
extern const struct route gateway_routes[];

#endif
