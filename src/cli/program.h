/*
 * The command line: what `souk` can be asked for. Each command takes its arguments, its own name in
 * argv[0], and answers the process's exit code: 0 done, 1 failed, 2 asked wrongly.
 */
#ifndef CLI_PROGRAM_H
#define CLI_PROGRAM_H

#include "platform/service.h"

/* What main.c alone knows: the services, who checks tokens, and who names what they come from. */
struct program {
	const struct service *const *services; /* ends with NULL */
	enum err (*check_token)(struct arena *arena, const char *token, struct caller *ret_caller);
	const char *(*listening)(const char *address); /* answers the tokens' issuer */
};

void program_set(const struct program *program);
const struct program *program_get(void);

/* Those of the services that `services` names ("all", or names with commas), in the arena. NULL,
 * with a sentence in *ret_why, where a name is unknown. */
const struct service *const *program_services(struct arena *arena, const char **ret_why);

/* Takes `--name VALUE` or `--name=VALUE`, which is no setting, out of the arguments. False, with a
 * complaint on standard error, where its value is missing; *ret_value stays where it is not there. */
bool program_take_option(int *argc, char **argv, const char *option, const char **ret_value);

/* False, with a complaint on standard error, where there are arguments behind the command's name. */
bool program_takes_nothing(int argc, char **argv);

extern const char cli_import_details[]; /* see struct command */

int cli_serve(int argc, char **argv);
int cli_import(int argc, char **argv);
int cli_admin(int argc, char **argv);
int cli_audit(int argc, char **argv);
int cli_backup(int argc, char **argv);
int cli_restore(int argc, char **argv);
int cli_keys(int argc, char **argv);
int cli_routes(int argc, char **argv);
int cli_events(int argc, char **argv);
int cli_help(int argc, char **argv);
int cli_version(int argc, char **argv);

/* Reads the settings from the environment and these arguments. False, with the reason on standard
 * error, where one is wrong; *ret_left arguments that are no settings stay in argv,
 * the command's name among them. */
bool program_load_config(int argc, char **argv, int *ret_left);

#endif
