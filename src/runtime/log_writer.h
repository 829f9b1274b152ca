/*
 * Who writes the log: before log_writer_start, whoever logs; from then on a thread of its own, so
 * that a log that nobody reads (a full pipe, a stopped reader, a full disk) makes nobody wait.
 *
 * Lines wait for it in memory, in two buffers of `queue_bytes`. Those that find no room are dropped
 * and counted (souk_log_dropped_total); a line says how many they were, in their place, once it can
 * be written. Where a write fails its lines are kept, and tried again every second.
 */
#ifndef RUNTIME_LOG_WRITER_H
#define RUNTIME_LOG_WRITER_H

#include "base/err.h"

/* What else writes to this descriptor (assertions, sanitizers) does not wait for a reader either: a
 * pipe or terminal is opened anew for this process alone, without waiting. */
void log_writer_open_without_waiting(int descriptor);

/* `path` is appended to, and made for its owner alone; NULL: standard error. *ret_why is a sentence,
 * good until the next call. */
enum err log_writer_start(const char *path, size_t queue_bytes, const char **ret_why) MUST_CHECK;

/* Has the path opened anew, soon: whoever rotates logs has moved the file. Any thread. */
void log_writer_reopen(void);

/* Writes what waits, for at most `patience_ms`; what is logged from then on is lost. */
void log_writer_stop(int64_t patience_ms);

#endif
