/* The accounts' data, as verbs. All run within a transaction or a snapshot of user.db. */
#ifndef SERVICES_USER_STORE_H
#define SERVICES_USER_STORE_H

#include "http/request.h"
#include "services/user/user.h"

/* Stores a new account, made now, with version 1. `vendor_key` is NULL for people. ERR_EMAIL_TAKEN
 * where its address, or its vendor_key, belongs to another one. */
enum err users_insert(struct sql *sql, struct user *user, const char *vendor_key,
		      struct arena *arena) MUST_CHECK;

/* ERR_NOT_FOUND where there is none. */
enum err users_find(struct sql *sql, const struct id *id, struct arena *arena,
		    struct user *ret_user) MUST_CHECK;
/* Reads id, email and mobile alone. */
enum err users_find_addresses(struct sql *sql, const struct id *id, struct arena *arena,
			      struct user *ret_user) MUST_CHECK;
enum err users_find_by_email(struct sql *sql, const char *email, struct arena *arena,
			     struct user *ret_user) MUST_CHECK;
enum err users_find_by_vendor_key(struct sql *sql, const char *key, struct arena *arena,
				  struct user *ret_user) MUST_CHECK;

/* Where the account logged in from: fingerprints, the PLACES_MAX latest. */
#define PLACES_MAX 16
struct place {
	uint8_t bytes[16];
};
/* When it was last noted, in *ret_seen_ms; ERR_NOT_FOUND: never. */
enum err users_find_place(struct sql *sql, const struct id *id, const struct place *place,
			  int64_t *ret_seen_ms) MUST_CHECK;
enum err users_note_place(struct sql *sql, const struct id *id, const struct place *place)
	MUST_CHECK;

/* Stores a changed account: its version grows, and it was updated now. ERR_EMAIL_TAKEN. */
enum err users_update(struct sql *sql, struct user *user, struct arena *arena) MUST_CHECK;

/* Whether there is an active admin besides this account. */
enum err users_have_other_admin(struct sql *sql, const struct id *id, bool *ret_have) MUST_CHECK;

/* The newest accounts first, at most page->limit + 1 of them. */
struct user_filter {
	const char *email; /* in any case; or NULL */
	int role;	   /* index into user_filter_roles */
	int status;	   /* enum user_status */
	bool role_given, status_given;
};
extern const char *const user_filter_roles[];

enum err users_list(struct sql *sql, const struct user_filter *filter, const struct page *page,
		    struct arena *arena, struct user **ret_users, size_t *ret_count) MUST_CHECK;

/* The first account behind `after` of which Auth has to be told; ERR_NOT_FOUND. */
enum err users_next_due(struct sql *sql, const struct id *after, struct arena *arena,
			struct user *ret_user) MUST_CHECK;

/* Auth was told of the account as it was in this version. */
enum err users_told(struct sql *sql, const struct user *user) MUST_CHECK;

#endif
