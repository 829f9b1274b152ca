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

#include "base/arena.h"
#include "base/log.h"
#include "base/money.h"
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
static bool is_password(const char *value);

/* clang-format off */
#define ADDRESS .check = is_address_with_port, .expected = "an address and port, as 127.0.0.1:80"
#define EMAIL .check = text_is_email, .expected = "an e-mail address"
#define PASSWORD .check = is_password, .expected = "8 to 128 characters", .secret = true
#define WEB_ADDRESS .check = text_is_web_address, .expected = "an http or https address"
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
	TEXT("issuer", "http://127.0.0.1:8080", "Where tokens say that they come from.",
	     WEB_ADDRESS),
	TEXT("currency", "EUR", "The currency of imports and sales reports that name none.",
	     CURRENCY),
	CHOICE("log-level", "info", "debug|info|warning|error", "The least that is logged."),
	FLAG("log-access", "on", "Whether every request is logged."),
	FLAG("rate-limits", "on", "Whether a caller's requests are limited."),
	TEXT("cors-origins", "", "Origins whose pages may call: names and commas, *, or none."),
	FLAG("trust-proxy", "off", "Whether the direct peer's X-Forwarded-For is believed."),
	INT("body-limit-bytes", "1048576", 1024, 1 << 30, "The largest body of a request."),
	INT("connections", "10000", 1, 1000000, "Connections at once, of all workers."),
	INT("connection-timeout-s", "30", 1, 3600, "How long a connection may be silent."),
	INT("fibers", "4096", 1, 65536, "Requests that run at once, per worker."),
	INT("database-queue", "4096", 1, 1000000, "Transactions that may wait, per database."),
	INT("password-parallel", "2", 1, 64, "Passwords that are hashed at once."),
	INT("password-queue", "64", 1, 10000, "Passwords that may wait for that."),
	INT("access-minutes", "15", 1, 1440, "How long an access token is good."),
	INT("refresh-days", "30", 1, 365, "How long a refresh token is good."),
	INT("login-attempts", "10", 1, 1000000,
	    "Failed log-ins per account in 15 minutes; ten times as many per address."),
	INT("reservation-minutes", "15", 1, 10080, "How long stock is kept for an unpaid order."),
	INT("order-wait-ms", "5000", 0, 60000, "How long placing an order waits for its outcome."),
	INT("charge-parallel", "64", 1, 10000, "Charges that run at once."),
	INT("provider-timeout-ms", "10000", 100, 120000, "How long a provider may take to answer."),
	TEXT("mail-from", "no-reply@souk.example", "The address that e-mail comes from.", EMAIL),
	INT("notification-attempts", "6", 1, 100, "Tries to send a message before it has failed."),
	INT("event-attempts", "8", 1, 100, "Tries to handle an event before it is parked."),
	INT("outbox-days", "7", 1, 365, "How long events that were published are kept."),
	INT("idempotency-hours", "24", 1, 720, "How long an idempotency key is remembered."),
	TEXT("review-blocked-words", "casino,escort,free money,payday loan,viagra",
	     "Words and commas: a review with one of them waits for a moderator."),
	INT("review-flood", "3", 1, 1000,
	    "Reviews in an hour by a first-time reviewer, behind which they wait."),
