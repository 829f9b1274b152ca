/* Bounds on what runs at once: so many inside, so many waiting in order, the rest refused. */
#ifndef RUNTIME_LIMITER_H
#define RUNTIME_LIMITER_H

#include "base/err.h"

struct limiter;

/* `name` appears as a label of souk_limiter_running, _waiting and _refused_total. Any thread may
 * use it. */
struct limiter *limiter_new(const char *name, size_t width, size_t queue_max);
void limiter_free(struct limiter *limiter);

/* ERR_OVERLOADED where the queue is full, or `timeout_ms` passed in it. */
enum err limiter_enter(struct limiter *limiter, int64_t timeout_ms) MUST_CHECK;
void limiter_leave(struct limiter *limiter);

#endif
