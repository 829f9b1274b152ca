/*
 * souk serve: the shop. Opens the data, starts workers, services and the server, and waits for
 * SIGTERM or SIGINT; then running requests finish and everything is closed in the opposite order.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/config.h"
#include "base/log.h"
#include "base/text.h"
#include "cli/data_directory.h"
#include "cli/descriptors.h"
#include "cli/program.h"
#include "gateway/gateway.h"
#include "http/server.h"
#include "platform/platform.h"
#include "runtime/log_writer.h"
#include "runtime/worker.h"
#include "store/sql.h"

#define STOP_PATIENCE_MS 15000
#define LOG_PATIENCE_MS 1000
#define HTTP_PORT 80
#define ADDRESS_SHARE 4	    /* one address has a quarter, where nothing else is set */
#define EXIT_DATA_FAILED 70 /* EX_SOFTWARE: start again, and recover */

static size_t workers_wanted(void)
{
	int64_t workers = config_int("workers");
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	if (workers == 0)
		workers = MAX(cores, 1);
	return (size_t)MIN(workers, WORKERS_MAX);
}

/* SIGTERM, SIGINT and SIGHUP are taken by this thread alone, when it waits for them. What others
 * may send by mistake (a reader that has gone, a file that may grow no more, a terminal that is
 * another's, a habit of other servers, a number of its own) ends nothing, and stops nothing. */
static void block_signals(sigset_t *ret_awaited)
{
	static const int ignored[] = {SIGPIPE, SIGUSR1, SIGUSR2, SIGXFSZ, SIGTTOU,   SIGTTIN,
				      SIGALRM, SIGPROF, SIGPOLL, SIGPWR,  SIGVTALRM, SIGSTKFLT};

	sigemptyset(ret_awaited);
	sigaddset(ret_awaited, SIGTERM);
	sigaddset(ret_awaited, SIGINT);
	sigaddset(ret_awaited, SIGHUP);
	pthread_sigmask(SIG_BLOCK, ret_awaited, NULL);
	for (size_t i = 0; i < ARRAY_LENGTH(ignored); i++)
		signal(ignored[i], SIG_IGN);
	for (int number = SIGRTMIN; number <= SIGRTMAX; number++)
		signal(number, SIG_IGN);
}

/* Until the program is to end. */
static void wait_for_end(const sigset_t *awaited)
{
	int number = 0;

	while (!sigwait(awaited, &number) && number == SIGHUP)
		log_writer_reopen();
}

static enum err take_directory(struct arena *arena)
{
	const char *directory = config_text("data"), *why = NULL;
	struct data_holder holder;
	enum err err = data_directory_lock(arena, directory, &holder, &why);

	if (err == ERR_CONFLICT && !holder.pid)
		fprintf(stderr,
			"souk: another souk runs on the data directory %s (souk.lock, which says"
			" which one, was removed)\n",
			directory);
	else if (err == ERR_CONFLICT)
		fprintf(stderr,
			"souk: another souk (process %lld%s%s) runs on the data directory %s\n",
			(long long)holder.pid, holder.address ? ", " : "",
			holder.address ? holder.address : "", directory);
	else if (err)
		fprintf(stderr, "souk: the data directory cannot be used: %s\n", why);
	return err;
}

static bool listens_everywhere(const char *listen)
{
	return text_starts_with(listen, "0.0.0.0:") || text_starts_with(listen, "[::]:");
}

/* Where clients of this machine reach the server: an address of all interfaces is none to ask, and a
 * port that goes without saying is left out. */
static const char *address_of(struct arena *arena, const char *listen, int port)
{
	int length = (int)(strrchr(listen, ':') - listen);
	const char *host = text_lower(arena, arena_copy_bytes(arena, listen, (size_t)length));

	if (strcmp(host, "0.0.0.0") == 0)
		host = "127.0.0.1";
	else if (strcmp(host, "[::]") == 0)
		host = "[::1]";
	return port == HTTP_PORT ? arena_printf(arena, "http://%s", host)
				 : arena_printf(arena, "http://%s:%d", host, port);
}

/* The address is known, and tokens must be able to name it before somebody asks for one. */
static void announce(int port)
{
	const char *listen = config_text("listen");
	struct arena *arena = arena_new();
	const char *address = address_of(arena, listen, port);
	const char *issuer = program_get()->listening(address);

	if (!config_text("public-url") && listens_everywhere(listen))
		log_warning("server.public-url",
			    "clients elsewhere will want SOUK_PUBLIC_URL: tokens come from %s",
			    issuer);
	data_directory_announce(address, issuer);
	arena_free(arena);
}

/* One address's share of what all have together. */
static size_t share_of(const char *setting, size_t all)
{
	size_t share = (size_t)config_int(setting);

	return share ? share : MAX(all / ADDRESS_SHARE, (size_t)1);
}

static enum err listen_on(struct arena *arena, size_t connections, struct server **ret_server)
{
	size_t body_limit = (size_t)config_int("body-limit-bytes");
	size_t bodies = MAX((size_t)config_int("body-memory-bytes"), body_limit + 1);
	const struct server_options options = {
		.listen = config_text("listen"),
		.body_limit_bytes = body_limit,
		.connections_max = connections,
		.connections_per_address_max = share_of("connections-per-address", connections),
		.request_timeout_s = config_int("request-timeout-s"),
		.bodies_max_bytes = bodies,
		/* The largest body fits. */
		.bodies_per_address_max_bytes =
			MAX(share_of("body-memory-per-address-bytes", bodies), body_limit + 1),
		.idle_timeout_s = config_int("connection-timeout-s"),
		.crowded_timeout_s = config_int("crowded-timeout-s"),
		.trust_proxy = config_flag("trust-proxy"),
		.handler = gateway_handle,
		.bound = announce,
	};
	const char *why = NULL;
	enum err err = server_start(&options, ret_server, &why);

	if (err) {
		fprintf(stderr, "souk: cannot listen on %s: %s\n", options.listen, why);
		return err;
	}
	log_info("server.ready", "listening on %s",
		 address_of(arena, options.listen, server_port(*ret_server)));
	return OK;
}

/* The listener for metrics alone, where it is asked for: else NULL. */
static enum err listen_for_metrics(struct arena *arena, struct server **ret_server)
{
	const struct server_options options = {
		.listen = config_text("metrics-listen"),
		.body_limit_bytes = (size_t)config_int("body-limit-bytes"),
		.connections_max = METRICS_CONNECTIONS_MAX,
		.connections_per_address_max = SIZE_MAX, /* who may ask here is who runs it */
		.request_timeout_s = config_int("request-timeout-s"),
		.bodies_max_bytes = (size_t)config_int("body-limit-bytes") + 1,
		.bodies_per_address_max_bytes = SIZE_MAX,
		.idle_timeout_s = config_int("connection-timeout-s"),
		.crowded_timeout_s = config_int("crowded-timeout-s"),
		.handler = gateway_handle_metrics,
	};
	const char *why = NULL;
	enum err err;

	if (!options.listen)
		return OK;
	err = server_start(&options, ret_server, &why);
	if (err)
		fprintf(stderr, "souk: cannot listen on %s: %s\n", options.listen, why);
	else
		log_info("server.metrics", "metrics on %s/metrics",
			 address_of(arena, options.listen, server_port(*ret_server)));
	return err;
}

static int run(struct arena *arena, const sigset_t *awaited)
{
	const struct gateway_options gateway = {.check_token = program_get()->check_token};
	struct server *server = NULL, *metrics = NULL;
	size_t connections, needed;
	enum err err;

	connections = descriptors_for_connections((size_t)config_int("connections"),
						  workers_wanted(), &needed);
	if (connections == 0) {
		fprintf(stderr, "souk: too few files may be open (ulimit -n): %zu are needed\n",
			needed);
		return 1;
	}
	if (connections < (size_t)config_int("connections"))
		log_warning("server.connections",
			    "%zu connections at once, as so many files may be open", connections);
	err = workers_start(workers_wanted(), (size_t)config_int("fibers"));
	if (err)
		return 1;
	gateway_open(&gateway);
	platform_start();
	err = listen_for_metrics(arena, &metrics);
	if (!err)
		err = listen_on(arena, connections, &server);
	if (!err) {
		wait_for_end(awaited);
		log_info("server.stopping", "running requests finish");
		server_stop(server, STOP_PATIENCE_MS);
	}
	if (metrics)
		server_stop(metrics, 0);
	workers_stop(STOP_PATIENCE_MS);
	gateway_close();
	if (err)
		return 1;
	log_info("server.stopped", "bye");
	return databases_failed() ? EXIT_DATA_FAILED : 0;
}

int cli_serve(int argc, char **argv)
{
	struct arena *arena = arena_new();
	struct platform_options options = {0};
	const char *why = NULL;
	sigset_t awaited;
	int left, code = 2;

	log_writer_open_without_waiting(STDERR_FILENO);
	block_signals(&awaited);
	if (!program_load_config(argc, argv, &left))
		goto end;
	if (left > 1) {
		fprintf(stderr, "souk: serve takes settings only, not \"%s\"\n", argv[1]);
		goto end;
	}
	options.directory = config_text("data");
	options.all = program_get()->services;
	options.services = program_services(arena, &why);
	if (!options.services) {
		fprintf(stderr, "souk: %s\n", why);
		goto end;
	}
	code = 1;
	if (log_writer_start(config_text("log"), (size_t)config_int("log-queue-bytes"), &why)) {
		fprintf(stderr, "souk: the log cannot be written: %s\n", why);
		goto end;
	}
	if (take_directory(arena))
		goto end;
	if (platform_open(&options, gateway_routes, arena, &why)) {
		fprintf(stderr, "souk: %s\n", why);
		goto unlock;
	}
	code = run(arena, &awaited);
	platform_close();
unlock:
	data_directory_unlock();
end:
	log_writer_stop(LOG_PATIENCE_MS);
	arena_free(arena);
	return code;
}
