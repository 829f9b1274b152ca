/* What a refusal looks like. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "http/request.h"

static struct arena *arena;

static struct request make(void)
{
	struct request req = {.arena = arena, .path = "/things", .query = "", .id = "request-1"};

	req.faults.arena = arena;
	return req;
}

static json_t *problem(struct request *req, struct reply *reply, enum err err)
{
	json_t *value = NULL;

	*reply = (struct reply){.arena = arena};
	reply_problem(req, reply, err);
	assert_string_equal(reply->content_type, "application/problem+json");
	assert_int_equal(json_parse(arena, reply->body, reply->length, &value, NULL), OK);
	assert_int_equal(json_get_int(value, "status"), reply->status);
	assert_string_equal(json_get_text(value, "instance"), "request-1");
	return value;
}

static void test_refusal(void **state)
{
	struct request req = make();
	struct reply reply;
	json_t *value;

	(void)state;
	assert_int_equal(refuse(&req, ERR_CONFLICT, "It is %s.", "paid"), ERR_CONFLICT);
	value = problem(&req, &reply, ERR_CONFLICT);
	assert_int_equal(reply.status, 409);
	assert_string_equal(json_get_text(value, "type"), "/problems/conflict");
	assert_string_equal(json_get_text(value, "title"),
			    "The request does not fit the resource's state.");
	assert_string_equal(json_get_text(value, "detail"), "It is paid.");
	assert_null(json_object_get(value, "errors"));
	assert_int_equal(reply.header_count, 0);
}

static void test_members(void **state)
{
	struct request req = make();
	struct out members = out_new(arena);
	struct out none = out_new(arena);
	struct reply reply;
	json_t *value;

	(void)state;
	out_open(&members, NULL);
	out_open_list(&members, "allowed");
	out_text(&members, NULL, "paid");
	out_close_list(&members);
	out_int(&members, "count", 1);
	out_close(&members);
	assert_int_equal(refuse_with(&req, ERR_ILLEGAL_TRANSITION, &members, "No."),
			 ERR_ILLEGAL_TRANSITION);
	value = problem(&req, &reply, ERR_ILLEGAL_TRANSITION);
	assert_int_equal(json_array_size(json_object_get(value, "allowed")), 1);
	assert_int_equal(json_get_int(value, "count"), 1);

	out_open(&none, NULL);
	out_close(&none);
	assert_int_equal(refuse_with(&req, ERR_CONFLICT, &none, "No."), ERR_CONFLICT);
	value = problem(&req, &reply, ERR_CONFLICT);
	assert_int_equal(json_object_size(value), 5);
}

static void test_faults(void **state)
{
	struct request req = make();
	struct reply reply;
	const json_t *errors, *value;

	(void)state;
	fault_add(&req.faults, "/items/0/quantity", "must be at least %d", 1);
	value = problem(&req, &reply, ERR_INVALID);
	assert_string_equal(json_get_text(value, "detail"), "1 field breaks a rule.");
	fault_add(&req.faults, "?limit", "must be an integer");
	value = problem(&req, &reply, ERR_INVALID);
	assert_int_equal(reply.status, 422);
	assert_string_equal(json_get_text(value, "detail"), "2 fields break a rule.");
	errors = json_object_get(value, "errors");
	assert_int_equal(json_array_size(errors), 2);
	assert_string_equal(json_get_text(json_array_get(errors, 0), "pointer"),
			    "/items/0/quantity");
	assert_string_equal(json_get_text(json_array_get(errors, 0), "detail"),
			    "must be at least 1");
	assert_string_equal(json_get_text(json_array_get(errors, 1), "parameter"), "limit");
	assert_null(json_object_get(json_array_get(errors, 1), "pointer"));
	assert_null(json_object_get(value, "errorsOmitted"));

	for (int i = 0; i < JSON_FAULTS_MAX + 5; i++)
		fault_add(&req.faults, "/x", "is wrong");
	value = problem(&req, &reply, ERR_INVALID);
	assert_int_equal(json_array_size(json_object_get(value, "errors")), JSON_FAULTS_MAX);
	assert_int_equal(json_get_int(value, "errorsOmitted"), 7);
}

static void test_headers(void **state)
{
	struct request req = make();
	struct reply reply;

	(void)state;
	problem(&req, &reply, ERR_OVERLOADED);
	assert_int_equal(reply.status, 503);
	assert_string_equal(reply_get_header(&reply, "Retry-After"), "1");

	problem(&req, &reply, ERR_UNAUTHENTICATED);
	assert_string_equal(reply_get_header(&reply, "WWW-Authenticate"), "Bearer realm=\"souk\"");
	assert_null(reply_get_header(&reply, "Retry-After"));

	req.headers[req.header_count++] = (struct header){"authorization", "Bearer x"};
	problem(&req, &reply, ERR_UNAUTHENTICATED);
	assert_non_null(
		strstr(reply_get_header(&reply, "WWW-Authenticate"), "error=\"invalid_token\""));

	/* What was set before stays. */
	reply = (struct reply){.arena = arena};
	reply_header(&reply, "Retry-After", "30");
	reply_header(&reply, "Allow", "GET");
	reply_problem(&req, &reply, ERR_RATE_LIMITED);
	assert_string_equal(reply_get_header(&reply, "Retry-After"), "30");
	assert_string_equal(reply_get_header(&reply, "Allow"), "GET");
	assert_int_equal(reply.header_count, 2);
}

static void test_internals_are_not_told(void **state)
{
	struct request req = make();
	struct out members = out_new(arena);
	struct reply reply;
	const json_t *value;

	(void)state;
	out_open(&members, NULL);
	out_text(&members, "table", "secrets");
	out_close(&members);
	assert_int_equal(refuse_with(&req, ERR_INTERNAL, &members, "no such table"), ERR_INTERNAL);
	value = problem(&req, &reply, ERR_INTERNAL);
	assert_int_equal(reply.status, 500);
	assert_null(json_object_get(value, "detail"));
	assert_null(json_object_get(value, "table"));
	assert_null(strstr(reply.body, "table"));
}

static void test_long_details_are_cut(void **state)
{
	struct request req = make();
	struct reply reply;
	char text[3001];

	(void)state;
	for (size_t i = 0; i < sizeof(text) - 1; i += 2)
		snprintf(text + i, 3, "\xc3\xa9");
	assert_int_equal(refuse(&req, ERR_CONFLICT, "-%s", text), ERR_CONFLICT);
	problem(&req, &reply, ERR_CONFLICT);
	assert_in_range(strlen(req.detail), 1000, 1024);
	assert_int_equal(refuse(&req, ERR_CONFLICT, "%s", text), ERR_CONFLICT);
	problem(&req, &reply, ERR_CONFLICT);
	assert_in_range(strlen(req.detail), 1000, 1024);
}

static int begin(void **state)
{
	(void)state;
	arena = arena_new();
	return 0;
}

static int end(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refusal),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_internals_are_not_told),
		cmocka_unit_test(test_long_details_are_cut),
	};

	return cmocka_run_group_tests_name("http/problem", tests, begin, end);
}
