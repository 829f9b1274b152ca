/*
 * Rate limits: token buckets, one per caller and policy, kept in a bounded table; who was not seen
 * for the longest time leaves it first. With the setting rate-limits off nothing is refused.
 */
#ifndef PLATFORM_LIMITS_H
#define PLATFORM_LIMITS_H

#include "http/request.h"

struct limit_policy {
	const char *name, *unit; /* "general", "requests" */
	int64_t burst;		 /* of the unit, at once */
	int64_t per_second;	 /* that come back */
	bool of_all;		 /* one bucket for all callers */
};

void limits_open(void);
void limits_close(void);

/* Takes one request of the caller's (the user or client, else the address) from the policy's
 * bucket and writes the RateLimit headers; ERR_RATE_LIMITED, with Retry-After, where it is empty. */
enum err limits_take(struct request *req, struct reply *reply, const struct limit_policy *policy)
	MUST_CHECK;

/* Takes `amount` of another unit, at most a whole bucket, and writes Retry-After alone, where there is
 * too little: nothing was taken then. */
enum err limits_take_amount(struct request *req, struct reply *reply,
			    const struct limit_policy *policy, int64_t amount) MUST_CHECK;

#endif
