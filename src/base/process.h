/* What Prometheus' own client libraries tell of a process, by the names that dashboards know. */
#ifndef BASE_PROCESS_H
#define BASE_PROCESS_H

#include "base/out.h"

/* process_cpu_seconds_total and its like, read at this moment from /proc; what the system does not
 * tell is left out. */
void process_metrics_write(struct out *out);

#endif
