/*
 * Guessing passwords is slow, and nobody locks somebody else out.
 *
 * Failures are counted in windows, in memory:
 *
 *	of an account from one place        N                  who guesses waits, others do not
 *	from one place, of all accounts     N * ATTEMPTS_WIDE  one who tries many accounts
 *	of an account from strangers' places  N * ATTEMPTS_WIDE  many places that try one account:
 *	                                                       then ATTEMPTS_FEW from each region
 *
 * A place is the client's network (http/request.h): its address, of IPv6 its /64. It is no
 * stranger's where the account logged in from it before, so that its owner gets in while others guess
 * from many places. Who shows that the account logged in on this device before (devices.h) is counted
 * by the device, wherever it is: also from behind one address with who guesses. An owner who is new
 * where it is, and shows nothing, has a few tries there still. A region is a /24 of IPv4 or a /48 of
 * IPv6, so that one who has many addresses guesses no more for it.
 *
 * Accounts that there are not are counted as those that there are. The table is bounded, its least
 * recently used entries make room. Any thread.
 */
#ifndef SERVICES_USER_ATTEMPTS_H
#define SERVICES_USER_ATTEMPTS_H

#include "base/err.h"

#define ATTEMPTS_WINDOW_MINUTES 15
#define ATTEMPTS_WIDE 10
#define ATTEMPTS_FEW 3

/* What the password is asked for. A log-in can be tried by anybody; a change by who holds a token of
 * the account, whom no stranger keeps from it. */
enum attempt_purpose { ATTEMPT_LOG_IN, ATTEMPT_CHANGE };

struct attempt {
	enum attempt_purpose purpose;
	const char *account; /* its address in lower case, whether there is one or not */
	const char *place;   /* NULL: not known, and not counted */
	const char *device;  /* one of the account's; or NULL */
	bool place_is_known; /* the account logged in from there before */
};

/* Forgets all, and counts from now on; `most` is N, 0: nothing is refused. */
void attempts_start(int64_t most);

/* OK, or ERR_RATE_LIMITED with the seconds to wait. */
enum err attempts_check(const struct attempt *attempt, int64_t *ret_wait_s) MUST_CHECK;

void attempts_failed(const struct attempt *attempt);

/* The right password came: the count of this account from this place, or on this device, begins anew;
 * the others stay. */
void attempts_succeeded(const struct attempt *attempt);

#endif
