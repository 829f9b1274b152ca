/*
 * Passwords at work: hashed and checked on the thread pool, so many at once and so many waiting;
 * failed log-ins are counted and bounded (attempts.h).
 */
#ifndef SERVICES_USER_CREDENTIALS_H
#define SERVICES_USER_CREDENTIALS_H

#include "services/user/user.h"

/* Once, at start: the bounds are from the settings. */
void credentials_start(void);

/* ERR_OVERLOADED where too many wait already. */
enum err credentials_hash(struct arena *arena, const char *password, const char **ret_hash)
	MUST_CHECK;

/* Who logs in. */
struct credentials {
	const char *email, *password;
	const char *address; /* of the client, or NULL where it is not known */
};

/* The account with this address and password; ERR_INVALID_CREDENTIALS for a wrong password as for
 * an unknown address, after equal work; ERR_FORBIDDEN for a suspended account, to who knows its
 * password; ERR_RATE_LIMITED after too many failures, with the reply's Retry-After. */
enum err credentials_check(struct request *req, struct reply *reply,
			   const struct credentials *credentials, struct user *ret_user) MUST_CHECK;

/* Whether `password` is the user's own: ERR_INVALID_CREDENTIALS, ERR_RATE_LIMITED. */
enum err credentials_confirm(struct request *req, struct reply *reply, const struct user *user,
			     const char *password) MUST_CHECK;

#endif
