/*
 * Settings: one table says all of each, and its order is the order of the help.
 *
 * Values are set while one thread runs, and only if they are good; afterwards they are read
 * without a lock.
 */
#include "base/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/money.h"
#include "base/near.h"
#include "base/password.h"
#include "base/text.h"

#define ENVIRONMENT_PREFIX "SOUK_"
#define NAME_SIZE 64
#define WHY_SIZE 512
#define VALUE_SHOWN 100 /* bytes of a bad value that the complaint repeats */
#define PORT_MAX 65535

enum setting_kind { SETTING_TEXT, SETTING_INT, SETTING_FLAG, SETTING_CHOICE };

struct setting {
	const char *name, *normal, *sentence; /* `normal`: the default, or NULL */
	int64_t min, max;		      /* of an int */
	const char *choices;		      /* words joined by bars */
	bool (*check)(const char *value);     /* of a text; NULL: none */
	const char *expected;		      /* what `check` asks for */
	enum setting_kind kind;
	bool secret;
	/* What was read. */
	char *given;
	int64_t number; /* of `given`, else of `normal` */
};

static bool is_address_with_port(const char *value);
static bool is_base_address(const char *value);
static bool is_origins(const char *value);
static bool is_password(const char *value);

/* clang-format off */
#define ADDRESS .check = is_address_with_port, .expected = "an address and port, as 127.0.0.1:80"
#define EMAIL .check = text_is_email, .expected = "an e-mail address"
#define PASSWORD \
	.check = is_password, .expected = "8 to 128 characters, and none that everybody tries first", .secret = true
#define BASE_ADDRESS \
	.check = is_base_address, .expected = "an http or https address without query or fragment"
#define ORIGINS \
	.check = is_origins, .expected = "* alone, or origins and commas, as https://shop.example"
#define CURRENCY .check = currency_known, .expected = "a currency of ISO 4217, as EUR"

#define TEXT(setting_name, setting_normal, setting_sentence, ...)                            \
	{.name = (setting_name), .normal = (setting_normal), .sentence = (setting_sentence), \
	 .kind = SETTING_TEXT, ##__VA_ARGS__}
#define INT(setting_name, setting_normal, least, most, setting_sentence)                     \
	{.name = (setting_name), .normal = (setting_normal), .sentence = (setting_sentence), \
	 .kind = SETTING_INT, .min = (least), .max = (most)}
#define FLAG(setting_name, setting_normal, setting_sentence)                                 \
	{.name = (setting_name), .normal = (setting_normal), .sentence = (setting_sentence), \
	 .kind = SETTING_FLAG, .choices = "on|off"}
#define CHOICE(setting_name, setting_normal, setting_choices, setting_sentence)              \
	{.name = (setting_name), .normal = (setting_normal), .sentence = (setting_sentence), \
	 .kind = SETTING_CHOICE, .choices = (setting_choices)}
/* clang-format on */

static struct setting settings[] = {
	TEXT("listen", "127.0.0.1:8080", "The address and port that are listened on.", ADDRESS),
	TEXT("data", "./data", "The directory that holds all data."),
	TEXT("services", "all", "The services that run in this process: all, or names and commas."),
	INT("workers", "0", 0, 64, "Threads that answer requests; 0: one per core."),
	TEXT("admin-email", NULL, "The first administrator, made at the first start.", EMAIL),
	TEXT("admin-password", NULL, "The first administrator's password.", PASSWORD),
	TEXT("public-url", NULL,
	     "The address that clients ask, where it is not the one listened on: the tokens' issuer.",
	     BASE_ADDRESS),
	TEXT("currency", "EUR", "The currency of imports and sales reports that name none.",
	     CURRENCY),
	TEXT("metrics-listen", NULL,
	     "An address and port for /metrics alone, which is then not on the other one.",
	     ADDRESS),
	CHOICE("log-level", "info", "debug|info|warning|error", "The least that is logged."),
	TEXT("log", NULL, "The file that the shop's log goes to; standard error if left out."),
	INT("log-queue-bytes", "1048576", 16384, 1 << 30,
	    "Lines of the log that may wait to be written; further ones are dropped and counted."),
	FLAG("log-access", "on", "Whether every request is logged."),
	FLAG("vendor-approval", "on",
	     "Whether vendors that register may sell only once an admin has set them active."),
	FLAG("rate-limits", "on", "Whether a caller's requests are limited."),
	TEXT("cors-origins", "", "Origins whose pages may call: names and commas, *, or none.",
	     ORIGINS),
	FLAG("trust-proxy", "off", "Whether the direct peer's X-Forwarded-For is believed."),
	INT("body-limit-bytes", "1048576", 1024, 1 << 30, "The largest body of a request."),
	INT("connections", "10000", 1, 1000000,
	    "Connections at once, of all workers; fewer where fewer files may be open."),
	INT("connections-per-address", "0", 0, 1000000,
	    "Of these one address's (of IPv6, one /64's); 0: a quarter."),
	INT("request-timeout-s", "60", 1, 3600,
	    "How long a request may take to arrive, and its answer to be taken."),
	INT("body-memory-bytes", "67108864", 1048576, INT64_C(1) << 40,
	    "Bodies of requests that are held at once."),
	INT("body-memory-per-address-bytes", "0", 0, INT64_C(1) << 40,
	    "Of these one address's, beyond 16 KiB of each; 0: a quarter."),
	INT("connection-timeout-s", "30", 1, 3600, "How long a connection may be silent."),
	INT("crowded-timeout-s", "2", 1, 3600, "The same where others find no place."),
	INT("fibers", "4096", 1, 65536, "Requests that run at once, per worker."),
	INT("database-queue", "4096", 1, 1000000, "Transactions that may wait, per database."),
	INT("statement-limit-ms", "10000", 1, 3600000,
	    "Time of a core that what a transaction reads, or a report, may take."),
	INT("search-limit-ms", "250", 1, 3600000, "The same of a search in the catalogue."),
	INT("password-parallel", "2", 1, 64, "Passwords that are checked at once."),
	INT("password-queue", "64", 1, 10000, "Passwords that may wait for that."),
	INT("registration-parallel", "1", 1, 64, "New passwords that are hashed at once."),
	INT("registration-queue", "64", 1, 10000, "New passwords that may wait for that."),
	INT("search-parallel", "3", 1, 64, "Searches that run at once."),
	INT("search-queue", "1024", 1, 10000, "Searches that may wait for that."),
	INT("list-parallel", "2", 1, 64, "Long lists that are read at once."),
	INT("list-queue", "1024", 1, 10000, "Long lists that may wait for that."),
	INT("report-parallel", "2", 1, 64, "Reports that are made at once."),
	INT("report-queue", "32", 1, 10000, "Reports that may wait for that."),
	INT("upload-parallel", "2", 1, 64, "Large uploads that are read at once."),
	INT("upload-queue", "32", 1, 10000, "Large uploads that may wait for that."),
	INT("access-minutes", "15", 1, 1440, "How long an access token is good."),
	INT("refresh-days", "30", 1, 365, "How long a refresh token is good."),
	INT("login-attempts", "10", 1, 1000000,
	    "Failed log-ins per account in 15 minutes; ten times as many per address."),
	INT("reservation-minutes", "15", 1, 10080, "How long stock is kept for an unpaid order."),
	INT("order-wait-ms", "5000", 0, 60000, "How long placing an order waits for its outcome."),
	INT("charge-parallel", "64", 1, 10000, "Charges that run at once."),
	INT("refund-attempts", "4", 1, 10,
	    "Times that a provider may refuse a refund before it has failed."),
	INT("refund-retry-ms", "1000", 1, 3600000,
	    "How long a refused refund waits the first time; four times as long each time."),
	INT("provider-timeout-ms", "10000", 100, 120000, "How long a provider may take to answer."),
	TEXT("mail-from", "no-reply@souk.example", "The address that e-mail comes from.", EMAIL),
	INT("notification-attempts", "6", 1, 100, "Tries to send a message before it has failed."),
	INT("event-attempts", "8", 1, 100, "Tries to handle an event before it is parked."),
	INT("outbox-days", "7", 1, 365, "How long events that were published are kept."),
	INT("idempotency-hours", "24", 1, 720, "How long an idempotency key is remembered."),
	INT("cart-days", "30", 1, 3650, "How long a cart that nobody touches is kept."),
	INT("message-days", "365", 8, 3650, "How long messages are kept, with the outbox's files."),
	INT("analytics-days", "365", 1, 3650,
	    "How long what users did is kept; sales are kept for ever."),
	INT("analytics-events", "50", 1, 1000000,
	    "Events a second that one caller may send for long; 40 times as many at once."),
	INT("analytics-bytes", "65536", 1024, 1 << 23,
	    "Bytes of these a second; 40 times as many at once. All without a token, and all with one:"
	    " 16 times as many."),
	TEXT("review-blocked-words", "casino,escort,free money,payday loan,viagra",
	     "Words and commas: a review with one of them waits for a moderator."),
	INT("review-flood", "3", 1, 1000,
	    "Reviews in an hour by a first-time reviewer, behind which they wait."),
	INT("review-account-minutes", "60", 0, 525600,
	    "How old an account must be for its reviews not to wait for a moderator."),
};

static char why[WHY_SIZE];
static const char *const *more_options;

/* --- checks --------------------------------------------------------------------------------- */

static bool is_address_with_port(const char *value)
{
	const char *colon = strrchr(value, ':');
	int64_t port;

	return colon && colon != value && text_to_int(colon + 1, &port) && port >= 0 &&
	       port <= PORT_MAX;
}

/* As RFC 8414, section 2, asks of an issuer. */
static bool is_base_address(const char *value)
{
	return text_is_web_address(value) && !strpbrk(value, "?#");
}

/* As browsers serialise it (RFC 6454, section 6.2): any other writing would match no page's. */
static bool is_origin(const char *text, size_t length)
{
	static const char of_scheme[] = "abcdefghijklmnopqrstuvwxyz0123456789+-.";
	static const char of_host[] = "abcdefghijklmnopqrstuvwxyz0123456789-._:[]";
	size_t scheme = strspn(text, of_scheme), host;

	if (scheme == 0 || !text_starts_with(text + scheme, "://"))
		return length == strlen("null") && text_starts_with(text, "null");
	host = strspn(text + scheme + strlen("://"), of_host);
	return host > 0 && scheme + strlen("://") + host == length;
}

static bool is_origins(const char *value)
{
	if (strcmp(value, "*") == 0)
		return true;
	while (*(value += strspn(value, ", "))) {
		size_t length = strcspn(value, ", ");

		if (!is_origin(value, length))
			return false;
		value += length;
	}
	return true;
}

static bool is_password(const char *value)
{
	size_t length = text_length(value);

	return text_is_utf8(value, strlen(value)) && length >= PASSWORD_LENGTH_MIN &&
	       length <= PASSWORD_LENGTH_MAX && !password_is_well_known(value);
}

static bool is_choice(const char *choices, const char *value)
{
	size_t length = strlen(value);

	while (*choices) {
		size_t choice_length = strcspn(choices, "|");

		if (choice_length == length && !memcmp(choices, value, length))
			return true;
		choices += choice_length;
		choices += *choices == '|';
	}
	return false;
}

/* Whether the value is good; *ret_number is its number, if it is one. */
static bool is_good(const struct setting *setting, const char *value, int64_t *ret_number)
{
	switch (setting->kind) {
	case SETTING_TEXT:
		return text_is_utf8(value, strlen(value)) && !text_has_control(value) &&
		       (!setting->check || setting->check(value));
	case SETTING_INT:
		return text_to_int(value, ret_number) && *ret_number >= setting->min &&
		       *ret_number <= setting->max;
	case SETTING_FLAG:
	case SETTING_CHOICE:
		*ret_number = !strcmp(value, "on");
		return is_choice(setting->choices, value);
	}
	assert(!"a kind that is not known");
	return false;
}

/* What a good value is, in words. */
static void expected(const struct setting *setting, char *text, size_t size)
{
	if (setting->kind == SETTING_INT)
		snprintf(text, size, "a number from %lld to %lld", (long long)setting->min,
			 (long long)setting->max);
	else if (setting->choices)
		snprintf(text, size, "one of %s", setting->choices);
	else
		snprintf(text, size, "%s", setting->expected ? setting->expected : "plain text");
}

/* --- reading -------------------------------------------------------------------------------- */

static struct setting *find(const char *name, size_t length)
{
	for (size_t i = 0; i < ARRAY_LENGTH(settings); i++)
		if (!strncmp(settings[i].name, name, length) && !settings[i].name[length])
			return &settings[i];
	return NULL;
}

static void environment_name(const struct setting *setting, char name[static NAME_SIZE])
{
	size_t length = (size_t)snprintf(name, NAME_SIZE, ENVIRONMENT_PREFIX "%s", setting->name);

	assert(length < NAME_SIZE);
	for (char *c = name; *c; c++) {
		if (*c == '-')
			*c = '_';
		else if (*c >= 'a' && *c <= 'z')
			*c = (char)(*c - 'a' + 'A');
	}
}

/* `source` is what the user wrote the value at: --listen or SOUK_LISTEN. */
static enum err set(struct setting *setting, const char *source, const char *value)
{
	char wanted[WHY_SIZE / 2];
	int64_t number = 0;

	if (!is_good(setting, value, &number)) {
		expected(setting, wanted, sizeof(wanted));
		if (setting->secret)
			snprintf(why, sizeof(why), "%s must be %s.", source, wanted);
		else
			snprintf(why, sizeof(why), "%s must be %s, not \"%.*s\".", source, wanted,
				 VALUE_SHOWN, value);
		return ERR_INVALID;
	}
	free(setting->given);
	setting->given = must_copy_text(value);
	setting->number = number;
	return OK;
}

/* `what` is what it would be, `prefix` what stands before the name of the one that was meant. */
static enum err complain_of_unknown(const char *what, const char *name, size_t length,
				    const struct near *near, const char *prefix)
{
	const char *meant = near_best(near);

	snprintf(why, sizeof(why), "There is no %s%.*s. %s%s%s%s", what,
		 (int)MIN(length, (size_t)VALUE_SHOWN), name,
		 meant ? "Did you mean " : "See souk help config.", meant ? prefix : "",
		 meant ? meant : "", meant ? "?" : "");
	return ERR_INVALID;
}

/* Variables that are no settings: those of this project's scripts and its README, and what container
 * engines tell of a service by the name of souk (SOUK_PORT=tcp://..., SOUK_SERVICE_HOST). */
static bool is_of_others(const char *name, const char *value)
{
	static const char *const names[] = {"SOUK_BINARY", "SOUK_ROOTS", "SOUK_URL"};

	for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	if (text_starts_with(name, "SOUK_SERVICE_HOST") ||
	    text_starts_with(name, "SOUK_SERVICE_PORT"))
		return true;
	if (!text_starts_with(name, "SOUK_PORT"))
		return false;
	name += strlen("SOUK_PORT");
	return *name ? name[0] == '_' && name[1] >= '0' && name[1] <= '9'
		     : strstr(value, "://") != NULL;
}

static enum err refuse_unknown(const char *name, size_t length)
{
	const size_t prefix = strlen(ENVIRONMENT_PREFIX);
	char known[NAME_SIZE];
	struct near near;

	near_begin(&near, name + prefix, length - prefix);
	for (size_t i = 0; i < ARRAY_LENGTH(settings); i++) {
		environment_name(&settings[i], known);
		if (strlen(known) == length && memcmp(known, name, length) == 0)
			return OK;
		near_look(&near, known + prefix);
	}
	return complain_of_unknown("variable ", name, length, &near, ENVIRONMENT_PREFIX);
}

static enum err check_environment(void)
{
	for (char **variable = environ; *variable; variable++) {
		const char *equals = strchr(*variable, '=');
		char name[NAME_SIZE * 2];
		size_t length;
		enum err err;

		if (!equals || !text_starts_with(*variable, ENVIRONMENT_PREFIX))
			continue;
		length = (size_t)(equals - *variable);
		snprintf(name, sizeof(name), "%.*s", (int)length, *variable);
		if (is_of_others(name, equals + 1))
			continue;
		err = refuse_unknown(*variable, length);
		if (err)
			return err;
	}
	return OK;
}

static enum err read_environment(void)
{
	char name[NAME_SIZE];

	for (size_t i = 0; i < ARRAY_LENGTH(settings); i++) {
		const char *value;
		enum err err;

		environment_name(&settings[i], name);
		value = getenv(name);
		if (!value || !*value)
			continue;
		err = set(&settings[i], name, value);
		if (err)
			return err;
	}
	return OK;
}

static enum err complain_of_option(const char *name, size_t length)
{
	struct near near;

	near_begin(&near, name, length);
	for (size_t i = 0; i < ARRAY_LENGTH(settings); i++)
		near_look(&near, settings[i].name);
	for (const char *const *option = more_options; option && *option; option++)
		near_look(&near, *option);
	return complain_of_unknown("setting --", name, length, &near, "--");
}

void config_know_options(const char *const *names)
{
	more_options = names;
}

/* Reads the option argv[*i], and moves *i to its last word. */
static enum err read_option(int argc, char **argv, int *i)
{
	const char *word = argv[*i], *name = word + 2;
	size_t length = strcspn(name, "=");
	struct setting *setting = find(name, length);
	char source[NAME_SIZE];

	if (!setting)
		return complain_of_option(name, length);
	snprintf(source, sizeof(source), "--%s", setting->name);
	if (name[length] == '=')
		return set(setting, source, name + length + 1);
	if (*i + 1 >= argc) {
		snprintf(why, sizeof(why), "%s needs a value.", source);
		return ERR_INVALID;
	}
	*i += 1;
	return set(setting, source, argv[*i]);
}

enum err config_load(int argc, char **argv, int *ret_left, const char **ret_why)
{
	enum err err = check_environment();
	int left = 0, i;

	if (!err)
		err = read_environment();

	for (i = 0; !err && i < argc; i++) {
		if (!strcmp(argv[i], "--"))
			break;
		if (text_starts_with(argv[i], "--"))
			err = read_option(argc, argv, &i);
		else
			argv[left++] = argv[i];
	}
	if (err) {
		*ret_why = why;
		return err;
	}
	while (++i < argc)
		argv[left++] = argv[i];
	*ret_left = left;
	return OK;
}

enum err config_set(const char *name, const char *value)
{
	struct setting *setting = find(name, strlen(name));

	assert(setting);
	return set(setting, name, value);
}

/* --- asking --------------------------------------------------------------------------------- */

static const struct setting *must_find(const char *name)
{
	const struct setting *setting = find(name, strlen(name));

	assert(setting);
	return setting;
}

const char *config_text(const char *name)
{
	const struct setting *setting = must_find(name);

	return setting->given ? setting->given : setting->normal;
}

/* The number of what was given, or of the default. */
static int64_t number_of(const struct setting *setting)
{
	int64_t number = 0;
	bool good;

	if (setting->given)
		return setting->number;
	good = is_good(setting, setting->normal, &number);
	assert(good);
	return number;
}

int64_t config_int(const char *name)
{
	const struct setting *setting = must_find(name);

	assert(setting->kind == SETTING_INT);
	return number_of(setting);
}

bool config_flag(const char *name)
{
	const struct setting *setting = must_find(name);

	assert(setting->kind == SETTING_FLAG);
	return number_of(setting) != 0;
}

/* --- help ----------------------------------------------------------------------------------- */

static void help_of(FILE *help, const struct setting *setting)
{
	char name[NAME_SIZE], wanted[WHY_SIZE / 2];

	environment_name(setting, name);
	fprintf(help, "\n  --%-24s %s\n      %s", setting->name, name, setting->sentence);
	if (setting->kind != SETTING_TEXT || setting->expected) {
		expected(setting, wanted, sizeof(wanted));
		fprintf(help, "\n      It is %s", wanted);
		if (setting->normal)
			fprintf(help, "; default %s", setting->normal);
		fputc('.', help);
	} else if (setting->normal) {
		fprintf(help, "\n      Default %s.", *setting->normal ? setting->normal : "empty");
	}
	if (setting->given)
		fprintf(help, "\n      Given: %s.", setting->secret ? "yes" : setting->given);
	fputc('\n', help);
}

char *config_help(void)
{
	char *text = NULL;
	size_t size;
	FILE *help = open_memstream(&text, &size);
	int failed;

	assert(help);
	fputs("Settings, on the command line (--name value, --name=value) or in the environment;\n"
	      "the command line wins.\n",
	      help);
	for (size_t i = 0; i < ARRAY_LENGTH(settings); i++)
		help_of(help, &settings[i]);
	failed = fclose(help);
	assert(!failed);
	return text;
}
