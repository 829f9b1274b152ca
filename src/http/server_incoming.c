/*
 * An incoming request on its way through the daemon, and its reply.
 *
 *	incoming_begin      the request line is there
 *	   |                                         gate refuses
 *	HEADERS --- first call of go_on ------------------------------.
 *	   | admitted                                                  |
 *	 BODY ----- calls with data; end of the body: a fiber starts   |
 *	   |                     | no fiber, body too large ---------->|
 *	RUNNING --- the connection is suspended unless the fiber ends  |
 *	   |        at once; resumed at its end                        |
 *	 DONE ----- answer() queues the reply ----------------------> ANSWERED
 *	                                                               |
 *	incoming_end        sent, or the connection is gone <----------'
 *
 * Invariants:
 *  1. All of it, the record itself too, lies in one arena, which goes back to the desk's pool in
 *     incoming_end; where the fiber is still RUNNING then (a server that is stopped hard), at the
 *     fiber's end.
 *  2. Header names and values are the daemon's memory, good until incoming_end.
 *  3. A connection is suspended if and only if `suspended`; nobody but its fiber's end, or
 *     incoming_abandon_all, resumes it.
 */
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/env.h"
#include "base/log.h"
#include "base/metrics.h"
#include "http/origin.h"
#include "http/server_desk.h"
#include "runtime/fiber.h"

#define DAEMON_IS_LAX (MHD_VERSION < 0x00097701) /* see struct gate_walk */
#define BODY_FIRST_BYTES (8 * 1024)		 /* of a chunked body */
#define BODY_DISCARD_MAX ((size_t)16 << 20) /* of a chunked body past the limit; then we hang up */

enum stage {
	STAGE_HEADERS,
	STAGE_BODY,
	STAGE_DISCARD, /* as BODY, but the reply is there already */
	STAGE_RUNNING,
	STAGE_DONE,
	STAGE_ANSWERED,
};

struct incoming {
	struct desk *desk;
	struct MHD_Connection *connection; /* NULL once it is gone */
	struct incoming *next, **link;
	const char *uri;
	enum stage stage;
	bool counted; /* in desk->busy */
	bool suspended;
	bool sends_on;	       /* the client may, behind the answer that ends the connection */
	int64_t body_expected; /* -1: chunked */
	const char *raw_body;  /* where the daemon reads the body to: behind the head */
	char *body;
	size_t body_capacity, discarded;
	struct visitor *visitor;
	struct request req;
	struct reply reply;
};

/* Of the bodies that are held, over all workers. */
static atomic_size_t bodies_bytes;

/* --- life ----------------------------------------------------------------------------------- */

/* A client that has shut its side has gone, as for most servers. It is asked of the socket: while the
 * fiber runs, the daemon does not look at it. */
static bool client_is_gone(const struct request *req)
{
	const struct incoming *incoming =
		(const void *)((const char *)req - offsetof(struct incoming, req));
	const union MHD_ConnectionInfo *info;
	struct pollfd socket = {.events = POLLRDHUP};

	if (!incoming->connection)
		return true;
	info = MHD_get_connection_info(incoming->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	if (!info)
		return false;
	socket.fd = info->connect_fd;
	return poll(&socket, 1, 0) > 0;
}

void *incoming_begin(void *arg, const char *uri, struct MHD_Connection *connection)
{
	struct desk *desk = arg;
	struct arena *arena =
		desk->arena_count > 0 ? desk->arenas[--desk->arena_count] : arena_new();
	struct incoming *incoming = ARENA_NEW(arena, struct incoming);

	incoming->desk = desk;
	incoming->connection = connection;
	incoming->visitor = desk_visitor(connection);
	visitor_turn(&desk->visitors, incoming->visitor);
	/* The daemon cuts and decodes its own copy. */
	incoming->uri = arena_copy_text(arena, uri);
	incoming->req.arena = arena;
	incoming->req.client_is_gone = client_is_gone;
	incoming->req.faults.arena = arena;
	incoming->reply.arena = arena;

	incoming->next = desk->incoming;
	incoming->link = &desk->incoming;
	if (incoming->next)
		incoming->next->link = &incoming->next;
	desk->incoming = incoming;
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
	*incoming->link = incoming->next;
	if (incoming->next)
		incoming->next->link = incoming->link;

	if (desk->daemon && desk->arena_count < DESK_ARENAS_KEPT) {
		arena_reset(arena);
		desk->arenas[desk->arena_count++] = arena;
	} else {
		arena_free(arena);
	}
}

void incoming_end(void *arg, struct MHD_Connection *connection, void **context,
		  enum MHD_RequestTerminationCode code)
{
	struct incoming *incoming = *context;
	struct desk *desk = arg;

	if (!incoming)
		return;
	*context = NULL;
	incoming->connection = NULL;
	if (incoming->counted)
		atomic_fetch_sub(&desk->busy, 1);
	if (incoming->sends_on || code == MHD_REQUEST_TERMINATED_WITH_ERROR) {
		const union MHD_ConnectionInfo *info =
			MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

		if (info)
			linger_add(&desk->linger, info->connect_fd);
	}
	/* It may send the next request. */
	visitor_turn(&desk->visitors, incoming->visitor);
	if (incoming->stage != STAGE_RUNNING)
		incoming_release(incoming);
}

void incoming_abandon_all(struct desk *desk)
{
	for (struct incoming *incoming = desk->incoming; incoming; incoming = incoming->next) {
		if (incoming->suspended) {
			incoming->suspended = false;
			MHD_resume_connection(incoming->connection);
		}
	}
}

/* --- the answer ------------------------------------------------------------------------------ */

static void add_header(struct MHD_Response *response, const char *name, const char *value)
{
	if (value && value[0] && MHD_add_response_header(response, name, value) != MHD_YES)
		log_debug("http.header", "the header %s was not taken", name);
}

/* Queues the reply. */
static enum MHD_Result answer(struct incoming *incoming)
{
	const struct reply *reply = &incoming->reply;
	bool close = reply->close ||
		     atomic_load_explicit(&incoming->desk->draining, memory_order_relaxed);
	struct MHD_Response *response;
	enum MHD_Result result;

	/* The daemon only reads it, and only until incoming_end. */
	response = MHD_create_response_from_buffer(reply->length, (void *)(uintptr_t)reply->body,
						   MHD_RESPMEM_PERSISTENT);
	if (!response)
		return MHD_NO;
	if (reply->length > 0)
		add_header(response, "Content-Type", reply->content_type);
	for (size_t i = 0; i < reply->header_count; i++)
		add_header(response, reply->headers[i].name, reply->headers[i].value);
	add_header(response, "X-Request-Id", incoming->req.id);
	if (DAEMON_IS_LAX && incoming->body_expected < 0)
		close = incoming->sends_on = true;
	if (close)
		add_header(response, "Connection", "close");

	result = MHD_queue_response(incoming->connection, (unsigned)reply->status, response);
	MHD_destroy_response(response);
	if (result == MHD_YES)
		incoming->stage = STAGE_ANSWERED;
	visitor_turn(&incoming->desk->visitors, incoming->visitor);
	return result;
}

/* Makes the reply a problem; the gate's close the connection, those of full fibers need not. */
static void make_refusal(struct incoming *incoming, enum err err, enum gate_reason reason)
{
	metric_add(incoming->desk->refused[reason], 1);
	reply_problem(&incoming->req, &incoming->reply, err);
	if (reason != GATE_FIBERS) {
		incoming->sends_on = true;
		incoming->reply.close = true;
	}
}

/* --- headers --------------------------------------------------------------------------------- */

struct gathering {
	struct request *req;
	struct arrival *arrival;
	struct gate_walk walk;
};

static enum MHD_Result gather_header(void *arg, enum MHD_ValueKind kind, const char *name,
				     size_t name_length, const char *value, size_t value_length)
{
	struct gathering *gathering = arg;
	struct request *req = gathering->req;
	struct arrival *arrival = gathering->arrival;

	(void)kind;
	arrival->header_bytes += name_length + value_length + 4; /* ": " and CRLF */
	if (req->header_count == REQUEST_HEADERS_MAX) {
		arrival->headers_omitted = true;
		return MHD_YES;
	}
	if (!gate_value_is_clean(name, name_length) || !gate_value_is_clean(value, value_length))
		arrival->bad_characters = true;
	gate_walk_header(&gathering->walk, name, name_length, value, value_length);
	req->headers[req->header_count].name = name;
	req->headers[req->header_count].value = value ? value : "";
	req->header_count++;
	return MHD_YES;
}

static enum http_method method_from_text(const char *text)
{
	for (int method = 0; method < HTTP_OTHER; method++) {
		if (strcmp(text, http_method_text((enum http_method)method)) == 0)
			return (enum http_method)method;
	}
	return HTTP_OTHER;
}

/* Reads the headers into the request, and what the gate looks at. */
static void gather(struct incoming *incoming, const char *url, struct arrival *arrival)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		incoming->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
	size_t head_length = info ? info->header_size : 0;
	struct gathering gathering = {&incoming->req, arrival, {0}};

	gate_walk_begin(&gathering.walk, arrival->method, head_length, url, strlen(arrival->uri),
			arrival->version);
	MHD_get_connection_values_n(incoming->connection, MHD_HEADER_KIND, gather_header,
				    &gathering);
	arrival->bad_lines = DAEMON_IS_LAX && !gate_walk_end(&gathering.walk);
	incoming->raw_body = arrival->method + head_length;
}

/* The headers are there. */
static enum MHD_Result take_headers(struct incoming *incoming, const char *url, const char *method,
				    const char *version)
{
	const struct server_options *options = incoming->desk->options;
	struct request *req = &incoming->req;
	struct arrival arrival = {
		.method = method,
		.uri = incoming->uri,
		.version = version,
		.header_bytes = strlen(method) + strlen(incoming->uri) + strlen(version) + 4,
		.body_limit = options->body_limit_bytes,
	};
	const union MHD_ConnectionInfo *peer =
		MHD_get_connection_info(incoming->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	enum gate_reason reason;
	enum err err;

	gather(incoming, url, &arrival);
	req->method = method_from_text(method);
	req->received_ms = env_now_ms();
	req->body = "";
	gate_split_uri(req, incoming->uri);
	origin_identify(req);
	origin_address(req, peer ? peer->client_addr : NULL, options->trust_proxy);

	incoming->counted = true;
	atomic_fetch_add(&incoming->desk->busy, 1);
	err = gate_check(req, &arrival, &incoming->body_expected, &reason);
	if (!err && incoming->visitor->surplus) {
		err = ERR_OVERLOADED;
		reason = GATE_CONNECTIONS;
	}
	if (err) {
		make_refusal(incoming, err, reason);
		return answer(incoming);
	}
	incoming->stage = STAGE_BODY;
	return MHD_YES;
}

/* --- body ------------------------------------------------------------------------------------ */

/* Room for `length` bytes and a NUL: twice as much as came, whatever was told. Memory is for what
 * is there, and that of all requests has a bound. False: it is reached. */
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

/* What comes past the limit is thrown away: the daemon takes no answer before the body's end. */
static enum MHD_Result discard(struct incoming *incoming, size_t *data_size)
{
	incoming->discarded += *data_size;
	*data_size = 0;
	return incoming->discarded > BODY_DISCARD_MAX ? MHD_NO : MHD_YES;
}

/*
 * Whether what the daemon passed over before these bytes of a chunked body is a chunk's line as it
 * should be. It is in sight only where it was read together with them, which is when they do not
 * stand where bytes are read to. So a chunked request is its connection's last besides, and nothing
 * behind it is taken for another one.
 */
static bool chunk_line_is_clean(const struct incoming *incoming, const char *data)
{
	return !DAEMON_IS_LAX || data == incoming->raw_body ||
	       gate_chunk_line_is_clean(incoming->raw_body, data);
}

static enum MHD_Result take_body(struct incoming *incoming, const char *data, size_t *data_size)
{
	struct request *req = &incoming->req;
	size_t limit = incoming->desk->options->body_limit_bytes;

	if (incoming->body_expected < 0 && !chunk_line_is_clean(incoming, data)) {
		make_refusal(incoming, refuse(req, ERR_BAD_REQUEST, "A chunk's line is malformed."),
			     GATE_MALFORMED);
		incoming->stage = STAGE_DISCARD;
		return discard(incoming, data_size);
	}
	if (*data_size > limit - req->body_length) {
		make_refusal(incoming,
			     refuse(req, ERR_BODY_TOO_LARGE, "The limit is %zu bytes.", limit),
			     GATE_BODY);
		incoming->stage = STAGE_DISCARD;
		return discard(incoming, data_size);
	}
	if (!make_room(incoming, req->body_length + *data_size)) {
		make_refusal(incoming, ERR_OVERLOADED, GATE_FIBERS);
		incoming->stage = STAGE_DISCARD;
		return discard(incoming, data_size);
	}
	memcpy(incoming->body + req->body_length, data, *data_size);
	req->body_length += *data_size;
	*data_size = 0;
	return MHD_YES;
}

/* --- the fiber ------------------------------------------------------------------------------- */

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
	if (!incoming->connection) {
		incoming_release(incoming);
	} else if (incoming->suspended) {
		incoming->suspended = false;
		desk_resume(incoming->desk, incoming->connection);
	}
}

static enum MHD_Result run(struct incoming *incoming)
{
	if (incoming->body) {
		incoming->body[incoming->req.body_length] = '\0';
		incoming->req.body = incoming->body;
	}
	incoming->stage = STAGE_RUNNING;
	visitor_wait(&incoming->desk->visitors, incoming->visitor);
	if (!fiber_start(serve, incoming)) {
		incoming->stage = STAGE_DONE;
		make_refusal(incoming, ERR_OVERLOADED, GATE_FIBERS);
	}
	if (incoming->stage == STAGE_DONE)
		return answer(incoming);
	incoming->suspended = true;
	MHD_suspend_connection(incoming->connection);
	return MHD_YES;
}

/* --- the daemon calls ------------------------------------------------------------------------ */

enum MHD_Result incoming_go_on(void *arg, struct MHD_Connection *connection, const char *url,
			       const char *method, const char *version, const char *data,
			       size_t *data_size, void **context)
{
	struct incoming *incoming = *context;

	(void)arg;
	(void)connection;
	switch (incoming->stage) {
	case STAGE_HEADERS:
		return take_headers(incoming, url, method, version);
	case STAGE_BODY:
		return *data_size > 0 ? take_body(incoming, data, data_size) : run(incoming);
	case STAGE_DISCARD:
		return *data_size > 0 ? discard(incoming, data_size) : answer(incoming);
	case STAGE_DONE:
		return answer(incoming);
	case STAGE_RUNNING: /* abandoned */
		return MHD_NO;
	case STAGE_ANSWERED:
		*data_size = 0;
		return MHD_YES;
	}
	return MHD_NO;
}
