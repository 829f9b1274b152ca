/* The Review service's decisions: what waits for a moderator, what comes first, what it adds up
 * to. */
#ifndef SERVICES_REVIEW_RULES_H
#define SERVICES_REVIEW_RULES_H

#include "services/review/review.h"

/* --- what waits ------------------------------------------------------------------------------- */

/* Text as its words in lower case with one space before, between and behind them, so that a phrase
 * is found as whole words: " free money ". Letters are those of ASCII and every byte beyond. */
char *review_words(struct arena *arena, const char *text);

/* Whether one of the phrases (joined by commas) stands in the text, whatever the case. */
bool review_has_blocked_word(struct arena *arena, const char *text, const char *phrases);

/* Whether it names a web address: with a scheme, with www., or a host under a common domain. */
bool review_has_link(struct arena *arena, const char *text);

/* What is known of an author when a review comes. */
struct review_history {
	bool published_before; /* something that is older than the flood's hour */
	int64_t recent;	       /* reviews within the hour, of any status */
};

/* Why a new review must wait; NULL where it is published at once. */
const char *review_why_wait(struct arena *arena, const struct review *review,
			    const struct review_history *history, const char *blocked_phrases,
			    int64_t flood);

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
