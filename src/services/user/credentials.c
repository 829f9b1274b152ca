/*
 * Passwords at work.
 *
 * Invariants:
 *  1. An unknown address costs what a known one does: the same queue, the same hash.
 *  2. The count of failures is looked at by the thread that hashes, just before it does, so that a
 *     flood of parallel tries passes the bound by no more than there are such threads.
 */
#include "services/user/credentials.h"

#include <inttypes.h>
#include <string.h>

#include "base/config.h"
#include "base/env.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/time.h"
#include "services/user/attempts.h"
#include "services/user/devices.h"
#include "services/user/rules.h"
#include "services/user/store.h"

static struct metric *hashes;

void credentials_start(void)
{
	hashes = metric_counter("souk_password_hashes_total",
				"Passwords hashed, to be kept or compared.", "");
	attempts_start(config_flag("rate-limits") ? config_int("login-attempts") : 0);
}

/* --- hashing ---------------------------------------------------------------------------------- */

struct hashing {
	const char *password;
	char hash[PASSWORD_HASH_SIZE];
	bool done;
};

static void hash(void *arg)
{
	struct hashing *hashing = arg;

	hashing->done = password_hash(hashing->password, hashing->hash);
}

enum err credentials_hash(const struct request *req, enum work_kind kind, const char *password,
			  const char **ret_hash)
{
	struct hashing hashing = {.password = password};
	enum err err = request_work(req, kind, hash, &hashing);

	if (err)
		return err;
	metric_add(hashes, 1);
	if (!hashing.done)
		return ERR_OVERLOADED; /* there was no memory for it */
	*ret_hash = arena_copy_text(req->arena, hashing.hash);
	return OK;
}

/* --- checking --------------------------------------------------------------------------------- */

struct matching {
	const struct attempt *attempt;
	const char *hash, *password;
	bool exists;
	enum err err;
	int64_t wait_s;
};

/* On a thread of the pool: the count is looked at just before, and behind it there is no parking. */
static void match(void *arg)
{
	struct matching *matching = arg;

	matching->err = attempts_check(matching->attempt, &matching->wait_s);
	if (matching->err)
		return;
	metric_add(hashes, 1);
	if (password_matches(matching->hash, matching->password) && matching->exists) {
		attempts_succeeded(matching->attempt);
	} else {
		attempts_failed(matching->attempt);
		matching->err = ERR_INVALID_CREDENTIALS;
	}
}

/* `hash` NULL: there is no such account, or none that can log in. */
static enum err check(struct request *req, struct reply *reply, const struct attempt *attempt,
		      const char *hash, const char *password)
{
	struct matching matching = {
		.attempt = attempt,
		.hash = hash ? hash : password_dummy_hash(),
		.password = password,
		.exists = hash,
	};
	enum err err;

	/* Those who have failed too often do not fill the queue for the others either. */
	err = attempts_check(attempt, &matching.wait_s);
	if (!err)
		err = request_work(req, WORK_PASSWORD, match, &matching);
	if (!err)
		err = matching.err;
	if (err != ERR_RATE_LIMITED)
		return err;
	reply_header(reply, "Retry-After", "%" PRId64, matching.wait_s);
	return refuse(req, err, "Too many failed attempts; try again in %" PRId64 " seconds.",
		      matching.wait_s);
}

/* --- places ----------------------------------------------------------------------------------- */

/* Not to be known from what is stored, nor the same for two accounts. */
static struct place place_of(const struct id *user, const char *network)
{
	struct hash parts[2] = {hash_of(user->bytes, sizeof(user->bytes)), hash_of_text(network)};
	struct hash hash = service_fingerprint(&user_service, "place", parts, sizeof(parts));
	struct place place;

	memcpy(place.bytes, hash.bytes, sizeof(place.bytes));
	return place;
}

enum err credentials_note_place(struct sql *sql, const struct id *user, const char *network)
{
	struct place place = place_of(user, network);

	return users_note_place(sql, user, &place);
}

struct lookup {
	const struct credentials *credentials;
	struct arena *arena;
	struct user user;
	int64_t seen_ms; /* when the account logged in from there; 0: never */
};

static enum err look_up(struct sql *sql, void *arg)
{
	struct lookup *lookup = arg;
	const struct credentials *credentials = lookup->credentials;
	struct place place;
	enum err err;

	err = users_find_by_email(sql, credentials->email, lookup->arena, &lookup->user);
	if (err || !credentials->network)
		return err;
	place = place_of(&lookup->user.id, credentials->network);
	err = users_find_place(sql, &lookup->user.id, &place, &lookup->seen_ms);
	return err == ERR_NOT_FOUND ? OK : err;
}

static enum err note_place(struct sql *sql, void *arg)
{
	const struct lookup *lookup = arg;

	return credentials_note_place(sql, &lookup->user.id, lookup->credentials->network);
}

/* Once a day is often enough. Nobody is kept out because it could not be noted. */
static void keep_place(struct lookup *lookup)
{
	enum err err;

	if (!lookup->credentials->network || lookup->seen_ms > env_now_ms() - DAY_MS)
		return;
	err = sql_transaction(service_database(&user_service), note_place, lookup);
	if (err)
		log_warning("user.place", "where a user logged in from is not noted: %s",
			    err_info(err)->slug);
}

enum err credentials_check(struct request *req, struct reply *reply,
			   const struct credentials *credentials, struct user *ret_user,
			   const char **ret_device_token)
{
	struct lookup lookup = {.credentials = credentials, .arena = req->arena};
	struct attempt attempt = {
		.account = user_email_key(req->arena, credentials->email),
		.place = credentials->network,
	};
	enum err err;

	err = request_read(req, look_up, &lookup);
	if (err && err != ERR_NOT_FOUND)
		return err;
	attempt.place_is_known = lookup.seen_ms > 0;
	attempt.device = device_of_token(req->arena, &lookup.user, credentials->device_token);
	err = check(req, reply, &attempt, lookup.user.password_hash, credentials->password);
	if (err)
		return err;
	if (lookup.user.suspended)
		return refuse(req, ERR_FORBIDDEN, "The account is suspended.");
	keep_place(&lookup);
	*ret_user = lookup.user;
	*ret_device_token = attempt.device ? credentials->device_token
					   : device_token_new(req->arena, &lookup.user);
	return OK;
}

enum err credentials_confirm(struct request *req, struct reply *reply, const struct user *user,
			     const char *password)
{
	const struct attempt attempt = {
		.purpose = ATTEMPT_CHANGE,
		.account = user_email_key(req->arena, user->email),
		.place = req->client_network,
	};
	enum err err = check(req, reply, &attempt, user->password_hash, password);

	/* Who asks is known by the token: it is the field that is wrong. */
	if (err == ERR_INVALID_CREDENTIALS) {
		fault_add(&req->faults, "/currentPassword", "is not the password");
		return faults_err(&req->faults);
	}
	return err;
}
