/* Whether two sets of rows say the same, told without sorting them or looking any up. */
#ifndef CLI_AUDIT_COMPARE_H
#define CLI_AUDIT_COMPARE_H

#include "base/arena.h"
#include "base/err.h"
#include "store/sql.h"

/* The sum over rows of a number times the hash of the row's key. Sums of the same numbers for the
 * same keys are equal, in whatever order they came and however they were parted into rows; other
 * sums differ but by a chance of 2^-64 (SipHash, with a key drawn at start). */
struct audit_sum {
	__int128 total;
};

void audit_sum_add(struct audit_sum *sum, struct sql_rows *rows, int64_t number, int first_column,
		   int columns);

/* Whether two statements, of the same number of columns, come to the same: their first column is
 * the number, the others are the key. */
enum err audit_same(struct sql *sql, const char *one, const char *other, bool *ret_same) MUST_CHECK;

/* A row's key, to be compared with those before and behind it. Zero it first; the arena is for
 * what it holds. */
struct audit_key {
	struct sql_value values[SQL_PARAMETERS_MAX];
	char *bytes;
	size_t room;
	int columns; /* 0: none yet */
};

/* How the rows' key stands to `key` in SQL's order: < 0 before it, 0 the same, > 0 behind. Column i
 * is told apart without case where bit i of `nocase` is set. */
int audit_key_compare(struct sql_rows *rows, int first_column, int columns, uint64_t nocase,
		      const struct audit_key *key);
void audit_key_keep(struct audit_key *key, struct sql_rows *rows, int first_column, int columns);
void audit_key_release(struct audit_key *key);

/* Whether every row of `all`, one column, is among those of `of`; both come in its order. */
enum err audit_all_among(struct sql *sql, const char *all, const char *of, bool *ret_so) MUST_CHECK;

#endif
