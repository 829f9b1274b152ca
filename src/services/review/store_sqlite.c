/*
 * Review's SQL.
 *
 * Invariants:
 *  1. One review per user and product (reviews_once).
 *  2. A row of `ratings` counts exactly the product's published reviews: whoever changes what is
 *     published calls ratings_add in the same transaction.
 */
#include "services/review/store.h"

#include <string.h>

#include "base/time.h"

#define COLUMNS                                                                      \
	"id, product_id, user_id, author, rating, title, comment, verified, status," \
	" reason, helpfulness, version, created_at"

/* --- reviews ---------------------------------------------------------------------------------- */

static enum review_status status_from(const char *word)
{
	for (int i = 0; review_status_words[i]; i++)
		if (word && strcmp(review_status_words[i], word) == 0)
			return (enum review_status)i;
	assert(!"a status that is not known");
	return REVIEW_PENDING;
}

static struct review read_review(struct sql_rows *rows, struct arena *arena)
{
	return (struct review){
		.id = sql_get_id(rows, 0),
		.product = sql_get_id(rows, 1),
		.user = sql_get_id(rows, 2),
		.author = sql_get_text(rows, 3, arena),
		.rating = sql_get_int(rows, 4),
		.title = sql_get_text(rows, 5, arena),
		.comment = sql_get_text(rows, 6, arena),
		.verified = sql_get_bool(rows, 7),
		.status = status_from(sql_peek_text(rows, 8)),
		.reason = sql_get_text(rows, 9, arena),
		.helpfulness = sql_get_int(rows, 10),
		.version = sql_get_int(rows, 11),
		.created_ms = sql_get_int(rows, 12),
	};
}

enum err reviews_insert(struct sql *sql, const struct review *review)
{
	enum err err;

	err = sql_run(sql,
		      "INSERT INTO reviews (" COLUMNS ")"
		      " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
		      " ON CONFLICT (user_id, product_id) DO NOTHING",
		      sql_id(&review->id), sql_id(&review->product), sql_id(&review->user),
		      sql_text(review->author), sql_int(review->rating), sql_text(review->title),
		      sql_text(review->comment), sql_bool(review->verified),
		      sql_text(review_status_words[review->status]), sql_text(review->reason),
		      sql_int(review->helpfulness), sql_int(review->version),
		      sql_int(review->created_ms));
	if (err)
		return err;
	return sql_changes(sql) == 1 ? OK : ERR_ALREADY_REVIEWED;
}

enum err reviews_find(struct sql *sql, const struct id *id, struct arena *arena,
		      struct review *ret_review)
{
	struct sql_rows *rows =
		sql_query(sql, "SELECT " COLUMNS " FROM reviews WHERE id = $1", sql_id(id));

	return SQL_TAKE(rows, ret_review, read_review(rows, arena));
}

enum err reviews_set_status(struct sql *sql, struct review *review)
{
	review->version++;
	return sql_run(sql,
		       "UPDATE reviews SET status = $2, reason = $3, version = $4 WHERE id = $1",
		       sql_id(&review->id), sql_text(review_status_words[review->status]),
		       sql_text(review->reason), sql_int(review->version));
}

enum err reviews_delete(struct sql *sql, const struct id *id)
{
	return sql_run(sql, "DELETE FROM reviews WHERE id = $1", sql_id(id));
}

static enum err read_writings(struct sql *sql, const struct id *user, int64_t since_ms,
			      struct review_history *history)
{
	struct sql_rows *rows;

	rows = sql_query(sql,
			 "SELECT COUNT(CASE WHEN created_at >= $2 THEN 1 END) + (SELECT COUNT(*)"
			 " FROM removals m WHERE m.user_id = $1 AND m.created_at >= $2),"
			 " COUNT(CASE WHEN created_at < $2 AND status = 'published' THEN 1 END)"
			 " FROM reviews WHERE user_id = $1",
			 sql_id(user), sql_int(since_ms));
	return SQL_TAKE(rows, history,
			(struct review_history){
				.recent = sql_get_int(rows, 0),
				.published_before = sql_get_int(rows, 1) > 0,
				.sells_product = history->sells_product,
				.account_age_ms = history->account_age_ms,
			});
}

enum err reviews_history(struct sql *sql, const struct review *review, const struct hash *words,
			 int64_t since_ms, struct review_history *history)
{
	int64_t lately_ms = sql_now_ms(sql) - REVIEW_REJECTED_DAYS * DAY_MS;
	enum err err = read_writings(sql, &review->user, since_ms, history);

	if (!err)
		err = sql_end_any(sql_query(sql,
					    "SELECT 1 FROM rejections WHERE user_id = $1"
					    " AND (product_id = $2 OR rejected_at >= $3) LIMIT 1",
					    sql_id(&review->user), sql_id(&review->product),
					    sql_int(lately_ms)),
				  &history->rejected);
	if (err || !words)
		return err;
	return sql_end_any(sql_query(sql, "SELECT 1 FROM rejections WHERE words = $1 LIMIT 1",
				     sql_blob(words->bytes, sizeof(words->bytes))),
			   &history->words_rejected);
}

enum err rejections_note(struct sql *sql, const struct review *review, const struct hash *words)
{
	return sql_run(sql,
		       "INSERT INTO rejections (user_id, product_id, words, rejected_at)"
		       " VALUES ($1, $2, $3, $4) ON CONFLICT (user_id, product_id) DO UPDATE"
		       " SET words = $3, rejected_at = $4",
		       sql_id(&review->user), sql_id(&review->product),
		       words ? sql_blob(words->bytes, sizeof(words->bytes)) : sql_null(),
		       sql_int(sql_now_ms(sql)));
}

enum err rejections_forget(struct sql *sql, const struct review *review)
{
	return sql_run(sql, "DELETE FROM rejections WHERE user_id = $1 AND product_id = $2",
		       sql_id(&review->user), sql_id(&review->product));
}

enum err removals_note(struct sql *sql, const struct review *review, int64_t since_ms)
{
	enum err err = sql_run(sql, "DELETE FROM removals WHERE user_id = $1 AND created_at < $2",
			       sql_id(&review->user), sql_int(since_ms));

	if (err || review->created_ms < since_ms)
		return err;
	return sql_run(sql,
		       "INSERT INTO removals (user_id, review_id, created_at) VALUES ($1, $2, $3)",
		       sql_id(&review->user), sql_id(&review->id), sql_int(review->created_ms));
}

/* --- lists ------------------------------------------------------------------------------------ */

/* The column that comes before the id in an order; NULL: the id alone. */
static const char *const sort_columns[] = {
	[REVIEWS_NEWEST] = NULL,
	[REVIEWS_HELPFUL] = "helpfulness",
	[REVIEWS_BEST] = "rating",
};

struct cursor review_cursor(const struct review *review, enum review_sort sort)
{
	struct cursor cursor = {.id = review->id};

	if (sort == REVIEWS_HELPFUL)
		cursor.number = review->helpfulness;
	else if (sort == REVIEWS_BEST)
		cursor.number = review->rating;
	return cursor;
}

/* Behind the cursor, and in order. */
static void add_page(struct sql_builder *query, enum review_sort sort, const struct page *page)
{
	const char *column = sort_columns[sort];

	if (page->has_after && column) {
		sql_add(query, " AND (");
		sql_add(query, column);
		sql_add(query, ", id) < (?, ?)", sql_int(page->after.number),
			sql_id(&page->after.id));
	} else if (page->has_after) {
		sql_add(query, " AND id < ?", sql_id(&page->after.id));
	}
	sql_add(query, " ORDER BY ");
	if (column) {
		sql_add(query, column);
		sql_add(query, " DESC, ");
	}
	sql_add(query, "id DESC LIMIT ?", sql_int(page->limit + 1));
}

enum err reviews_list(struct sql *sql, const struct review_filter *filter, const struct page *page,
		      struct arena *arena, struct review **ret_reviews, size_t *ret_count)
{
	struct sql_builder query = sql_builder_new(arena);
	struct review *reviews = ARENA_ARRAY(arena, struct review, (size_t)page->limit + 1);
	struct sql_rows *rows;
	size_t count = 0;
	enum err err;

	assert(filter->product || filter->sort == REVIEWS_NEWEST);
	sql_add(&query, "SELECT " COLUMNS " FROM reviews WHERE 1 = 1");
	/* Written out, as the indexes name it. */
	if (filter->product)
		sql_add(&query, " AND product_id = ? AND status = 'published'",
			sql_id(filter->product));
	if (filter->user)
		sql_add(&query, " AND user_id = ?", sql_id(filter->user));
	if (filter->has_status)
		sql_add(&query, " AND status = ?", sql_text(review_status_words[filter->status]));
	add_page(&query, filter->sort, page);
	rows = sql_query_built(sql, &query);
	while (sql_next(rows))
		reviews[count++] = read_review(rows, arena);
	err = sql_end(rows);
	if (err)
		return err;
	*ret_reviews = reviews;
	*ret_count = count;
	return OK;
}

/* --- ratings ---------------------------------------------------------------------------------- */

#define RATING_COLUMNS "stars_1, stars_2, stars_3, stars_4, stars_5, version"

static enum err take_rating(struct sql_rows *rows, struct rating *ret_rating)
{
	struct rating rating = {0};
	enum err err = sql_first(rows);

	if (err)
		return err;
	for (int i = 1; i <= REVIEW_STARS_MAX; i++)
		rating.stars[i] = sql_get_int(rows, i - 1);
	rating.version = sql_get_int(rows, REVIEW_STARS_MAX);
	err = sql_end(rows);
	if (!err)
		*ret_rating = rating;
	return err;
}

enum err ratings_find(struct sql *sql, const struct id *product, struct rating *ret_rating)
{
	struct rating none = {0};
	enum err err;

	err = take_rating(sql_query(sql,
				    "SELECT " RATING_COLUMNS " FROM ratings WHERE product_id = $1",
				    sql_id(product)),
			  ret_rating);
	if (err != ERR_NOT_FOUND)
		return err;
	*ret_rating = none;
	return OK;
}

enum err ratings_add(struct sql *sql, const struct id *product, int64_t stars, int64_t by,
		     struct rating *ret_rating)
{
	enum err err;

	assert(stars >= 1 && stars <= REVIEW_STARS_MAX && (by == 1 || by == -1));
	err = sql_run(sql,
		      "INSERT INTO ratings (product_id, " RATING_COLUMNS ")"
		      " VALUES ($1, 0, 0, 0, 0, 0, 0) ON CONFLICT (product_id) DO NOTHING",
		      sql_id(product));
	if (err)
		return err;
	return take_rating(
		sql_query(sql,
			  "UPDATE ratings SET stars_1 = stars_1 + $2, stars_2 = stars_2 + $3,"
			  " stars_3 = stars_3 + $4, stars_4 = stars_4 + $5,"
			  " stars_5 = stars_5 + $6, version = version + 1 WHERE product_id = $1"
			  " RETURNING " RATING_COLUMNS,
			  sql_id(product), sql_int(stars == 1 ? by : 0),
			  sql_int(stars == 2 ? by : 0), sql_int(stars == 3 ? by : 0),
			  sql_int(stars == 4 ? by : 0), sql_int(stars == 5 ? by : 0)),
		ret_rating);
}

/* --- purchases -------------------------------------------------------------------------------- */

enum err purchases_have(struct sql *sql, const struct id *user, const struct id *product,
			bool *ret_have)
{
	return sql_end_any(
		sql_query(sql, "SELECT 1 FROM purchases WHERE user_id = $1 AND product_id = $2",
			  sql_id(user), sql_id(product)),
		ret_have);
}

enum err purchases_add(struct sql *sql, const struct id *user, const struct id *product,
		       int64_t delivered_ms)
{
	enum err err;

	err = sql_run(sql,
		      "INSERT INTO purchases (user_id, product_id, delivered_at)"
		      " VALUES ($1, $2, $3) ON CONFLICT (user_id, product_id) DO NOTHING",
		      sql_id(user), sql_id(product), sql_int(delivered_ms));
	if (err)
		return err;
	return sql_run(sql,
		       "UPDATE reviews SET verified = 1, helpfulness = helpfulness + $3"
		       " WHERE user_id = $1 AND product_id = $2 AND verified = 0",
		       sql_id(user), sql_id(product), sql_int(REVIEW_HELPFUL_VERIFIED));
}
