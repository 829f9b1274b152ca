/* What becomes public, or stops being so: counted into the product's rating, and told. */
#ifndef SERVICES_REVIEW_PUBLISH_H
#define SERVICES_REVIEW_PUBLISH_H

#include "services/review/review.h"

/* Both within the transaction that stores the change; once for each change. */
enum err review_tell_published(struct sql *sql, const struct request *req,
			       const struct review *review) MUST_CHECK;
enum err review_tell_removed(struct sql *sql, const struct request *req,
			     const struct review *review) MUST_CHECK;

#endif
