/*
 * An incoming request on its way from bytes to the handler, and its reply on the way back.
 *
 *	incoming_begin      the first bytes are there
 *	   |
 *	 HEAD ----- head.c reads lines ------------ bad ---------------.
 *	   | whole, and the gate lets it pass                          |
 *	 BODY ----- by its length, or chunk by chunk                   |
 *	   |                     | no room, malformed, too large ----->|
 *	RUNNING --- a fiber; the connection waits for it               |
 *	   |                     | too many fibers ------------------->|
 *	 DONE <----- the reply is there -------------------------------'
 *	   |
 *	WRITING --- its bytes are the connection's affair
 *	   |
 *	incoming_end        sent, or the connection is gone
 *
 * Invariants:
 *  1. All of it but the body, the record itself too, lies in one arena, which goes back to the desk's
 *     pool in incoming_end; where the fiber is still RUNNING then, at the fiber's end.
 *  2. Header names and values lie in the connection's buffer, good until incoming_end.
 *  3. A refusal that leaves bytes of its request unread is its connection's last answer.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/env.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/text.h"
#include "http/origin.h"
#include "http/server_desk.h"
#include "runtime/fiber.h"

#define BODY_FIRST_BYTES 1024
#define BODY_SMALL_BYTES (16 * 1024) /* so much of each body is not counted to a client's share */

/* Of the bodies that are held, over all workers. */
static atomic_size_t bodies_bytes;

/* --- life ------------------------------------------------------------------------------------- */

/* A client that has shut its side has gone, as for most servers. */
static bool client_is_gone(const struct request *req)
{
	const struct incoming *incoming =
		(const void *)((const char *)req - offsetof(struct incoming, req));

	return incoming->gone;
}

struct incoming *incoming_begin(struct wire *wire)
{
	struct desk *desk = wire->desk;
	struct arena *arena =
		desk->arena_count > 0 ? desk->arenas[--desk->arena_count] : arena_new();
	struct incoming *incoming = ARENA_NEW(arena, struct incoming);

	incoming->desk = desk;
	incoming->wire = wire;
	incoming->head.bytes = wire->buffer + wire->start;
	incoming->req.arena = arena;
	incoming->req.faults.arena = arena;
	incoming->req.method = HTTP_OTHER;
	incoming->req.path = incoming->req.query = incoming->req.body = "";
	incoming->req.client_is_gone = client_is_gone;
	incoming->reply.arena = arena;
	incoming->interim = "";
	return incoming;
}

static void incoming_release(struct incoming *incoming)
{
	struct desk *desk = incoming->desk;
	struct arena *arena = incoming->req.arena;

	if (incoming->body) {
		atomic_fetch_sub(&bodies_bytes, incoming->body_capacity);
		metric_add(desk->bodies, -(int64_t)incoming->body_capacity);
		free(incoming->body);
	}
	if (incoming->share) {
		share_remove_bytes(incoming->share, incoming->shared_bytes);
		share_leave(incoming->share);
	}
	if (desk->open && desk->arena_count < DESK_ARENAS_KEPT) {
		arena_reset(arena);
		desk->arenas[desk->arena_count++] = arena;
	} else {
		arena_free(arena);
	}
}

void incoming_end(struct incoming *incoming)
{
	if (incoming->counted)
		atomic_fetch_sub(&incoming->desk->busy, 1);
	incoming->wire = NULL;
	incoming->gone = true;
	if (incoming->stage != STAGE_RUNNING)
		incoming_release(incoming);
}

/* --- the answer ------------------------------------------------------------------------------- */

static const char *reason_of(int status)
{
	static const struct {
		int status;
		const char *text;
	} reasons[] = {
		{200, "OK"},
		{201, "Created"},
		{202, "Accepted"},
		{204, "No Content"},
		{301, "Moved Permanently"},
		{302, "Found"},
		{303, "See Other"},
		{304, "Not Modified"},
		{307, "Temporary Redirect"},
		{308, "Permanent Redirect"},
		{400, "Bad Request"},
		{401, "Unauthorized"},
		{402, "Payment Required"},
		{403, "Forbidden"},
		{404, "Not Found"},
		{405, "Method Not Allowed"},
		{406, "Not Acceptable"},
		{409, "Conflict"},
		{410, "Gone"},
		{412, "Precondition Failed"},
		{413, "Content Too Large"},
		{414, "URI Too Long"},
		{415, "Unsupported Media Type"},
		{422, "Unprocessable Content"},
		{429, "Too Many Requests"},
		{431, "Request Header Fields Too Large"},
		{500, "Internal Server Error"},
		{501, "Not Implemented"},
		{502, "Bad Gateway"},
		{503, "Service Unavailable"},
		{504, "Gateway Timeout"},
		{505, "HTTP Version Not Supported"},
		{507, "Insufficient Storage"},
	};

	for (size_t i = 0; i < ARRAY_LENGTH(reasons); i++) {
		if (reasons[i].status == status)
			return reasons[i].text;
	}
	return ""; /* it may be left out (RFC 9112, section 4) */
}

static void write_header(struct out *out, const char *name, const char *value)
{
	if (!value || !value[0])
		return;
	out_bytes(out, name, strlen(name));
	out_bytes(out, ": ", 2);
	out_bytes(out, value, strlen(value));
	out_bytes(out, "\r\n", 2);
}

void incoming_render(struct incoming *incoming)
{
	const struct reply *reply = &incoming->reply;
	struct out out = out_new(reply->arena);
	bool without = reply->status == 204 || reply->status == 304;
	char line[64];
	int length;

	incoming->close = incoming->close || reply->close ||
			  atomic_load_explicit(&incoming->desk->draining, memory_order_relaxed);
	out_bytes(&out, incoming->interim, incoming->interim_length);
	length = snprintf(line, sizeof(line), "HTTP/1.1 %d %s\r\n", reply->status,
			  reason_of(reply->status));
	out_bytes(&out, line, (size_t)length);
	write_header(&out, "Date", desk_date(incoming->desk));
	if (reply->length > 0 && !without)
		write_header(&out, "Content-Type", reply->content_type);
	for (size_t i = 0; i < reply->header_count; i++)
		write_header(&out, reply->headers[i].name, reply->headers[i].value);
	write_header(&out, "X-Request-Id", incoming->req.id);
	if (incoming->close)
		write_header(&out, "Connection", "close");
	else if (incoming->keep)
		write_header(&out, "Connection", "keep-alive");
	/* That of a 304 is what the 200 would have had (RFC 9110, section 8.6); a 204 has none. */
	length = reply->status == 204 ? snprintf(line, sizeof(line), "\r\n")
				      : snprintf(line, sizeof(line), "Content-Length: %zu\r\n\r\n",
						 reply->length);
	out_bytes(&out, line, (size_t)length);

	incoming->out = out.data;
	incoming->out_length = out.length;
	incoming->body_out_length =
		without || incoming->req.method == HTTP_HEAD ? 0 : reply->length;
	incoming->stage = STAGE_WRITING;
}

/* Makes the reply a problem; only where there are too many fibers the request was read to its
 * end. */
static void make_refusal(struct incoming *incoming, enum err err, enum gate_reason reason)
{
	metric_add(incoming->desk->refused[reason], 1);
	reply_problem(&incoming->req, &incoming->reply, err);
	if (incoming->stage != STAGE_RUNNING)
		incoming->sends_on = incoming->close = true;
	incoming->stage = STAGE_DONE;
}

/* --- the fiber -------------------------------------------------------------------------------- */

static void serve(void *arg)
{
	struct incoming *incoming = arg;
	struct request *req = &incoming->req;
	struct reply *reply = &incoming->reply;

	log_set_context((struct log_context){req->id, req->traceparent});
	incoming->desk->options->handler(req, reply);
	if (reply->status == 0)
		reply_problem(req, reply, refuse(req, ERR_INTERNAL, "no handler answered"));
	log_set_context((struct log_context){0});

	incoming->stage = STAGE_DONE;
	if (!incoming->wire)
		incoming_release(incoming);
	else if (incoming->waits)
		wire_later(incoming->wire);
}

static void run(struct incoming *incoming)
{
	if (incoming->body) {
		incoming->body[incoming->req.body_length] = '\0';
		incoming->req.body = incoming->body;
	}
	incoming->stage = STAGE_RUNNING;
	visitor_wait(&incoming->wire->visitor);
	if (!fiber_start(serve, incoming))
		make_refusal(incoming, ERR_OVERLOADED, GATE_FIBERS);
	incoming->waits = true;
}

/* --- the body --------------------------------------------------------------------------------- */

/* Of the client's share: what its bodies take beyond a little each. */
static bool take_share(struct incoming *incoming, size_t capacity)
{
	size_t shared = capacity > BODY_SMALL_BYTES ? capacity - BODY_SMALL_BYTES : 0;

	if (shared == incoming->shared_bytes)
		return true;
	if (!incoming->share)
		incoming->share = share_join(incoming->req.client_network);
	if (!incoming->share ||
	    !share_add_bytes(incoming->share, shared - incoming->shared_bytes,
			     incoming->desk->options->bodies_per_address_max_bytes))
		return false;
	incoming->shared_bytes = shared;
	return true;
}

/* Room for `length` bytes and a NUL: twice as much as came, whatever was told. Memory is for what
 * is there; that of all requests has a bound, and so has each client's part of it. False: one of
 * them is reached. */
static bool make_room(struct incoming *incoming, size_t length)
{
	size_t capacity = incoming->body_capacity, more;

	if (length < capacity)
		return true;
	capacity = MAX(2 * capacity, (size_t)BODY_FIRST_BYTES);
	if (incoming->body_expected >= 0)
		capacity = MIN(capacity, (size_t)incoming->body_expected + 1);
	capacity = MAX(capacity, length + 1);
	more = capacity - incoming->body_capacity;
	if (!take_share(incoming, capacity))
		return false;
	if (atomic_fetch_add(&bodies_bytes, more) + more >
	    incoming->desk->options->bodies_max_bytes) {
		atomic_fetch_sub(&bodies_bytes, more);
		return false;
	}
	metric_add(incoming->desk->bodies, (int64_t)more);
	incoming->body = must_realloc(incoming->body, capacity);
	incoming->body_capacity = capacity;
	return true;
}

static size_t bytes_left(const struct incoming *incoming)
{
	return (size_t)incoming->body_expected - incoming->req.body_length;
}

/* A body of known length: it is whole, or there is room for more of it. */
static void check_body(struct incoming *incoming)
{
	if (bytes_left(incoming) == 0)
		run(incoming);
	else if (!make_room(incoming, incoming->req.body_length + 1))
		make_refusal(incoming, ERR_OVERLOADED, GATE_FIBERS);
}

static void feed_length(struct incoming *incoming)
{
	struct wire *wire = incoming->wire;
	size_t length = MIN(wire->length - wire->start, bytes_left(incoming));

	if (length > 0) {
		if (!make_room(incoming, incoming->req.body_length + length)) {
			make_refusal(incoming, ERR_OVERLOADED, GATE_FIBERS);
			return;
		}
		memcpy(incoming->body + incoming->req.body_length, wire->buffer + wire->start,
		       length);
		wire->start += length;
		incoming->req.body_length += length;
	}
	check_body(incoming);
}

char *incoming_room(const struct incoming *incoming, size_t *ret_room)
{
	size_t length = incoming->req.body_length;

	*ret_room = 0;
	if (incoming->stage != STAGE_BODY || incoming->body_expected < 0)
		return NULL;
	*ret_room = MIN(incoming->body_capacity - 1 - length, bytes_left(incoming));
	return incoming->body + length;
}

void incoming_filled(struct incoming *incoming, size_t length)
{
	incoming->req.body_length += length;
	check_body(incoming);
}

static bool take_piece(struct incoming *incoming, const char *piece, size_t length)
{
	struct request *req = &incoming->req;

	if (!make_room(incoming, req->body_length + length)) {
		make_refusal(incoming, ERR_OVERLOADED, GATE_FIBERS);
		return false;
	}
	memcpy(incoming->body + req->body_length, piece, length);
	req->body_length += length;
	return true;
}

static void refuse_chunks(struct incoming *incoming, enum chunk_step step)
{
	struct request *req = &incoming->req;
	enum err err = step == CHUNKS_EXTRA
			       ? refuse(req, ERR_HEADERS_TOO_LARGE,
					"The limit for the extensions and trailers of chunks is %d "
					"bytes.",
					CHUNK_EXTRA_BYTES_MAX)
			       : refuse(req, ERR_BAD_REQUEST, "The chunks are malformed.");

	make_refusal(incoming, err, step == CHUNKS_EXTRA ? GATE_HEADERS : GATE_MALFORMED);
}

static void feed_chunks(struct incoming *incoming)
{
	struct wire *wire = incoming->wire;
	const char *at = wire->buffer + wire->start;
	const char *end = wire->buffer + wire->length;
	size_t limit = incoming->desk->options->body_limit_bytes;
	enum chunk_step step = CHUNKS_DATA;

	while (step == CHUNKS_DATA) {
		const char *piece = NULL;
		size_t length = 0;

		step = chunks_next(&incoming->chunks, &at, end, &piece, &length);
		wire->start = (size_t)(at - wire->buffer);
		if (step == CHUNKS_MALFORMED || step == CHUNKS_EXTRA) {
			refuse_chunks(incoming, step);
			return;
		}
		/* What is told is refused before it is there, once all of the size is: what the
		 * answer is does not depend on the pieces in which the line came. */
		if (length > limit - incoming->req.body_length ||
		    (incoming->chunks.state == CHUNK_DATA &&
		     length + incoming->chunks.left > limit - incoming->req.body_length)) {
			make_refusal(incoming,
				     refuse(&incoming->req, ERR_BODY_TOO_LARGE,
					    "The limit is %zu bytes.", limit),
				     GATE_BODY);
			return;
		}
		if (length > 0 && !take_piece(incoming, piece, length))
			return;
	}
	if (step == CHUNKS_MORE)
		wire->start = wire->length = incoming->body_at;
	else
		run(incoming);
}

/* --- the head --------------------------------------------------------------------------------- */

static enum http_method method_from_text(const char *text)
{
	for (int method = 0; method < HTTP_OTHER; method++) {
		if (strcmp(text, http_method_text((enum http_method)method)) == 0)
			return (enum http_method)method;
	}
	return HTTP_OTHER;
}

/* Whether one of the comma-separated values of these headers is the word. */
static bool header_names(const struct request *req, const char *name, const char *word)
{
	size_t wanted = strlen(word);

	for (size_t i = 0; i < req->header_count; i++) {
		const char *at = req->headers[i].value;

		if (!text_equal_ignoring_case(req->headers[i].name, name))
			continue;
		while (*at) {
			size_t length;

			at += strspn(at, " \t,");
			length = strcspn(at, " \t,");
			if (length == wanted && strncasecmp(at, word, wanted) == 0)
				return true;
			at += length;
		}
	}
	return false;
}

/* Who asks, and for what, as far as that was read. */
static void identify(struct incoming *incoming)
{
	struct request *req = &incoming->req;
	const struct head *head = &incoming->head;

	req->received_ms = env_now_ms();
	if (head->method)
		req->method = method_from_text(head->method);
	if (head->uri)
		gate_split_uri(req, head->uri);
	origin_identify(req);
	origin_address(req, incoming->wire->address, incoming->desk->options->trust_proxy);
	incoming->counted = true;
	atomic_fetch_add(&incoming->desk->busy, 1);
}

/* What the connection is to do behind this request (RFC 9112, section 9.3). */
static void read_connection(struct incoming *incoming)
{
	const struct request *req = &incoming->req;
	bool is_1_0 = strcmp(incoming->head.version, "HTTP/1.0") == 0;

	incoming->keep = is_1_0 && header_names(req, "Connection", "keep-alive");
	incoming->close = header_names(req, "Connection", "close") || (is_1_0 && !incoming->keep);
	/* Of all requests chunked ones are read most differently: nothing behind one is taken for
	 * another. */
	if (incoming->body_expected < 0)
		incoming->close = incoming->sends_on = true;
}

/* RFC 9110, section 10.1.1. It need not be sent: a socket that is full has other answers in it. What
 * was begun is ended before the answer. */
static void say_continue(struct incoming *incoming)
{
	static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
	struct wire *wire = incoming->wire;

	if (wire->start == wire->length && incoming->body_expected != 0 &&
	    strcmp(incoming->head.version, "HTTP/1.0") != 0 &&
	    header_names(&incoming->req, "Expect", "100-continue")) {
		ssize_t n = send(wire->visitor.socket, text, sizeof(text) - 1, MSG_NOSIGNAL);

		if (n > 0) {
			incoming->interim = text + n;
			incoming->interim_length = sizeof(text) - 1 - (size_t)n;
		}
	}
}

/* The head is whole. */
static enum err admit(struct incoming *incoming, enum gate_reason *ret_reason)
{
	struct arrival arrival = {
		.uri = incoming->head.uri,
		.version = incoming->head.version,
		.body_limit = incoming->desk->options->body_limit_bytes,
	};
	enum err err = gate_check(&incoming->req, &arrival, &incoming->body_expected, ret_reason);

	if (err)
		return err;
	*ret_reason = GATE_CONNECTIONS;
	if (incoming->wire->visitor.surplus)
		return ERR_OVERLOADED;
	return OK;
}

static void feed_head(struct incoming *incoming)
{
	struct wire *wire = incoming->wire;
	size_t begins_at = (size_t)(incoming->head.bytes - wire->buffer);
	enum gate_reason reason = GATE_MALFORMED;
	bool whole = false;
	enum err err = head_read(&incoming->head, &incoming->req, wire->length - begins_at, &whole,
				 &reason);

	if (!err && !whole)
		return;
	wire->start = incoming->body_at = begins_at + incoming->head.at;
	identify(incoming);
	if (!err)
		err = admit(incoming, &reason);
	if (err) {
		make_refusal(incoming, err, reason);
		return;
	}
	read_connection(incoming);
	incoming->stage = STAGE_BODY;
	say_continue(incoming);
}

void incoming_feed(struct incoming *incoming)
{
	if (incoming->stage == STAGE_HEAD)
		feed_head(incoming);
	if (incoming->stage != STAGE_BODY)
		return;
	if (incoming->body_expected < 0)
		feed_chunks(incoming);
	else
		feed_length(incoming);
}
