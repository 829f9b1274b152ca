/*
 * The log: a line is put together in a buffer of the thread (fibers have small stacks, and none
 * gives up its thread in here) and handed over whole, so that lines of threads do not mix.
 *
 * What does not fit LINE_SIZE is cut, with "..." where the message ends. What is not UTF-8 in a
 * message becomes U+FFFD, so that a line is JSON whatever it tells of.
 */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/env.h"
#include "base/text.h"
#include "base/time.h"

#define LINE_SIZE 8192
#define TAIL_ROOM 16	   /* the cut's mark, quote, brace and line feed */
#define CONTEXT_LENGTH 256 /* of a request id or trace context that is logged */
#define MESSAGE_SIZE (LINE_SIZE - 1024)

struct line {
	char bytes[LINE_SIZE];
	size_t length;
	bool cut;
};

static const char *const level_words[] = {"debug", "info", "warning", "error"};
static const char cut_mark[] = "...";

static atomic_int least_level = LOG_INFO;
static _Thread_local struct log_context running;
static _Thread_local struct line line;
static _Thread_local char message[MESSAGE_SIZE];

void log_set_level(enum log_level least)
{
	atomic_store(&least_level, (int)least);
}

bool log_level_from_text(const char *text, enum log_level *ret_level)
{
	for (size_t i = 0; i < ARRAY_LENGTH(level_words); i++) {
		if (!strcmp(text, level_words[i])) {
			*ret_level = (enum log_level)i;
			return true;
		}
	}
	return false;
}

struct log_context log_set_context(struct log_context context)
{
	struct log_context before = running;

	running = context;
	return before;
}

/* --- the line ------------------------------------------------------------------------------- */

/* Nothing is put behind what was cut. */
static void put(const char *bytes, size_t length)
{
	if (line.cut || length > LINE_SIZE - TAIL_ROOM - line.length) {
		line.cut = true;
		return;
	}
	memcpy(line.bytes + line.length, bytes, length);
	line.length += length;
}

static void put_text(const char *text)
{
	put(text, strlen(text));
}

static void put_escaped_byte(unsigned char c)
{
	char escape[8];

	switch (c) {
	case '"':
		put_text("\\\"");
		break;
	case '\\':
		put_text("\\\\");
		break;
	case '\n':
		put_text("\\n");
		break;
	case '\t':
		put_text("\\t");
		break;
	default:
		if (c >= 0x20 && c != 0x7f) {
			put((const char *)&c, 1);
			break;
		}
		snprintf(escape, sizeof(escape), "\\u%04x", c);
		put_text(escape);
	}
}

static void put_escaped(const char *text, size_t length)
{
	while (length) {
		unsigned char lead = (unsigned char)*text;
		size_t step = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;

		if (step == 1) {
			put_escaped_byte(lead);
		} else if (step <= length && text_is_utf8(text, step)) {
			put(text, step);
		} else {
			put_text("\\ufffd");
			step = 1;
		}
		text += step;
		length -= step;
	}
}

/* All lines are shorter than what a pipe or a file takes whole; where a full disk or a signal
 * makes the write short, the rest follows, and what cannot be written is lost. */
static void write_out(struct iovec *parts, int count)
{
	while (count) {
		ssize_t written = writev(STDERR_FILENO, parts, count);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return;
		while (count && (size_t)written >= parts->iov_len) {
			written -= (ssize_t)parts->iov_len;
			parts++;
			count--;
		}
		if (count) {
			parts->iov_base = (char *)parts->iov_base + written;
			parts->iov_len -= (size_t)written;
		}
	}
}

static void (*_Atomic taker)(struct iovec *parts, int count) = write_out;

void log_hand_to(void (*take)(struct iovec *parts, int count))
{
	atomic_store(&taker, take ? take : write_out);
}

static void hand_over(struct iovec *parts, int count)
{
	atomic_load (&taker)(parts, count);
}

static void put_member(const char *name, const char *value)
{
	if (!value)
		return;
	put_text(",\"");
	put_text(name);
	put_text("\":\"");
	put_escaped(value, strnlen(value, CONTEXT_LENGTH));
	put_text("\"");
}

PRINTF_LIKE(3, 0)
static void log_line(enum log_level level, const char *event, const char *format, va_list args)
{
	int saved_errno = errno, length;
	char now[TIME_TEXT_SIZE];
	struct iovec whole;
	size_t message_length;

	length = vsnprintf(message, sizeof(message), format, args);
	message_length = length < 0 ? 0 : MIN((size_t)length, sizeof(message) - 1);
	time_format(env_now_ms(), now);
	line.length = 0;
	line.cut = false;
	put_text("{\"time\":\"");
	put_text(now);
	put_text("\",\"level\":\"");
	put_text(level_words[level]);
	put_text("\"");
	put_member("event", event);
	put_member("requestId", running.request_id);
	put_member("traceparent", running.traceparent);
	put_text(",\"message\":\"");
	put_escaped(message, message_length);
	if (line.cut || message_length < (size_t)length) {
		memcpy(line.bytes + line.length, cut_mark, sizeof(cut_mark) - 1);
		line.length += sizeof(cut_mark) - 1;
	}
	memcpy(line.bytes + line.length, "\"}\n", 3);
	line.length += 3;
	whole = (struct iovec){line.bytes, line.length};
	hand_over(&whole, 1);
	errno = saved_errno;
}

static bool is_logged(enum log_level level)
{
	return (int)level >= atomic_load_explicit(&least_level, memory_order_relaxed);
}

#define LOG_AT(level, event, format)                        \
	do {                                                \
		va_list args;                               \
                                                            \
		if (!is_logged(level))                      \
			return;                             \
		va_start(args, format);                     \
		log_line((level), (event), (format), args); \
		va_end(args);                               \
	} while (0)

void log_debug(const char *event, const char *format, ...)
{
	LOG_AT(LOG_DEBUG, event, format);
}

void log_info(const char *event, const char *format, ...)
{
	LOG_AT(LOG_INFO, event, format);
}

void log_warning(const char *event, const char *format, ...)
{
	LOG_AT(LOG_WARNING, event, format);
}

void log_error(const char *event, const char *format, ...)
{
	LOG_AT(LOG_ERROR, event, format);
}

void log_raw(const char *bytes, size_t length)
{
	static char line_feed[] = "\n";
	struct iovec parts[] = {{(char *)bytes, length}, {line_feed, 1}};

	hand_over(parts, length && bytes[length - 1] == '\n' ? 1 : 2);
}
