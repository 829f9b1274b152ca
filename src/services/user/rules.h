/* What holds for accounts: pure decisions, no I/O. */
#ifndef SERVICES_USER_RULES_H
#define SERVICES_USER_RULES_H

#include "services/user/user.h"

/* Checks of fields. */
bool user_password_is_sound(const char *password);
bool user_name_is_sound(const char *name);
bool user_role_is_known(const char *word);
bool user_email_is_reserved(const char *email);
bool user_email_may_register(const char *email);

/* The address by which an account is unique. */
char *user_email_key(struct arena *arena, const char *email);

/* What names a brand's account: a slug, or where it has letters beyond ASCII, a fingerprint. */
char *user_vendor_key(struct arena *arena, const char *brand);

/* The same as it was made when slugs were of ASCII alone, for accounts of that time. */
char *user_vendor_key_before(struct arena *arena, const char *brand);

/* Adds the faults that the table cannot see, and sets change->roles. */
void user_change_check(struct user_change *change, const struct user *before,
		       struct faults *faults);

/* Whether the change needs the account's password where the account's owner asks for it. */
bool user_change_needs_password(const struct user_change *change, const struct user *before);

/* Whether it changes roles or status, which admins alone may do. */
bool user_change_needs_admin(const struct user_change *change, const struct user *before);

/* The account after the change, with what Auth has to be told of it. Version and time are the
 * store's. */
struct user user_after(const struct user *before, const struct user_change *change);

/* Whether who registers with this role waits for an admin's approval. */
bool user_needs_approval(unsigned roles, bool vendors_are_approved);

bool user_is_active_admin(const struct user *user);

#endif
