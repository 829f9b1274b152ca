/*
 * What Auth is told of accounts: suspensions, and whose tokens end.
 *
 * A change that concerns Auth marks its account in its own transaction (sessions_due, user.h), and
 * one job alone tells Auth, of the account as it is then, and takes the mark away if it has not
 * changed since. So nothing is forgotten by a crash, and two changes cannot reach Auth in the wrong
 * order.
 */
#ifndef SERVICES_USER_SESSIONS_H
#define SERVICES_USER_SESSIONS_H

#include "services/user/user.h"

/* The job. */
void sessions_tell(void);

/* Has the job run, and waits until Auth knows of this account's last change: then OK. */
enum err sessions_settle(struct request *req, const struct id *user) MUST_CHECK;

/* Has Auth begin a session for the account, which was read after the id `as_of` was made;
 * *ret_tokens is its answer. ERR_INVALID_CREDENTIALS where the account's sessions were ended
 * since. */
enum err sessions_begin(struct request *req, const struct user *user, const struct id *as_of,
			const json_t **ret_tokens) MUST_CHECK;

#endif
