/* The nouns of the Review service: reviews, and a product's rating made of them. */
#ifndef SERVICES_REVIEW_REVIEW_H
#define SERVICES_REVIEW_REVIEW_H

#include "base/out.h"
#include "platform/service.h"

#define REVIEW_STARS_MAX 5
#define REVIEW_TITLE_MAX 100
#define REVIEW_COMMENT_MAX 5000
#define REVIEW_REASON_MAX 500

enum review_status { REVIEW_PUBLISHED, REVIEW_PENDING, REVIEW_REJECTED };
extern const char *const review_status_words[]; /* by review_status; ends with NULL */

struct review {
	struct id id, product, user;
	const char *author;
	int64_t rating;	   /* 1..REVIEW_STARS_MAX */
	const char *title; /* or NULL */
	const char *comment;
	bool verified; /* the author had the product delivered */
	enum review_status status;
	const char *reason;  /* why it waits or was turned down; or NULL */
	int64_t helpfulness; /* see rules.h */
	int64_t version;
	int64_t created_ms;
};

/* How many published reviews of a product give how many stars. */
struct rating {
	int64_t stars[REVIEW_STARS_MAX + 1]; /* by number of stars; [0] is not used */
	int64_t version;
};

/* How it is shown: `whole` to its author and admins, who see its reason too. */
void review_write(struct out *out, const char *name, const struct review *review, bool whole);

extern const struct service review_service;
extern const struct route review_routes[];
extern const struct subscription review_subscriptions[];

#endif
