/* Words that are spelt alike: by the letters that are wrong, missing, too many, or swapped. */
#include "base/near.h"

#include <string.h>

#define LETTERS_PER_FAULT 3 /* a word may have one fault in so many letters */

void near_begin(struct near *near, const char *word, size_t length)
{
	*near = (struct near){.distance = SIZE_MAX};
	if (length <= NEAR_LENGTH_MAX)
		memcpy(near->word, word, length);
}

/* The optimal string alignment distance, by rows: the one before the last, the last, and this. */
static size_t distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
	size_t rows[3][NEAR_LENGTH_MAX + 1];

	for (size_t j = 0; j <= b_length; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a_length; i++) {
		size_t *now = rows[i % 3], *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];

		now[0] = i;
		for (size_t j = 1; j <= b_length; j++) {
			now[j] = last[j - 1] + (a[i - 1] != b[j - 1]);
			now[j] = MIN(now[j], MIN(last[j], now[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				now[j] = MIN(now[j], before[j - 2] + 1);
		}
	}
	return rows[a_length % 3][b_length];
}

void near_look(struct near *near, const char *candidate)
{
	size_t length = strlen(candidate), written = strlen(near->word), found;

	if (length > NEAR_LENGTH_MAX || written == 0)
		return;
	found = distance(near->word, written, candidate, length);
	if (found >= near->distance || found > MAX(written, length) / LETTERS_PER_FAULT)
		return;
	near->distance = found;
	memcpy(near->best, candidate, length + 1);
}

const char *near_best(const struct near *near)
{
	return near->distance == SIZE_MAX ? NULL : near->best;
}
