/* Lines of the log are JSON whatever they tell of, whole, and bounded. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>
#include <cmocka.h>

#include "base/env.h"
#include "base/log.h"
#include "base/text.h"
#include "base/time.h"

static FILE *stream;
static int real_stderr, file;

/* Standard error becomes a file without a name until give_back. */
static int take_over(void **state)
{
	(void)state;
	stream = tmpfile();
	assert_non_null(stream);
	file = fileno(stream);
	real_stderr = dup(STDERR_FILENO);
	dup2(file, STDERR_FILENO);
	log_set_level(LOG_DEBUG);
	log_set_context((struct log_context){0});
	return 0;
}

static int give_back(void **state)
{
	(void)state;
	dup2(real_stderr, STDERR_FILENO);
	close(real_stderr);
	fclose(stream);
	return 0;
}

/* All that was written since the last call. */
static char *written(struct arena *arena)
{
	off_t size = lseek(file, 0, SEEK_END);
	char *text = arena_alloc(arena, (size_t)size + 1);

	assert_int_equal(pread(file, text, (size_t)size, 0), size);
	assert_int_equal(ftruncate(file, 0), 0);
	lseek(file, 0, SEEK_SET);
	return text;
}

static const char *member(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

/* The one line that was written, read. */
static json_t *one_line(struct arena *arena)
{
	char *text = written(arena);
	size_t length = strlen(text);
	json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

	if (!object || text[length - 1] != '\n' || strchr(text, '\n') != text + length - 1)
		fail_msg("not one line of JSON: %s", text);
	return object;
}

static void test_a_line(void **state)
{
	struct log_context context = {"req-1", "00-ab-cd-01"}, before;
	struct arena *arena = arena_new();
	int64_t started = env_now_ms(), time_ms;
	json_t *object;

	(void)state;
	log_set_context(context);
	log_info("order.settled", "order %s is %s after %d ms", "17", "paid", 12);
	object = one_line(arena);
	assert_string_equal(member(object, "level"), "info");
	assert_string_equal(member(object, "event"), "order.settled");
	assert_string_equal(member(object, "message"), "order 17 is paid after 12 ms");
	assert_string_equal(member(object, "requestId"), "req-1");
	assert_string_equal(member(object, "traceparent"), "00-ab-cd-01");
	assert_true(time_parse(member(object, "time"), &time_ms));
	assert_in_range(time_ms, started, env_now_ms());
	json_decref(object);

	before = log_set_context((struct log_context){0});
	assert_ptr_equal(before.request_id, context.request_id);
	assert_ptr_equal(before.traceparent, context.traceparent);
	log_error("x", "y");
	object = one_line(arena);
	assert_string_equal(member(object, "level"), "error");
	assert_null(json_object_get(object, "requestId"));
	assert_null(json_object_get(object, "traceparent"));
	json_decref(object);
	arena_free(arena);
}

static void test_levels(void **state)
{
	struct arena *arena = arena_new();
	enum log_level level = LOG_ERROR;
	char *text;

	(void)state;
	log_set_level(LOG_WARNING);
	log_debug("a", "m");
	log_info("b", "m");
	log_warning("c", "m");
	log_error("d", "m");
	text = written(arena);
	assert_null(strstr(text, "\"a\""));
	assert_null(strstr(text, "\"b\""));
	assert_non_null(strstr(text, "\"warning\",\"event\":\"c\""));
	assert_non_null(strstr(text, "\"error\",\"event\":\"d\""));
	assert_true(log_level_from_text("debug", &level));
	assert_int_equal(level, LOG_DEBUG);
	assert_true(log_level_from_text("warning", &level));
	assert_int_equal(level, LOG_WARNING);
	assert_false(log_level_from_text("loud", &level));
	assert_int_equal(level, LOG_WARNING);
	arena_free(arena);
}

static void test_what_is_not_plain_text(void **state)
{
	struct arena *arena = arena_new();
	json_t *object;

	(void)state;
	log_info("x", "%s", "a\"b\\c\nd\te\x01\x1b[1m\x7f é 🧀");
	object = one_line(arena);
	assert_string_equal(member(object, "message"), "a\"b\\c\nd\te\x01\x1b[1m\x7f é 🧀");
	json_decref(object);

	log_info("x", "%s", "bad \xff|\xc3|\xe2\x82|\x80|\xed\xa0\x80 end \xf0\x9f");
	object = one_line(arena);
	assert_non_null(strstr(member(object, "message"), "bad \xef\xbf\xbd|\xef\xbf\xbd|"));
	assert_non_null(strstr(member(object, "message"), " end \xef\xbf\xbd"));
	json_decref(object);
	arena_free(arena);
}

static void test_long_lines_are_cut(void **state)
{
	static const char *const fillers[] = {"x", "\n", "\x01", "é", "日", "🧀y", "\xff", "\""};
	struct arena *arena = arena_new();
	static char filled[30000], request_id[5000];

	(void)state;
	memset(request_id, '\x01', sizeof(request_id) - 1);
	for (size_t i = 0; i < ARRAY_LENGTH(fillers); i++) {
		size_t length = strlen(fillers[i]);

		for (size_t offset = 0; offset < 8; offset++) {
			const char *message;
			json_t *object;
			char *line;

			memset(filled, 'y', offset);
			for (size_t at = offset; at < sizeof(filled) - 8; at += length)
				memcpy(filled + at, fillers[i], length + 1);
			log_set_context((struct log_context){request_id, request_id});
			log_info("x", "%s", filled);
			line = written(arena);
			assert_true(strlen(line) <= 8192);
			object = json_loads(line, 0, NULL);
			assert_non_null(object);
			message = member(object, "message");
			assert_string_equal(message + strlen(message) - 3, "...");
			/* Nothing is missing before the cut. */
			if (*fillers[i] != '\xff')
				assert_memory_equal(message, filled, strlen(message) - 3);
			json_decref(object);
		}
	}
	arena_free(arena);
}

static void test_raw(void **state)
{
	struct arena *arena = arena_new();

	(void)state;
	log_set_level(LOG_ERROR);
	log_raw("{\"a\":1}", 7);
	log_raw("{\"b\":2}\n", 8);
	assert_string_equal(written(arena), "{\"a\":1}\n{\"b\":2}\n");
	arena_free(arena);
}

static void *log_much(void *name)
{
	log_set_context((struct log_context){name, NULL});
	for (int i = 0; i < 500; i++)
		log_info("thread", "%s %0500d", (const char *)name, i);
	return NULL;
}

static void test_lines_of_threads_do_not_mix(void **state)
{
	static char names[3][8] = {"one", "two", "three"};
	struct arena *arena = arena_new();
	pthread_t threads[3];
	char *line, *rest;
	int lines = 0;

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, log_much, names[i]), 0);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	for (line = strtok_r(written(arena), "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest)) {
		json_t *object = json_loads(line, 0, NULL);

		assert_non_null(object);
		assert_true(
			text_starts_with(member(object, "message"), member(object, "requestId")));
		json_decref(object);
		lines++;
	}
	assert_int_equal(lines, 1500);
	arena_free(arena);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, take_over, give_back)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_line),
		TEST(test_levels),
		TEST(test_what_is_not_plain_text),
		TEST(test_long_lines_are_cut),
		TEST(test_raw),
		TEST(test_lines_of_threads_do_not_mix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
