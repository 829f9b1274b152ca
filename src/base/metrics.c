/*
 * Metrics: all series in a list sorted by name and labels, which only grows, and a table to find
 * them by these.
 *
 * Registering takes the lock; counting and writing take none. A histogram's count is the sum of
 * its buckets, so that what is written of it is of one piece although others go on counting.
 */
#include "base/metrics.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"

#define KEY_SIZE 512
#define CACHE_LINE 64
#define NS_PER_SECOND INT64_C(1000000000)

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

static const struct bucket {
	int64_t most_ns;
	const char *le; /* in seconds */
} buckets[] = {
	{500000, "0.0005"},  {1000000, "0.001"},  {2500000, "0.0025"}, {5000000, "0.005"},
	{10000000, "0.01"},  {25000000, "0.025"}, {50000000, "0.05"},  {100000000, "0.1"},
	{250000000, "0.25"}, {500000000, "0.5"},  {1000000000, "1"},   {2500000000, "2.5"},
	{5000000000, "5"},   {10000000000, "10"},
};
#define BUCKET_COUNT ARRAY_LENGTH(buckets)

struct metric {
	enum metric_kind kind;
	const char *name, *help;
	char *labels;
	struct metric *_Atomic next;
	_Atomic int64_t value;			  /* of a histogram: the sum in nanoseconds */
	_Atomic int64_t counts[BUCKET_COUNT + 1]; /* of a histogram; the last: longer than all */
} __attribute__((aligned(CACHE_LINE)));

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct map *by_key;
static struct metric *_Atomic first;
static struct metric surplus; /* shared by all that came too late */

static struct metric *metric_new(enum metric_kind kind, const char *name, const char *help,
				 const char *labels)
{
	/* must_alloc aligns for any type of the language, which a cache line is not. */
	struct metric *metric = aligned_alloc(CACHE_LINE, sizeof(*metric));

	if (!metric)
		abort();
	memset(metric, 0, sizeof(*metric));
	metric->kind = kind;
	metric->name = name;
	metric->help = help;
	metric->labels = must_copy_text(labels);
	return metric;
}

static int compare_series(const struct metric *a, const struct metric *b)
{
	int order = strcmp(a->name, b->name);

	return order ? order : strcmp(a->labels, b->labels);
}

/* Puts it in its place, so that who walks the list meanwhile sees it whole or not at all. */
static void insert(struct metric *metric)
{
	struct metric *_Atomic *at = &first;
	struct metric *next = atomic_load(at);

	while (next && compare_series(next, metric) < 0) {
		at = &next->next;
		next = atomic_load(at);
	}
	atomic_store(&metric->next, next);
	atomic_store(at, metric);
}

/* The series, made if it is new. */
static struct metric *series(enum metric_kind kind, const char *name, const char *help,
			     const char *labels)
{
	char key[KEY_SIZE];
	size_t length = (size_t)snprintf(key, sizeof(key), "%s{%s", name, labels);
	struct metric *metric;

	assert(length < sizeof(key));
	pthread_mutex_lock(&lock);
	if (!by_key)
		by_key = map_new(METRIC_SERIES_MAX, false, NULL);
	metric = map_get(by_key, key, length);
	if (!metric && map_count(by_key) == METRIC_SERIES_MAX) {
		pthread_mutex_unlock(&lock);
		return &surplus;
	}
	if (!metric) {
		bool put;

		metric = metric_new(kind, name, help, labels);
		put = map_put(by_key, key, length, metric);
		assert(put);
		insert(metric);
	}
	pthread_mutex_unlock(&lock);
	assert(metric->kind == kind);
	return metric;
}

struct metric *metric_counter(const char *name, const char *help, const char *labels)
{
	return series(METRIC_COUNTER, name, help, labels);
}

struct metric *metric_gauge(const char *name, const char *help, const char *labels)
{
	return series(METRIC_GAUGE, name, help, labels);
}

struct metric *metric_histogram(const char *name, const char *help, const char *labels)
{
	return series(METRIC_HISTOGRAM, name, help, labels);
}

void metric_add(struct metric *metric, int64_t n)
{
	atomic_fetch_add_explicit(&metric->value, n, memory_order_relaxed);
}

void metric_set(struct metric *metric, int64_t n)
{
	atomic_store_explicit(&metric->value, n, memory_order_relaxed);
}

void metric_observe_ns(struct metric *metric, int64_t took_ns)
{
	size_t i = 0;

	while (i < BUCKET_COUNT && took_ns > buckets[i].most_ns)
		i++;
	atomic_fetch_add_explicit(&metric->counts[i], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&metric->value, took_ns, memory_order_relaxed);
}

int64_t metric_value(const struct metric *metric)
{
	int64_t sum = 0;

	if (metric->kind != METRIC_HISTOGRAM)
		return atomic_load_explicit(&metric->value, memory_order_relaxed);
	for (size_t i = 0; i <= BUCKET_COUNT; i++)
		sum += atomic_load_explicit(&metric->counts[i], memory_order_relaxed);
	return sum;
}

/* --- writing -------------------------------------------------------------------------------- */

static void write_head(struct out *out, const struct metric *metric)
{
	static const char *const kinds[] = {"counter", "gauge", "histogram"};

	out_printf(out, "# HELP %s %s\n# TYPE %s %s\n", metric->name, metric->help, metric->name,
		   kinds[metric->kind]);
}

/* "name_suffix{labels} value" */
static void write_sample(struct out *out, const struct metric *metric, const char *suffix,
			 int64_t value)
{
	bool labelled = *metric->labels;

	out_printf(out, "%s%s%s%s%s %" PRId64 "\n", metric->name, suffix, labelled ? "{" : "",
		   metric->labels, labelled ? "}" : "", value);
}

static void write_histogram(struct out *out, const struct metric *metric)
{
	const char *comma = *metric->labels ? "," : "", *open = *metric->labels ? "{" : "";
	int64_t sum_ns, total = 0;

	for (size_t i = 0; i <= BUCKET_COUNT; i++) {
		total += atomic_load_explicit(&metric->counts[i], memory_order_relaxed);
		out_printf(out, "%s_bucket{%s%sle=\"%s\"} %" PRId64 "\n", metric->name,
			   metric->labels, comma, i < BUCKET_COUNT ? buckets[i].le : "+Inf", total);
	}
	sum_ns = MAX(atomic_load_explicit(&metric->value, memory_order_relaxed), 0);
	out_printf(out, "%s_sum%s%s%s %" PRId64 ".%09" PRId64 "\n", metric->name, open,
		   metric->labels, *open ? "}" : "", sum_ns / NS_PER_SECOND,
		   sum_ns % NS_PER_SECOND);
	write_sample(out, metric, "_count", total);
}

void metrics_write(struct out *out)
{
	const struct metric *before = NULL;

	for (struct metric *metric = atomic_load(&first); metric;
	     metric = atomic_load(&metric->next)) {
		if (!before || strcmp(metric->name, before->name) != 0)
			write_head(out, metric);
		if (metric->kind == METRIC_HISTOGRAM)
			write_histogram(out, metric);
		else
			write_sample(out, metric, "", metric_value(metric));
		before = metric;
	}
}
