/* Tests of reading an object into a struct: what is set, and every fault with its pointer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/json.h"
#include "base/out.h"
#include "base/text.h"

struct line {
	struct id product;
	int64_t quantity;
};

struct address {
	char *city;
	struct address *next;
};

struct body {
	char *name, *note, *password, *email;
	struct id id;
	int64_t age, any, at;
	bool subscribed, subscribed_given, note_given;
	struct money price, refund;
	int choice;
	struct address *address;
	struct list lines, tags, numbers;
	json_t *extra;
};

static const char *const colours[] = {"red", "green", NULL};

static const struct field inner_fields[] = {
	FIELD(struct address, city, "city", TEXT, .flags = REQUIRED, .min = 1, .max = 5),
	FIELD_END,
};

static const struct field address_fields[] = {
	FIELD(struct address, city, "city", TEXT, .flags = REQUIRED, .min = 1, .max = 5),
	FIELD(struct address, next, "a/b~c", OBJECT, STRUCT_OF(inner_fields, struct address)),
	FIELD_END,
};

static const struct field line_fields[] = {
	FIELD(struct line, product, "productId", ID, .flags = REQUIRED),
	FIELD(struct line, quantity, "quantity", INT, .flags = REQUIRED, .min = 1, .max = 1000),
	FIELD_END,
};

static const struct field tag_field = {.kind = FIELD_KIND_TEXT, .min = 2, .max = 4};
static const struct field number_field = {.kind = FIELD_KIND_INT, .min = -1, .max = 9};

static const struct field body_fields[] = {
	FIELD(struct body, name, "name", TEXT, .flags = REQUIRED, .min = 1, .max = 4),
	FIELD(struct body, note, "note", TEXT, .flags = NULLABLE | MULTILINE, .max = 20,
	      GIVEN(struct body, note_given)),
	FIELD(struct body, password, "password", TEXT, .flags = SECRET, .min = 3, .max = 3),
	FIELD(struct body, email, "email", TEXT, .max = 100, .check = text_is_email,
	      .expected = "must be an e-mail address"),
	FIELD(struct body, id, "id", ID),
	FIELD(struct body, age, "age", INT, .min = 18, .max = 120),
	FIELD(struct body, any, "any", INT),
	FIELD(struct body, at, "at", TIME),
	FIELD(struct body, subscribed, "subscribed", BOOL, GIVEN(struct body, subscribed_given)),
	FIELD(struct body, price, "price", MONEY),
	FIELD(struct body, refund, "refund", MONEY, .min = 1, .max = 500),
	FIELD(struct body, choice, "choice", CHOICE, .choices = colours),
	FIELD(struct body, address, "address", OBJECT, STRUCT_OF(address_fields, struct address)),
	FIELD(struct body, lines, "items", LIST, .min = 1, .max = 3,
	      STRUCT_OF(line_fields, struct line)),
	FIELD(struct body, tags, "tags", LIST, .max = 3, LIST_OF(&tag_field, char *)),
	FIELD(struct body, numbers, "numbers", LIST, .max = 3, LIST_OF(&number_field, int64_t)),
	FIELD(struct body, extra, "extra", JSON, .max = 40),
	FIELD_READ_ONLY("createdAt"),
	FIELD_END,
};

static struct arena *arena;
static struct body body;
static struct faults faults;

static int set_up(void **state)
{
	(void)state;
	arena = arena_new();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

/* Reads `text` into `body`; the faults, a line for each. */
static const char *read_from(const char *text, const char *pointer)
{
	struct out out = out_new(arena);
	const char *why = "";
	json_t *value = NULL;

	if (json_parse(arena, text, strlen(text), &value, &why))
		fail_msg("%s: %s", text, why);
	body = (struct body){.choice = -1};
	faults = (struct faults){.arena = arena};
	json_read_fields(value, body_fields, pointer, &body, &faults);
	for (const struct fault *fault = faults.first; fault; fault = fault->next)
		out_printf(&out, "%s %s\n", fault->pointer, fault->detail);
	return out.data;
}

/* Reads an object of a good name and `members`. */
static const char *read_with(const char *members)
{
	return read_from(arena_printf(arena, "{\"name\":\"Ada\",%s}", members), "");
}

static void test_reads_every_kind(void **state)
{
	const struct line *lines;
	char **tags;
	int64_t *numbers;

	(void)state;
	assert_string_equal(
		read_with("\"note\":\"a\\n\\tb\",\"password\":\"a\\n\u00e9\","
			  "\"email\":\"a@b.eu\","
			  "\"id\":\"019aabcd-0000-7000-8000-00000000000a\",\"age\":120,"
			  "\"any\":-9223372036854775808,\"at\":\"1970-01-01T01:00:01+01:00\","
			  "\"subscribed\":false,\"price\":{\"amount\":0,\"currency\":\"EUR\"},"
			  "\"refund\":{\"currency\":\"JPY\",\"amount\":500},\"choice\":\"green\","
			  "\"address\":{\"city\":\"Delft\",\"a/b~c\":{\"city\":\"Bonn\"}},"
			  "\"items\":[{\"productId\":\"019aabcd-0000-7000-8000-00000000000b\","
			  "\"quantity\":1},{\"productId\":\"019aabcd-0000-7000-8000-00000000000c\","
			  "\"quantity\":1000}],\"tags\":[\"ab\",\"cdef\"],\"numbers\":[-1,9,0],"
			  "\"extra\":{\"k\":[1,{\"x\":\"y\\n\"}]},\"createdAt\":[null]"),
		"");
	assert_int_equal(faults_err(&faults), OK);
	assert_string_equal(body.name, "Ada");
	assert_string_equal(body.note, "a\n\tb");
	assert_string_equal(body.password, "a\n\u00e9");
	assert_string_equal(body.email, "a@b.eu");
	assert_int_equal(body.id.bytes[15], 10);
	assert_int_equal(body.age, 120);
	assert_true(body.any == INT64_MIN);
	assert_int_equal(body.at, 1000);
	assert_true(body.subscribed_given && !body.subscribed && body.note_given);
	assert_int_equal(body.price.amount, 0);
	assert_string_equal(body.price.currency, "EUR");
	assert_int_equal(body.refund.amount, 500);
	assert_int_equal(body.choice, 1);
	assert_string_equal(body.address->city, "Delft");
	assert_string_equal(body.address->next->city, "Bonn");
	lines = body.lines.items;
	assert_int_equal(body.lines.count, 2);
	assert_int_equal(lines[1].product.bytes[15], 12);
	assert_int_equal(lines[1].quantity, 1000);
	tags = body.tags.items;
	assert_int_equal(body.tags.count, 2);
	assert_string_equal(tags[1], "cdef");
	numbers = body.numbers.items;
	assert_int_equal(body.numbers.count, 3);
	assert_int_equal(numbers[0], -1);
	assert_int_equal(numbers[1], 9);
	assert_string_equal(json_text(arena, body.extra), "{\"k\":[1,{\"x\":\"y\\n\"}]}");
}

static void test_absent_and_null(void **state)
{
	(void)state;
	assert_string_equal(read_from("{\"name\":\"Ada\"}", ""), "");
	assert_null(body.note);
	assert_null(body.address);
	assert_false(body.note_given || body.subscribed_given);
	assert_string_equal(read_with("\"note\":null"), "");
	assert_true(body.note_given && !body.note);
	assert_string_equal(read_with("\"age\":null,\"tags\":null"),
			    "/age must not be null\n/tags must not be null\n");
	assert_string_equal(read_from("{}", ""), "/name is required\n");
	assert_string_equal(read_from("{\"name\":null}", "/events/2"),
			    "/events/2/name must not be null\n");
}

static void test_whole_is_no_object(void **state)
{
	static const char *const texts[] = {"1", "\"x\"", "[]", "null", "true", "1.5"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(texts); i++)
		assert_string_equal(read_from(texts[i], ""), " must be an object\n");
}

/* Each row's members have these faults and no others. */
static void test_faults_of_members(void **state)
{
	static const char *const rows[][2] = {
		{"\"note\":7", "/note must be text"},
		{"\"note\":\"123456789012345678901\"", "/note must have at most 20 characters"},
		{"\"email\":\"a@b.eu\\n\"", "/email must not have control characters"},
		{"\"email\":\"a\\tb\"", "/email must not have control characters"},
		{"\"email\":\"nobody\"", "/email must be an e-mail address"},
		{"\"password\":\"\u00e9\u00e9\"", "/password must have exactly 3 characters"},
		{"\"id\":\"019aabcd\"", "/id must be a UUID"},
		{"\"id\":7", "/id must be a UUID"},
		{"\"age\":17", "/age must be a whole number from 18 to 120"},
		{"\"age\":121", "/age must be a whole number from 18 to 120"},
		{"\"age\":20.0", "/age must be a whole number from 18 to 120"},
		{"\"age\":2e1", "/age must be a whole number from 18 to 120"},
		{"\"age\":\"20\"", "/age must be a whole number from 18 to 120"},
		{"\"any\":0.5", "/any must be a whole number"},
		{"\"at\":\"yesterday\"",
		 "/at must be a time as in RFC 3339, such as 2026-11-22T13:16:00.000Z"},
		{"\"at\":0", "/at must be a time as in RFC 3339, such as 2026-11-22T13:16:00.000Z"},
		{"\"subscribed\":1", "/subscribed must be true or false"},
		{"\"choice\":\"blue\"", "/choice must be one of: red, green"},
		{"\"choice\":\"\"", "/choice must be one of: red, green"},
		{"\"choice\":0", "/choice must be one of: red, green"},
		{"\"price\":1", "/price must be an amount of money such as "
				"{\"amount\": 1999, \"currency\": \"EUR\"}"},
		{"\"price\":{\"amount\":-1,\"currency\":\"EUR\"}",
		 "/price/amount must be a whole number from 0 to 1000000000000"},
		{"\"price\":{\"amount\":1.5,\"currency\":\"EUR\"}",
		 "/price/amount must be a whole number from 0 to 1000000000000"},
		{"\"price\":{\"currency\":\"EUR\"}", "/price/amount is required"},
		{"\"price\":{\"amount\":1,\"currency\":\"eur\"}",
		 "/price/currency must be an ISO 4217 currency such as EUR"},
		{"\"price\":{\"amount\":1,\"currency\":\"EUR\",\"vat\":1}",
		 "/price/vat is not a known field"},
		{"\"refund\":{\"amount\":0,\"currency\":\"EUR\"}",
		 "/refund/amount must be a whole number from 1 to 500"},
		{"\"address\":[]", "/address must be an object"},
		{"\"address\":{\"city\":\"Delft\",\"a/b~c\":{\"city\":1}}",
		 "/address/a~1b~0c/city must be text"},
		{"\"items\":[]", "/items must have 1 to 3 items"},
		{"\"items\":[1,2,3,4]", "/items must have 1 to 3 items"},
		{"\"items\":{}", "/items must be a list"},
		{"\"items\":[7]", "/items/0 must be an object"},
		{"\"items\":[null]", "/items/0 must be an object"},
		{"\"tags\":[\"ab\",null]", "/tags/1 must not be null"},
		{"\"tags\":[\"ab\",\"x\"]", "/tags/1 must have 2 to 4 characters"},
		{"\"numbers\":[0,10]", "/numbers/1 must be a whole number from -1 to 9"},
		{"\"extra\":[]", "/extra must be an object"},
		{"\"extra\":{\"a\":\"123456789012345678901234567890123\"}",
		 "/extra must have at most 40 bytes as compact JSON"},
		{"\"extra\":{\"a\":[[[[[[[[]]]]]]]]}",
		 "/extra must have at most 8 levels and no control characters"},
		{"\"extra\":{\"a\\n\":1}",
		 "/extra must have at most 8 levels and no control characters"},
		{"\"Name\":1", "/Name is not a known field"},
		{"\"\":1", "/ is not a known field"},
		{"\"x/y~z\":1", "/x~1y~0z is not a known field"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		assert_string_equal(read_with(rows[i][0]), arena_printf(arena, "%s\n", rows[i][1]));
		assert_int_equal(faults_err(&faults), ERR_INVALID);
	}
	assert_string_equal(read_with("\"extra\":{\"a\":[[[[[[[]]]]]]]}"), "");
}

static void test_all_faults_are_found_and_the_rest_is_set(void **state)
{
	(void)state;
	assert_string_equal(
		read_from(
			"{\"zzz\":1,\"name\":\"\",\"age\":19,\"tags\":[\"ok\",\"x\"],"
			"\"address\":{},"
			"\"price\":{\"amount\":1,\"currency\":\"XX\"},\"items\":[{\"quantity\":0},"
			"{\"productId\":\"no\",\"quantity\":1,\"q\":1}]}",
			""),
		"/name must have 1 to 4 characters\n"
		"/price/currency must have exactly 3 characters\n"
		"/address/city is required\n"
		"/items/0/productId is required\n"
		"/items/0/quantity must be a whole number from 1 to 1000\n"
		"/items/1/productId must be a UUID\n"
		"/items/1/q is not a known field\n"
		"/tags/1 must have 2 to 4 characters\n"
		"/zzz is not a known field\n");
	assert_int_equal(faults.count, 9);
	assert_int_equal(body.age, 19);
	assert_null(body.name);
	assert_null(body.address);
	assert_int_equal(body.tags.count + body.lines.count, 0);
	assert_int_equal(body.price.amount, 0);
}

static void test_lengths_are_code_points(void **state)
{
	(void)state;
	assert_string_equal(
		read_from("{\"name\":\"\U0001F600\U0001F600\U0001F600\U0001F600\"}", ""), "");
	assert_string_equal(read_from("{\"name\":\"\u00e9\u00e9\u00e9\u00e9\u00e9\"}", ""),
			    "/name must have 1 to 4 characters\n");
}

static void test_very_many_faults(void **state)
{
	struct out out = out_new(arena);
	size_t before, of_json;
	json_t *json;

	(void)state;
	out_printf(&out, "{\"name\":\"Ada\"");
	for (int i = 0; i < 20000; i++)
		out_printf(&out, ",\"unknown member %d\":1", i);
	out_printf(&out, "}");
	before = arena_used(arena);
	assert_int_equal(json_parse(arena, out.data, out.length, &json, NULL), OK);
	of_json = arena_used(arena) - before;
	before = arena_used(arena);
	read_from(out.data, "");
	assert_int_equal(faults.count, 20000);
	assert_string_equal(faults.last->pointer, "/unknown member 99");
	assert_true(arena_used(arena) - before < of_json + 64 * 1024);
}

static void test_long_names_are_cut(void **state)
{
	struct out out = out_new(arena);
	const char *text;

	(void)state;
	out_printf(&out, "{\"name\":\"Ada\",\"a");
	for (int i = 0; i < 1000; i++)
		out_printf(&out, "\u00e9");
	out_printf(&out, "\":1}");
	text = read_from(out.data, "");
	assert_true(strlen(text) < 140);
	assert_true(text_is_utf8(text, strlen(text)));
	assert_non_null(strstr(text, "\u00e9... is not a known field\n"));
}

/* Its length counts so too. A password stays as it was typed. */
static void test_text_comes_in_normal_form_c(void **state)
{
	(void)state;
	assert_string_equal(
		read_with("\"note\":\"e\u0301\",\"tags\":[\"e\u0301e\u0301e\u0301e\u0301\"],"
			  "\"password\":\"e\u0301xx\",\"extra\":{\"e\u0301\":[\"e\u0301\",1]}"),
		"");
	assert_string_equal(body.note, "\u00e9");
	assert_string_equal(((char **)body.tags.items)[0], "\u00e9\u00e9\u00e9\u00e9");
	assert_string_equal(body.password, "e\u0301xx");
	assert_string_equal(json_text(arena, body.extra), "{\"\u00e9\":[\"\u00e9\",1]}");
	assert_string_equal(read_with("\"tags\":[\"e\u0301\"]"),
			    "/tags/0 must have 2 to 4 characters\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_text_comes_in_normal_form_c, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_reads_every_kind, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_absent_and_null, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_whole_is_no_object, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_faults_of_members, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_all_faults_are_found_and_the_rest_is_set,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_lengths_are_code_points, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_very_many_faults, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_long_names_are_cut, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
