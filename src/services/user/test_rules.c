/* What holds for accounts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "services/user/rules.h"

static int setup(void **state)
{
	*state = arena_new();
	return 0;
}

static int teardown(void **state)
{
	arena_free(*state);
	return 0;
}

static const struct user ada = {
	.email = "Ada@Shop.example",
	.name = "Ada",
	.mobile = "+4930123456",
	.password_hash = "old",
	.roles = ROLE_CUSTOMER,
	.email_verified = true,
};

/* --- names of accounts ------------------------------------------------------------------------ */

static void an_address_is_one_in_any_case(void **state)
{
	assert_string_equal(user_email_key(*state, "Ada@SHOP.Example"), "ada@shop.example");
}

static void nobody_registers_under_the_brands_domain(void **state)
{
	assert_false(user_email_may_register("acme@vendors.invalid"));
	assert_false(user_email_may_register("acme@VENDORS.Invalid"));
	assert_false(user_email_may_register("no address"));
	assert_true(user_email_may_register("acme@vendors.invalid.example"));
	assert_true(user_email_may_register("a@b.example"));
}

static void a_brand_has_one_key_and_another_one_another(void **state)
{
	assert_string_equal(user_vendor_key(*state, "Müller & Söhne"),
			    user_vendor_key(*state, "Müller & Söhne"));
	assert_string_equal(user_vendor_key(*state, "ACME"), "acme");
	assert_true(*user_vendor_key(*state, "商店"));
	assert_string_not_equal(user_vendor_key(*state, "商店"), user_vendor_key(*state, "市場"));
	assert_string_not_equal(user_vendor_key(*state, "Tea 緑"),
				user_vendor_key(*state, "Tea 抹"));
	assert_string_equal(user_vendor_key(*state, "ЧАЙ"), user_vendor_key(*state, "Чай"));
	/* What accounts of earlier releases are found by. */
	assert_string_equal(user_vendor_key_before(*state, "Tea 緑"), "tea");
	assert_string_equal(user_vendor_key_before(*state, "Müller & Söhne"), "muller-sohne");
	assert_string_equal(user_vendor_key_before(*state, "商店"),
			    user_vendor_key(*state, "商店"));
}

static void roles_of_users_are_known_and_service_is_none(void **state)
{
	assert_true(user_role_is_known("customer"));
	assert_true(user_role_is_known("vendor"));
	assert_true(user_role_is_known("admin"));
	assert_false(user_role_is_known("service"));
	assert_false(user_role_is_known("king"));
}

static void names_and_passwords_say_something(void **state)
{
	assert_true(user_name_is_sound("Ada"));
	assert_false(user_name_is_sound("   "));
	assert_false(user_password_is_sound("password1"));
	assert_true(user_password_is_sound("a-perfectly-fine-Passphrase-9"));
}

/* --- changes ---------------------------------------------------------------------------------- */

static void what_was_not_given_stays(void **state)
{
	struct user after = user_after(&ada, &(struct user_change){0});

	assert_string_equal(after.name, "Ada");
	assert_string_equal(after.mobile, "+4930123456");
	assert_string_equal(after.email, "Ada@Shop.example");
	assert_string_equal(after.password_hash, "old");
	assert_int_equal(after.roles, ROLE_CUSTOMER);
	assert_false(after.suspended);
	assert_int_equal(after.sessions_due, 0);
}

static void null_clears_what_is_optional(void **state)
{
	struct user after =
		user_after(&ada, &(struct user_change){.name_given = true, .mobile_given = true});

	assert_null(after.name);
	assert_null(after.mobile);
}

static void another_address_is_not_verified(void **state)
{
	struct user_change other = {.email = "new@shop.example"};
	struct user_change same = {.email = "ada@shop.example"};

	assert_false(user_after(&ada, &other).email_verified);
	assert_string_equal(user_after(&ada, &other).email, "new@shop.example");
	assert_true(user_after(&ada, &same).email_verified);
	assert_string_equal(user_after(&ada, &same).email, "ada@shop.example");
}

static void address_and_password_need_the_password(void **state)
{
	const char *email = "new@shop.example", *same = "Ada@Shop.example", *password = "secret";

	assert_true(user_change_needs_password(&(struct user_change){.email = email}, &ada));
	assert_true(user_change_needs_password(&(struct user_change){.password = password}, &ada));
	assert_false(user_change_needs_password(&(struct user_change){.email = same}, &ada));
	assert_false(user_change_needs_password(&(struct user_change){.name = email}, &ada));
}

static void ranks_need_an_admin_where_they_differ(void **state)
{
	struct user_change same = {.roles_given = true,
				   .roles = ROLE_CUSTOMER,
				   .status_given = true,
				   .status = USER_ACTIVE};
	struct user_change vendor = {.roles_given = true, .roles = ROLE_VENDOR};
	struct user_change suspended = {.status_given = true, .status = USER_SUSPENDED};

	assert_false(user_change_needs_admin(&same, &ada));
	assert_true(user_change_needs_admin(&vendor, &ada));
	assert_true(user_change_needs_admin(&suspended, &ada));
}

static void auth_is_told_of_what_ends_sessions(void **state)
{
	struct user_change password = {.password_hash = "new"};
	struct user_change suspend = {.status_given = true, .status = USER_SUSPENDED};
	struct user_change activate = {.status_given = true, .status = USER_ACTIVE};
	struct user_change promote = {.roles_given = true, .roles = ROLE_CUSTOMER | ROLE_VENDOR};
	struct user_change replace = {.roles_given = true, .roles = ROLE_VENDOR};
	struct user suspended = user_after(&ada, &suspend);

	assert_true(suspended.suspended);
	assert_int_equal(suspended.sessions_due,
			 SESSIONS_TELL | SESSIONS_END | SESSIONS_END_ACCESS);
	assert_int_equal(user_after(&ada, &password).sessions_due, SESSIONS_END);
	assert_int_equal(user_after(&ada, &activate).sessions_due, 0);
	assert_int_equal(user_after(&ada, &promote).sessions_due, 0);
	assert_int_equal(user_after(&ada, &replace).sessions_due, SESSIONS_END_ACCESS);

	suspended.sessions_due = 0;
	assert_int_equal(user_after(&suspended, &activate).sessions_due, SESSIONS_TELL);
}

static void what_is_still_to_be_told_is_kept(void **state)
{
	struct user before = ada;
	struct user_change rename = {.name_given = true};

	before.sessions_due = SESSIONS_END;
	assert_int_equal(user_after(&before, &rename).sessions_due, SESSIONS_END);
}

static void words_become_roles_and_reserved_addresses_are_faults(void **state)
{
	struct arena *arena = *state;
	struct faults faults = {.arena = arena};
	const char *words[] = {"vendor", "admin", "vendor"};
	struct user brand = {.email = "acme@vendors.invalid"};
	struct user_change change = {.role_words = {.items = words, .count = 3},
				     .email = "acme@vendors.invalid"};

	user_change_check(&change, &brand, &faults);
	assert_int_equal(change.roles, ROLE_VENDOR | ROLE_ADMIN);
	assert_int_equal(faults.count, 0);
	user_change_check(&change, &ada, &faults);
	assert_int_equal(faults.count, 1);
	assert_string_equal(faults.first->pointer, "/email");
}

static void an_active_admin_is_both(void **state)
{
	assert_true(user_is_active_admin(&(struct user){.roles = ROLE_ADMIN | ROLE_CUSTOMER}));
	assert_false(user_is_active_admin(&(struct user){.roles = ROLE_VENDOR}));
	assert_false(user_is_active_admin(&(struct user){.roles = ROLE_ADMIN, .suspended = true}));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_is_one_in_any_case),
		cmocka_unit_test(nobody_registers_under_the_brands_domain),
		cmocka_unit_test(a_brand_has_one_key_and_another_one_another),
		cmocka_unit_test(roles_of_users_are_known_and_service_is_none),
		cmocka_unit_test(names_and_passwords_say_something),
		cmocka_unit_test(what_was_not_given_stays),
		cmocka_unit_test(null_clears_what_is_optional),
		cmocka_unit_test(another_address_is_not_verified),
		cmocka_unit_test(address_and_password_need_the_password),
		cmocka_unit_test(ranks_need_an_admin_where_they_differ),
		cmocka_unit_test(auth_is_told_of_what_ends_sessions),
		cmocka_unit_test(what_is_still_to_be_told_is_kept),
		cmocka_unit_test(words_become_roles_and_reserved_addresses_are_faults),
		cmocka_unit_test(an_active_admin_is_both),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
