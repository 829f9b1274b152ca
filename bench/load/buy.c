/*
 * Buys: whole purchases, POST /orders waiting until paid, at a given rate. wrk sends as fast as it
 * is answered; this sends when it is time, whether or not earlier purchases were answered (an open
 * loop), and counts a purchase's latency from the moment when it should have been sent, so that
 * what waits is not left out of the percentiles. At the end it waits for all that it has sent.
 *
 *	buy PORT RATE SECONDS CONNECTIONS TOKENS PRODUCTS BOUGHT
 *
 * RATE 0: each connection buys again as soon as it was answered (a closed loop). TOKENS and
 * PRODUCTS are files, a token or product's id a line. A purchase is one of a product and two of
 * another. The ids of the orders that were answered as paid go to the file BOUGHT. Prints
 * {"requests": n, "paid": n, "failed": n, "unanswered": n, "seconds": s, "p50_ms": ..., ...}.
 */
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ANSWER_BYTES_MAX 16384
#define DRAIN_SECONDS 10
#define EVENTS_MAX 256
#define LINES_MAX 100000
#define REQUEST_BYTES_MAX 4096
#define ID_LENGTH 36

struct connection {
	int file;
	bool busy;
	int64_t due_ns; /* when its purchase should have been sent */
	char answer[ANSWER_BYTES_MAX + 1];
	size_t length;
};

struct lines {
	char **lines;
	size_t count;
};

static struct lines tokens, products;
static struct connection *connections;
static size_t connection_count;
static int *latencies_us;
static size_t latency_count, latencies_max;
static size_t sent, paid, failed;
static FILE *bought;
static uint16_t port;
static int poll_file;
static uint64_t chance = 0x9e3779b97f4a7c15u;

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static int64_t now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* xorshift64: the same purchases in every run; keys are made unique by the clock. */
static uint64_t any(void)
{
	chance ^= chance << 13;
	chance ^= chance >> 7;
	chance ^= chance << 17;
	return chance;
}

static struct lines read_lines(const char *path, size_t least)
{
	struct lines read = {.lines = calloc(LINES_MAX, sizeof(char *))};
	FILE *file = fopen(path, "r");
	char *line = NULL;
	size_t size = 0;

	if (!file || !read.lines)
		fail(path);
	while (read.count < LINES_MAX && getline(&line, &size, file) > 0) {
		line[strcspn(line, "\n")] = '\0';
		read.lines[read.count++] = strdup(line);
	}
	free(line);
	fclose(file);
	if (read.count < least) {
		fprintf(stderr, "%s: too few lines\n", path);
		exit(1);
	}
	return read;
}

static void connect_to_shop(struct connection *connection)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
	int on = 1;

	connection->file = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connection->file < 0 ||
	    connect(connection->file, (struct sockaddr *)&address, sizeof(address)) ||
	    setsockopt(connection->file, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) ||
	    epoll_ctl(poll_file, EPOLL_CTL_ADD, connection->file, &event))
		fail("connect");
	connection->busy = false;
	connection->length = 0;
}

static void send_purchase(struct connection *connection, int64_t due_ns)
{
	const char *token = tokens.lines[any() % tokens.count];
	size_t first = any() % products.count, second;
	char body[1024], request[REQUEST_BYTES_MAX];
	int length;

	assert(products.count >= 2);
	second = (first + 1 + any() % (products.count - 1)) % products.count;
	length = snprintf(
		body, sizeof(body),
		"{\"items\":[{\"productId\":\"%s\",\"quantity\":1},{\"productId\":\"%s\","
		"\"quantity\":2}],\"shippingAddress\":{\"name\":\"Leyla Aydin\",\"line1\":"
		"\"Gartenstr. 5\",\"city\":\"Berlin\",\"postalCode\":\"10115\",\"country\":"
		"\"DE\"},\"paymentMethod\":\"tok_visa\"}",
		products.lines[first], products.lines[second]);
	length = snprintf(
		request, sizeof(request),
		"POST /orders HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json"
		"\r\nContent-Length: %d\r\nIdempotency-Key: %llx-%llx\r\nAuthorization: "
		"Bearer %s\r\n\r\n%s",
		length, (unsigned long long)now_ns(), (unsigned long long)any(), token, body);
	assert((size_t)length < sizeof(request));
	connection->busy = true;
	connection->due_ns = due_ns;
	connection->length = 0;
	if (write(connection->file, request, (size_t)length) != length)
		fail("write");
	sent++;
}

/* Whether the whole answer is there. */
static bool is_whole(const struct connection *connection)
{
	const char *end = strstr(connection->answer, "\r\n\r\n");
	const char *field = strcasestr(connection->answer, "\r\nContent-Length: ");

	return end && field && field < end &&
	       connection->length >=
		       (size_t)(end + 4 - connection->answer) +
			       strtoul(field + strlen("\r\nContent-Length: "), NULL, 10);
}

static void take_answer(struct connection *connection)
{
	const char *body = strstr(connection->answer, "\r\n\r\n") + 4;
	const char *id = strstr(body, "\"id\":\"");
	bool good = strncmp(connection->answer, "HTTP/1.1 201", 12) == 0 && id &&
		    strstr(body, "\"status\":\"paid\"");

	assert(latency_count < latencies_max);
	latencies_us[latency_count++] = (int)((now_ns() - connection->due_ns) / 1000);
	if (good) {
		paid++;
		fprintf(bought, "%.*s\n", ID_LENGTH, id + strlen("\"id\":\""));
	} else if (failed++ == 0) {
		fprintf(stderr, "buy: %.*s\n", 400, connection->answer);
	}
	connection->busy = false;
}

static void receive(struct connection *connection)
{
	ssize_t length = read(connection->file, connection->answer + connection->length,
			      ANSWER_BYTES_MAX - connection->length);

	if (length <= 0) {
		/* Closed, or broken: what it was asked for counts as failed, and it starts anew. */
		failed += connection->busy;
		close(connection->file);
		connect_to_shop(connection);
		return;
	}
	connection->length += (size_t)length;
	connection->answer[connection->length] = '\0';
	if (connection->busy && is_whole(connection))
		take_answer(connection);
}

static struct connection *find_idle(void)
{
	static size_t last;
	size_t i;

	for (i = 0; i < connection_count; i++) {
		struct connection *connection = &connections[(last + i) % connection_count];

		if (connection->busy)
			continue;
		last = (last + i + 1) % connection_count;
		return connection;
	}
	return NULL;
}

/* Sends what is due. With a rate, purchase i is due at begun + i / rate. */
static void send_due(int64_t begun_ns, double rate)
{
	struct connection *connection;

	for (;;) {
		int64_t now = now_ns(), due = now;

		if (rate > 0)
			due = begun_ns + (int64_t)((double)sent * 1e9 / rate);
		if (due > now)
			return;
		connection = find_idle();
		if (!connection)
			return;
		send_purchase(connection, due);
	}
}

static void wait_for_answers(int timeout_ms)
{
	struct epoll_event events[EVENTS_MAX];
	int count = epoll_wait(poll_file, events, EVENTS_MAX, timeout_ms), i;

	for (i = 0; i < count; i++)
		receive(events[i].data.ptr);
}

static size_t busy(void)
{
	size_t count = 0, i;

	for (i = 0; i < connection_count; i++)
		count += connections[i].busy;
	return count;
}

static int compare(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static double percentile_ms(double share)
{
	return latency_count ? latencies_us[(size_t)((double)(latency_count - 1) * share)] / 1000.0
			     : 0;
}

int main(int argc, char **argv)
{
	double rate, seconds;
	int64_t begun_ns, end_ns;
	size_t i;

	if (argc != 8) {
		fprintf(stderr,
			"usage: buy PORT RATE SECONDS CONNECTIONS TOKENS PRODUCTS BOUGHT\n");
		return 2;
	}
	port = (uint16_t)strtoul(argv[1], NULL, 10);
	rate = strtod(argv[2], NULL);
	seconds = strtod(argv[3], NULL);
	connection_count = strtoul(argv[4], NULL, 10);
	tokens = read_lines(argv[5], 1);
	products = read_lines(argv[6], 2);
	bought = fopen(argv[7], "w");
	connections = calloc(connection_count, sizeof(*connections));
	latencies_max = (size_t)(seconds * (rate > 0 ? rate : 50000)) + connection_count + 1;
	latencies_us = calloc(latencies_max, sizeof(*latencies_us));
	poll_file = epoll_create1(EPOLL_CLOEXEC);
	if (!bought || !connections || !latencies_us || poll_file < 0)
		fail("start");
	for (i = 0; i < connection_count; i++)
		connect_to_shop(&connections[i]);
	begun_ns = now_ns();
	end_ns = begun_ns + (int64_t)(seconds * 1e9);
	while (now_ns() < end_ns) {
		send_due(begun_ns, rate);
		wait_for_answers(rate > 0 ? 1 : 10);
	}
	seconds = (double)(now_ns() - begun_ns) / 1e9;
	for (end_ns = now_ns() + (int64_t)DRAIN_SECONDS * 1000000000; busy() && now_ns() < end_ns;)
		wait_for_answers(10);
	fclose(bought);
	qsort(latencies_us, latency_count, sizeof(*latencies_us), compare);
	printf("{\"requests\": %zu, \"paid\": %zu, \"failed\": %zu, \"unanswered\": %zu,"
	       " \"seconds\": %.3f, \"p50_ms\": %.3f, \"p90_ms\": %.3f, \"p99_ms\": %.3f,"
	       " \"max_ms\": %.3f}\n",
	       latency_count, paid, failed, busy(), seconds, percentile_ms(0.5), percentile_ms(0.9),
	       percentile_ms(0.99), percentile_ms(1));
	return 0;
}
