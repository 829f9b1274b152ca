/* Pages: what goes out as a cursor comes back as the same place, and nothing else is believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "http/request.h"

#define KIND "products/price"

static struct arena *arena;

static struct request make(const char *query)
{
	struct request req = {.arena = arena, .path = "/products", .query = query};

	return req;
}

/* A whole list, and its cursor. */
static const char *list(struct request *req, struct reply *reply, const struct cursor *next)
{
	struct out out;
	json_t *value;

	*reply = (struct reply){.arena = arena};
	out = reply_list_begin(reply);
	out_int(&out, NULL, 1);
	out_int(&out, NULL, 2);
	reply_list_end_items(&out);
	out_bool(&out, "facets", true);
	reply_list_end(req, reply, &out, KIND, next);
	assert_int_equal(reply->status, 200);
	assert_string_equal(reply->content_type, "application/json");
	assert_int_equal(json_parse(arena, reply->body, reply->length, &value, NULL), OK);
	assert_int_equal(json_array_size(json_object_get(value, "items")), 2);
	assert_true(json_get_bool(value, "facets"));
	assert_non_null(json_object_get(value, "nextCursor"));
	return json_get_text(value, "nextCursor");
}

static void assert_round_trip(struct cursor cursor)
{
	struct request req = make("limit=2&q=a%20b&cursor=old&sort=price");
	struct request next;
	struct reply reply;
	struct page page;
	const char *text = list(&req, &reply, &cursor);
	const char *link = reply_get_header(&reply, "Link");

	assert_non_null(text);
	assert_string_equal(link, arena_printf(arena,
					       "</products?limit=2&q=a%%20b&sort=price&cursor=%s>; "
					       "rel=\"next\"",
					       text));
	next = make(arena_printf(arena, "cursor=%s", text));
	assert_int_equal(request_page(&next, KIND, &page), OK);
	assert_true(page.has_after);
	assert_int_equal(page.after.number, cursor.number);
	assert_true(id_equal(&page.after.id, &cursor.id));
	if (cursor.text)
		assert_string_equal(page.after.text, cursor.text);
	else
		assert_null(page.after.text);

	/* Another list's. */
	next = make(arena_printf(arena, "cursor=%s", text));
	assert_int_equal(request_page(&next, "products/name", &page), ERR_INVALID);
}

static void test_cursors_come_back(void **state)
{
	(void)state;
	assert_round_trip((struct cursor){.number = 1999, .id = id_new()});
	assert_round_trip((struct cursor){.number = -(INT64_MAX / 2), .text = "", .id = id_new()});
	assert_round_trip((struct cursor){.number = INT64_MAX / 2, .text = "a\nb +-\xc3\xa9"});
}

static void test_last_page(void **state)
{
	struct request req = make("");
	struct reply reply;

	(void)state;
	assert_null(list(&req, &reply, NULL));
	assert_null(reply_get_header(&reply, "Link"));
	assert_non_null(strstr(reply.body, "\"nextCursor\":null"));
}

static void test_link_cannot_be_broken(void **state)
{
	struct request req = make("q=<>\"&&x=%3E&cursors=1");
	struct cursor cursor = {.number = 1};
	struct reply reply;

	(void)state;
	list(&req, &reply, &cursor);
	assert_true(text_starts_with(reply_get_header(&reply, "Link"),
				     "</products?q=%3C%3E%22&x=%3E&cursors=1&cursor="));

	/* A name may be encoded, too: the new cursor takes its place. */
	reply = (struct reply){.arena = arena};
	req = make("%63ursor=old&q=tea");
	list(&req, &reply, &(struct cursor){.number = 1});
	assert_null(strstr(reply_get_header(&reply, "Link"), "old"));
}

static void test_limits(void **state)
{
	static const struct {
		const char *query;
		int64_t limit; /* 0: a fault */
	} rows[] = {
		{"", PAGE_LIMIT_DEFAULT},
		{"limit=1", 1},
		{"limit=100", 100},
		{"limit=0", 0},
		{"limit=101", 0},
		{"limit=-1", 0},
		{"limit=", 0},
		{"limit=ten", 0},
		{"limit=1.5", 0},
		{"limit=99999999999999999999", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		struct request req = make(rows[i].query);
		struct page page;
		enum err err = request_page(&req, KIND, &page);

		assert_int_equal(err, rows[i].limit ? OK : ERR_INVALID);
		if (err)
			assert_string_equal(req.faults.first->pointer, "?limit");
		else
			assert_int_equal(page.limit, rows[i].limit);
	}
}

static void test_foreign_cursors(void **state)
{
#define ID "01890000-0000-7000-8000-000000000001"
	static const char *const texts[] = {
		"",
		KIND,
		KIND "\n1\n" ID,
		KIND "\n1\n" ID "\n",
		KIND "\n1\n" ID "\nx",
		KIND "\n1\n" ID "\n-more",
		KIND "\n\n" ID "\n-",
		KIND "\n1 \n" ID "\n-",
		KIND "\n1e3\n" ID "\n-",
		KIND "\n99999999999999999999\n" ID "\n-",
		KIND "\n1\n" ID "0\n-",
		KIND "\n1\nnone\n-",
		KIND "\n1\n" ID "\n+\xff",
		"other\n1\n" ID "\n-",
	};
	static const char *const raw[] = {"%20", "a", "====", "*", "cHJvZHVjdHM=", "%ff"};
	struct page page;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
		struct request req =
			make(arena_printf(arena, "limit=0&cursor=%s",
					  base64url_encode(arena, texts[i], strlen(texts[i]))));

		if (request_page(&req, KIND, &page) != ERR_INVALID || req.faults.count != 2)
			fail_msg("%s", texts[i]);
		assert_string_equal(req.faults.last->pointer, "?cursor");
	}
	for (size_t i = 0; i < ARRAY_LENGTH(raw); i++) {
		struct request req = make(arena_printf(arena, "cursor=%s", raw[i]));

		if (request_page(&req, KIND, &page) != ERR_INVALID)
			fail_msg("%s", raw[i]);
	}
	{
		struct request req =
			make(arena_printf(arena, "cursor=%s",
					  base64url_encode(arena, KIND "\n1\n" ID "\n+a\0b",
							   sizeof(KIND "\n1\n" ID "\n+a\0b") - 1)));

		assert_int_equal(request_page(&req, KIND, &page), ERR_INVALID);
	}
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
		cmocka_unit_test(test_cursors_come_back),     cmocka_unit_test(test_last_page),
		cmocka_unit_test(test_link_cannot_be_broken), cmocka_unit_test(test_limits),
		cmocka_unit_test(test_foreign_cursors),
	};

	return cmocka_run_group_tests_name("http/page", tests, begin, end);
}
