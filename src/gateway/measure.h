/* What is counted and written down of every request. */
#ifndef GATEWAY_MEASURE_H
#define GATEWAY_MEASURE_H

#include "http/request.h"

/* After all routes are known. */
void measure_open(void);
void measure_close(void);

/* Counts the answered request, and writes the access log's line. */
void measure_request(const struct request *req, const struct reply *reply, int64_t took_ns);

#endif
