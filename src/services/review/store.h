/*
 * What Review stores, as verbs. This is a port: store_sqlite.c is the embedded engine. All run
 * within a transaction, or (those that only read) a snapshot; texts read are in the arena.
 */
#ifndef SERVICES_REVIEW_STORE_H
#define SERVICES_REVIEW_STORE_H

#include "http/request.h"
#include "services/review/rules.h"
#include "store/sql.h"

/* --- reviews ---------------------------------------------------------------------------------- */

/* ERR_ALREADY_REVIEWED where the user has one of the product. */
enum err reviews_insert(struct sql *sql, const struct review *review) MUST_CHECK;

/* ERR_NOT_FOUND where there is none. */
enum err reviews_find(struct sql *sql, const struct id *id, struct arena *arena,
		      struct review *ret_review) MUST_CHECK;

/* Stores status and reason, and moves the version on. */
enum err reviews_set_status(struct sql *sql, struct review *review) MUST_CHECK;
enum err reviews_delete(struct sql *sql, const struct id *id) MUST_CHECK;

/* Sets what the author of the review wrote before and since `since_ms`, and what of that, or of its
 * words, was rejected. */
enum err reviews_history(struct sql *sql, const struct review *review, const struct hash *words,
			 int64_t since_ms, struct review_history *history) MUST_CHECK;

/* It was turned down, with its words (or NULL); it was published, and is forgiven. */
enum err rejections_note(struct sql *sql, const struct review *review, const struct hash *words)
	MUST_CHECK;
enum err rejections_forget(struct sql *sql, const struct review *review) MUST_CHECK;

/* It is deleted, and was written since `since_ms`: a flood counts it for that long. */
enum err removals_note(struct sql *sql, const struct review *review, int64_t since_ms) MUST_CHECK;

/* --- lists ------------------------------------------------------------------------------------ */

enum review_sort { REVIEWS_NEWEST, REVIEWS_HELPFUL, REVIEWS_BEST };

/* Which reviews. Of a product only published ones are listed; `status` is looked at where
 * `has_status`. */
struct review_filter {
	const struct id *product, *user; /* or NULL */
	bool has_status;
	int status;	       /* enum review_status */
	enum review_sort sort; /* other than the newest first only of a product */
};

/* At most page->limit + 1 of them. */
enum err reviews_list(struct sql *sql, const struct review_filter *filter, const struct page *page,
		      struct arena *arena, struct review **ret_reviews, size_t *ret_count)
	MUST_CHECK;

/* Where the page goes on behind it, in that order. */
struct cursor review_cursor(const struct review *review, enum review_sort sort);

/* --- ratings ---------------------------------------------------------------------------------- */

/* All zero where the product has none. */
enum err ratings_find(struct sql *sql, const struct id *product, struct rating *ret_rating)
	MUST_CHECK;

/* Counts one review of so many stars in (by 1) or out (by -1). */
enum err ratings_add(struct sql *sql, const struct id *product, int64_t stars, int64_t by,
		     struct rating *ret_rating) MUST_CHECK;

/* --- purchases -------------------------------------------------------------------------------- */

enum err purchases_have(struct sql *sql, const struct id *user, const struct id *product,
			bool *ret_have) MUST_CHECK;

/* Notes that the product was delivered to the user; what the user wrote of it is verified. */
enum err purchases_add(struct sql *sql, const struct id *user, const struct id *product,
		       int64_t delivered_ms) MUST_CHECK;

#endif
