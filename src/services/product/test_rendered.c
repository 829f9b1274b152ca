/* Kept products: taken only as they are now, and never more than there is room for. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "base/metrics.h"
#include "services/product/rendered.h"

#define THREADS 4
#define ROUNDS 20000
#define LENGTH 3000

static struct arena *arena;

static int set_up(void **state)
{
	arena = arena_new();
	rendered_start();
	return 0;
}

static int tear_down(void **state)
{
	rendered_stop();
	arena_free(arena);
	return 0;
}

static struct product_head head_of(int64_t number, int64_t version, int64_t revision)
{
	struct product_head head = {.number = number, .version = version, .revision = revision};

	memcpy(head.id.bytes, &number, sizeof(number));
	return head;
}

#define HEAD(number, version, revision) \
	(&(struct product_head[]){head_of(number, version, revision)}[0])

/* What is taken, or NULL. */
static const char *taken(const struct product_head *head)
{
	struct out out = out_new(arena);

	return rendered_take(head, &out) ? out.data : NULL;
}

static void test_only_what_is_shown_now(void **state)
{
	struct product_head head = head_of(7, 2, 3), other;

	assert_null(taken(&head));
	rendered_keep(&head, "{\"a\":1}, and more", 7);
	assert_string_equal(taken(&head), "{\"a\":1}");
	other = head_of(7, 3, 3);
	assert_null(taken(&other));
	other = head_of(7, 2, 4);
	assert_null(taken(&other));
	other = head;
	other.id.bytes[15] = 1;
	assert_null(taken(&other));
	rendered_keep(HEAD(7, 2, 4), "{}", 2);
	assert_null(taken(&head));
}

static void test_items_of_a_list(void **state)
{
	struct product_head head = head_of(1, 1, 0);
	struct out out = out_new(arena);

	rendered_keep(&head, "{}", 2);
	out_open_list(&out, NULL);
	assert_true(rendered_take(&head, &out));
	assert_true(rendered_take(&head, &out));
	out_close_list(&out);
	assert_string_equal(out.data, "[{},{}]");
}

/* Bytes that tell of which product and version they are. */
static size_t fill(char text[static LENGTH + 1], const struct product_head *head)
{
	size_t length = LENGTH - (size_t)(head->number % 1000);

	memset(text, 'a' + (int)((head->number + head->version) % 26), length);
	text[length] = '\0';
	return length;
}

static void test_the_oldest_make_room(void **state)
{
	struct metric *bytes = metric_gauge("souk_product_rendered_bytes", "", "");
	static char text[LENGTH + 1];
	int64_t kept = 0, first = 0;

	for (int64_t i = 1; i <= 10000; i++)
		rendered_keep(HEAD(i, 1, 0), text, fill(text, HEAD(i, 1, 0)));
	assert_true(metric_value(bytes) <= RENDERED_BYTES_MAX);
	assert_true(metric_value(bytes) > RENDERED_BYTES_MAX / 10 * 9);
	for (int64_t i = 1; i <= 10000; i++) {
		struct product_head head = head_of(i, 1, 0);
		const char *found = taken(&head);

		if (!found)
			continue;
		fill(text, &head);
		assert_string_equal(found, text);
		first = first ? first : i;
		kept++;
	}
	assert_true(kept > RENDERED_BYTES_MAX / LENGTH / 10 * 8 && first > 10000 - 2 * kept);
	/* One that would drive out many is not kept at all. */
	rendered_keep(HEAD(1, 1, 0), arena_alloc(arena, RENDERED_BYTES_MAX), RENDERED_BYTES_MAX);
	assert_null(taken(HEAD(1, 1, 0)));
}

static void *work(void *arg)
{
	static _Thread_local char text[LENGTH + 1];
	struct arena *own = arena_new();
	uint64_t chance = (uintptr_t)arg;

	for (int i = 0; i < ROUNDS; i++) {
		struct product_head head;
		struct out out;

		chance = chance * 6364136223846793005u + 1442695040888963407u;
		head = head_of((int64_t)(chance >> 33) % 5000 + 1, (int64_t)(chance >> 60), 0);
		fill(text, &head);
		out = out_new(own);
		if (rendered_take(&head, &out))
			assert(strcmp(out.data, text) == 0);
		else
			rendered_keep(&head, text, strlen(text));
		arena_reset(own);
	}
	arena_free(own);
	return NULL;
}

static void test_many_at_once(void **state)
{
	pthread_t threads[THREADS];

	for (uintptr_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, work, (void *)(i + 1)), 0);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

static void test_stopped_keeps_nothing(void **state)
{
	struct product_head head = head_of(1, 1, 0);

	rendered_keep(&head, "{}", 2);
	rendered_stop();
	assert_null(taken(&head));
	rendered_keep(&head, "{}", 2);
	rendered_start();
	assert_null(taken(&head));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_only_what_is_shown_now), TEST(test_items_of_a_list),
		TEST(test_the_oldest_make_room),   TEST(test_many_at_once),
		TEST(test_stopped_keeps_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
