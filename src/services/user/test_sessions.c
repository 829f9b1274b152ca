/* What Auth is told of accounts, with a stand-in for Auth that notes what it is told. */
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
#include "services/user/sessions.h"
#include "services/user/store.h"

#define TOLD_MAX 8

static struct arena *arena;
static char directory[TEST_DIRECTORY_SIZE];

/* --- a stand-in for Auth ---------------------------------------------------------------------- */

static struct {
	char told[TOLD_MAX][256];
	size_t count;
	const char *refuse; /* the start of bodies that are refused; or NULL */
	enum err answer;    /* to sessions that begin */
} auth;

static enum err note_end(struct request *req, struct reply *reply)
{
	assert_true(auth.count < TOLD_MAX);
	if (auth.refuse && strstr(req->body, auth.refuse))
		return ERR_STORAGE;
	snprintf(auth.told[auth.count++], sizeof(auth.told[0]), "%s", req->body);
	reply_empty(reply, 200);
	return OK;
}

static enum err begin(struct request *req, struct reply *reply)
{
	if (auth.answer)
		return auth.answer;
	reply_text(reply, 200, "application/json", req->body);
	return OK;
}

static const struct route auth_stand_in_routes[] = {
	{HTTP_POST, "/auth/sessions", begin, ROLE_SERVICE, ROUTE_BODY | ROUTE_INTERNAL},
	{HTTP_POST, "/auth/sessions/revoke", note_end, ROLE_SERVICE, ROUTE_BODY | ROUTE_INTERNAL},
	{0},
};

static const struct migration no_migrations[] = {{0, NULL}};

static enum err start(struct database *database)
{
	return OK;
}

static const struct service auth_stand_in = {
	.name = "auth",
	.routes = auth_stand_in_routes,
	.migrations = no_migrations,
	.start = start,
};

static const struct service *const services[] = {&user_service, &auth_stand_in, NULL};

/* --- the place -------------------------------------------------------------------------------- */

static int setup(void **state)
{
	struct platform_options options = {.directory = directory, .services = services};
	const char *why = NULL;

	memset(&auth, 0, sizeof(auth));
	arena = arena_new();
	if (test_directory_make(directory) || config_set("data", directory))
		return -1;
	return platform_open(&options, NULL, arena, &why) ? -1 : 0;
}

static int teardown(void **state)
{
	platform_close();
	arena_free(arena);
	return test_directory_remove(directory);
}

static enum err insert(struct sql *sql, void *arg)
{
	return users_insert(sql, arg, NULL, arena);
}

static enum err find(struct sql *sql, void *arg)
{
	struct user *user = arg;

	return users_find(sql, &user->id, arena, user);
}

static struct user make(const char *email, unsigned due, bool suspended)
{
	struct user user = {.id = id_new(),
			    .email = email,
			    .roles = ROLE_CUSTOMER,
			    .sessions_due = due,
			    .suspended = suspended};

	assert_int_equal(sql_transaction(service_database(&user_service), insert, &user), OK);
	return user;
}

static unsigned due(const struct user *user)
{
	struct user now = *user;

	assert_int_equal(sql_read(service_database(&user_service), find, &now), OK);
	return now.sessions_due;
}

static const char *ending(const struct user *user, const char *suspended, const char *refresh,
			  const char *access)
{
	return arena_printf(arena,
			    "{\"userId\":\"%s\",\"suspended\":%s,\"refreshTokens\":%s,"
			    "\"accessTokens\":%s}",
			    id_text(arena, &user->id), suspended, refresh, access);
}

/* --- tests ------------------------------------------------------------------------------------ */

static void what_is_due_is_told_once(void **state)
{
	struct user nothing = make("a@x.example", 0, false);
	struct user password = make("b@x.example", SESSIONS_END, false);
	struct user suspended =
		make("c@x.example", SESSIONS_TELL | SESSIONS_END | SESSIONS_END_ACCESS, true);
	struct user active = make("d@x.example", SESSIONS_TELL, false);

	sessions_tell();
	assert_int_equal(auth.count, 3);
	assert_string_equal(auth.told[0], ending(&password, "false", "true", "false"));
	assert_string_equal(auth.told[1], ending(&suspended, "true", "true", "true"));
	assert_string_equal(auth.told[2], ending(&active, "false", "false", "false"));
	assert_int_equal(due(&nothing) | due(&password) | due(&suspended) | due(&active), 0);
	sessions_tell();
	assert_int_equal(auth.count, 3);
}

static void what_auth_refuses_stays_due_and_does_not_hold_up_others(void **state)
{
	struct user first = make("a@x.example", SESSIONS_END, false);
	struct user second = make("b@x.example", SESSIONS_END, false);

	auth.refuse = id_text(arena, &first.id);
	sessions_tell();
	assert_int_equal(auth.count, 1);
	assert_int_equal(due(&first), SESSIONS_END);
	assert_int_equal(due(&second), 0);
	auth.refuse = NULL;
	sessions_tell();
	assert_int_equal(auth.count, 2);
	assert_int_equal(due(&first), 0);
}

static void what_was_due_when_the_program_ended_is_told_by_the_next(void **state)
{
	struct platform_options options = {.directory = directory, .services = services};
	struct user user = make("a@x.example", SESSIONS_TELL | SESSIONS_END, true);
	const char *why;

	platform_close();
	assert_int_equal(platform_open(&options, NULL, arena, &why), OK);
	sessions_tell();
	assert_int_equal(auth.count, 1);
	assert_int_equal(due(&user), 0);
}

static void a_session_names_the_user_its_roles_and_since_when(void **state)
{
	struct request req = {.arena = arena, .id = "test"};
	struct user user = {.id = id_new(), .roles = ROLE_CUSTOMER | ROLE_ADMIN};
	struct id as_of = id_new();
	const json_t *told;

	assert_int_equal(sessions_begin(&req, &user, &as_of, &told), OK);
	assert_string_equal(json_text(arena, told),
			    arena_printf(arena,
					 "{\"userId\":\"%s\",\"roles\":[\"customer\",\"admin\"],"
					 "\"asOf\":\"%s\"}",
					 id_text(arena, &user.id), id_text(arena, &as_of)));
}

static void a_session_that_auth_no_longer_begins_is_a_wrong_password(void **state)
{
	struct request req = {.arena = arena, .id = "test"};
	struct user user = {.id = id_new(), .roles = ROLE_CUSTOMER};
	struct id as_of = id_new();
	const json_t *told;

	auth.answer = ERR_CONFLICT;
	assert_int_equal(sessions_begin(&req, &user, &as_of, &told), ERR_INVALID_CREDENTIALS);
	auth.answer = ERR_STORAGE;
	assert_int_equal(sessions_begin(&req, &user, &as_of, &told), ERR_STORAGE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_due_is_told_once),
		TEST(what_auth_refuses_stays_due_and_does_not_hold_up_others),
		TEST(what_was_due_when_the_program_ended_is_told_by_the_next),
		TEST(a_session_names_the_user_its_roles_and_since_when),
		TEST(a_session_that_auth_no_longer_begins_is_a_wrong_password),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
