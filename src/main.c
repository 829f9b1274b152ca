/* The command line, and the one place that knows all services. */
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/config.h"
#include "cli/commands.h"
#include "cli/program.h"
#include "services/auth/auth.h"

extern const struct service user_service, auth_service, product_service, order_service,
	payment_service, inventory_service, review_service, notification_service, analytics_service;

static const struct service *const services[] = {
	&user_service,	    &auth_service,
	&product_service,   &order_service,
	&payment_service,   &inventory_service,
	&review_service,    &notification_service,
	&analytics_service, NULL,
};

static const struct program program = {
	.services = services,
	.check_token = auth_check_token,
	.listening = auth_listening,
};

static bool asks_for_help(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return true;
	return argc < 2;
}

/* Some twenty threads, of which two run at a time: a heap for each would keep what that one needed
 * most, each at another moment. Large pieces go back to the system as soon as they are free. */
static void keep_memory_small(void)
{
	mallopt(M_ARENA_MAX, 2);
	mallopt(M_MMAP_THRESHOLD, 128 * 1024);
	mallopt(M_TRIM_THRESHOLD, 256 * 1024);
}

/* The first file that is opened gets the lowest free number: where a standard stream was closed, what
 * is said on it would be written into a database. */
static bool hold_standard_streams(void)
{
	for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; stream++)
		if (fcntl(stream, F_GETFD) < 0 && open("/dev/null", O_RDWR) != stream)
			return false;
	return true;
}

int main(int argc, char **argv)
{
	const struct command *command = NULL;
	const char *name = argc > 1 ? argv[1] : "--help";
	bool helped = asks_for_help(argc, argv);

	if (!hold_standard_streams())
		return 1;
	/* Whatever is written is for its owner alone. */
	umask(S_IRWXG | S_IRWXO);
	keep_memory_small();
	program_set(&program);
	if (strcmp(name, "--version") == 0)
		name = "version";
	if (strcmp(name, "--help") != 0 && strcmp(name, "-h") != 0) {
		command = command_find(name);
		if (!command) {
			command_complain(name);
			return 2;
		}
	}
	if (helped || !command) {
		command_help(command);
		return 0;
	}
	config_know_options(command->options);
	return command->run(argc - 1, argv + 1);
}
