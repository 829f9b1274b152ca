/* The accounts' data, on every engine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/test_directory.h"
#include "services/user/store.h"

extern const struct migration user_migrations[];

static const struct migration_set set = {"user", user_migrations};
static const struct migration_set *const sets[] = {&set, NULL};

static struct arena *arena;
static struct database *database;
static char directory[TEST_DIRECTORY_SIZE];

static int setup(void **state)
{
	struct database_options options = {
		.directory = directory, .name = "user", .migration_sets = sets, .queue_max = 100};
	const char *why = NULL;

	if (test_directory_make(directory))
		return -1;
	arena = arena_new();
	return database_open(&options, arena, &database, &why) ? -1 : 0;
}

static int teardown(void **state)
{
	database_close(database);
	arena_free(arena);
	return test_directory_remove(directory);
}

/* --- verbs as bodies -------------------------------------------------------------------------- */

struct verb {
	struct user user;
	const char *vendor_key;
	struct user_filter filter;
	struct page page;
	struct user *users;
	size_t count;
	bool have;
};

static enum err insert(struct sql *sql, void *arg)
{
	struct verb *verb = arg;

	return users_insert(sql, &verb->user, verb->vendor_key, arena);
}

static enum err update(struct sql *sql, void *arg)
{
	struct user user = ((const struct verb *)arg)->user;

	return users_update(sql, &user, arena);
}

static enum err find(struct sql *sql, void *arg)
{
	struct verb *verb = arg;

	return users_find(sql, &verb->user.id, arena, &verb->user);
}

static enum err find_by_email(struct sql *sql, void *arg)
{
	struct verb *verb = arg;

	return users_find_by_email(sql, verb->user.email, arena, &verb->user);
}

static enum err find_by_key(struct sql *sql, void *arg)
{
	struct verb *verb = arg;

	return users_find_by_vendor_key(sql, verb->vendor_key, arena, &verb->user);
}

static enum err look_for_admin(struct sql *sql, void *arg)
{
	struct verb *verb = arg;

	return users_have_other_admin(sql, &verb->user.id, &verb->have);
}

static enum err list(struct sql *sql, void *arg)
{
	struct verb *verb = arg;

	return users_list(sql, &verb->filter, &verb->page, arena, &verb->users, &verb->count);
}

static enum err next_due(struct sql *sql, void *arg)
{
	struct verb *verb = arg;

	return users_next_due(sql, &verb->user.id, arena, &verb->user);
}

static enum err told(struct sql *sql, void *arg)
{
	struct verb *verb = arg;

	return users_told(sql, &verb->user);
}

static struct user make(const char *email, unsigned roles)
{
	struct verb verb = {
		.user = {.id = id_new(), .email = email, .roles = roles, .password_hash = "hash"}};

	assert_int_equal(sql_transaction(database, insert, &verb), OK);
	return verb.user;
}

static struct user read_back(const struct user *user)
{
	struct verb verb = {.user = {.id = user->id}};

	assert_int_equal(sql_read(database, find, &verb), OK);
	return verb.user;
}

/* --- tests ------------------------------------------------------------------------------------ */

static void what_is_stored_is_read(void **state)
{
	struct verb verb = {.user = {.id = id_new(),
				     .email = "Ada@Shop.example",
				     .name = "Ada",
				     .mobile = "+4930123456",
				     .password_hash = "hash",
				     .roles = ROLE_VENDOR,
				     .suspended = true,
				     .email_verified = true,
				     .sessions_due = SESSIONS_END}};
	struct user user;

	assert_int_equal(sql_transaction(database, insert, &verb), OK);
	user = read_back(&verb.user);
	assert_string_equal(user.email, "Ada@Shop.example");
	assert_string_equal(user.name, "Ada");
	assert_string_equal(user.mobile, "+4930123456");
	assert_string_equal(user.password_hash, "hash");
	assert_int_equal(user.roles, ROLE_VENDOR);
	assert_true(user.suspended);
	assert_true(user.email_verified);
	assert_int_equal(user.sessions_due, SESSIONS_END);
	assert_int_equal(user.version, 1);
	assert_true(user.created_ms > 0);
	assert_int_equal(user.updated_ms, user.created_ms);
}

static void an_address_belongs_to_one_account_in_any_case(void **state)
{
	struct user ada = make("Ada@Shop.example", ROLE_CUSTOMER);
	struct user bob = make("bob@shop.example", ROLE_CUSTOMER);
	struct verb other = {.user = {.id = id_new(), .email = "aDA@shop.example"}};
	struct verb move = {.user = bob};

	assert_int_equal(sql_transaction(database, insert, &other), ERR_EMAIL_TAKEN);
	move.user.email = "ADA@shop.example";
	assert_int_equal(sql_transaction(database, update, &move), ERR_EMAIL_TAKEN);
	assert_string_equal(read_back(&bob).email, "bob@shop.example");

	/* Its own address it may write otherwise. */
	move.user = ada;
	move.user.email = "ada@SHOP.example";
	assert_int_equal(sql_transaction(database, update, &move), OK);
	other.user.email = "ADA@SHOP.EXAMPLE";
	assert_int_equal(sql_read(database, find_by_email, &other), OK);
	assert_true(id_equal(&other.user.id, &ada.id));
}

static void a_change_makes_a_version(void **state)
{
	struct verb verb = {.user = make("ada@shop.example", ROLE_CUSTOMER)};

	verb.user.name = "Ada";
	verb.user.roles = ROLE_ADMIN;
	verb.user.password_hash = "other";
	assert_int_equal(sql_transaction(database, update, &verb), OK);
	assert_int_equal(read_back(&verb.user).version, 2);
	assert_string_equal(read_back(&verb.user).name, "Ada");
	assert_string_equal(read_back(&verb.user).password_hash, "other");
	assert_int_equal(read_back(&verb.user).roles, ROLE_ADMIN);
}

static void a_brand_is_found_by_its_key_whatever_its_address(void **state)
{
	struct verb brand = {
		.user = {.id = id_new(), .email = "acme@vendors.invalid", .roles = ROLE_VENDOR},
		.vendor_key = "acme"};
	struct verb found = {.vendor_key = "acme"};

	assert_int_equal(sql_read(database, find_by_key, &found), ERR_NOT_FOUND);
	assert_int_equal(sql_transaction(database, insert, &brand), OK);
	brand.user.email = "office@acme.example";
	assert_int_equal(sql_transaction(database, update, &brand), OK);
	assert_int_equal(sql_read(database, find_by_key, &found), OK);
	assert_true(id_equal(&found.user.id, &brand.user.id));
}

static void another_admin_is_one_that_can_act(void **state)
{
	struct verb first = {.user = make("first@shop.example", ROLE_ADMIN)};
	struct verb second = {.user = make("second@shop.example", ROLE_ADMIN | ROLE_CUSTOMER)};

	make("third@shop.example", ROLE_CUSTOMER);
	assert_int_equal(sql_read(database, look_for_admin, &first), OK);
	assert_true(first.have);
	second.user.suspended = true;
	assert_int_equal(sql_transaction(database, update, &second), OK);
	assert_int_equal(sql_read(database, look_for_admin, &first), OK);
	assert_false(first.have);
}

static void lists_are_filtered_and_paged_newest_first(void **state)
{
	struct user users[5];
	struct verb verb = {.page = {.limit = 2}};
	static const unsigned roles[] = {ROLE_CUSTOMER, ROLE_VENDOR, ROLE_CUSTOMER,
					 ROLE_VENDOR | ROLE_CUSTOMER, ROLE_CUSTOMER};

	for (size_t i = 0; i < 5; i++)
		users[i] = make(arena_printf(arena, "u%zu@shop.example", i), roles[i]);
	assert_int_equal(sql_read(database, list, &verb), OK);
	assert_int_equal(verb.count, 3);
	assert_true(id_equal(&verb.users[0].id, &users[4].id));
	assert_true(id_equal(&verb.users[2].id, &users[2].id));

	verb.page.has_after = true;
	verb.page.after.id = users[3].id;
	assert_int_equal(sql_read(database, list, &verb), OK);
	assert_int_equal(verb.count, 3);
	assert_true(id_equal(&verb.users[0].id, &users[2].id));

	verb = (struct verb){.page = {.limit = 10}, .filter = {.role_given = true, .role = 1}};
	assert_int_equal(sql_read(database, list, &verb), OK);
	assert_int_equal(verb.count, 2);

	verb.filter = (struct user_filter){.email = "U2@SHOP.example"};
	assert_int_equal(sql_read(database, list, &verb), OK);
	assert_int_equal(verb.count, 1);
	assert_true(id_equal(&verb.users[0].id, &users[2].id));

	verb.filter = (struct user_filter){.status_given = true, .status = USER_SUSPENDED};
	assert_int_equal(sql_read(database, list, &verb), OK);
	assert_int_equal(verb.count, 0);
}

static void what_auth_must_be_told_is_found_until_it_was(void **state)
{
	struct verb verb = {.user = make("ada@shop.example", ROLE_CUSTOMER)};
	struct verb due = {0};

	make("bob@shop.example", ROLE_CUSTOMER);
	assert_int_equal(sql_read(database, next_due, &due), ERR_NOT_FOUND);
	verb.user.sessions_due = SESSIONS_END | SESSIONS_TELL;
	assert_int_equal(sql_transaction(database, update, &verb), OK);
	assert_int_equal(sql_read(database, next_due, &due), OK);
	assert_true(id_equal(&due.user.id, &verb.user.id));

	/* Changed while it was being told: it is to be told again. */
	verb.user = due.user;
	assert_int_equal(sql_transaction(database, update, &verb), OK);
	assert_int_equal(sql_transaction(database, told, &due), OK);
	verb.user = read_back(&verb.user);
	assert_int_equal(verb.user.sessions_due, SESSIONS_END | SESSIONS_TELL);
	assert_int_equal(sql_transaction(database, told, &verb), OK);
	assert_int_equal(read_back(&verb.user).sessions_due, 0);
	due = (struct verb){0};
	assert_int_equal(sql_read(database, next_due, &due), ERR_NOT_FOUND);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_stored_is_read),
		TEST(an_address_belongs_to_one_account_in_any_case),
		TEST(a_change_makes_a_version),
		TEST(a_brand_is_found_by_its_key_whatever_its_address),
		TEST(another_admin_is_one_that_can_act),
		TEST(lists_are_filtered_and_paged_newest_first),
		TEST(what_auth_must_be_told_is_found_until_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
