/*
 * The port of Auth's data: sessions, the blacklist, and holders whose tokens were ended. Each verb is
 * whole in itself, durable when it returns OK, and atomic; so another engine (Redis) can stand here.
 * store_sqlite.c is the one there is.
 *
 * What a verb killed it says, so that it can be remembered in memory too (marks.h).
 */
#ifndef SERVICES_AUTH_STORE_H
#define SERVICES_AUTH_STORE_H

#include "services/auth/rules.h"

/* A user has at most so many sessions; beyond it the oldest end. */
#define SESSIONS_PER_USER_MAX 100

#define ISSUERS_MAX 8

void token_store_open(struct database *database);

/* --- sessions --------------------------------------------------------------------------------- */

/* Begins a session, made now; `access` is its first access token. ERR_CONFLICT where the user is
 * suspended, or its sessions were ended after the id `as_of` was made. */
enum err token_store_begin(struct session *session, const struct token_mark *access,
			   const struct id *as_of) MUST_CHECK;

/* The latest ending of tokens and sessions that is stored; zero: there is none. */
enum err token_store_last_ending(struct id *ret_before) MUST_CHECK;

/* Whether anybody is logged in. */
enum err token_store_any_session(bool *ret_any) MUST_CHECK;

/* ERR_NOT_FOUND where there is none. */
enum err token_store_find(const struct id *session, struct session *ret_session) MUST_CHECK;

/* One use of a refresh token. Current: it is replaced. Repeated: nothing changes. Both give
 * `successor`, and note `access` with the session. Reused: the session ends, and `killed` are the
 * access tokens that died with it. Expired: the session is gone. */
struct rotation {
	struct refresh_token token;
	struct token_mark access;
	int64_t expires_ms; /* of the successor */
	struct arena *arena;
	/* The outcome. */
	enum refresh_use use;
	struct refresh_token successor;
	struct token_mark *killed;
	size_t killed_count;
};

/* ERR_NOT_FOUND where there is no such session. */
enum err token_store_rotate(struct rotation *rotation) MUST_CHECK;

/* Ends a session, if it is there, and its access tokens. */
enum err token_store_end(const struct id *session, struct arena *arena,
			 struct token_mark **ret_killed, size_t *ret_count) MUST_CHECK;

/* --- dead tokens ------------------------------------------------------------------------------ */

/* Puts one token on the blacklist. */
enum err token_store_kill(const struct token_mark *token) MUST_CHECK;

/* Ends what a user or a client holds. */
struct ending {
	struct id holder;
	bool suspended;	     /* no session begins for it until it no longer is */
	bool refresh_tokens; /* its sessions end */
	bool access_tokens;  /* the access tokens that it holds are dead */
};

/* *ret_before: access tokens with smaller ids are dead; zero: none. */
enum err token_store_end_holder(const struct ending *ending, struct id *ret_before) MUST_CHECK;

/* Tells of everything that is dead but has not expired: visit(arg, a token, NULL, when it expires)
 * or visit(arg, a holder, before which id, when). */
typedef void dead_visit(void *arg, const struct id *id, const struct id *before,
			int64_t expires_ms);
enum err token_store_load(int64_t access_ms, dead_visit *visit, void *arg) MUST_CHECK;

/* Remembers an address that is listened on from now. *ret_issuers are the ISSUERS_MAX that were so
 * last, this one first; they end with NULL. */
enum err token_store_note_issuer(const char *issuer, struct arena *arena, const char **ret_issuers)
	MUST_CHECK;

/* Whether the token is dead by itself, or by its holder (which may be zero). */
enum err token_store_is_dead(const struct id *token, const struct id *holder, bool *ret_dead)
	MUST_CHECK;

/* Forgets what has expired, `access_ms` being the life of access tokens; some at a time. */
enum err token_store_sweep(int64_t now_ms, int64_t access_ms) MUST_CHECK;

#endif
