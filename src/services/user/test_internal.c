/* What other services ask the User service for: brands' accounts, passwords, addresses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/config.h"
#include "base/test_directory.h"
#include "platform/platform.h"
#include "services/user/credentials.h"
#include "services/user/store.h"

static const struct service *const services[] = {&user_service, NULL};

static struct arena *arena;
static char directory[TEST_DIRECTORY_SIZE];

static int setup(void **state)
{
	struct platform_options options = {.directory = directory, .services = services};
	const char *why = NULL;

	arena = arena_new();
	if (test_directory_make(directory) || config_set("data", directory) ||
	    config_set("login-attempts", "3") || config_set("admin-email", "Admin@Shop.example") ||
	    config_set("admin-password", "the-admins-own-Passphrase-7"))
		return -1;
	return platform_open(&options, NULL, arena, &why) ? -1 : 0;
}

static int teardown(void **state)
{
	platform_close();
	arena_free(arena);
	return test_directory_remove(directory);
}

static struct call_answer ask(enum http_method method, const char *path, const struct out *body)
{
	struct call call = {.service = "user", .method = method, .path = path, .body = body};
	struct call_answer answer;

	assert_int_equal(service_call(arena, &user_service, NULL, &call, &answer), OK);
	return answer;
}

/* --- brands ----------------------------------------------------------------------------------- */

static struct id ask_for_brand(const char *name, bool created)
{
	struct out body = out_new(arena);
	struct call_answer answer;
	struct id id = {{0}};

	out_open(&body, NULL);
	out_text(&body, "name", name);
	out_close(&body);
	answer = ask(HTTP_POST, "/users/vendors", &body);
	assert_int_equal(answer.status, 200);
	assert_true(json_get_id(answer.json, "id", &id));
	assert_int_equal(json_get_bool(answer.json, "created"), created);
	return id;
}

static json_t *get_user(const struct id *id)
{
	struct call_answer answer =
		ask(HTTP_GET, arena_printf(arena, "/users/%s", id_text(arena, id)), NULL);

	assert_int_equal(answer.status, 200);
	return answer.json;
}

static void a_brand_has_one_account(void **state)
{
	struct id first = ask_for_brand("Brass & Co", true), again, other;
	json_t *user = get_user(&first);

	assert_string_equal(json_get_text(user, "name"), "Brass & Co");
	assert_string_equal(json_get_text(user, "email"), "brass-co@vendors.invalid");
	assert_string_equal(json_text(arena, json_object_get(user, "roles")), "[\"vendor\"]");
	again = ask_for_brand("Brass & Co", false);
	assert_true(id_equal(&again, &first));
	other = ask_for_brand("商店", true);
	assert_false(id_equal(&other, &first));
	again = ask_for_brand("商店", false);
	assert_true(id_equal(&again, &other));
}

/* --- passwords -------------------------------------------------------------------------------- */

static struct call_answer check_password(const char *email, const char *password)
{
	struct out body = out_new(arena);

	out_open(&body, NULL);
	out_text(&body, "email", email);
	out_text(&body, "password", password);
	out_text(&body, "network", "192.0.2.1");
	out_close(&body);
	return ask(HTTP_POST, "/users/check-password", &body);
}

static void a_brand_cannot_log_in(void **state)
{
	ask_for_brand("Brass & Co", true);
	assert_int_equal(check_password("brass-co@vendors.invalid", "").err, ERR_INVALID);
	assert_int_equal(check_password("brass-co@vendors.invalid", "any-Passphrase-1").err,
			 ERR_INVALID_CREDENTIALS);
}

static void the_right_password_gives_the_user(void **state)
{
	struct call_answer answer =
		check_password("ADMIN@shop.example", "the-admins-own-Passphrase-7");
	const json_t *user;

	assert_int_equal(answer.status, 200);
	user = json_object_get(answer.json, "user");
	assert_string_equal(json_get_text(user, "email"), "Admin@Shop.example");
	assert_string_equal(json_text(arena, json_object_get(user, "roles")), "[\"admin\"]");
	assert_non_null(json_get_text(answer.json, "deviceToken"));
	assert_null(strstr(answer.body, "argon2"));
}

static void too_many_failures_tell_how_long_to_wait(void **state)
{
	struct call_answer answer;

	for (int i = 0; i < 3; i++)
		assert_int_equal(check_password("admin@shop.example", "wrong-Passphrase-1").err,
				 ERR_INVALID_CREDENTIALS);
	answer = check_password("admin@shop.example", "the-admins-own-Passphrase-7");
	assert_int_equal(answer.err, ERR_RATE_LIMITED);
	assert_in_range(json_get_int(answer.json, "retryAfter"), 890, 900);
}

/* --- addresses -------------------------------------------------------------------------------- */

static void addresses_are_those_of_now_and_of_whom_there_is(void **state)
{
	struct id brand = ask_for_brand("Brass & Co", true), nobody = id_new();
	struct out body = out_new(arena);
	struct call_answer answer;
	const json_t *items;

	out_open(&body, NULL);
	out_open_list(&body, "ids");
	out_id(&body, NULL, &nobody);
	out_id(&body, NULL, &brand);
	out_close_list(&body);
	out_close(&body);
	answer = ask(HTTP_POST, "/users/addresses", &body);
	assert_int_equal(answer.status, 200);
	items = json_object_get(answer.json, "items");
	assert_int_equal(json_array_size(items), 1);
	assert_string_equal(json_get_text(json_array_get(items, 0), "id"), id_text(arena, &brand));
	assert_string_equal(json_get_text(json_array_get(items, 0), "email"),
			    "brass-co@vendors.invalid");
	assert_null(json_object_get(json_array_get(items, 0), "mobile"));
}

/* --- the first administrator ------------------------------------------------------------------ */

static enum err count_users(struct sql *sql, void *arg)
{
	struct page page = {.limit = 100};
	struct user_filter filter = {0};
	struct user *users;

	return users_list(sql, &filter, &page, arena, &users, arg);
}

static void the_administrator_is_made_once(void **state)
{
	struct platform_options options = {.directory = directory, .services = services};
	const char *why = NULL;
	size_t count = 0;

	platform_close();
	assert_int_equal(platform_open(&options, NULL, arena, &why), OK);
	assert_int_equal(sql_read(service_database(&user_service), count_users, &count), OK);
	assert_int_equal(count, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_brand_has_one_account),
		TEST(a_brand_cannot_log_in),
		TEST(the_right_password_gives_the_user),
		TEST(too_many_failures_tell_how_long_to_wait),
		TEST(addresses_are_those_of_now_and_of_whom_there_is),
		TEST(the_administrator_is_made_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
