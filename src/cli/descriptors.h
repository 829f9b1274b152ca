/* How many files the process may have open, and for whom they are. */
#ifndef CLI_DESCRIPTORS_H
#define CLI_DESCRIPTORS_H

#include "base/base.h"

#define METRICS_CONNECTIONS_MAX 16 /* of metrics-listen */

/* Raises the limit as far as the process may. Of what is allowed the databases have theirs first:
 * a reader that opens late finds a descriptor, however many clients there are. Returns for how many
 * connections there is room, `wanted` at most; 0: for too few to be a server, *ret_needed says how
 * many open files that takes. */
size_t descriptors_for_connections(size_t wanted, size_t workers, size_t *ret_needed);

#endif
