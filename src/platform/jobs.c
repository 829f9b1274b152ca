/* Jobs: one fiber each, that sleeps until its time has come or it is poked. */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/env.h"
#include "base/log.h"
#include "base/metrics.h"
#include "platform/internal.h"
#include "runtime/fiber.h"
#include "runtime/worker.h"

#define JOBS_MAX 64

struct running_job {
	const struct job *job;
	pthread_mutex_t lock;
	bool poked, waiting;
	struct ticket ticket;
	struct metric *took;
};

static struct running_job running_jobs[JOBS_MAX];
static atomic_size_t running_job_count; /* others poke while further ones are started */

static void wait_for_job(struct running_job *running)
{
	bool wait;

	pthread_mutex_lock(&running->lock);
	wait = !running->poked;
	if (wait)
		running->ticket = fiber_ticket();
	running->waiting = wait;
	pthread_mutex_unlock(&running->lock);
	if (wait)
		fiber_wait(running->job->every_ms);
	pthread_mutex_lock(&running->lock);
	running->waiting = running->poked = false;
	pthread_mutex_unlock(&running->lock);
}

static void job_loop(void *arg)
{
	struct running_job *running = arg;

	while (!workers_stopping()) {
		int64_t start_ns = env_monotonic_ns();

		running->job->run();
		metric_observe_ns(running->took, env_monotonic_ns() - start_ns);
		wait_for_job(running);
	}
}

void jobs_start(const struct job *jobs)
{
	for (; jobs->name; jobs++) {
		struct running_job *running = &running_jobs[running_job_count];
		char labels[64];

		assert(running_job_count < JOBS_MAX);
		snprintf(labels, sizeof(labels), "job=\"%s\"", jobs->name);
		memset(running, 0, sizeof(*running));
		pthread_mutex_init(&running->lock, NULL);
		running->job = jobs;
		running->took =
			metric_histogram("souk_job_seconds", "How long a job's run took.", labels);
		running_job_count++;
		fiber_start_on(running_job_count % worker_count(), job_loop, running);
	}
}

void jobs_forget(void)
{
	while (running_job_count)
		pthread_mutex_destroy(&running_jobs[--running_job_count].lock);
}

void job_poke(const struct job *job)
{
	size_t i;

	for (i = 0; i < running_job_count; i++) {
		struct running_job *running = &running_jobs[i];

		if (running->job != job)
			continue;
		pthread_mutex_lock(&running->lock);
		running->poked = true;
		if (running->waiting)
			fiber_wake(running->ticket);
		running->waiting = false;
		pthread_mutex_unlock(&running->lock);
	}
}
