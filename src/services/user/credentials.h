/*
 * Passwords at work: hashed and checked on pools of their own (platform/service.h); failed log-ins
 * are counted and bounded (attempts.h).
 */
#ifndef SERVICES_USER_CREDENTIALS_H
#define SERVICES_USER_CREDENTIALS_H

#include "services/user/user.h"

/* Once, at start: the bound on failures is from the settings. */
void credentials_start(void);

/* The hash of a new password, in the request's arena; as work of that kind. */
enum err credentials_hash(const struct request *req, enum work_kind kind, const char *password,
			  const char **ret_hash) MUST_CHECK;

/* Who logs in. */
struct credentials {
	const char *email, *password;
	const char *network;	  /* of the client, or NULL where it is not known */
	const char *device_token; /* that an earlier log-in answered; or NULL */
};

/* The account with this address and password; ERR_INVALID_CREDENTIALS for a wrong password as for
 * an unknown address, after equal work; ERR_FORBIDDEN for a suspended account, to who knows its
 * password; ERR_RATE_LIMITED after too many failures, with the reply's Retry-After.
 * *ret_device_token is the device's for the next time. Where the account logged in from is noted. */
enum err credentials_check(struct request *req, struct reply *reply,
			   const struct credentials *credentials, struct user *ret_user,
			   const char **ret_device_token) MUST_CHECK;

/* In the transaction that makes an account: it is made where its owner is. */
enum err credentials_note_place(struct sql *sql, const struct id *user, const char *network)
	MUST_CHECK;

/* Whether `password` is the user's own: ERR_INVALID_CREDENTIALS, ERR_RATE_LIMITED. */
enum err credentials_confirm(struct request *req, struct reply *reply, const struct user *user,
			     const char *password) MUST_CHECK;

#endif
