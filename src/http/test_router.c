/* Which row a path leads to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "http/router.h"

static enum err nothing(struct request *req, struct reply *reply)
{
	(void)req;
	(void)reply;
	return OK;
}

static const struct route orders[] = {
	{HTTP_POST, "/orders", nothing, 0, 0, 0},
	{HTTP_GET, "/orders", nothing, 0, 0, 0},
	{HTTP_GET, "/orders/:id", nothing, 0, 0, 0},
	{HTTP_PUT, "/orders/:id/status", nothing, 0, 0, 0},
	{HTTP_GET, "/orders/user/:userId", nothing, 0, 0, 0},
	{HTTP_POST, "/orders/quote", nothing, 0, ROUTE_INTERNAL, 0},
	{HTTP_POST, "/internal", nothing, 0, ROUTE_INTERNAL, 0},
	{.path = NULL},
};

static const struct route others[] = {
	{HTTP_GET, "/", nothing, 0, 0, 0},
	{HTTP_DELETE, "/carts/:id/items/:lineId", nothing, 0, 0, 0},
	{HTTP_GET, "/.well-known/jwks.json", nothing, 0, 0, 0},
	{.path = NULL},
};

static struct router *router;
static struct arena *arena;
static int orders_owner, others_owner;

static void test_paths(void **state)
{
	static const struct {
		enum http_method method;
		const char *path;
		const char *route; /* NULL: not found */
		const char *parameters[3];
	} rows[] = {
		{HTTP_GET, "/", "/", {NULL}},
		{HTTP_GET, "/orders", "/orders", {NULL}},
		{HTTP_HEAD, "/orders", "/orders", {NULL}},
		{HTTP_GET, "/orders/17", "/orders/:id", {"17"}},
		{HTTP_GET, "/orders/user", "/orders/:id", {"user"}},
		{HTTP_GET, "/orders/user/9", "/orders/user/:userId", {"9"}},
		{HTTP_PUT, "/orders/9/status", "/orders/:id/status", {"9"}},
		/* Static wins over a parameter. */
		{HTTP_GET, "/orders/user/status", "/orders/user/:userId", {"status"}},
		/* But where it is only internal, it hides nothing and tells nothing. */
		{HTTP_POST, "/orders/quote", "/orders/quote", {NULL}},
		{HTTP_GET, "/orders/quote", "/orders/:id", {"quote"}},
		{HTTP_POST, "/internal", "/internal", {NULL}},
		{HTTP_GET, "/internal", NULL, {NULL}},
		{HTTP_DELETE, "/carts/a/items/b", "/carts/:id/items/:lineId", {"a", "b"}},
		{HTTP_GET, "/orders/a%2Fb%20c", "/orders/:id", {"a/b c"}},
		{HTTP_GET, "/orders/%C3%A9+", "/orders/:id", {"\xc3\xa9+"}},
		{HTTP_GET, "/.well-known/jwks.json", "/.well-known/jwks.json", {NULL}},
		{HTTP_GET, "/orders/", NULL, {NULL}},
		{HTTP_GET, "//orders", NULL, {NULL}},
		{HTTP_GET, "/orders//", NULL, {NULL}},
		{HTTP_GET, "/orders/17/", NULL, {NULL}},
		{HTTP_GET, "/orders/17/none", NULL, {NULL}},
		{HTTP_GET, "/Orders", NULL, {NULL}},
		{HTTP_GET, "/order", NULL, {NULL}},
		{HTTP_GET, "", NULL, {NULL}},
		{HTTP_GET, "*", NULL, {NULL}},
		{HTTP_GET, "orders", NULL, {NULL}},
		{HTTP_GET, "/carts/a/items", NULL, {NULL}},
		{HTTP_GET, "/orders/%zz", NULL, {NULL}},
		{HTTP_GET, "/orders/%", NULL, {NULL}},
		{HTTP_GET, "/orders/%00", NULL, {NULL}},
		{HTTP_GET, "/orders/%ff", NULL, {NULL}},
		{HTTP_GET, "/orders/%01", NULL, {NULL}},
		{HTTP_GET, "/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a", NULL, {NULL}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		struct match match = {0};
		const char *allow = NULL;
		enum err err =
			router_find(router, arena, rows[i].method, rows[i].path, &match, &allow);

		if (err != (rows[i].route ? OK : ERR_NOT_FOUND))
			fail_msg("%d for %s", err, rows[i].path);
		if (err)
			continue;
		assert_string_equal(match.route->path, rows[i].route);
		for (size_t j = 0; j < ARRAY_LENGTH(rows[i].parameters); j++) {
			if (rows[i].parameters[j])
				assert_string_equal(match.parameters[j], rows[i].parameters[j]);
			else
				assert_null(match.parameters[j]);
		}
	}
}

static void test_methods(void **state)
{
	struct match match;
	const char *allow = NULL;

	(void)state;
	assert_int_equal(router_find(router, arena, HTTP_DELETE, "/orders", &match, &allow),
			 ERR_METHOD_NOT_ALLOWED);
	assert_string_equal(allow, "GET, HEAD, POST");
	assert_int_equal(router_find(router, arena, HTTP_HEAD, "/orders/1/status", &match, &allow),
			 ERR_METHOD_NOT_ALLOWED);
	assert_string_equal(allow, "PUT");
	assert_int_equal(router_find(router, arena, HTTP_OTHER, "/orders/1", &match, &allow),
			 ERR_METHOD_NOT_ALLOWED);
	assert_string_equal(allow, "GET, HEAD");
	assert_int_equal(router_find(router, arena, HTTP_PUT, "/orders/quote", &match, &allow),
			 ERR_METHOD_NOT_ALLOWED);
	assert_string_equal(allow, "GET, HEAD");
}

static void test_owners(void **state)
{
	struct match match;
	const char *allow;

	(void)state;
	assert_int_equal(router_find(router, arena, HTTP_POST, "/orders", &match, &allow), OK);
	assert_ptr_equal(match.owner, &orders_owner);
	assert_ptr_equal(match.route, &orders[0]);
	assert_int_equal(router_find(router, arena, HTTP_GET, "/", &match, &allow), OK);
	assert_ptr_equal(match.owner, &others_owner);
}

static void collect(const struct route *route, void *owner, void *arg)
{
	struct out *out = arg;

	out_printf(out, "%s%s ", owner == &orders_owner ? "" : "*", route->path);
}

static void test_each_row_in_order(void **state)
{
	struct out out = out_new(arena);

	(void)state;
	router_each(router, collect, &out);
	assert_string_equal(out.data, "/orders /orders /orders/:id /orders/:id/status "
				      "/orders/user/:userId /orders/quote /internal */ "
				      "*/carts/:id/items/:lineId "
				      "*/.well-known/jwks.json ");
}

static int begin(void **state)
{
	(void)state;
	arena = arena_new();
	router = router_new();
	router_add(router, orders, &orders_owner);
	router_add(router, others, &others_owner);
	return 0;
}

static int end(void **state)
{
	(void)state;
	router_free(router);
	router_free(NULL);
	arena_free(arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_methods),
		cmocka_unit_test(test_owners),
		cmocka_unit_test(test_each_row_in_order),
	};

	return cmocka_run_group_tests_name("http/router", tests, begin, end);
}
