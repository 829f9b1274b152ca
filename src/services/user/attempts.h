/*
 * Failed log-ins, counted per account (its address in lower case, whether there is one or not) and
 * per client address: beyond a bound further ones are refused for the rest of the window, unread.
 * Counts live in memory, in a bounded table whose least recently used entries make room. Any thread.
 */
#ifndef SERVICES_USER_ATTEMPTS_H
#define SERVICES_USER_ATTEMPTS_H

#include "base/err.h"

#define ATTEMPTS_WINDOW_MINUTES 15
#define ATTEMPTS_PER_ADDRESS 10 /* times those per account: an office has one address */

/* Forgets all, and counts from now on; `per_account` 0: nothing is refused. */
void attempts_start(int64_t per_account);

/* OK, or ERR_RATE_LIMITED with the seconds to wait. `address` may be NULL: it is not counted. */
enum err attempts_check(const char *account, const char *address, int64_t *ret_wait_s) MUST_CHECK;

void attempts_failed(const char *account, const char *address);

/* The right password came: the account's count begins anew, the address's stays. */
void attempts_succeeded(const char *account);

#endif
