/* Counting what is committed, and nothing that was undone. */
#include <stdlib.h>

#include "base/metrics.h"
#include "store/sql.h"

struct count {
	struct sql_hook hook; /* first */
	struct metric *metric;
	int64_t n;
};

static void end(struct sql_hook *hook, bool committed)
{
	struct count *count = (struct count *)hook;

	if (committed)
		metric_add(count->metric, count->n);
	free(count);
}

void sql_count(struct sql *sql, struct metric *metric, int64_t n)
{
	struct count *count = must_alloc(sizeof(*count));

	*count = (struct count){.hook.end = end, .metric = metric, .n = n};
	sql_on_end(sql, &count->hook);
}
