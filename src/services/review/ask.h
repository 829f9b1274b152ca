/* What Review asks other services. Answers are in the request's arena. */
#ifndef SERVICES_REVIEW_ASK_H
#define SERVICES_REVIEW_ASK_H

#include "services/review/review.h"

/* The product that `id`, its own or one of its variants', means, and who sells it. Where there is
 * none that is for everybody to see: ERR_INVALID with a fault at /productId. */
enum err ask_product(struct request *req, const struct id *id, struct id *ret_product,
		     struct id *ret_vendor) MUST_CHECK;

/* The name that a user goes by, never the address; and when the account was made. */
enum err ask_author(struct request *req, const struct id *user, const char **ret_name,
		    int64_t *ret_since_ms) MUST_CHECK;

#endif
