/*
 * The word that somebody meant: of several that exist, the one that is spelt most like what was
 * written.
 */
#ifndef BASE_NEAR_H
#define BASE_NEAR_H

#include "base/base.h"

#define NEAR_LENGTH_MAX 64 /* longer words are like no other */

struct near {
	char word[NEAR_LENGTH_MAX + 1];
	char best[NEAR_LENGTH_MAX + 1];
	size_t distance;
};

/* Begins with the `length` bytes that were written. */
void near_begin(struct near *near, const char *word, size_t length);

void near_look(struct near *near, const char *candidate);

/* The best of all that were looked at, or NULL where none is like it. Lives in `near`. */
const char *near_best(const struct near *near);

#endif
