/*
 * The log: one JSON object a line on standard error or where runtime/log_writer.h writes it, of an
 * event's name, a sentence, and the context of the running request:
 *
 *	log_info("order.settled", "order %s is %s after %d ms", id, status, took_ms);
 *	{"time":"...","level":"info","event":"order.settled","requestId":"...","message":"..."}
 *
 * No password, token, key, card or message body is ever logged.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/base.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

void log_set_level(enum log_level least);
bool log_level_from_text(const char *text, enum log_level *ret_level);

/* The request that the running thread works for; either may be NULL. Borrowed. */
struct log_context {
	const char *request_id;
	const char *traceparent;
};

/* Sets it, and gives back the one before: a fiber takes its own along when it is switched. */
struct log_context log_set_context(struct log_context context);

void log_debug(const char *event, const char *format, ...) PRINTF_LIKE(2, 3);
void log_info(const char *event, const char *format, ...) PRINTF_LIKE(2, 3);
void log_warning(const char *event, const char *format, ...) PRINTF_LIKE(2, 3);
void log_error(const char *event, const char *format, ...) PRINTF_LIKE(2, 3);

/* From now on `take` gets every whole line, in `count` parts, which it may change; on any thread. NULL:
 * each is written to standard error at once. */
struct iovec;
void log_hand_to(void (*take)(struct iovec *parts, int count));

/* A whole line of JSON that the caller wrote (the access log). */
void log_raw(const char *line, size_t length);

#endif
