/*
 * Passwords at work.
 *
 * Invariants:
 *  1. An unknown address costs what a known one does: the same queue, the same hash.
 *  2. The count of failures is looked at where a place among the few that hash at once is taken, so
 *     that a flood of parallel tries passes the bound by no more than these few.
 */
#include "services/user/credentials.h"

#include <inttypes.h>

#include "base/config.h"
#include "base/metrics.h"
#include "base/time.h"
#include "runtime/fiber.h"
#include "runtime/limiter.h"
#include "services/user/attempts.h"
#include "services/user/rules.h"
#include "services/user/store.h"

#define QUEUE_TIMEOUT_MS (10 * SECOND_MS)

static struct limiter *limiter;
static struct metric *hashes;

void credentials_start(void)
{
	limiter_free(limiter);
	limiter = limiter_new("password", (size_t)config_int("password-parallel"),
			      (size_t)config_int("password-queue"));
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

enum err credentials_hash(struct arena *arena, const char *password, const char **ret_hash)
{
	struct hashing hashing = {.password = password};
	enum err err = limiter_enter(limiter, QUEUE_TIMEOUT_MS);

	if (err)
		return err;
	metric_add(hashes, 1);
	offload(hash, &hashing);
	limiter_leave(limiter);
	if (!hashing.done)
		return ERR_OVERLOADED; /* there was no memory for it */
	*ret_hash = arena_copy_text(arena, hashing.hash);
	return OK;
}

/* --- checking --------------------------------------------------------------------------------- */

struct matching {
	const char *hash, *password;
	bool matches;
};

static void match(void *arg)
{
	struct matching *matching = arg;

	matching->matches = password_matches(matching->hash, matching->password);
}

static enum err refuse_early(struct request *req, struct reply *reply, const char *account,
			     const char *address)
{
	int64_t wait_s;
	enum err err = attempts_check(account, address, &wait_s);

	if (!err)
		return OK;
	reply_header(reply, "Retry-After", "%" PRId64, wait_s);
	return refuse(req, err, "Too many failed attempts; try again in %" PRId64 " seconds.",
		      wait_s);
}

/* `hash` NULL: there is no such account, or none that can log in. */
static enum err check(struct request *req, struct reply *reply, const char *hash,
		      const struct credentials *credentials)
{
	struct matching matching = {.hash = hash ? hash : password_dummy_hash(),
				    .password = credentials->password};
	const char *account = user_email_key(req->arena, credentials->email);
	enum err err;

	/* Those who have failed too often do not fill the queue for the others either. */
	err = refuse_early(req, reply, account, credentials->address);
	if (err)
		return err;
	err = limiter_enter(limiter, QUEUE_TIMEOUT_MS);
	if (err)
		return err;
	err = refuse_early(req, reply, account, credentials->address);
	if (!err) {
		metric_add(hashes, 1);
		offload(match, &matching);
		if (matching.matches && hash) {
			attempts_succeeded(account);
		} else {
			attempts_failed(account, credentials->address);
			err = ERR_INVALID_CREDENTIALS;
		}
	}
	limiter_leave(limiter);
	return err;
}

struct lookup {
	const char *email;
	struct arena *arena;
	struct user user;
};

static enum err look_up(struct sql *sql, void *arg)
{
	struct lookup *lookup = arg;

	return users_find_by_email(sql, lookup->email, lookup->arena, &lookup->user);
}

enum err credentials_check(struct request *req, struct reply *reply,
			   const struct credentials *credentials, struct user *ret_user)
{
	struct lookup lookup = {.email = credentials->email, .arena = req->arena};
	enum err err;

	err = request_read(req, look_up, &lookup);
	if (err && err != ERR_NOT_FOUND)
		return err;
	err = check(req, reply, lookup.user.password_hash, credentials);
	if (err)
		return err;
	if (lookup.user.suspended)
		return refuse(req, ERR_FORBIDDEN, "The account is suspended.");
	*ret_user = lookup.user;
	return OK;
}

enum err credentials_confirm(struct request *req, struct reply *reply, const struct user *user,
			     const char *password)
{
	struct credentials credentials = {
		.email = user->email, .password = password, .address = req->client_address};
	enum err err = check(req, reply, user->password_hash, &credentials);

	if (err == ERR_INVALID_CREDENTIALS)
		return refuse(req, err, "currentPassword is wrong.");
	return err;
}
