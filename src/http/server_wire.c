/*
 * A connection: bytes from its socket to its request, and from the answer to the socket.
 *
 *	           .---------------------------------------------------.
 *	           v                                                   |
 *	        no request -- bytes --> HEAD, BODY -- whole --> RUNNING | fiber ends, wire_later
 *	           ^                        | refused              |    |
 *	           | sent                   '-----> DONE <---------'    |
 *	           '---- WRITING <-- render ----------'                 |
 *	                    | sent, and it was the last                 |
 *	                    '----> closed, perhaps lingering ----------'
 *
 * Invariants:
 *  1. Sockets are watched edge-triggered, for everything, once: `readable` remembers what was told
 *     while nobody wanted to read.
 *  2. One request at a time: what a client sends ahead waits in the buffer, and then in the kernel.
 *  3. The head's strings lie in the buffer, so it does not move while there is a request.
 *  4. No connection keeps its worker for longer than READS_PER_TURN reads or ANSWERS_PER_TURN
 *     answers, whatever it has sent ahead.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/metrics.h"
#include "http/origin.h"
#include "http/server_desk.h"
#include "runtime/worker.h"

#define READS_PER_TURN 16
#define ANSWERS_PER_TURN 8

/* --- life ------------------------------------------------------------------------------------- */

static void take_buffer(struct wire *wire)
{
	struct desk *desk = wire->desk;

	if (!wire->buffer)
		wire->buffer = desk->buffer_count > 0 ? desk->buffers[--desk->buffer_count]
						      : must_realloc(NULL, WIRE_BUFFER_BYTES);
}

static void give_buffer(struct wire *wire)
{
	struct desk *desk = wire->desk;

	if (wire->buffer && desk->buffer_count < DESK_BUFFERS_KEPT)
		desk->buffers[desk->buffer_count++] = wire->buffer;
	else
		free(wire->buffer);
	wire->buffer = NULL;
	wire->start = wire->length = 0;
}

/* Whether the client has no more connections than its share. Behind a proxy all come from it, and
 * it is the proxy that counts them. */
static bool has_share(struct wire *wire)
{
	const struct server_options *options = wire->desk->options;
	struct arena *arena;
	bool has;

	if (options->trust_proxy)
		return true;
	arena = arena_new_small();
	wire->share = share_join(origin_network(arena, wire->address));
	arena_free(arena);
	if (!wire->share)
		return false;
	has = share_add_connection(wire->share, options->connections_per_address_max);
	if (has)
		return true;
	share_leave(wire->share);
	wire->share = NULL;
	return false;
}

void wire_open(struct desk *desk, int socket, const struct sockaddr *peer)
{
	struct wire *wire = must_alloc(sizeof(*wire));
	struct epoll_event event = {
		.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
		.data.ptr = wire,
	};
	int one = 1;
	bool surplus;

	wire->desk = desk;
	origin_peer_text(peer, wire->address);
	surplus = !has_share(wire) || (desk->count - desk->surplus >= desk->served_max &&
				       !visitors_make_way(&desk->visitors));
	if ((surplus && desk->surplus == desk->surplus_max) ||
	    epoll_ctl(desk->epoll, EPOLL_CTL_ADD, socket, &event)) {
		if (wire->share)
			share_remove_connection(wire->share);
		share_leave(wire->share);
		free(wire);
		close(socket);
		return;
	}
	setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	desk->count++;
	desk->surplus += surplus;
	metric_add(desk->connection_count, 1);
	visitor_enter(&desk->visitors, &wire->visitor, socket, surplus);

	wire->next = desk->wires;
	wire->link = &desk->wires;
	if (wire->next)
		wire->next->link = &wire->next;
	desk->wires = wire;
}

static void leave_again(struct wire *wire)
{
	struct wire **link = &wire->desk->again;

	if (!wire->in_again)
		return;
	while (*link != wire)
		link = &(*link)->again;
	*link = wire->again;
}

/* All but its socket. */
static void wire_free(struct wire *wire)
{
	struct desk *desk = wire->desk;

	if (wire->incoming)
		incoming_end(wire->incoming);
	leave_again(wire);
	visitor_leave(&wire->visitor);
	give_buffer(wire);
	if (wire->share)
		share_remove_connection(wire->share);
	share_leave(wire->share);
	*wire->link = wire->next;
	if (wire->next)
		wire->next->link = wire->link;
	desk->count--;
	desk->surplus -= wire->visitor.surplus;
	metric_add(desk->connection_count, -1);
	free(wire);
	desk_listen(desk);
}

void wire_close(struct wire *wire)
{
	close(wire->visitor.socket);
	wire_free(wire);
}

/* Behind an answer that is the connection's last. */
static void part(struct wire *wire)
{
	struct incoming *incoming = wire->incoming;
	int socket = wire->visitor.socket;

	/* What was not read would make the kernel answer with a reset. */
	if (!incoming->sends_on && !wire->readable && wire->start == wire->length) {
		wire_close(wire);
		return;
	}
	epoll_ctl(wire->desk->epoll, EPOLL_CTL_DEL, socket, NULL);
	linger_add(&wire->desk->linger, socket);
	wire_free(wire);
}

/* --- reading ---------------------------------------------------------------------------------- */

/* Room behind what is in the buffer, which may move between requests. */
static size_t make_room(struct wire *wire)
{
	take_buffer(wire);
	if (!wire->incoming && wire->start == wire->length)
		wire->start = wire->length = 0;
	if (!wire->incoming && wire->start > 0 &&
	    WIRE_BUFFER_BYTES - wire->start < HEAD_BYTES_MAX) {
		wire->length -= wire->start;
		memmove(wire->buffer, wire->buffer + wire->start, wire->length);
		wire->start = 0;
	}
	return WIRE_BUFFER_BYTES - wire->length;
}

/* False: there is nothing to be had, now or ever (`ended`, with `readable`). */
static bool receive(struct wire *wire)
{
	struct incoming *incoming = wire->incoming;
	size_t room = 0;
	char *to = incoming ? incoming_room(incoming, &room) : NULL;
	bool direct = room > 0;
	ssize_t n;

	if (!direct) {
		room = make_room(wire);
		to = wire->buffer + wire->length;
	}
	assert(room > 0);
	do {
		n = recv(wire->visitor.socket, to, room, 0);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
		wire->readable = false;
		if (wire->start == wire->length && !incoming)
			give_buffer(wire);
		return false;
	}
	if (n <= 0) {
		wire->readable = wire->ended = true;
		return false;
	}
	/* A short read has emptied the socket (epoll(7)); its end would not be told of again. */
	if ((size_t)n < room && !wire->ended)
		wire->readable = false;
	visitor_stirs(&wire->desk->visitors, &wire->visitor);
	if (direct)
		incoming_filled(incoming, (size_t)n);
	else
		wire->length += (size_t)n;
	return true;
}

/* --- writing ---------------------------------------------------------------------------------- */

enum written { WRITTEN_ALL, WRITTEN_SOME, WRITTEN_FAILED };

static enum written write_answer(struct wire *wire)
{
	struct incoming *incoming = wire->incoming;
	size_t total = incoming->out_length + incoming->body_out_length;

	while (incoming->sent < total) {
		struct iovec parts[2];
		struct msghdr message = {.msg_iov = parts};
		size_t head_left = incoming->out_length - MIN(incoming->sent, incoming->out_length);
		size_t body_left = MIN(total - incoming->sent, incoming->body_out_length);
		ssize_t n;

		if (head_left > 0)
			parts[message.msg_iovlen++] = (struct iovec){
				(void *)(uintptr_t)(incoming->out + incoming->sent), head_left};
		if (body_left > 0)
			parts[message.msg_iovlen++] = (struct iovec){
				(void *)(uintptr_t)(incoming->reply.body +
						    incoming->body_out_length - body_left),
				body_left};
		n = sendmsg(wire->visitor.socket, &message, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return WRITTEN_SOME;
		if (n < 0)
			return WRITTEN_FAILED;
		incoming->sent += (size_t)n;
		visitor_stirs(&wire->desk->visitors, &wire->visitor);
	}
	return WRITTEN_ALL;
}

/* --- going on --------------------------------------------------------------------------------- */

static void add_to_again(struct wire *wire)
{
	wire->in_again = true;
	wire->again = wire->desk->again;
	wire->desk->again = wire;
}

static void take_up(void *arg)
{
	wires_go_on(arg);
}

/* Lets others in first. An alarm would not: set within an alarm, one of no delay may ring before the
 * loop has looked at any socket (libuv before 1.45). A message waits for the next turn. */
static void step_back(struct wire *wire)
{
	if (!wire->desk->again)
		worker_post(worker_index(), take_up, wire->desk);
	add_to_again(wire);
}

/* Bytes for the request, or for the next one; false: there are none now, or the connection was
 * closed. */
static bool take_bytes(struct wire *wire, int *reads)
{
	if (wire->start == wire->length || wire->incoming) {
		if (!wire->readable)
			return false;
		if (++*reads > READS_PER_TURN) {
			step_back(wire);
			return false;
		}
		if (!receive(wire)) {
			if (wire->readable)
				wire_close(wire);
			return false;
		}
	}
	if (!wire->incoming) {
		make_room(wire);
		wire->incoming = incoming_begin(wire);
		/* It has all its time, however long the connection was idle. */
		visitor_turn(&wire->desk->visitors, &wire->visitor);
	}
	incoming_feed(wire->incoming);
	return true;
}

/* False: nothing more is to be done now, or the connection was closed. */
static bool put_answer(struct wire *wire)
{
	struct incoming *incoming = wire->incoming;

	switch (write_answer(wire)) {
	case WRITTEN_SOME:
		return false;
	case WRITTEN_FAILED:
		wire_close(wire);
		return false;
	case WRITTEN_ALL:
		break;
	}
	if (incoming->close) {
		part(wire);
		return false;
	}
	wire->incoming = NULL;
	incoming_end(incoming);
	/* It may send the next request. */
	visitor_turn(&wire->desk->visitors, &wire->visitor);
	if (wire->start == wire->length)
		give_buffer(wire);
	return true;
}

static void go_on(struct wire *wire)
{
	bool more = true;
	int reads = 0, answers = 0;

	while (more) {
		switch (wire->incoming ? wire->incoming->stage : STAGE_HEAD) {
		case STAGE_HEAD:
		case STAGE_BODY:
			more = take_bytes(wire, &reads);
			break;
		case STAGE_RUNNING:
			return;
		case STAGE_DONE:
			incoming_render(wire->incoming);
			visitor_turn(&wire->desk->visitors, &wire->visitor);
			break;
		case STAGE_WRITING:
			more = put_answer(wire);
			if (more && ++answers == ANSWERS_PER_TURN) {
				step_back(wire);
				return;
			}
			break;
		}
	}
}

void wire_event(struct wire *wire, uint32_t events)
{
	struct incoming *incoming = wire->incoming;

	if (events & (EPOLLIN | EPOLLRDHUP))
		wire->readable = true;
	if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
		wire->ended = true;
		if (incoming)
			incoming->gone = true;
	}
	if ((events & (EPOLLHUP | EPOLLERR)) && !(incoming && incoming->stage == STAGE_RUNNING)) {
		wire_close(wire);
		return;
	}
	if (!wire->in_again)
		go_on(wire);
}

void wire_later(struct wire *wire)
{
	if (wire->in_again)
		return;
	if (!wire->desk->again)
		alarm_set(wire->desk->alarm, 0);
	add_to_again(wire);
}

void wires_go_on(struct desk *desk)
{
	struct wire *first = desk->again;

	desk->again = NULL;
	while (first) {
		struct wire *wire = first;

		first = wire->again;
		wire->in_again = false;
		wire->again = NULL;
		go_on(wire);
	}
}
