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
#include "cli/data_directory.h"
#include "cli/descriptors.h"
#include "cli/program.h"
#include "gateway/gateway.h"
#include "http/server.h"
#include "platform/platform.h"
#include "runtime/worker.h"
#include "store/sql.h"

#define STOP_PATIENCE_MS 15000
#define EXIT_DATA_FAILED 70 /* EX_SOFTWARE: start again, and recover */

static size_t workers_wanted(void)
{
	int64_t workers = config_int("workers");
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	if (workers == 0)
		workers = MAX(cores, 1);
	return (size_t)MIN(workers, WORKERS_MAX);
}

/* SIGTERM and SIGINT are taken by this thread alone, when it waits for them. */
static void block_signals(sigset_t *ret_ends)
{
	sigemptyset(ret_ends);
	sigaddset(ret_ends, SIGTERM);
	sigaddset(ret_ends, SIGINT);
	pthread_sigmask(SIG_BLOCK, ret_ends, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static enum err take_directory(struct arena *arena)
{
	const char *directory = config_text("data"), *why = NULL;
	struct data_holder holder;
	enum err err = data_directory_lock(arena, directory, &holder, &why);

	if (err == ERR_CONFLICT)
		fprintf(stderr,
			"souk: another souk (process %lld%s%s) runs on the data directory %s\n",
			(long long)holder.pid, holder.address ? ", " : "",
			holder.address ? holder.address : "", directory);
	else if (err)
		fprintf(stderr, "souk: the data directory cannot be used: %s\n", why);
	return err;
}

static enum err listen_on(struct arena *arena, size_t connections, struct server **ret_server)
{
	const struct server_options options = {
		.listen = config_text("listen"),
		.body_limit_bytes = (size_t)config_int("body-limit-bytes"),
		.connections_max = connections,
		.request_timeout_s = config_int("request-timeout-s"),
		.bodies_max_bytes = (size_t)MAX(config_int("body-memory-bytes"),
						config_int("body-limit-bytes") + 1),
		.idle_timeout_s = config_int("connection-timeout-s"),
		.trust_proxy = config_flag("trust-proxy"),
		.handler = gateway_handle,
	};
	const char *why = NULL, *colon = strrchr(options.listen, ':');
	const char *address;
	enum err err = server_start(&options, ret_server, &why);

	if (err) {
		fprintf(stderr, "souk: cannot listen on %s: %s\n", options.listen, why);
		return err;
	}
	address = arena_printf(arena, "http://%.*s:%d", (int)(colon - options.listen),
			       options.listen, server_port(*ret_server));
	data_directory_announce(address);
	log_info("server.ready", "listening on %s", address);
	return OK;
}

static int run(struct arena *arena, sigset_t *ends)
{
	const struct gateway_options gateway = {.check_token = program_get()->check_token};
	struct server *server = NULL;
	size_t connections, needed;
	int signal_number;
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
	err = listen_on(arena, connections, &server);
	if (!err) {
		sigwait(ends, &signal_number);
		log_info("server.stopping", "running requests finish");
		server_stop(server, STOP_PATIENCE_MS);
	}
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
	sigset_t ends;
	int left, code = 2;

	if (!program_load_config(argc, argv, &left))
		goto end;
	if (left > 1) {
		fprintf(stderr, "souk: serve takes settings only, not \"%s\"\n", argv[1]);
		goto end;
	}
	options.directory = config_text("data");
	options.services = program_services(arena, &why);
	if (!options.services) {
		fprintf(stderr, "souk: %s\n", why);
		goto end;
	}
	code = 1;
	block_signals(&ends);
	if (take_directory(arena))
		goto end;
	if (platform_open(&options, gateway_routes, arena, &why)) {
		fprintf(stderr, "souk: %s\n", why);
		goto unlock;
	}
	code = run(arena, &ends);
	platform_close();
unlock:
	data_directory_unlock();
end:
	arena_free(arena);
	return code;
}
