/* Accounts as clients see them. */
#include "services/user/user.h"

const char *const user_status_words[] = {"active", "pending", "suspended", NULL};

enum user_status user_status(const struct user *user)
{
	if (user->suspended)
		return USER_SUSPENDED;
	return user->pending ? USER_PENDING : USER_ACTIVE;
}

void user_write_roles(struct out *out, const char *name, unsigned roles)
{
	static const enum role order[] = {ROLE_CUSTOMER, ROLE_VENDOR, ROLE_ADMIN};

	out_open_list(out, name);
	for (size_t i = 0; i < ARRAY_LENGTH(order); i++)
		if (roles & order[i])
			out_text(out, NULL, role_text(order[i]));
	out_close_list(out);
}

void user_write(struct out *out, const char *name, const struct user *user)
{
	out_open(out, name);
	out_id(out, "id", &user->id);
	out_text(out, "email", user->email);
	out_text(out, "name", user->name);
	out_text(out, "mobile", user->mobile);
	user_write_roles(out, "roles", user->roles);
	out_text(out, "status", user_status_words[user_status(user)]);
	out_bool(out, "emailVerified", user->email_verified);
	out_time(out, "createdAt", user->created_ms);
	out_time(out, "updatedAt", user->updated_ms);
	out_close(out);
}
