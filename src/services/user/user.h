/* The nouns of the User service: accounts, and what is asked of them. */
#ifndef SERVICES_USER_USER_H
#define SERVICES_USER_USER_H

#include "base/arena.h"
#include "base/id.h"
#include "base/json.h"
#include "base/jwt.h"
#include "base/out.h"
#include "base/password.h"
#include "platform/service.h"

#define USER_EMAIL_MAX 254
#define USER_NAME_MAX 255
#define USER_MOBILE_MAX 16
#define USER_ROLES_MAX 8 /* words in a list, be one named twice */

/* The roles that an account may have; `service` belongs to clients. */
#define USER_ROLES (ROLE_CUSTOMER | ROLE_VENDOR | ROLE_ADMIN)

/* Accounts that an import made for a brand have their first addresses under this domain, which can
 * never receive mail (RFC 2606); nobody else may have one there. */
#define VENDOR_DOMAIN "@vendors.invalid"

/* What Auth has to be told of an account once a change of it is stored. */
enum sessions_due {
	SESSIONS_TELL = 1,	 /* whether it is suspended */
	SESSIONS_END = 2,	 /* its refresh tokens are dead */
	SESSIONS_END_ACCESS = 4, /* the access tokens made until now are dead */
};

/* Pending is a vendor that no admin has approved yet: it does all that others do, but sell. */
enum user_status { USER_ACTIVE, USER_PENDING, USER_SUSPENDED };
extern const char *const user_status_words[]; /* by user_status; ends with NULL */

struct user {
	struct id id;
	const char *email;
	const char *name, *mobile; /* or NULL */
	const char *password_hash; /* NULL: nobody can log in */
	unsigned roles;		   /* of USER_ROLES */
	bool suspended, pending, email_verified;
	unsigned sessions_due;
	int64_t version;
	int64_t created_ms, updated_ms;
};

/* What registers. */
struct user_draft {
	const char *email, *password, *name, *mobile;
	int role; /* 0 customer, 1 vendor */
};

/* What PUT /users/:id asks for. What was not given stays. */
struct user_change {
	const char *name, *mobile, *email, *password, *current_password;
	struct list role_words; /* of char * */
	int status;
	bool name_given, mobile_given, roles_given, status_given;
	unsigned roles;		   /* of the words: user_change_check */
	const char *password_hash; /* of `password`; set by the handler */
};

enum user_status user_status(const struct user *user);

/* How it is shown to clients: without password and without what is ours. */
void user_write(struct out *out, const char *name, const struct user *user);
void user_write_roles(struct out *out, const char *name, unsigned roles);

/* The handlers of the other files, for the table in api.c. */
enum err user_post_admin(struct request *req, struct reply *reply);
enum err user_get_admins(struct request *req, struct reply *reply);

extern const struct service user_service;
extern const struct route user_routes[];
extern const struct job user_jobs[];

#endif
