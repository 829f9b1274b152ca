/* Sockets that are read empty before they are closed: looked at every few milliseconds. */
#include "http/linger.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/env.h"
#include "runtime/worker.h"

#define STEP_MS 10
#define READS_PER_STEP 8

/* False: the client has closed its side, or time is up. */
static bool goes_on(int socket, int64_t until_ms, int64_t now_ms)
{
	char nowhere[16 * 1024];

	if (now_ms >= until_ms)
		return false;
	for (int i = 0; i < READS_PER_STEP; i++) {
		ssize_t n = recv(socket, nowhere, sizeof(nowhere), MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return true;
		if (n <= 0)
			return false;
	}
	return true;
}

static void sweep(void *arg)
{
	struct linger_set *linger = arg;
	int64_t now_ms = env_monotonic_ms();
	size_t kept = 0;

	for (size_t i = 0; i < linger->count; i++) {
		if (goes_on(linger->sockets[i], linger->until_ms[i], now_ms)) {
			linger->sockets[kept] = linger->sockets[i];
			linger->until_ms[kept] = linger->until_ms[i];
			kept++;
		} else {
			close(linger->sockets[i]);
		}
	}
	linger->count = kept;
	if (kept > 0)
		alarm_set(linger->alarm, STEP_MS);
}

void linger_init(struct linger_set *linger)
{
	linger->alarm = alarm_new(sweep, linger);
}

void linger_add(struct linger_set *linger, int socket)
{
	if (linger->count == LINGER_MAX) {
		close(socket);
		return;
	}
	shutdown(socket, SHUT_WR);
	linger->sockets[linger->count] = socket;
	linger->until_ms[linger->count] = env_monotonic_ms() + LINGER_MS;
	linger->count++;
	if (linger->count == 1)
		alarm_set(linger->alarm, STEP_MS);
}

void linger_clear(struct linger_set *linger)
{
	while (linger->count > 0)
		close(linger->sockets[--linger->count]);
}
