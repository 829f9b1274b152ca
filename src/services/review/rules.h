/* The Review service's decisions: what waits for a moderator, what comes first, what it adds up
 * to. */
#ifndef SERVICES_REVIEW_RULES_H
#define SERVICES_REVIEW_RULES_H

#include "base/hash.h"
#include "services/review/review.h"

/* --- what waits ------------------------------------------------------------------------------- */

/* Text as its words (unicode_words: without case, width, accents, and what nobody sees) with one
 * space before, between and behind them, so that a phrase is found as whole words: " free money ". */
char *review_words(struct arena *arena, const char *text);

/* Whether one of the phrases (joined by commas) stands in the text. */
bool review_has_blocked_word(struct arena *arena, const char *text, const char *phrases);

/* Whether it names a web address: with a scheme, with www., or a host under a common domain. */
bool review_has_link(struct arena *arena, const char *text);

/* What is known of an author when a review comes. */
struct review_history {
	bool published_before; /* something that is older than the flood's hour */
	int64_t recent;	       /* reviews within the hour, of any status, and those deleted */
	bool rejected;	       /* one of this product, or lately of another */
	bool words_rejected;   /* somebody's, in these words */
	bool sells_product;    /* the author is its vendor */
	int64_t account_age_ms;
};

/* How long a rejection counts for the author's reviews of other products. */
#define REVIEW_REJECTED_DAYS 30

struct review_limits {
	const char *blocked_phrases; /* joined by commas */
	int64_t flood;		     /* reviews in an hour */
	int64_t account_ms;	     /* how old an account must be */
};

/* Why a new review must wait; NULL where it is published at once. */
const char *review_why_wait(struct arena *arena, const struct review *review,
			    const struct review_history *history,
			    const struct review_limits *limits);

/* A fingerprint of what a review says, whatever its case, spaces and punctuation; false where that
 * is so little that others say it too. */
#define REVIEW_FINGERPRINT_BYTES_MIN 20
bool review_fingerprint(struct arena *arena, const struct review *review, struct hash *ret_hash);

/* --- order ------------------------------------------------------------------------------------ */

/*
 * The place among the helpful ones, the highest first: those of verified purchases before all
 * others, then by the length of the comment, up to REVIEW_HELPFUL_LENGTH_MAX characters. Behind
 * equal ones the newest comes first.
 */
#define REVIEW_HELPFUL_LENGTH_MAX 500
#define REVIEW_HELPFUL_VERIFIED 1000
int64_t review_helpfulness(const struct review *review);

/* --- sums ------------------------------------------------------------------------------------- */

int64_t rating_count(const struct rating *rating);

/* In hundredths, rounded half up; 0 where there is none. */
int64_t rating_average(const struct rating *rating);

#endif
