/* See descriptors.h. */
#include "cli/descriptors.h"

#include <sys/resource.h>

#include "base/config.h"
#include "http/server.h"
#include "platform/platform.h"

#define CONNECTIONS_MIN 16
#define OTHER_DESCRIPTORS 64  /* standard streams, lock, keys, messages, loops, calls of ours */
#define WORKER_DESCRIPTORS 96 /* its loop, its desk, sockets that linger */
/* Each connection to a database has its file and its log; all of a database share one index. */
#define DATABASE_DESCRIPTORS(connections) (2 * (connections) + 2)

static size_t metrics_descriptors(size_t workers)
{
	return workers * WORKER_DESCRIPTORS + server_descriptors(METRICS_CONNECTIONS_MAX, workers);
}

size_t descriptors_for_connections(size_t wanted, size_t workers, size_t *ret_needed)
{
	/* Of a database: the writer, and each thread that may read. One more than there are
	 * services: the sandbox provider's. */
	size_t readers = workers + work_readers() + 1;
	size_t databases = SERVICES_MAX + 1;
	size_t ours = OTHER_DESCRIPTORS + workers * WORKER_DESCRIPTORS +
		      databases * DATABASE_DESCRIPTORS(1 + readers) +
		      (config_text("metrics-listen") ? metrics_descriptors(workers) : 0);
	struct rlimit limit;
	size_t room;

	*ret_needed = ours + server_descriptors(CONNECTIONS_MIN, workers);
	if (getrlimit(RLIMIT_NOFILE, &limit))
		return 0;
	if (limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &limit) && getrlimit(RLIMIT_NOFILE, &limit))
			return 0;
	}
	if (limit.rlim_cur < *ret_needed)
		return 0;
	room = limit.rlim_cur - ours;
	while (wanted > CONNECTIONS_MIN && server_descriptors(wanted, workers) > room)
		wanted = MIN(wanted - wanted / 64 - 1, room);
	return wanted;
}
