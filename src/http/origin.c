/* X-Request-Id, traceparent (W3C Trace Context, version 00), and X-Forwarded-For. */
#include "http/origin.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/env.h"
#include "base/text.h"

#define REQUEST_ID_LENGTH_MAX 128

/* 00-<trace id>-<span id>-<flags> */
#define TRACE_AT 3
#define TRACE_DIGITS 32
#define SPAN_AT 36
#define SPAN_DIGITS 16
#define FLAGS_AT 53
#define TRACEPARENT_LENGTH 55

static bool request_id_is_sane(const char *id)
{
	size_t length = strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				   "0123456789._-");

	return length >= 1 && length <= REQUEST_ID_LENGTH_MAX && id[length] == '\0';
}

/* `count` digits in lower case; `zero` says whether all of them may be 0. */
static bool are_hex_digits(const char *text, size_t count, bool zero)
{
	return strspn(text, "0123456789abcdef") >= count && (zero || strspn(text, "0") < count);
}

static bool traceparent_is_valid(const char *text)
{
	return strlen(text) == TRACEPARENT_LENGTH && memcmp(text, "00-", 3) == 0 &&
	       are_hex_digits(text + TRACE_AT, TRACE_DIGITS, false) && text[SPAN_AT - 1] == '-' &&
	       are_hex_digits(text + SPAN_AT, SPAN_DIGITS, false) && text[FLAGS_AT - 1] == '-' &&
	       are_hex_digits(text + FLAGS_AT, 2, true);
}

static void write_hex(char *to, const uint8_t *bytes, size_t count)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < count; i++) {
		to[2 * i] = digits[bytes[i] >> 4];
		to[2 * i + 1] = digits[bytes[i] & 15];
	}
}

/* Their trace with a span of ours, or a trace of our own. */
static const char *traceparent_for(struct arena *arena, const char *theirs)
{
	char *text =
		arena_copy_bytes(arena, "00-00000000000000000000000000000000-0000000000000000-01",
				 TRACEPARENT_LENGTH);
	uint8_t chance[24];

	env_random(chance, sizeof(chance));
	chance[0] |= 1; /* neither may be all zero */
	chance[16] |= 1;
	if (theirs && traceparent_is_valid(theirs))
		memcpy(text, theirs, TRACEPARENT_LENGTH);
	else
		write_hex(text + TRACE_AT, chance, 16);
	write_hex(text + SPAN_AT, chance + 16, 8);
	return text;
}

void origin_identify(struct request *req)
{
	const char *id = request_header(req, "X-Request-Id");

	if (!id || !request_id_is_sane(id)) {
		struct id made = id_new();

		id = id_text(req->arena, &made);
	}
	req->id = id;
	req->traceparent = traceparent_for(req->arena, request_header(req, "traceparent"));
}

/* IPv4 within IPv6 is IPv4. */
static void write_address(int family, const void *address, char text[static INET6_ADDRSTRLEN])
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (family == AF_INET6 && memcmp(address, mapped, sizeof(mapped)) == 0) {
		family = AF_INET;
		address = (const uint8_t *)address + sizeof(mapped);
	}
	if (!inet_ntop(family, address, text, INET6_ADDRSTRLEN))
		text[0] = '\0';
}

static const char *address_text(struct arena *arena, int family, const void *address)
{
	char text[INET6_ADDRSTRLEN];

	write_address(family, address, text);
	return arena_copy_text(arena, text);
}

void origin_peer_text(const struct sockaddr *peer, char text[static INET6_ADDRSTRLEN])
{
	if (peer->sa_family == AF_INET)
		write_address(AF_INET, &((const struct sockaddr_in *)(const void *)peer)->sin_addr,
			      text);
	else if (peer->sa_family == AF_INET6)
		write_address(AF_INET6,
			      &((const struct sockaddr_in6 *)(const void *)peer)->sin6_addr, text);
	else
		snprintf(text, INET6_ADDRSTRLEN, "unknown");
}

const char *origin_network(struct arena *arena, const char *address)
{
	struct in6_addr network;
	char text[INET6_ADDRSTRLEN];

	if (!strchr(address, ':') || inet_pton(AF_INET6, address, &network) != 1)
		return address;
	memset(network.s6_addr + 8, 0, 8);
	write_address(AF_INET6, &network, text);
	return arena_printf(arena, "%s/64", text);
}

/* The last address of the last X-Forwarded-For; NULL: none, or not an address. */
static const char *forwarded_text(const struct request *req)
{
	struct in6_addr address;
	const char *list = NULL;
	const char *comma;
	char *last;

	for (size_t i = 0; i < req->header_count; i++) {
		if (text_equal_ignoring_case(req->headers[i].name, "X-Forwarded-For"))
			list = req->headers[i].value;
	}
	if (!list)
		return NULL;
	comma = strrchr(list, ',');
	last = text_trim(req->arena, comma ? comma + 1 : list);
	if (inet_pton(AF_INET, last, &address) == 1)
		return address_text(req->arena, AF_INET, &address);
	if (inet_pton(AF_INET6, last, &address) == 1)
		return address_text(req->arena, AF_INET6, &address);
	return NULL;
}

void origin_address(struct request *req, const char *peer, bool trust_proxy)
{
	const char *forwarded = trust_proxy ? forwarded_text(req) : NULL;

	req->client_address = forwarded ? forwarded : arena_copy_text(req->arena, peer);
	req->client_network = origin_network(req->arena, req->client_address);
}
