/* The table of commands, and the help that is written from it. */
#include "cli/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/config.h"
#include "base/near.h"
#include "cli/program.h"

static const char *const import_options[] = {"report", NULL};
static const char *const audit_options[] = {"json", "timings", NULL};
static const char *const backup_options[] = {"to", NULL};
static const char *const admin_options[] = {"password-file", NULL};

static const struct command commands[] = {
	{.name = "serve",
	 .arguments = "[settings]",
	 .sentence = "runs the shop",
	 .details =
		 "Listens on --listen, keeps its data in --data, and runs until SIGTERM or SIGINT;\n"
		 "running requests finish. A second server on the same data is refused.\n"
		 "\n"
		 "  souk serve --listen 127.0.0.1:8080 --data ./shop\n"
		 "  souk serve --services order,payment\n",
	 .run = cli_serve},
	{.name = "import",
	 .arguments = "products FILE [settings]",
	 .sentence = "takes over a Shopify product export (CSV)",
	 .details = cli_import_details,
	 .options = import_options,
	 .run = cli_import},
	{.name = "admin",
	 .arguments = "add EMAIL [settings]",
	 .sentence = "makes an administrator, or makes one of an account",
	 .details =
		 "An account that has this address becomes an active administrator, and keeps its\n"
		 "password. Where there is none it is made, and its password asked for: on the\n"
		 "terminal, else the first line of the standard input, or with\n"
		 "\n"
		 "  --password-file FILE    the first line of a file\n"
		 "\n"
		 "souk admin list tells who the administrators are. Both work whether or not the\n"
		 "shop of --data is open.\n",
	 .options = admin_options,
	 .run = cli_admin},
	{.name = "audit",
	 .arguments = "[settings]",
	 .sentence = "checks the stored data; exit code 1 where it is wrong",
	 .details = "Works whether or not the shop of --data is open, and changes nothing.\n"
		    "\n"
		    "  --json       what was found as JSON\n"
		    "  --timings    how long each rule took\n",
	 .options = audit_options,
	 .run = cli_audit},
	{.name = "backup",
	 .arguments = "--to FILE [settings]",
	 .sentence = "one consistent copy of everything, while the shop is open or not",
	 .details =
		 "Writes all databases of --data as they are at one moment, keys and messages into\n"
		 "FILE, a tar for its owner alone. The shop goes on meanwhile; its commits wait for\n"
		 "milliseconds. FILE appears once it is whole; it must not be there before. Beside it\n"
		 "there has to be room for the largest database once more (FILE.copy, FILE.part).\n"
		 "\n"
		 "  souk backup --data ./data --to shop.tar\n",
	 .options = backup_options,
	 .run = cli_backup},
	{.name = "restore",
	 .arguments = "FILE [settings]",
	 .sentence = "brings a backup back, into a new data directory",
	 .details =
		 "FILE is what souk backup has written. --data must not be there yet, or be empty;\n"
		 "it appears once all of FILE was read, found whole and sound, and is on the disk.\n"
		 "\n"
		 "  souk restore shop.tar --data ./data\n",
	 .run = cli_restore},
	{.name = "keys",
	 .arguments = "rotate|replace-secret [settings]",
	 .sentence = "makes a new signing key, or a new souk.key",
	 .details =
		 "rotate: another signing key, whether or not the shop of --data is open; nobody is\n"
		 "logged out. The new key signs some seconds later; the ones before verify for as\n"
		 "long as tokens that they signed live.\n"
		 "\n"
		 "replace-secret: makes souk.key anew, where it is lost for good.\n",
	 .run = cli_keys},
	{.name = "events",
	 .arguments = "[--data DIR]",
	 .sentence = "the types of events; with DIR those that were told",
	 .details = "",
	 .run = cli_events},
	{.name = "routes",
	 .arguments = "",
	 .sentence = "the routes: method, path, who may call, flags",
	 .details = "",
	 .run = cli_routes},
	{.name = "version",
	 .arguments = "",
	 .sentence = "the version",
	 .details = "",
	 .run = cli_version},
	{.name = "help",
	 .arguments = "[COMMAND|config]",
	 .sentence = "a command's help, or the settings",
	 .details = "souk help config lists all settings, by command line and environment.\n",
	 .run = cli_help},
};

#define OVERVIEW_WIDTH 47

const struct command *command_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LENGTH(commands); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static void print_overview(void)
{
	puts("souk: a shop in one program\n");
	for (size_t i = 0; i < ARRAY_LENGTH(commands); i++) {
		int width = printf("  souk %s%s%s", commands[i].name,
				   *commands[i].arguments ? " " : "", commands[i].arguments);

		printf("%*s %s\n", MAX(OVERVIEW_WIDTH - width, 0), "", commands[i].sentence);
	}
	puts("\nSettings are given on the command line (--listen) or in the environment (SOUK_LISTEN);\n"
	     "souk help config lists them. souk COMMAND --help says more of a command.");
}

void command_help(const struct command *command)
{
	if (!command) {
		print_overview();
		return;
	}
	printf("usage: souk %s%s%s\n\n%c%s.\n", command->name, *command->arguments ? " " : "",
	       command->arguments, command->sentence[0] - 'a' + 'A', command->sentence + 1);
	if (*command->details)
		printf("\n%s", command->details);
	if (strstr(command->arguments, "settings"))
		puts("\nThe settings are listed by souk help config.");
}

void command_complain(const char *name)
{
	struct near near;
	const char *meant;

	near_begin(&near, name, strlen(name));
	for (size_t i = 0; i < ARRAY_LENGTH(commands); i++)
		near_look(&near, commands[i].name);
	meant = near_best(&near);
	fprintf(stderr, "souk: there is no command \"%s\"; %s%s%s\n", name,
		meant ? "did you mean souk " : "see souk help", meant ? meant : "",
		meant ? "?" : "");
}

/* --- souk help -------------------------------------------------------------------------------- */

int cli_help(int argc, char **argv)
{
	const struct command *command = NULL;
	char *text;

	if (argc > 1 && strcmp(argv[1], "config") == 0) {
		text = config_help();
		fputs(text, stdout);
		free(text);
		return 0;
	}
	if (argc > 1) {
		command = command_find(argv[1]);
		if (!command) {
			command_complain(argv[1]);
			return 2;
		}
	}
	command_help(command);
	return 0;
}
