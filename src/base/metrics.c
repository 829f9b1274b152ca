/*
 * Metrics: all series in one array that only grows, found by name and labels in a table.
 *
 * Registering and writing take the lock; counting takes none. A histogram's count is the sum of
 * its buckets, so that what is written of it is of one piece although others go on counting.
 */
#include "base/metrics.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
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
	{500000, "0.0005"},	{1000000, "0.001"},	{2500000, "0.0025"},
	{5000000, "0.005"},	{10000000, "0.01"},	{25000000, "0.025"},
	{50000000, "0.05"},	{100000000, "0.1"},	{250000000, "0.25"},
	{500000000, "0.5"},	{1000000000, "1"},	{2500000000, "2.5"},
	{5000000000, "5"},	{10000000000, "10"},
};
#define BUCKET_COUNT ARRAY_LENGTH(buckets)

struct metric {
	enum metric_kind kind;
	const char *name, *help;
	char *labels;
	_Atomic int64_t value;                    /* of a histogram: the sum in nanoseconds */
	_Atomic int64_t counts[BUCKET_COUNT + 1]; /* of a histogram; the last: longer than all */
} __attribute__((aligned(CACHE_LINE)));

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct map *by_key;
static struct metric *all[METRIC_SERIES_MAX];
static size_t count;
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

/* The series, made if it is new. */
static struct metric *series(enum metric_kind kind, const char *name, const char *help,
			     const char *labels)
{
	size_t name_size = strlen(name) + 1, labels_length = strlen(labels);
	char key[KEY_SIZE];
	struct metric *metric;

	assert(name_size + labels_length <= KEY_SIZE);
	memcpy(key, name, name_size);
	memcpy(key + name_size, labels, labels_length);

	pthread_mutex_lock(&lock);
	if (!by_key)
		by_key = map_new(METRIC_SERIES_MAX, false, NULL);
	metric = map_get(by_key, key, name_size + labels_length);
	if (!metric && count == METRIC_SERIES_MAX) {
		pthread_mutex_unlock(&lock);
		return &surplus;
	}
	if (!metric) {
		bool put;

		metric = metric_new(kind, name, help, labels);
		put = map_put(by_key, key, name_size + labels_length, metric);
		assert(put);
		all[count++] = metric;
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

static int compare_series(const void *a, const void *b)
{
	const struct metric *left = *(struct metric *const *)a, *right = *(struct metric *const *)b;
	int order = strcmp(left->name, right->name);

	return order ? order : strcmp(left->labels, right->labels);
}

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
		   metric->labels, *open ? "}" : "", sum_ns / NS_PER_SECOND, sum_ns % NS_PER_SECOND);
	write_sample(out, metric, "_count", total);
}

void metrics_write(struct out *out)
{
	struct metric **sorted;
	size_t sorted_count;

	pthread_mutex_lock(&lock);
	sorted_count = count;
	sorted = ARENA_ARRAY(out->arena, struct metric *, sorted_count);
	memcpy(sorted, all, sorted_count * sizeof(*sorted));
	pthread_mutex_unlock(&lock);

	qsort(sorted, sorted_count, sizeof(*sorted), compare_series);
	for (size_t i = 0; i < sorted_count; i++) {
		if (i == 0 || strcmp(sorted[i]->name, sorted[i - 1]->name) != 0)
			write_head(out, sorted[i]);
		if (sorted[i]->kind == METRIC_HISTOGRAM)
			write_histogram(out, sorted[i]);
		else
			write_sample(out, sorted[i], "", metric_value(sorted[i]));
	}
}
