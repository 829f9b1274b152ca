/* The parameters of OAuth's endpoints, which come as a form or as JSON. */
#ifndef SERVICES_AUTH_PARAMETERS_H
#define SERVICES_AUTH_PARAMETERS_H

#include "http/request.h"

#define PARAMETERS_MAX 32

struct parameters {
	struct header items[PARAMETERS_MAX];
	size_t count;
};

/* Whether the body is a form by its media type; else it is JSON. */
bool body_is_form(const struct request *req);

/* Reads the body: pairs of a form, or the members of a JSON object, whose values are texts. Those
 * without a value are left out (RFC 6749, section 3.2). ERR_BAD_REQUEST where it is malformed, a name
 * is there twice, or there are too many; *ret_why is a sentence. */
enum err parameters_read(struct request *req, struct parameters *ret_parameters,
			 const char **ret_why) MUST_CHECK;

/* NULL where it is absent. */
const char *parameters_get(const struct parameters *parameters, const char *name);

#endif
