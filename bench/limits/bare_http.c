/*
 * The limit of what is answered over HTTP: libmicrohttpd, driven as Souk drives its own sockets
 * (epoll, one daemon and one thread per worker, a SO_REUSEPORT socket each), and nothing behind it.
 * Whatever is asked, the answer is the same.
 *
 *	bare_http PORT THREADS ANSWER
 *
 * ANSWER is a file: header lines, an empty line, the body; lines end with \n. What libmicrohttpd
 * adds by itself (Date, Content-Length, Connection) is not in it.
 */
#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_BYTES_MAX ((size_t)4 << 20)
#define BACKLOG 1024
#define CONNECTION_MEMORY_BYTES ((size_t)32 * 1024)
#define HEADERS_MAX 32
#define IDLE_MS 1000

struct answer {
	struct {
		const char *name, *value;
	} headers[HEADERS_MAX];
	size_t header_count;
	const char *body;
	size_t length;
};

static struct answer answer;

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void read_answer(const char *path)
{
	char *text = malloc(ANSWER_BYTES_MAX + 1);
	FILE *file = fopen(path, "r");
	char *line;
	size_t length;

	if (!text || !file)
		fail(path);
	length = fread(text, 1, ANSWER_BYTES_MAX, file);
	text[length] = '\0';
	fclose(file);
	for (line = text; *line && *line != '\n' && answer.header_count < HEADERS_MAX;) {
		char *end = strchr(line, '\n');
		char *colon = strstr(line, ": ");

		if (!end || !colon || colon > end)
			break;
		*end = *colon = '\0';
		answer.headers[answer.header_count].name = line;
		answer.headers[answer.header_count++].value = colon + 2;
		line = end + 1;
	}
	if (*line != '\n') {
		fprintf(stderr, "%s: header lines, an empty line and a body are expected\n", path);
		exit(1);
	}
	answer.body = line + 1;
	answer.length = length - (size_t)(answer.body - text);
}

/* Made for every request, as any server does whose answers differ. */
static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url,
				  const char *method, const char *version, const char *upload,
				  size_t *upload_size, void **context)
{
	static int begun;
	struct MHD_Response *response;
	enum MHD_Result result;
	size_t i;

	if (!*context) {
		*context = &begun;
		return MHD_YES;
	}
	if (*upload_size) {
		*upload_size = 0;
		return MHD_YES;
	}
	response = MHD_create_response_from_buffer(answer.length, (void *)answer.body,
						   MHD_RESPMEM_PERSISTENT);
	for (i = 0; i < answer.header_count; i++)
		MHD_add_response_header(response, answer.headers[i].name, answer.headers[i].value);
	result = MHD_queue_response(connection, MHD_HTTP_OK, response);
	MHD_destroy_response(response);
	return result;
}

static int listen_on(uint16_t port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int file = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1;

	if (file < 0 || setsockopt(file, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    setsockopt(file, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) ||
	    bind(file, (struct sockaddr *)&address, sizeof(address)) || listen(file, BACKLOG))
		fail("listen");
	return file;
}

static void *serve(void *arg)
{
	int listening = *(int *)arg;
	struct MHD_Daemon *daemon = MHD_start_daemon(
		MHD_USE_EPOLL, 0, NULL, NULL, on_request, NULL, MHD_OPTION_LISTEN_SOCKET, listening,
		MHD_OPTION_CONNECTION_LIMIT, 20000u, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		CONNECTION_MEMORY_BYTES, MHD_OPTION_END);
	struct pollfd watched = {.events = POLLIN};

	if (!daemon)
		fail("daemon");
	watched.fd = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
	for (;;) {
		MHD_UNSIGNED_LONG_LONG timeout_ms = IDLE_MS;

		MHD_run(daemon);
		if (MHD_get_timeout(daemon, &timeout_ms) == MHD_YES && timeout_ms == 0)
			continue;
		poll(&watched, 1, timeout_ms < IDLE_MS ? (int)timeout_ms : IDLE_MS);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	unsigned long port, threads, i;
	pthread_t thread;
	int *sockets;

	if (argc != 4) {
		fprintf(stderr, "usage: bare_http PORT THREADS ANSWER\n");
		return 2;
	}
	port = strtoul(argv[1], NULL, 10);
	threads = strtoul(argv[2], NULL, 10);
	read_answer(argv[3]);
	sockets = calloc(threads, sizeof(*sockets));
	if (!sockets)
		fail("sockets");
	for (i = 0; i < threads; i++)
		sockets[i] = listen_on((uint16_t)port);
	for (i = 0; i < threads; i++)
		if (pthread_create(&thread, NULL, serve, &sockets[i]))
			fail("thread");
	pause();
	return 0;
}
