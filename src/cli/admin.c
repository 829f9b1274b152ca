/*
 * souk admin add, souk admin list: administrators, while a server runs on the data or not. A password
 * is never taken from the arguments, which everybody on the machine can read.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/config.h"
#include "base/text.h"
#include "cli/program.h"
#include "cli/shop_client.h"

#define BYTE_ORDER_MARK "\ufeff"
#define PASSWORD_LINE_SIZE 1024
#define ADMINS_AT_ONCE "100"

static int say_usage(void)
{
	fputs("souk: what can be done with administrators is: souk admin add EMAIL, souk admin list;"
	      " see souk help admin\n",
	      stderr);
	return 2;
}

/* --- the password ----------------------------------------------------------------------------- */

/* The next line of the file without its end. False where there is none, it is too long, or a NUL
 * would end it before its end. */
static bool read_line(FILE *file, char line[static PASSWORD_LINE_SIZE])
{
	size_t length = 0;
	int c = getc(file);

	if (c == EOF)
		return false;
	for (; c != EOF && c != '\n'; c = getc(file)) {
		if (c == '\0' || length == PASSWORD_LINE_SIZE - 1)
			return false;
		line[length++] = (char)c;
	}
	line[length] = '\0';
	line[strcspn(line, "\r")] = '\0';
	return true;
}

static bool ask_once(const char *question, char line[static PASSWORD_LINE_SIZE])
{
	struct termios before, silent;
	bool read;

	if (tcgetattr(STDIN_FILENO, &before))
		return false;
	silent = before;
	silent.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
	fputs(question, stderr);
	read = read_line(stdin, line);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
	fputc('\n', stderr);
	return read;
}

/* From the terminal, typed twice. */
static const char *ask(struct arena *arena, const char **ret_why)
{
	char first[PASSWORD_LINE_SIZE], again[PASSWORD_LINE_SIZE];
	const char *password = NULL;

	if (!ask_once("Password: ", first) || !ask_once("Again: ", again))
		*ret_why = "no password was given";
	else if (strcmp(first, again) != 0)
		*ret_why = "the passwords differ";
	else
		password = arena_copy_text(arena, first);
	explicit_bzero(first, sizeof(first));
	explicit_bzero(again, sizeof(again));
	return password;
}

/* NULL, with the reason, where there is none. */
static const char *read_password(struct arena *arena, const char *path, const char **ret_why)
{
	char line[PASSWORD_LINE_SIZE];
	const char *password = NULL;
	FILE *file = path ? fopen(path, "re") : stdin;

	if (!path && isatty(STDIN_FILENO))
		return ask(arena, ret_why);
	if (!file) {
		*ret_why = arena_printf(arena, "%s: %s", path, strerror(errno));
		return NULL;
	}
	/* Some editors begin a file with the mark of UTF-8, which nobody types at a log-in. */
	if (read_line(file, line))
		password = arena_copy_text(arena, text_starts_with(line, BYTE_ORDER_MARK)
							  ? line + strlen(BYTE_ORDER_MARK)
							  : line);
	else
		*ret_why = arena_printf(arena, "%s holds no password in its first line",
					path ? path : "the input");
	explicit_bzero(line, sizeof(line));
	if (path)
		fclose(file);
	return password;
}

/* --- adding ----------------------------------------------------------------------------------- */

static enum err appoint(struct arena *arena, const char *email, const char *password,
			struct call_answer *ret_answer)
{
	struct out body = out_new(arena);
	struct call call = {
		.service = "user", .method = HTTP_POST, .path = "/users/admins", .body = &body};

	out_open(&body, NULL);
	out_text(&body, "email", email);
	out_text(&body, "password", password);
	out_close(&body);
	return shop_client_call(arena, &call, ret_answer);
}

/* Whether the password is all that was missing. */
static bool asks_for_password(const struct call_answer *answer)
{
	const json_t *faults = json_object_get(answer->json, "errors");
	const char *pointer = json_get_text(json_array_get(faults, 0), "pointer");

	return answer->err == ERR_INVALID && json_array_size(faults) == 1 && pointer &&
	       strcmp(pointer, "/password") == 0;
}

static int complain(const struct call_answer *answer)
{
	const char *detail = json_get_text(answer->json, "detail");
	const json_t *fault;
	size_t i;

	json_array_foreach (json_object_get(answer->json, "errors"), i, fault)
		fprintf(stderr, "souk: %s %s\n", json_get_text(fault, "pointer") + 1,
			json_get_text(fault, "detail"));
	if (i == 0)
		fprintf(stderr, "souk: %s\n", detail ? detail : err_info(answer->err)->title);
	return 1;
}

static int add(struct arena *arena, const char *email, const char *path)
{
	const char *why = NULL, *password, *outcome;
	struct call_answer answer;
	enum err err;

	err = appoint(arena, email, NULL, &answer);
	if (!err && asks_for_password(&answer)) {
		password = read_password(arena, path, &why);
		if (!password) {
			fprintf(stderr, "souk: %s\n", why);
			return 1;
		}
		err = appoint(arena, email, password, &answer);
	}
	if (err) {
		fprintf(stderr, "souk: %s\n", err_info(err)->title);
		return 1;
	}
	if (answer.err)
		return complain(&answer);
	outcome = json_get_text(answer.json, "outcome");
	if (strcmp(outcome, "made") == 0)
		printf("%s is an administrator; the account was made.\n", email);
	else if (strcmp(outcome, "promoted") == 0)
		printf("%s is an administrator now, with the password that the account has.\n",
		       email);
	else
		printf("%s is an administrator already; nothing was changed.\n", email);
	return 0;
}

/* --- listing ---------------------------------------------------------------------------------- */

static int list(struct arena *arena)
{
	const char *cursor = NULL;
	struct call_answer answer;
	const json_t *user;
	size_t i;

	do {
		struct call call = {
			.service = "user",
			.method = HTTP_GET,
			.path = arena_printf(arena, "/users/admins?limit=" ADMINS_AT_ONCE "%s%s",
					     cursor ? "&cursor=" : "", cursor ? cursor : ""),
		};
		enum err err = shop_client_call(arena, &call, &answer);

		if (err || answer.err) {
			fprintf(stderr, "souk: %s\n", err_info(err ? err : answer.err)->title);
			return 1;
		}
		json_array_foreach (json_object_get(answer.json, "items"), i, user)
			printf("%s %s\n", json_get_text(user, "email"),
			       json_get_text(user, "status"));
		cursor = json_get_text(answer.json, "nextCursor");
	} while (cursor);
	return 0;
}

/* --- the command ------------------------------------------------------------------------------ */

int cli_admin(int argc, char **argv)
{
	const char *path = NULL, *why = NULL;
	struct arena *arena;
	int left, code = 1;
	bool adds;

	if (!program_take_option(&argc, argv, "--password-file", &path))
		return 2;
	if (!program_load_config(argc, argv, &left))
		return 2;
	adds = left == 3 && strcmp(argv[1], "add") == 0;
	if (!adds && !(left == 2 && strcmp(argv[1], "list") == 0 && !path))
		return say_usage();
	arena = arena_new();
	if (shop_client_open("admin", arena, &why)) {
		fprintf(stderr, "souk: %s\n", why ? why : "the shop cannot be opened");
	} else {
		code = adds ? add(arena, argv[2], path) : list(arena);
		shop_client_close();
	}
	arena_free(arena);
	return code;
}
