/*
 * Listening sockets. All of them have SO_REUSEPORT, so that the kernel spreads connections over
 * the workers; but with it a second server of the same user would quietly share the port too.
 * So a socket without it is bound first, which fails where anybody listens.
 */
#include "http/listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"

#define BACKLOG 1024
#define HOST_LENGTH_MAX 255

static _Thread_local char why[512];

struct place {
	struct sockaddr_storage address;
	socklen_t length;
};

/* "host:port" or "[host]:port"; false where it is not of that form. */
static bool split_address(const char *text, char host[static HOST_LENGTH_MAX + 1],
			  const char **ret_port)
{
	const char *colon = strrchr(text, ':');
	const char *start = text;
	int64_t port;
	size_t length;

	if (!colon || colon[1] == '-' || !text_to_int(colon + 1, &port) || port > 65535)
		return false;
	length = (size_t)(colon - text);
	if (length >= 2 && text[0] == '[' && colon[-1] == ']') {
		start++;
		length -= 2;
	} else if (memchr(text, ':', length)) {
		return false;
	}
	if (length == 0 || length > HOST_LENGTH_MAX)
		return false;
	memcpy(host, start, length);
	host[length] = '\0';
	*ret_port = colon + 1;
	return true;
}

static enum err resolve(const char *address, struct place *ret_place)
{
	struct addrinfo hints = {
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE | AI_NUMERICSERV,
	};
	struct addrinfo *found = NULL;
	char host[HOST_LENGTH_MAX + 1];
	const char *port;
	int failed;

	if (!split_address(address, host, &port)) {
		snprintf(why, sizeof(why), "\"%s\" is not of the form address:port.", address);
		return ERR_BAD_REQUEST;
	}
	failed = getaddrinfo(host, port, &hints, &found);
	if (failed || !found) {
		snprintf(why, sizeof(why), "\"%s\" is not an address: %s.", host,
			 gai_strerror(failed));
		return ERR_BAD_REQUEST;
	}
	ret_place->length = (socklen_t)found->ai_addrlen;
	memcpy(&ret_place->address, found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
	return OK;
}

/* A bound socket, or -1 with errno set. */
static int open_bound(const struct place *place, bool shared)
{
	int family = place->address.ss_family;
	int one = 1, zero = 0;
	int descriptor = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int problem;

	if (descriptor < 0)
		return -1;
	if (setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0 &&
	    (!shared || setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) == 0) &&
	    (family != AF_INET6 ||
	     setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero)) == 0) &&
	    bind(descriptor, (const struct sockaddr *)&place->address, place->length) == 0)
		return descriptor;
	problem = errno;
	close(descriptor);
	errno = problem;
	return -1;
}

/* As open_bound; `place` becomes where it really is. */
static int open_listening(struct place *place)
{
	int descriptor = open_bound(place, true);
	int problem;

	if (descriptor < 0)
		return -1;
	if (listen(descriptor, BACKLOG) == 0 &&
	    getsockname(descriptor, (struct sockaddr *)&place->address, &place->length) == 0)
		return descriptor;
	problem = errno;
	close(descriptor);
	errno = problem;
	return -1;
}

static int get_port(const struct place *place)
{
	if (place->address.ss_family == AF_INET6)
		return ntohs(((const struct sockaddr_in6 *)&place->address)->sin6_port);
	return ntohs(((const struct sockaddr_in *)&place->address)->sin_port);
}

static enum err fail(const char *address)
{
	int problem = errno;

	if (problem == EADDRINUSE) {
		snprintf(why, sizeof(why), "Somebody listens on %s already.", address);
		return ERR_CONFLICT;
	}
	snprintf(why, sizeof(why), "Cannot listen on %s: %s.", address, strerror(problem));
	return ERR_BAD_REQUEST;
}

enum err listen_open(const char *address, int *sockets, size_t count, int *ret_port,
		     const char **ret_why)
{
	struct place place = {0};
	enum err err;
	size_t opened;

	*ret_why = why;
	err = resolve(address, &place);
	if (err)
		return err;
	if (get_port(&place) != 0) {
		int probe = open_bound(&place, false);

		if (probe < 0)
			return fail(address);
		close(probe);
	}

	for (opened = 0; opened < count; opened++) {
		/* The first one's port is the others' too. */
		sockets[opened] = open_listening(&place);
		if (sockets[opened] < 0)
			break;
	}
	if (opened < count) {
		err = fail(address);
		while (opened > 0)
			close(sockets[--opened]);
		return err;
	}
	*ret_port = get_port(&place);
	return OK;
}
