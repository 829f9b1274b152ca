/*
 * Metrics in Prometheus' text format (version 0.0.4): counters, gauges and histograms. A series is
 * looked up once, by whoever owns it, and then counted with one atomic addition.
 */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H

#include "base/out.h"

#define METRIC_SERIES_MAX 4096 /* all series together; further ones share one that is not shown */

struct metric; /* one series */

/* `labels` is what stands within the braces: `service="order",route="/orders/:id"`, or "". The
 * same name and labels give the same series. `name` and `help` live forever. Any thread. */
struct metric *metric_counter(const char *name, const char *help, const char *labels);
struct metric *metric_gauge(const char *name, const char *help, const char *labels);
/* Seconds, buckets from 0.5 ms to 10 s. */
struct metric *metric_histogram(const char *name, const char *help, const char *labels);

void metric_add(struct metric *metric, int64_t n); /* counters and gauges */
void metric_set(struct metric *metric, int64_t n); /* gauges */
void metric_observe_ns(struct metric *metric, int64_t took_ns);
int64_t metric_value(const struct metric *metric);

/* All series, sorted by name, with HELP and TYPE. */
void metrics_write(struct out *out);

#endif
