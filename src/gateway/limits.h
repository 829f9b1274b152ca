/*
 * Rate limits: token buckets, one per caller and policy, kept in a bounded table; who was not seen
 * for the longest time leaves it first.
 */
#ifndef GATEWAY_LIMITS_H
#define GATEWAY_LIMITS_H

#include "http/request.h"

struct limit_policy {
	const char *name;
	int64_t burst;	    /* requests at once */
	int64_t per_second; /* that come back */
};

void limits_open(void);
void limits_close(void);

/* Takes one request of the caller's (the user or client, else the address) from the policy's
 * bucket and writes the RateLimit headers; ERR_RATE_LIMITED, with Retry-After, where it is empty. */
enum err limits_take(struct request *req, struct reply *reply, const struct limit_policy *policy)
	MUST_CHECK;

#endif
