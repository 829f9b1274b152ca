/*
 * The log's thread.
 *
 * Invariants:
 *  1. Whoever logs holds the lock for the copying of a line, and the thread for the swap of the two
 *     buffers: nobody holds it while something is written.
 *  2. Lines are written whole and in order, however short the writes are. Where the file is changed
 *     within a line, the rest of that line counts as dropped.
 *  3. Lines are dropped only where `filling` has no room, so behind all that is in it: when it is
 *     taken to be written, their count is taken with it.
 */
#include "runtime/log_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/env.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/time.h"

#define WRITE_BYTES_MAX 4096 /* of one write: what a pipe that polls as ready takes */
#define RETRY_MS SECOND_MS
#define ABORT_PATIENCE_MS 200
#define ABORT_STEP_MS 5
#define WHY_SIZE 512

struct buffer {
	char *bytes;
	size_t length;
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed, ended;
	struct buffer filling, writing;
	size_t capacity; /* of each */
	int64_t dropped; /* since `filling` is full */
	bool stopping, reopening, has_ended;

	const char *path; /* or NULL */
	int file, wake;	  /* `wake` is readable while the thread is asked for something */
	bool is_socket;
	struct metric *metric_dropped, *metric_waiting;
} writer = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.changed = PTHREAD_COND_INITIALIZER,
	.ended = PTHREAD_COND_INITIALIZER,
	.file = STDERR_FILENO,
	.wake = -1,
};

static bool running;
static atomic_size_t pending; /* bytes that are not written yet */

/* --- files ------------------------------------------------------------------------------------ */

void log_writer_open_without_waiting(int descriptor)
{
	char path[64];
	struct stat status;
	int file;

	if (fstat(descriptor, &status) || !(S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode)))
		return;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", descriptor);
	file = open(path, O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (file < 0)
		return;
	dup2(file, descriptor);
	close(file);
}

static int open_path(const char *path)
{
	return open(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
		    S_IRUSR | S_IWUSR);
}

static void use(int file)
{
	struct stat status;

	writer.is_socket = !fstat(file, &status) && S_ISSOCK(status.st_mode);
	writer.file = file;
}

/* The thread's. Where it cannot be opened the old one stays. */
static void open_anew(void)
{
	int file, old = writer.file;

	if (!writer.path)
		return;
	file = open_path(writer.path);
	if (file < 0) {
		log_error("log.reopen", "%s cannot be opened: %s; the log goes where it went",
			  writer.path, strerror(errno));
		return;
	}
	use(file);
	close(old);
	log_info("log.reopened", "%s was opened anew", writer.path);
}

/* --- writing ---------------------------------------------------------------------------------- */

static ssize_t write_some(const char *bytes, size_t length)
{
	length = MIN(length, (size_t)WRITE_BYTES_MAX);
	if (writer.is_socket)
		return send(writer.file, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
	return write(writer.file, bytes, length);
}

/* Until the file takes something, or the thread is asked for something; after a failure, which no
 * poll sees the end of, until it is time to try again. */
static void wait_for_file(bool failed)
{
	struct pollfd files[] = {{.fd = writer.wake, .events = POLLIN},
				 {.fd = writer.file, .events = POLLOUT}};
	uint64_t asked;

	(void)poll(files, failed ? 1 : 2, failed ? RETRY_MS : -1);
	if ((files[0].revents & POLLIN) && read(writer.wake, &asked, sizeof(asked)) < 0)
		return;
}

/* *ret_stopping: nothing more comes, and what cannot be written now is lost. */
static bool is_to_reopen(bool *ret_stopping)
{
	bool reopening;

	pthread_mutex_lock(&writer.lock);
	reopening = writer.reopening;
	writer.reopening = false;
	*ret_stopping = writer.stopping;
	pthread_mutex_unlock(&writer.lock);
	return reopening;
}

/* Where the line that `at` lies in ends, if it lies within one. */
static size_t end_of_line(const char *bytes, size_t length, size_t at)
{
	const char *end;

	if (at == 0 || bytes[at - 1] == '\n')
		return at;
	end = memchr(bytes + at, '\n', length - at);
	return end ? (size_t)(end - bytes) + 1 : length;
}

static void count_dropped(int64_t lines)
{
	writer.dropped += lines;
	metric_add(writer.metric_dropped, lines);
}

/* False: the file takes nothing, and the thread is to end. */
static bool write_whole(const char *bytes, size_t length)
{
	size_t at = 0;

	while (at < length) {
		ssize_t written = write_some(bytes + at, length - at);
		bool failed = written == 0 || (written < 0 && errno != EAGAIN && errno != EINTR);
		bool stopping;

		if (written > 0) {
			at += (size_t)written;
			continue;
		}
		if (is_to_reopen(&stopping)) {
			size_t end = end_of_line(bytes, length, at);

			open_anew();
			pthread_mutex_lock(&writer.lock);
			count_dropped(end > at);
			pthread_mutex_unlock(&writer.lock);
			at = end;
		} else if (failed && stopping) {
			return false;
		} else {
			wait_for_file(failed);
		}
	}
	return true;
}

static bool tell_dropped(int64_t lines)
{
	char now[TIME_TEXT_SIZE], line[256];
	int length;

	time_format(env_now_ms(), now);
	length = snprintf(line, sizeof(line),
			  "{\"time\":\"%s\",\"level\":\"warning\",\"event\":\"log.dropped\","
			  "\"message\":\"%" PRId64 " lines of the log were dropped here, as nobody "
			  "took them\"}\n",
			  now, lines);
	return write_whole(line, (size_t)length);
}

/* --- taking lines ----------------------------------------------------------------------------- */

/* Takes one whole line; any thread, and none waits. */
static void take_line(struct iovec *parts, int count)
{
	struct buffer *filling = &writer.filling;
	size_t length = 0;
	bool was_empty;

	for (int i = 0; i < count; i++)
		length += parts[i].iov_len;
	pthread_mutex_lock(&writer.lock);
	was_empty = filling->length == 0;
	if (writer.stopping || writer.dropped || length > writer.capacity - filling->length) {
		count_dropped(1);
	} else {
		for (int i = 0; i < count; i++) {
			memcpy(filling->bytes + filling->length, parts[i].iov_base,
			       parts[i].iov_len);
			filling->length += parts[i].iov_len;
		}
		metric_set(writer.metric_waiting,
			   (int64_t)(atomic_fetch_add(&pending, length) + length));
	}
	if (was_empty)
		pthread_cond_signal(&writer.changed);
	pthread_mutex_unlock(&writer.lock);
}

/* --- the thread ------------------------------------------------------------------------------- */

enum task { TASK_WRITE, TASK_REOPEN, TASK_END };

/* What is to be done next; for TASK_WRITE `writing` is filled, *ret_dropped lines are missing behind
 * it. */
static enum task next_task(int64_t *ret_dropped)
{
	enum task task = TASK_WRITE;
	struct buffer empty;

	pthread_mutex_lock(&writer.lock);
	while (!writer.filling.length && !writer.dropped && !writer.stopping && !writer.reopening)
		pthread_cond_wait(&writer.changed, &writer.lock);
	if (writer.reopening) {
		writer.reopening = false;
		task = TASK_REOPEN;
	} else if (!writer.filling.length && !writer.dropped) {
		task = TASK_END;
	} else {
		empty = writer.writing;
		writer.writing = writer.filling;
		writer.filling = empty;
		writer.filling.length = 0;
		*ret_dropped = writer.dropped;
		writer.dropped = 0;
	}
	pthread_mutex_unlock(&writer.lock);
	return task;
}

static void *writer_main(void *arg)
{
	enum task task;
	int64_t dropped;
	bool written = true;

	(void)arg;
	pthread_setname_np(pthread_self(), "log");
	while (written && (task = next_task(&dropped)) != TASK_END) {
		if (task == TASK_REOPEN) {
			open_anew();
			continue;
		}
		written = write_whole(writer.writing.bytes, writer.writing.length) &&
			  (!dropped || tell_dropped(dropped));
		metric_set(writer.metric_waiting,
			   (int64_t)(atomic_fetch_sub(&pending, writer.writing.length) -
				     writer.writing.length));
	}
	pthread_mutex_lock(&writer.lock);
	writer.has_ended = true;
	pthread_cond_signal(&writer.ended);
	pthread_mutex_unlock(&writer.lock);
	return NULL;
}

/* The last lines before an assertion that fails are those that tell of it: the thread, which goes on
 * until this returns, is given a moment for them. */
static void on_abort(int number)
{
	(void)number;
	for (int ms = 0; ms < ABORT_PATIENCE_MS && atomic_load(&pending); ms += ABORT_STEP_MS) {
		struct timeval step = {.tv_usec = ABORT_STEP_MS * 1000};

		(void)select(0, NULL, NULL, NULL, &step);
	}
}

enum err log_writer_start(const char *path, size_t queue_bytes, const char **ret_why)
{
	static char why[WHY_SIZE];
	int file = path ? open_path(path) : STDERR_FILENO;
	pthread_t thread;
	int failed;

	assert(!running);
	if (file < 0) {
		snprintf(why, sizeof(why), "%s: %s", path, strerror(errno));
		*ret_why = why;
		return ERR_STORAGE;
	}
	use(file);
	writer.path = path;
	writer.capacity = queue_bytes;
	writer.filling = (struct buffer){.bytes = must_alloc(queue_bytes)};
	writer.writing = (struct buffer){.bytes = must_alloc(queue_bytes)};
	writer.stopping = writer.reopening = writer.has_ended = false;
	writer.dropped = 0;
	writer.metric_dropped =
		metric_counter("souk_log_dropped_total", "Lines of the log that nobody took.", "");
	writer.metric_waiting =
		metric_gauge("souk_log_waiting_bytes", "Lines of the log that wait.", "");
	writer.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	failed = writer.wake < 0 || pthread_create(&thread, NULL, writer_main, NULL);
	assert(!failed);
	pthread_detach(thread);
	running = true;
	log_hand_to(take_line);
	signal(SIGABRT, on_abort);
	return OK;
}

static void ask(bool *what)
{
	uint64_t one = 1;

	pthread_mutex_lock(&writer.lock);
	*what = true;
	pthread_cond_signal(&writer.changed);
	pthread_mutex_unlock(&writer.lock);
	if (write(writer.wake, &one, sizeof(one)) < 0)
		return; /* it is awake already */
}

void log_writer_reopen(void)
{
	if (running)
		ask(&writer.reopening);
}

void log_writer_stop(int64_t patience_ms)
{
	struct timespec until = env_deadline(patience_ms);
	bool ended;

	if (!running)
		return;
	ask(&writer.stopping);
	pthread_mutex_lock(&writer.lock);
	while (!writer.has_ended &&
	       !pthread_cond_clockwait(&writer.ended, &writer.lock, CLOCK_MONOTONIC, &until))
		;
	ended = writer.has_ended;
	pthread_mutex_unlock(&writer.lock);
	/* One that hangs in a write keeps what it uses, until the process ends. */
	if (!ended)
		return;
	running = false;
	log_hand_to(NULL);
	signal(SIGABRT, SIG_DFL);
	if (writer.path)
		close(writer.file);
	writer.file = STDERR_FILENO;
	close(writer.wake);
	free(writer.filling.bytes);
	free(writer.writing.bytes);
	writer.filling = writer.writing = (struct buffer){0};
}
