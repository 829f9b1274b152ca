/* The rules of accounts. */
#include "services/user/rules.h"

#include <string.h>

#include "base/hash.h"
#include "base/text.h"
#include "base/unicode.h"

#define VENDOR_KEY_MAX 60
#define VENDOR_FINGERPRINT_BYTES 8

/* --- fields ----------------------------------------------------------------------------------- */

bool user_password_is_sound(const char *password)
{
	return !password_is_well_known(password);
}

bool user_email_is_reserved(const char *email)
{
	/* By the domain that it stands for, however it is written. */
	struct arena *arena = arena_new_small();
	const char *key = text_email_key(arena, email);
	size_t length = strlen(key), domain_length = strlen(VENDOR_DOMAIN);
	bool reserved =
		length >= domain_length && strcmp(key + length - domain_length, VENDOR_DOMAIN) == 0;

	arena_free(arena);
	return reserved;
}

bool user_email_may_register(const char *email)
{
	return text_is_email(email) && !user_email_is_reserved(email);
}

bool user_name_is_sound(const char *name)
{
	while (*name)
		if (!text_is_white_space(text_next(&name)))
			return true;
	return false;
}

bool user_role_is_known(const char *word)
{
	return (role_from_text(word) & USER_ROLES) != 0;
}

char *user_email_key(struct arena *arena, const char *email)
{
	return text_email_key(arena, email);
}

static char *fingerprint(struct arena *arena, const char *text)
{
	struct hash hash = hash_of_text(text);

	return arena_printf(arena, "vendor-%s",
			    hex_encode(arena, hash.bytes, VENDOR_FINGERPRINT_BYTES));
}

char *user_vendor_key(struct arena *arena, const char *brand)
{
	char *slug = text_slug(arena, brand, VENDOR_KEY_MAX);

	/* It is a part of an address, which are ASCII there. */
	if (*slug && unicode_is_ascii(slug))
		return slug;
	return fingerprint(arena, *slug ? slug : brand);
}

char *user_vendor_key_before(struct arena *arena, const char *brand)
{
	char *slug = text_slug(arena, brand, VENDOR_KEY_MAX);

	for (char *c = slug; *c; c++)
		if (*c & 0x80)
			*c = ' ';
	slug = text_slug(arena, slug, VENDOR_KEY_MAX);
	return *slug ? slug : fingerprint(arena, brand);
}

/* --- changes ---------------------------------------------------------------------------------- */

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool changes_email(const struct user_change *change, const struct user *before)
{
	return change->email && !same_text(change->email, before->email);
}

void user_change_check(struct user_change *change, const struct user *before, struct faults *faults)
{
	char *const *words = change->role_words.items;

	for (size_t i = 0; i < change->role_words.count; i++)
		change->roles |= role_from_text(words[i]);
	if (changes_email(change, before) && user_email_is_reserved(change->email))
		fault_add(faults, "/email", "must not be under " VENDOR_DOMAIN);
}

bool user_change_needs_password(const struct user_change *change, const struct user *before)
{
	return change->password || changes_email(change, before);
}

bool user_change_needs_admin(const struct user_change *change, const struct user *before)
{
	return (change->roles_given && change->roles != before->roles) ||
	       (change->status_given && change->status != (int)user_status(before));
}

/* What the holder may no longer do stops at once, not when the access token expires. */
static unsigned sessions_due_after(const struct user *before, const struct user *after)
{
	unsigned due = before->sessions_due;

	if (!same_text(before->password_hash, after->password_hash))
		due |= SESSIONS_END;
	if (before->suspended != after->suspended)
		due |= SESSIONS_TELL;
	if (!before->suspended && after->suspended)
		due |= SESSIONS_END | SESSIONS_END_ACCESS;
	if (before->roles & ~after->roles)
		due |= SESSIONS_END_ACCESS;
	return due;
}

struct user user_after(const struct user *before, const struct user_change *change)
{
	struct user after = *before;

	if (change->name_given)
		after.name = change->name;
	if (change->mobile_given)
		after.mobile = change->mobile;
	if (changes_email(change, before)) {
		after.email = change->email;
		if (!text_equal_ignoring_case(change->email, before->email))
			after.email_verified = false;
	}
	if (change->password_hash)
		after.password_hash = change->password_hash;
	if (change->roles_given)
		after.roles = change->roles;
	if (change->status_given) {
		after.suspended = change->status == USER_SUSPENDED;
		after.pending = change->status == USER_PENDING;
	}
	after.sessions_due = sessions_due_after(before, &after);
	return after;
}

bool user_needs_approval(unsigned roles, bool vendors_are_approved)
{
	return vendors_are_approved && (roles & ROLE_VENDOR);
}

bool user_is_active_admin(const struct user *user)
{
	return (user->roles & ROLE_ADMIN) && !user->suspended;
}
