/* Parameters of forms and of JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "services/auth/clients.h"

static struct arena *arena;

static int setup(void **state)
{
	arena = arena_new();
	return 0;
}

static int teardown(void **state)
{
	arena_free(arena);
	return 0;
}

static struct request *request_of(const char *type, const char *body, size_t length)
{
	struct request *req = ARENA_NEW(arena, struct request);

	req->arena = arena;
	req->body = body;
	req->body_length = length;
	req->headers[0] = (struct header){"Content-Type", type};
	req->header_count = 1;
	return req;
}

static enum err read_form(const char *body, struct parameters *ret_parameters)
{
	const char *why = NULL;
	enum err err = parameters_read(
		request_of("application/x-www-form-urlencoded; charset=utf-8", body, strlen(body)),
		ret_parameters, &why);

	assert_true(!err == !why);
	return err;
}

static enum err read_json(const char *body, struct parameters *ret_parameters)
{
	const char *why = NULL;

	return parameters_read(request_of("application/json", body, strlen(body)), ret_parameters,
			       &why);
}

static void a_form_is_read(void **state)
{
	struct parameters parameters;

	assert_int_equal(
		read_form("grant_type=password&username=a%2Bb%40c.example&password=a+b%26c",
			  &parameters),
		OK);
	assert_int_equal(parameters.count, 3);
	assert_string_equal(parameters_get(&parameters, "grant_type"), "password");
	assert_string_equal(parameters_get(&parameters, "username"), "a+b@c.example");
	assert_string_equal(parameters_get(&parameters, "password"), "a b&c");
	assert_null(parameters_get(&parameters, "scope"));
}

static void what_has_no_value_is_not_there(void **state)
{
	struct parameters parameters;

	assert_int_equal(read_form("scope=&grant_type=x&flag&", &parameters), OK);
	assert_int_equal(parameters.count, 1);
	assert_int_equal(read_json("{\"scope\":\"\",\"grant_type\":\"x\",\"a\":null}", &parameters),
			 OK);
	assert_int_equal(parameters.count, 1);
}

static void nothing_is_there_twice(void **state)
{
	struct parameters parameters;

	assert_int_equal(read_form("a=1&b=2&a=1", &parameters), ERR_BAD_REQUEST);
	assert_int_equal(read_form("a=&a=1", &parameters), ERR_BAD_REQUEST);
	assert_int_equal(read_form("a=1&%61=1", &parameters), ERR_BAD_REQUEST);
	assert_int_equal(read_json("{\"a\":\"1\",\"a\":\"1\"}", &parameters), ERR_BAD_REQUEST);
}

static void malformed_bodies_are_refused(void **state)
{
	struct parameters parameters;
	const char *why;
	char many[400] = "";

	assert_int_equal(read_form("a=%", &parameters), ERR_BAD_REQUEST);
	assert_int_equal(read_form("a=%ff", &parameters), ERR_BAD_REQUEST);
	assert_int_equal(read_form("a=%00", &parameters), ERR_BAD_REQUEST);
	assert_int_equal(read_form("a=%01", &parameters), ERR_BAD_REQUEST);
	assert_int_equal(
		parameters_read(request_of("application/x-www-form-urlencoded", "a=\0b", 4),
				&parameters, &why),
		ERR_BAD_REQUEST);
	assert_int_equal(read_json("{\"a\":1}", &parameters), ERR_BAD_REQUEST);
	assert_int_equal(read_json("[]", &parameters), ERR_BAD_REQUEST);
	assert_int_equal(read_json("{", &parameters), ERR_BAD_REQUEST);
	for (int i = 0; i <= PARAMETERS_MAX; i++)
		snprintf(many + strlen(many), sizeof(many) - strlen(many), "p%d=1&", i);
	assert_int_equal(read_form(many, &parameters), ERR_BAD_REQUEST);
}

/* --- who says it is no client, or says it badly ------------------------------------------------- */

static enum err authenticate(const char *authorization, const char *form)
{
	static const struct client somebody;
	const struct client *client = &somebody;
	struct request *req = request_of("application/x-www-form-urlencoded", form, strlen(form));
	struct client_proof proof;
	struct parameters parameters;
	const char *why;
	enum err err;

	if (authorization)
		req->headers[req->header_count++] = (struct header){"Authorization", authorization};
	assert_int_equal(parameters_read(req, &parameters, &why), OK);
	proof = (struct client_proof){parameters_get(&parameters, "client_id"),
				      parameters_get(&parameters, "client_secret")};
	err = client_authenticate(req, &proof, &client);
	assert_true(err || !client);
	return err;
}

static void the_first_party_needs_no_client(void **state)
{
	assert_int_equal(authenticate(NULL, "grant_type=password"), OK);
	assert_int_equal(authenticate(NULL, "client_id=souk"), OK);
	assert_int_equal(authenticate("Bearer abc", "grant_type=password"), OK);
}

static void a_bad_proof_is_refused(void **state)
{
	assert_int_equal(authenticate(NULL, "client_id=other"), ERR_INVALID_CREDENTIALS);
	assert_int_equal(authenticate(NULL, "client_id=souk&client_secret=x"),
			 ERR_INVALID_CREDENTIALS);
	assert_int_equal(authenticate(NULL, "client_secret=x"), ERR_BAD_REQUEST);
	assert_int_equal(authenticate("Basic !!!!", ""), ERR_INVALID_CREDENTIALS);
	assert_int_equal(authenticate("Basic YQ==", ""), ERR_INVALID_CREDENTIALS); /* no colon */
	assert_int_equal(authenticate("Basic YTpi", ""), ERR_INVALID_CREDENTIALS); /* a:b */
	/* Said twice, but first of all by nobody. */
	assert_int_equal(authenticate("Basic YTpi", "client_secret=b"), ERR_INVALID_CREDENTIALS);
	assert_int_equal(authenticate("Basic YTpi", "client_id=c"), ERR_INVALID_CREDENTIALS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_form_is_read),
		cmocka_unit_test(what_has_no_value_is_not_there),
		cmocka_unit_test(nothing_is_there_twice),
		cmocka_unit_test(malformed_bodies_are_refused),
		cmocka_unit_test(the_first_party_needs_no_client),
		cmocka_unit_test(a_bad_proof_is_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
