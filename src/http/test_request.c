/* Reading requests, and replies that are not lists or problems. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "http/request.h"
#include "http/router.h"

static struct arena *arena;

static struct request make(const char *query)
{
	struct request req = {.arena = arena, .path = "/things", .query = query, .body = ""};

	return req;
}

static void add_header(struct request *req, const char *name, const char *value)
{
	req->headers[req->header_count++] = (struct header){name, value};
}

static const struct fault *find_fault(const struct request *req, const char *pointer)
{
	for (const struct fault *fault = req->faults.first; fault; fault = fault->next) {
		if (strcmp(fault->pointer, pointer) == 0)
			return fault;
	}
	return NULL;
}

static void test_headers(void **state)
{
	struct request req = make("");

	(void)state;
	add_header(&req, "Content-type", "text/plain");
	add_header(&req, "X-Twice", "first");
	add_header(&req, "x-twice", "second");
	assert_string_equal(request_header(&req, "content-TYPE"), "text/plain");
	assert_string_equal(request_header(&req, "X-TWICE"), "first");
	assert_null(request_header(&req, "Content"));
}

static void test_parameters(void **state)
{
	static const struct route route = {.path = "/carts/:id/items/:lineId"};
	struct request req = make("");
	struct id id = id_new(), read = {0};

	(void)state;
	req.route = &route;
	req.parameters[0] = id_text(arena, &id);
	req.parameters[1] = "17";
	assert_string_equal(request_parameter(&req, "lineId"), "17");
	assert_int_equal(request_id(&req, "id", &read), OK);
	assert_true(id_equal(&id, &read));
	assert_int_equal(request_id(&req, "lineId", &read), ERR_NOT_FOUND);
}

static void test_query(void **state)
{
	struct request req = make("a=1&b=two+words%21&a=2&empty=&bare&%63=enc&bad=%zz&=nameless");

	(void)state;
	assert_string_equal(request_query(&req, "a"), "1");
	assert_string_equal(request_query(&req, "b"), "two words!");
	assert_string_equal(request_query(&req, "empty"), "");
	assert_string_equal(request_query(&req, "bare"), "");
	assert_string_equal(request_query(&req, "c"), "enc");
	assert_string_equal(request_query(&req, "bad"), "%zz");
	assert_null(request_query(&req, "aa"));
	assert_null(request_query(&req, "two"));
}

static const char *const sorts[] = {"price", "newest", NULL};
static const struct field id_element = {.kind = FIELD_KIND_ID};
static const struct field text_element = {.kind = FIELD_KIND_TEXT, .min = 1, .max = 3};

struct search {
	char *q;
	int64_t most, least;
	bool in_stock;
	int sort;
	int64_t from_ms;
	struct id vendor;
	struct list ids, tags;
	bool has_sort;
};

static const struct field search_fields[] = {
	FIELD(struct search, q, "q", TEXT, .min = 1, .max = 5),
	FIELD(struct search, most, "most", INT, .min = 0, .max = 100),
	FIELD(struct search, least, "least", INT, .flags = REQUIRED, .min = 0, .max = 100),
	FIELD(struct search, in_stock, "inStock", BOOL),
	FIELD(struct search, sort, "sort", CHOICE, .choices = sorts,
	      GIVEN(struct search, has_sort)),
	FIELD(struct search, from_ms, "from", TIME),
	FIELD(struct search, vendor, "vendorId", ID),
	FIELD(struct search, ids, "ids", LIST, .max = 100, LIST_OF(&id_element, struct id)),
	FIELD(struct search, tags, "tags", LIST, .max = 3, LIST_OF(&text_element, char *)),
	FIELD_END,
};

static void test_query_by_table(void **state)
{
	struct request req = make("q=h%C3%A9+o&most=7&least=0&inStock=true&sort=newest&&"
				  "from=2026-01-02&vendorId=01890000-0000-7000-8000-000000000001&"
				  "ids=01890000-0000-7000-8000-000000000002,"
				  "01890000-0000-7000-8000-000000000003&tags=a,b%2Cc");
	struct search search = {0};

	(void)state;
	assert_int_equal(request_query_read(&req, search_fields, &search), OK);
	assert_string_equal(search.q, "h\xc3\xa9 o");
	assert_int_equal(search.most, 7);
	assert_true(search.in_stock);
	assert_int_equal(search.sort, 1);
	assert_true(search.has_sort);
	assert_int_equal(search.from_ms, INT64_C(1767312000000));
	assert_int_equal(search.vendor.bytes[15], 1);
	assert_int_equal(search.ids.count, 2);
	assert_int_equal(((struct id *)search.ids.items)[1].bytes[15], 3);
	assert_int_equal(search.tags.count, 3);
	assert_string_equal(((char **)search.tags.items)[2], "c");
}

static void test_query_names(void **state)
{
	static const struct route list = {.path = "/things", .flags = ROUTE_PAGE | ROUTE_QUERY};
	struct request req = make("least=0&q=a&other=1&limit=2&m%6Fst=7&most=8&%zz=1&&c=");
	struct request page = make("least=0&q=a&limit=2&cursor=x&limit=3");
	struct request none = make("limit=2");
	struct search search = {0};

	(void)state;
	assert_int_equal(request_query_read(&req, search_fields, &search), ERR_INVALID);
	assert_int_equal(req.faults.count, 5);
	assert_non_null(find_fault(&req, "?other"));
	assert_non_null(find_fault(&req, "?limit")); /* no list's route */
	assert_string_equal(find_fault(&req, "?most")->detail, "is there twice");
	assert_non_null(find_fault(&req, "?"));
	assert_non_null(find_fault(&req, "?c"));

	page.route = &list;
	assert_int_equal(request_query_read(&page, search_fields, &search), ERR_INVALID);
	assert_int_equal(page.faults.count, 1);
	assert_string_equal(find_fault(&page, "?limit")->detail, "is there twice");

	assert_int_equal(request_query_refuse(&none), ERR_INVALID);
	none = make("&&");
	assert_int_equal(request_query_refuse(&none), OK);
}

static void test_query_faults(void **state)
{
	struct request req = make("q=toolong&most=many&inStock=maybe&sort=best&from=x&vendorId=1&"
				  "ids=1,2&tags=ok,loong");
	struct request bad = make("least=1&q=%ff&tags=%00&sort=%0a&most=101&inStock");
	struct search search = {0};
	static const struct field many_fields[] = {
		{.name = "many",
		 .kind = FIELD_KIND_LIST,
		 .max = 1000,
		 LIST_OF(&text_element, char *)},
		FIELD_END,
	};
	struct out many = out_new(arena);
	struct list list = {0};

	(void)state;
	assert_int_equal(request_query_read(&req, search_fields, &search), ERR_INVALID);
	assert_non_null(find_fault(&req, "?q"));
	assert_non_null(find_fault(&req, "?most"));
	assert_non_null(find_fault(&req, "?least"));
	assert_non_null(find_fault(&req, "?inStock"));
	assert_non_null(find_fault(&req, "?sort"));
	assert_non_null(find_fault(&req, "?from"));
	assert_non_null(find_fault(&req, "?vendorId"));
	assert_non_null(find_fault(&req, "?ids"));
	assert_non_null(find_fault(&req, "?tags"));

	assert_int_equal(request_query_read(&bad, search_fields, &search), ERR_INVALID);
	assert_int_equal(bad.faults.count, 5);
	assert_non_null(find_fault(&bad, "?q"));
	assert_non_null(find_fault(&bad, "?inStock"));

	out_printf(&many, "many=a");
	for (int i = 0; i < QUERY_VALUES_MAX; i++)
		out_printf(&many, ",a");
	req = make(many.data);
	assert_int_equal(request_query_read(&req, many_fields, &list), ERR_INVALID);
	assert_int_equal(req.faults.count, 1);
	req = make(arena_printf(arena, "many=%s", many.data + strlen("many=a,")));
	assert_int_equal(request_query_read(&req, many_fields, &list), OK);
	assert_int_equal(list.count, QUERY_VALUES_MAX);
}

struct thing {
	char *name;
	int64_t count;
};

static const struct field thing_fields[] = {
	FIELD(struct thing, name, "name", TEXT, .flags = REQUIRED, .min = 1, .max = 10),
	FIELD(struct thing, count, "count", INT, .min = 1, .max = 10),
	FIELD_END,
};

static struct request with_body(const char *body, size_t length)
{
	struct request req = make("");

	req.body = body;
	req.body_length = length;
	return req;
}

#define WITH_BODY(text) with_body(text, sizeof(text) - 1)

static void test_bodies(void **state)
{
	struct request good = WITH_BODY("{\"name\":\"n\",\"count\":3}");
	struct request faulty = WITH_BODY("{\"count\":11,\"other\":1}");
	struct request list = WITH_BODY("[1]");
	struct request empty = WITH_BODY("");
	struct request nul = WITH_BODY("{\"name\":\"a\0b\"}");
	struct request escaped_nul = WITH_BODY("{\"name\":\"a\\u0000b\"}");
	struct request control = WITH_BODY("{\"name\":\"a\x01\"}");
	struct request latin = WITH_BODY("{\"name\":\"a\xe9\"}");
	struct request cut = WITH_BODY("{\"name\":");
	struct request *const malformed[] = {&empty, &nul, &escaped_nul, &control, &latin, &cut};
	struct thing thing = {0};

	(void)state;
	assert_int_equal(request_body(&good, thing_fields, &thing), OK);
	assert_string_equal(thing.name, "n");
	assert_int_equal(thing.count, 3);

	assert_int_equal(request_body(&faulty, thing_fields, &thing), ERR_INVALID);
	assert_int_equal(faulty.faults.count, 3);
	assert_non_null(find_fault(&faulty, "/name"));
	assert_non_null(find_fault(&faulty, "/count"));
	assert_non_null(find_fault(&faulty, "/other"));

	faulty.faults = (struct faults){0};
	assert_int_equal(request_body_parse(&faulty, thing_fields, &thing), OK);
	assert_int_equal(faults_err(&faulty.faults), ERR_INVALID);

	assert_int_equal(request_body(&list, thing_fields, &thing), ERR_INVALID);
	assert_non_null(find_fault(&list, ""));

	for (size_t i = 0; i < ARRAY_LENGTH(malformed); i++) {
		assert_int_equal(request_body(malformed[i], thing_fields, &thing), ERR_BAD_JSON);
		assert_non_null(malformed[i]->detail);
	}
}

static void test_caller(void **state)
{
	struct request req = make("");
	struct id user = id_new(), other = id_new(), zero = {0};

	(void)state;
	assert_false(request_is_user(&req, &zero));
	assert_false(request_has_role(&req, ROLES_ALL));
	req.caller.roles = ROLE_VENDOR;
	req.caller.user = user;
	assert_true(request_is_user(&req, &user));
	assert_false(request_is_user(&req, &other));
	assert_true(request_has_role(&req, ROLE_VENDOR | ROLE_ADMIN));
	assert_false(request_has_role(&req, ROLE_ADMIN));
	req.caller.user = zero;
	assert_false(request_is_user(&req, &zero));
}

static void test_if_match(void **state)
{
	static const struct {
		const char *header;
		bool matches; /* version 12 */
	} rows[] = {
		{"*", true},
		{"\"12.0\"", true},
		{"\"12.7\"", true},
		{"\"12\"", true},
		{"\"1.12\", \"12.9\"", true},
		{"\"11.0\" , \"13.0\"", false},
		{"W/\"12.0\"", false},
		{"12.0", false},
		{"\"120.0\"", false},
		{"\"12x\"", false},
		{"\"1\"", false},
		{"\"\"", false},
		{"\"x\"", false},
		{"", false},
		{"\"99999999999999999999999.0\"", false},
	};
	struct request req = make("");

	(void)state;
	assert_int_equal(request_if_match(&req, 12), OK);
	add_header(&req, "if-match", NULL);
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		req.headers[0].value = rows[i].header;
		if (request_if_match(&req, 12) != (rows[i].matches ? OK : ERR_VERSION_MISMATCH))
			fail_msg("%s", rows[i].header);
	}
	/* All its lines count; and what must not match does not. */
	req.headers[0].value = "\"1.0\"";
	add_header(&req, "If-Match", "\"12.3\"");
	assert_int_equal(request_if_match(&req, 12), OK);
	add_header(&req, "If-None-Match", "\"13.3\"");
	assert_int_equal(request_if_match(&req, 12), OK);
	req.headers[2].value = "W/\"12.0\"";
	assert_int_equal(request_if_match(&req, 12), ERR_VERSION_MISMATCH);
	req.headers[2].value = "*";
	assert_int_equal(request_if_match(&req, 12), ERR_VERSION_MISMATCH);
}

static void test_if_match_part(void **state)
{
	static const struct {
		const char *header;
		bool matches; /* version 12, part 7 */
	} rows[] = {
		{"*", true},
		{"\"12.30064771072\"", true}, /* 7 << 32 */
		{"\"12.30064771079\"", true},
		{"\"11.30064771072\", \"12.30064771073\"", true},
		{"\"11.30064771072\"", false},
		{"\"12.25769803776\"", false},
		{"\"12.7\"", false},
		{"\"12\"", false},
		{"\"12.\"", false},
		{"\"12.30064771072", false},
		{"W/\"12.30064771072\"", false},
		{"\"12.99999999999999999999\"", false},
	};
	struct request req = make("");

	(void)state;
	assert_int_equal(request_if_match_part(&req, 12, 7), OK);
	add_header(&req, "if-match", NULL);
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		req.headers[0].value = rows[i].header;
		if (request_if_match_part(&req, 12, 7) !=
		    (rows[i].matches ? OK : ERR_VERSION_MISMATCH))
			fail_msg("%s", rows[i].header);
	}
}

static void test_services(void **state)
{
	struct request req = make("");

	(void)state;
	assert_false(request_is_service(&req, "order"));
	req.caller = (struct caller){.roles = ROLE_SERVICE, .client = "order"};
	assert_true(request_is_service(&req, "order"));
	assert_false(request_is_service(&req, "payment"));
	req.caller.client = "souk:order";
	assert_true(request_is_service(&req, "order"));
	req.caller.roles = ROLE_ADMIN;
	assert_false(request_is_service(&req, "order"));
}

static void test_prefers(void **state)
{
	struct request req = make("");

	(void)state;
	add_header(&req, "Prefer", "wait=10, Respond-Async;x=1");
	add_header(&req, "Prefer", "handling=lenient");
	assert_true(request_prefers(&req, "respond-async"));
	assert_false(request_prefers(&req, "respond"));
	req.headers[0].value = "respond-asynchronously, not respond-async";
	assert_false(request_prefers(&req, "respond-async"));
	req.headers[1].value = "respond-async";
	assert_true(request_prefers(&req, "respond-async"));
}

static void test_reply_headers(void **state)
{
	struct reply reply = {.arena = arena};
	char value[400];

	(void)state;
	memset(value, 'v', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	reply_header(&reply, "X-Number", "%d", 7);
	reply_header(&reply, "X-Long", "%s", value);
	assert_string_equal(reply_get_header(&reply, "x-number"), "7");
	assert_string_equal(reply_get_header(&reply, "X-Long"), value);
	assert_null(reply_get_header(&reply, "X"));
	reply_etag(&reply, 5, 6);
	assert_string_equal(reply_get_header(&reply, "ETag"), "\"5.6\"");
}

static void test_preconditions(void **state)
{
	static const struct {
		enum http_method method;
		int status;
		const char *name, *value;
		enum precondition expected;
	} rows[] = {
		{HTTP_GET, 200, "If-None-Match", "\"5.6\"", PRECONDITION_NOT_MODIFIED},
		{HTTP_HEAD, 200, "If-None-Match", "W/\"5.6\"", PRECONDITION_NOT_MODIFIED},
		{HTTP_GET, 200, "If-None-Match", "\"1.1\",\"5.6\"", PRECONDITION_NOT_MODIFIED},
		{HTTP_GET, 200, "If-None-Match", "*", PRECONDITION_NOT_MODIFIED},
		{HTTP_GET, 200, "If-None-Match", "\"5.7\"", PRECONDITION_HOLDS},
		{HTTP_GET, 200, "If-None-Match", "5.6", PRECONDITION_HOLDS},
		{HTTP_GET, 200, "If-None-Match", "", PRECONDITION_HOLDS},
		{HTTP_GET, 404, "If-None-Match", "*", PRECONDITION_HOLDS},
		{HTTP_POST, 200, "If-None-Match", "\"5.6\"", PRECONDITION_FAILED},
		{HTTP_PUT, 200, "If-None-Match", "*", PRECONDITION_FAILED},
		{HTTP_PUT, 200, "If-None-Match", "\"5.7\"", PRECONDITION_HOLDS},
		{HTTP_GET, 200, "If-Match", "\"1.1\", \"5.6\"", PRECONDITION_HOLDS},
		{HTTP_GET, 200, "If-Match", "*", PRECONDITION_HOLDS},
		{HTTP_GET, 200, "If-Match", "W/\"5.6\"", PRECONDITION_FAILED},
		{HTTP_HEAD, 200, "If-Match", "\"5.7\"", PRECONDITION_FAILED},
		{HTTP_GET, 403, "If-Match", "\"5.7\"", PRECONDITION_HOLDS},
		{HTTP_DELETE, 200, "If-Match", "\"5.7\"", PRECONDITION_FAILED},
		{HTTP_GET, 200, "If-Modified-Since", "Sun, 06 Nov 1994 08:49:37 GMT",
		 PRECONDITION_HOLDS},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		struct request req = make("");
		struct reply reply = {.arena = arena};

		req.method = rows[i].method;
		add_header(&req, rows[i].name, rows[i].value);
		reply_text(&reply, rows[i].status, "text/plain", "text");
		reply_etag(&reply, 5, 6);
		if (reply_precondition(&req, &reply) != rows[i].expected)
			fail_msg("row %zu: %s: %s", i, rows[i].name, rows[i].value);
	}
}

/* Of a resource without a version, any that is named is another one. */
static void test_preconditions_without_tag(void **state)
{
	struct request req = make("");
	struct reply reply = {.arena = arena};

	(void)state;
	req.method = HTTP_GET;
	reply_text(&reply, 200, "text/plain", "text");
	add_header(&req, "If-Match", "\"1.0\"");
	assert_int_equal(reply_precondition(&req, &reply), PRECONDITION_FAILED);
	req.headers[0].value = "*";
	assert_int_equal(reply_precondition(&req, &reply), PRECONDITION_HOLDS);
	req.headers[0].name = "If-None-Match";
	assert_int_equal(reply_precondition(&req, &reply), PRECONDITION_NOT_MODIFIED);
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
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_parameters),
		cmocka_unit_test(test_query),
		cmocka_unit_test(test_query_by_table),
		cmocka_unit_test(test_query_names),
		cmocka_unit_test(test_query_faults),
		cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_caller),
		cmocka_unit_test(test_if_match),
		cmocka_unit_test(test_if_match_part),
		cmocka_unit_test(test_services),
		cmocka_unit_test(test_prefers),
		cmocka_unit_test(test_reply_headers),
		cmocka_unit_test(test_preconditions),
		cmocka_unit_test(test_preconditions_without_tag),
	};

	return cmocka_run_group_tests_name("http/request", tests, begin, end);
}
