/*
 * Times that are too far off. Work waits in rows for a moment of the wall clock: a lease's end, the
 * next try. Where the clock steps back, what was set before would wait until it has caught up, for
 * hours perhaps. So every service says how long its work waits at most by itself, and what waits
 * for a later time is brought back.
 *
 * No step has to be noticed for that: it holds as well for one that came while the program did not
 * run. A step forth needs nothing: what is due is done.
 */
#include <inttypes.h>

#include "base/log.h"
#include "platform/internal.h"
#include "runtime/worker.h"

struct mending {
	const struct service *service;
	int64_t count;
};

static enum err mend_some(struct sql *sql, void *arg)
{
	struct mending *mending = arg;

	mending->count = 0;
	return mending->service->mend_times(sql, &mending->count);
}

static void mend(struct running_service *running)
{
	struct mending mending = {.service = running->service};
	int64_t total = 0;
	enum err err;

	do {
		err = sql_transaction(running->database, mend_some, &mending);
		if (!err)
			total += mending.count;
	} while (!err && mending.count > 0 && !workers_stopping());
	if (err)
		log_error("clock.mend", "%s: %s", running->service->name, err_info(err)->slug);
	if (total > 0)
		log_warning("clock.stepped-back",
			    "%s: %" PRId64 " waited for times that only a clock that was ahead can "
			    "have set; they were brought back",
			    running->service->name, total);
}

void times_mend(void)
{
	for (size_t i = 0; i < platform_service_count(); i++)
		if (platform_service(i)->service->mend_times)
			mend(platform_service(i));
}
