/* Counting from many threads loses nothing, and what is written is what Prometheus reads. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/metrics.h"

static char *all_text(struct arena *arena)
{
	struct out out = out_new(arena);

	metrics_write(&out);
	return out.data;
}

static void test_text(void **state)
{
	struct arena *arena = arena_new();
	struct metric *took = metric_histogram("b_seconds", "How long.", "route=\"/x\"");

	(void)state;
	metric_add(metric_counter("c_total", "All of them.", "kind=\"z\""), 5);
	metric_add(metric_counter("c_total", "All of them.", "kind=\"a\""), 2);
	metric_add(metric_counter("c_total", "All of them.", "kind=\"z\""), 1);
	metric_set(metric_gauge("a_open", "Open now.", ""), 9);
	metric_add(metric_gauge("a_open", "Open now.", ""), -2);
	metric_observe_ns(took, 0);
	metric_observe_ns(took, 500000); /* 0.5 ms is within the first bucket */
	metric_observe_ns(took, 500001);
	metric_observe_ns(took, 10000000000);
	metric_observe_ns(took, 10000000001);
	assert_string_equal(all_text(arena), "# HELP a_open Open now.\n"
					     "# TYPE a_open gauge\n"
					     "a_open 7\n"
					     "# HELP b_seconds How long.\n"
					     "# TYPE b_seconds histogram\n"
					     "b_seconds_bucket{route=\"/x\",le=\"0.0005\"} 2\n"
					     "b_seconds_bucket{route=\"/x\",le=\"0.001\"} 3\n"
					     "b_seconds_bucket{route=\"/x\",le=\"0.0025\"} 3\n"
					     "b_seconds_bucket{route=\"/x\",le=\"0.005\"} 3\n"
					     "b_seconds_bucket{route=\"/x\",le=\"0.01\"} 3\n"
					     "b_seconds_bucket{route=\"/x\",le=\"0.025\"} 3\n"
					     "b_seconds_bucket{route=\"/x\",le=\"0.05\"} 3\n"
					     "b_seconds_bucket{route=\"/x\",le=\"0.1\"} 3\n"
					     "b_seconds_bucket{route=\"/x\",le=\"0.25\"} 3\n"
					     "b_seconds_bucket{route=\"/x\",le=\"0.5\"} 3\n"
					     "b_seconds_bucket{route=\"/x\",le=\"1\"} 3\n"
					     "b_seconds_bucket{route=\"/x\",le=\"2.5\"} 3\n"
					     "b_seconds_bucket{route=\"/x\",le=\"5\"} 3\n"
					     "b_seconds_bucket{route=\"/x\",le=\"10\"} 4\n"
					     "b_seconds_bucket{route=\"/x\",le=\"+Inf\"} 5\n"
					     "b_seconds_sum{route=\"/x\"} 20.001000002\n"
					     "b_seconds_count{route=\"/x\"} 5\n"
					     "# HELP c_total All of them.\n"
					     "# TYPE c_total counter\n"
					     "c_total{kind=\"a\"} 2\n"
					     "c_total{kind=\"z\"} 6\n");
	arena_free(arena);
}

static void test_the_same_name_and_labels_are_one_series(void **state)
{
	struct metric *a = metric_counter("d_total", "D.", "x=\"1\"");
	struct metric *b = metric_counter("d_total", "D.", "x=\"2\"");

	(void)state;
	assert_ptr_equal(a, metric_counter("d_total", "D.", "x=\"1\""));
	assert_ptr_not_equal(a, b);
	metric_add(a, 3);
	assert_int_equal(metric_value(a), 3);
	assert_int_equal(metric_value(b), 0);
}

static void test_an_unlabelled_histogram(void **state)
{
	struct metric *took = metric_histogram("e_seconds", "E.", "");
	struct arena *arena = arena_new();
	char *text;

	(void)state;
	metric_observe_ns(took, 1500000000);
	text = all_text(arena);
	assert_non_null(strstr(text, "\ne_seconds_bucket{le=\"1\"} 0\n"));
	assert_non_null(strstr(text, "\ne_seconds_bucket{le=\"2.5\"} 1\n"));
	assert_non_null(strstr(text, "\ne_seconds_sum 1.500000000\ne_seconds_count 1\n"));
	assert_int_equal(metric_value(took), 1);
	arena_free(arena);
}

static void *count_much(void *arg)
{
	(void)arg;
	for (int i = 0; i < 20000; i++) {
		metric_add(metric_counter("f_total", "F.", i % 2 ? "odd=\"1\"" : "odd=\"0\""), 1);
		metric_observe_ns(metric_histogram("g_seconds", "G.", ""), i);
	}
	return NULL;
}

static void test_threads(void **state)
{
	pthread_t threads[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, count_much, NULL), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(metric_value(metric_counter("f_total", "F.", "odd=\"0\"")), 40000);
	assert_int_equal(metric_value(metric_counter("f_total", "F.", "odd=\"1\"")), 40000);
	assert_int_equal(metric_value(metric_histogram("g_seconds", "G.", "")), 80000);
}

/* The last test: it uses up the room of the process. */
static void test_series_beyond_the_bound_are_not_shown(void **state)
{
	struct arena *arena = arena_new();
	struct metric *late, *later;
	char labels[32], *text;

	(void)state;
	for (int i = 0; i < METRIC_SERIES_MAX; i++) {
		snprintf(labels, sizeof(labels), "n=\"%d\"", i);
		metric_add(metric_counter("h_total", "H.", labels), 1);
	}
	late = metric_histogram("late_seconds", "L.", "");
	later = metric_counter("later_total", "L.", "");
	assert_ptr_equal(late, later);
	metric_observe_ns(late, 5);
	metric_add(later, 1);
	text = all_text(arena);
	assert_null(strstr(text, "late"));
	assert_non_null(strstr(text, "h_total{n=\"0\"} 1\n"));
	/* Those known before are still found. */
	assert_int_equal(metric_value(metric_counter("f_total", "F.", "odd=\"1\"")), 40000);
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_the_same_name_and_labels_are_one_series),
		cmocka_unit_test(test_an_unlabelled_histogram),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_series_beyond_the_bound_are_not_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
