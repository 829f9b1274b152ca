/* See shares.h. */
#include "http/shares.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/map.h"
#include "base/metrics.h"

#define NETWORKS_MAX (1 << 20)

struct share {
	size_t users; /* guarded by the lock */
	atomic_size_t connections, bytes;
	char network[];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct map *networks; /* never freed: a share may outlive its server */

static struct metric *count_metric(void)
{
	return metric_gauge("souk_http_networks", "Clients that have connections or bodies.", "");
}

/* Exceeded shares are counted by what they are of. */
static bool refuse_more(const char *labels)
{
	metric_add(metric_counter("souk_http_shares_exceeded_total",
				  "What one client was refused because it has its share.", labels),
		   1);
	return false;
}

struct share *share_join(const char *network)
{
	size_t length = strlen(network);
	struct share *share;

	pthread_mutex_lock(&lock);
	if (!networks)
		networks = map_new(NETWORKS_MAX, false, NULL);
	share = map_get(networks, network, length);
	if (!share) {
		share = must_alloc(sizeof(*share) + length + 1);
		memcpy(share->network, network, length);
		if (!map_put(networks, network, length, share)) {
			free(share);
			share = NULL;
		}
	}
	if (share)
		share->users++;
	metric_set(count_metric(), (int64_t)map_count(networks));
	pthread_mutex_unlock(&lock);
	return share;
}

void share_leave(struct share *share)
{
	if (!share)
		return;
	pthread_mutex_lock(&lock);
	if (--share->users == 0) {
		map_remove(networks, share->network, strlen(share->network));
		metric_set(count_metric(), (int64_t)map_count(networks));
		free(share);
	}
	pthread_mutex_unlock(&lock);
}

static bool add(atomic_size_t *sum, size_t more, size_t most)
{
	if (atomic_fetch_add(sum, more) + more <= most)
		return true;
	atomic_fetch_sub(sum, more);
	return false;
}

bool share_add_connection(struct share *share, size_t most)
{
	return add(&share->connections, 1, most) || refuse_more("of=\"connections\"");
}

void share_remove_connection(struct share *share)
{
	atomic_fetch_sub(&share->connections, 1);
}

bool share_add_bytes(struct share *share, size_t bytes, size_t most)
{
	return add(&share->bytes, bytes, most) || refuse_more("of=\"bodies\"");
}

void share_remove_bytes(struct share *share, size_t bytes)
{
	atomic_fetch_sub(&share->bytes, bytes);
}
