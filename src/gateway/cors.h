/* Cross-origin requests (the Fetch standard, CORS protocol), for the origins of cors-origins. */
#ifndef GATEWAY_CORS_H
#define GATEWAY_CORS_H

#include "http/request.h"

/* Writes the headers for an allowed Origin; true: it was a preflight, and is answered. */
bool cors_handle(struct request *req, struct reply *reply);

#endif
