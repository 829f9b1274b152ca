/* The port of Auth's data, and the memory in front of it: one suite for every engine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/env.h"
#include "base/test_directory.h"
#include "base/time.h"
#include "services/auth/marks.h"
#include "services/auth/store.h"

extern const struct migration auth_migrations[];

static const struct migration_set set = {"auth", auth_migrations};
static const struct migration_set *const sets[] = {&set, NULL};

#define ACCESS_MS (15 * MINUTE_MS)

static struct arena *arena;
static struct database *database;
static char directory[TEST_DIRECTORY_SIZE];
static int64_t now_ms;
static uint64_t chance;

static int64_t world_now_ms(void *world)
{
	(void)world;
	return now_ms;
}

static int64_t world_monotonic_ns(void *world)
{
	(void)world;
	return now_ms * 1000000;
}

static void world_random(void *world, void *bytes, size_t length)
{
	uint8_t *to = bytes;

	(void)world;
	for (size_t i = 0; i < length; i++)
		to[i] = (uint8_t)((chance = chance * 6364136223846793005u + 1442695040888963407u) >>
				  56);
}

static const struct env world = {world_now_ms, world_monotonic_ns, world_random, NULL};

static int setup(void **state)
{
	struct database_options options = {
		.directory = directory, .name = "auth", .migration_sets = sets, .queue_max = 100};
	const char *why = NULL;

	now_ms = 1800000000000;
	env_set(&world);
	if (test_directory_make(directory))
		return -1;
	arena = arena_new();
	if (database_open(&options, arena, &database, &why))
		return -1;
	token_store_open(database);
	marks_start();
	return 0;
}

static int teardown(void **state)
{
	database_close(database);
	arena_free(arena);
	env_set(NULL);
	return test_directory_remove(directory);
}

/* --- sessions --------------------------------------------------------------------------------- */

struct login {
	struct session session;
	struct refresh_token token;
	struct token_mark access;
};

static struct token_mark new_access(void)
{
	return (struct token_mark){.token = id_new(), .expires_ms = now_ms + ACCESS_MS};
}

static enum err begin(const struct id *user, const struct id *as_of, struct login *login)
{
	login->session = (struct session){.user = *user, .expires_ms = now_ms + 30 * DAY_MS};
	env_random(login->session.id.bytes, 16);
	env_random(login->session.secret, REFRESH_SECRET_SIZE);
	env_random(login->token.secret, REFRESH_SECRET_SIZE);
	login->token.session = login->session.id;
	login->session.current = refresh_token_hash(&login->token);
	login->access = new_access();
	return token_store_begin(&login->session, &login->access, as_of);
}

static struct login log_in(const struct id *user)
{
	struct id as_of = id_new();
	struct login login;

	assert_int_equal(begin(user, &as_of, &login), OK);
	return login;
}

static struct rotation rotate(const struct refresh_token *token)
{
	struct rotation rotation = {.token = *token,
				    .access = new_access(),
				    .expires_ms = now_ms + 30 * DAY_MS,
				    .arena = arena};

	assert_int_equal(token_store_rotate(&rotation), OK);
	return rotation;
}

static bool is_dead(const struct id *token, const struct id *holder)
{
	bool dead = false;

	assert_int_equal(token_store_is_dead(token, holder, &dead), OK);
	return dead;
}

static bool is_there(const struct login *login)
{
	struct session session;

	return token_store_find(&login->session.id, &session) == OK;
}

static void tokens_follow_one_another(void **state)
{
	struct id ada = id_new();
	struct login login = log_in(&ada);
	struct rotation first, second;

	first = rotate(&login.token);
	assert_int_equal(first.use, REFRESH_CURRENT);
	second = rotate(&first.successor);
	assert_int_equal(second.use, REFRESH_CURRENT);
	assert_true(is_there(&login));
	assert_false(is_dead(&login.access.token, &ada));
}

static void a_lost_answer_is_given_again(void **state)
{
	struct id ada = id_new();
	struct login login = log_in(&ada);
	struct rotation first = rotate(&login.token), again;

	now_ms += REFRESH_REPEAT_MS;
	again = rotate(&login.token);
	assert_int_equal(again.use, REFRESH_REPEATED);
	assert_memory_equal(&again.successor, &first.successor, sizeof(again.successor));
	assert_int_equal(rotate(&login.token).use, REFRESH_REPEATED);
	/* And what was given again is good. */
	assert_int_equal(rotate(&again.successor).use, REFRESH_CURRENT);
}

static void reuse_ends_the_session_and_all_its_access_tokens(void **state)
{
	struct id ada = id_new();
	struct login login = log_in(&ada), other = log_in(&ada);
	struct rotation first = rotate(&login.token), second = rotate(&first.successor), reuse;

	reuse = rotate(&login.token);
	assert_int_equal(reuse.use, REFRESH_REUSED);
	assert_int_equal(reuse.killed_count, 3);
	assert_false(is_there(&login));
	assert_true(is_dead(&login.access.token, &ada));
	assert_true(is_dead(&first.access.token, &ada));
	assert_true(is_dead(&second.access.token, &ada));
	/* Another log-in of hers lives. */
	assert_true(is_there(&other));
	assert_false(is_dead(&other.access.token, &ada));
}

static void a_predecessor_that_comes_late_is_reuse(void **state)
{
	struct id ada = id_new();
	struct login login = log_in(&ada);

	rotate(&login.token);
	now_ms += REFRESH_REPEAT_MS + 1;
	assert_int_equal(rotate(&login.token).use, REFRESH_REUSED);
	assert_false(is_there(&login));
}

static void a_session_expires_and_is_swept(void **state)
{
	struct id ada = id_new();
	struct login login = log_in(&ada);

	now_ms += 30 * DAY_MS;
	assert_int_equal(token_store_sweep(env_now_ms(), ACCESS_MS), OK);
	assert_false(is_there(&login));
}

static void an_unused_session_of_thirty_days_is_refused(void **state)
{
	struct id ada = id_new();
	struct login login = log_in(&ada);

	now_ms += 30 * DAY_MS;
	assert_int_equal(rotate(&login.token).use, REFRESH_EXPIRED);
	assert_false(is_there(&login));
}

static void an_ended_session_is_not_found(void **state)
{
	struct id ada = id_new();
	struct login login = log_in(&ada);
	struct rotation rotation = {.token = login.token, .access = new_access(), .arena = arena};
	struct token_mark *killed;
	size_t count;

	assert_int_equal(token_store_end(&login.session.id, arena, &killed, &count), OK);
	assert_int_equal(count, 1);
	assert_true(id_equal(&killed[0].token, &login.access.token));
	assert_int_equal(token_store_rotate(&rotation), ERR_NOT_FOUND);
	assert_int_equal(token_store_end(&login.session.id, arena, &killed, &count), OK);
	assert_int_equal(count, 0);
}

static void a_user_has_only_so_many_sessions(void **state)
{
	struct id ada = id_new();
	struct login first = log_in(&ada), last;

	for (int i = 0; i < SESSIONS_PER_USER_MAX; i++) {
		now_ms++;
		last = log_in(&ada);
	}
	assert_false(is_there(&first));
	assert_true(is_there(&last));
}

/* --- holders ---------------------------------------------------------------------------------- */

static void a_suspended_user_has_nothing_and_gets_nothing(void **state)
{
	struct id ada = id_new(), bob = id_new(), before, as_of;
	struct login login = log_in(&ada), foreign = log_in(&bob), again;
	struct ending suspend = {
		.holder = ada, .suspended = true, .refresh_tokens = true, .access_tokens = true};
	struct ending activate = {.holder = ada, .refresh_tokens = true};

	assert_int_equal(token_store_end_holder(&suspend, &before), OK);
	assert_false(id_is_zero(&before));
	assert_false(is_there(&login));
	assert_true(is_dead(&login.access.token, &ada));
	assert_true(is_there(&foreign));
	assert_false(is_dead(&foreign.access.token, &bob));
	as_of = id_new();
	assert_int_equal(begin(&ada, &as_of, &again), ERR_CONFLICT);

	assert_int_equal(token_store_end_holder(&activate, &before), OK);
	assert_true(id_is_zero(&before));
	as_of = id_new();
	assert_int_equal(begin(&ada, &as_of, &again), OK);
	assert_false(is_dead(&again.access.token, &ada));
	assert_true(is_dead(&login.access.token, &ada));
}

static void a_login_that_began_before_the_end_is_too_late(void **state)
{
	struct id ada = id_new(), as_of = id_new(), before;
	struct ending password = {.holder = ada, .refresh_tokens = true};
	struct login login;

	assert_int_equal(token_store_end_holder(&password, &before), OK);
	assert_int_equal(begin(&ada, &as_of, &login), ERR_CONFLICT);
	as_of = id_new();
	assert_int_equal(begin(&ada, &as_of, &login), OK);
}

static void a_lost_role_ends_access_tokens_and_no_session(void **state)
{
	struct id ada = id_new(), before;
	struct login login = log_in(&ada);
	struct ending demote = {.holder = ada, .access_tokens = true};
	struct rotation rotation;

	assert_int_equal(token_store_end_holder(&demote, &before), OK);
	assert_true(is_dead(&login.access.token, &ada));
	rotation = rotate(&login.token);
	assert_int_equal(rotation.use, REFRESH_CURRENT);
	assert_false(is_dead(&rotation.access.token, &ada));
}

/* --- what is remembered ----------------------------------------------------------------------- */

static void remember(void *arg, const struct id *id, const struct id *before, int64_t expires_ms)
{
	if (before)
		marks_end_holder(id, before, expires_ms);
	else
		marks_kill(&(struct token_mark){.token = *id, .expires_ms = expires_ms}, 1);
	*(int *)arg += 1;
}

static void what_is_dead_stays_so_over_a_start(void **state)
{
	struct id ada = id_new(), nobody = {{0}}, before;
	struct login login = log_in(&ada);
	struct token_mark single = new_access();
	struct ending suspend = {.holder = ada, .suspended = true, .access_tokens = true};
	int loaded = 0;

	assert_int_equal(token_store_kill(&single), OK);
	assert_int_equal(token_store_kill(&single), OK);
	assert_int_equal(token_store_end_holder(&suspend, &before), OK);
	assert_int_equal(marks_look(&single.token, &nobody), MARK_ALIVE);
	assert_int_equal(token_store_load(ACCESS_MS, remember, &loaded), OK);
	assert_int_equal(loaded, 2);
	assert_int_equal(marks_look(&single.token, &nobody), MARK_DEAD);
	assert_int_equal(marks_look(&login.access.token, &ada), MARK_DEAD);
	assert_int_equal(marks_look(&login.access.token, &nobody), MARK_ALIVE);

	/* When all of it has expired there is nothing to know any more. */
	now_ms += ACCESS_MS;
	loaded = 0;
	assert_int_equal(token_store_load(ACCESS_MS, remember, &loaded), OK);
	assert_int_equal(loaded, 0);
	marks_sweep(env_now_ms());
	assert_int_equal(marks_look(&single.token, &nobody), MARK_ALIVE);
}

static void a_suspension_outlives_the_sweep(void **state)
{
	struct id ada = id_new(), before, as_of;
	struct ending suspend = {
		.holder = ada, .suspended = true, .refresh_tokens = true, .access_tokens = true};
	struct login login;

	assert_int_equal(token_store_end_holder(&suspend, &before), OK);
	now_ms += DAY_MS;
	assert_int_equal(token_store_sweep(env_now_ms(), ACCESS_MS), OK);
	as_of = id_new();
	assert_int_equal(begin(&ada, &as_of, &login), ERR_CONFLICT);
}

static void a_later_end_of_a_holder_counts(void **state)
{
	struct id ada = id_new(), first = id_new(), token = id_new(), second = id_new();

	marks_end_holder(&ada, &first, now_ms + ACCESS_MS);
	assert_int_equal(marks_look(&token, &ada), MARK_ALIVE);
	marks_end_holder(&ada, &second, now_ms + ACCESS_MS);
	assert_int_equal(marks_look(&token, &ada), MARK_DEAD);
	/* The earlier one, told late, takes nothing back. */
	marks_end_holder(&ada, &first, now_ms + ACCESS_MS);
	assert_int_equal(marks_look(&token, &ada), MARK_DEAD);
}

static void verified_tokens_are_known_again(void **state)
{
	struct hash token = hash_of_text("token"), other = hash_of_text("other");
	struct caller caller = {.roles = ROLE_ADMIN,
				.user = id_new(),
				.client = "souk",
				.token = id_new(),
				.expires_s = 12345};
	struct caller found = {0};

	assert_false(marks_find_verified(&token, arena, &found));
	marks_add_verified(&token, &caller);
	assert_true(marks_find_verified(&token, arena, &found));
	assert_int_equal(found.roles, ROLE_ADMIN);
	assert_true(id_equal(&found.user, &caller.user));
	assert_true(id_equal(&found.token, &caller.token));
	assert_string_equal(found.client, "souk");
	assert_int_equal(found.expires_s, 12345);
	assert_false(marks_find_verified(&other, arena, &found));
}

static void more_than_there_is_room_for_is_asked_of_the_store(void **state)
{
	struct id nobody = {{0}}, alive = id_new();
	struct token_mark token = {.expires_ms = now_ms + ACCESS_MS};

	for (uint32_t i = 0; i <= 200000; i++) {
		memcpy(token.token.bytes, &i, sizeof(i));
		marks_kill(&token, 1);
	}
	assert_int_equal(marks_look(&alive, &nobody), MARK_UNKNOWN);
	now_ms += ACCESS_MS;
	assert_int_equal(marks_look(&alive, &nobody), MARK_ALIVE);
	marks_sweep(env_now_ms());
	memset(token.token.bytes, 0, sizeof(token.token.bytes));
	assert_int_equal(marks_look(&token.token, &nobody), MARK_ALIVE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* The newest first, each once; beyond the bound the oldest is forgotten. */
static void issuers_are_remembered(void **state)
{
	const char *issuers[ISSUERS_MAX + 1];

	(void)state;
	for (int i = 0; i < ISSUERS_MAX + 2; i++)
		assert_int_equal(token_store_note_issuer(arena_printf(arena, "http://%d", i), arena,
							 issuers),
				 OK);
	assert_string_equal(issuers[0], "http://9");
	assert_string_equal(issuers[ISSUERS_MAX - 1], "http://2");
	assert_null(issuers[ISSUERS_MAX]);
	assert_int_equal(token_store_note_issuer("http://4", arena, issuers), OK);
	assert_string_equal(issuers[0], "http://4");
	assert_string_equal(issuers[1], "http://9");
	assert_string_equal(issuers[ISSUERS_MAX - 1], "http://2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(tokens_follow_one_another),
		TEST(a_lost_answer_is_given_again),
		TEST(reuse_ends_the_session_and_all_its_access_tokens),
		TEST(a_predecessor_that_comes_late_is_reuse),
		TEST(a_session_expires_and_is_swept),
		TEST(an_unused_session_of_thirty_days_is_refused),
		TEST(an_ended_session_is_not_found),
		TEST(a_user_has_only_so_many_sessions),
		TEST(a_suspended_user_has_nothing_and_gets_nothing),
		TEST(a_login_that_began_before_the_end_is_too_late),
		TEST(a_lost_role_ends_access_tokens_and_no_session),
		TEST(what_is_dead_stays_so_over_a_start),
		TEST(a_suspension_outlives_the_sweep),
		TEST(a_later_end_of_a_holder_counts),
		TEST(issuers_are_remembered),
		TEST(verified_tokens_are_known_again),
		TEST(more_than_there_is_room_for_is_asked_of_the_store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
