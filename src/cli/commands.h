/*
 * The commands that there are, each with what its help says: `souk help` and `souk help COMMAND` are
 * written from this table alone.
 */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

struct command {
	const char *name;
	const char *arguments, *sentence; /* of the overview */
	const char *details;		  /* lines behind them in the command's own help; or "" */
	const char *const *options;	  /* beside the settings, which end with NULL; or NULL */
	int (*run)(int argc, char **argv);
};

/* NULL where there is none of this name. */
const struct command *command_find(const char *name);

/* The help of one command, on standard output; of NULL the overview. */
void command_help(const struct command *command);

/* Says on standard error that there is no such command, and which was perhaps meant. */
void command_complain(const char *name);

#endif
