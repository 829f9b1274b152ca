/*
 * Review's endpoints.
 *
 * What changes which reviews of a product are published changes its rating, and tells of it, in
 * the same transaction: publish.h is the one way to do so.
 */
#include <string.h>

#include "base/config.h"
#include "base/time.h"
#include "services/review/ask.h"
#include "services/review/publish.h"
#include "services/review/rules.h"
#include "services/review/store.h"

#define FLOOD_MS HOUR_MS

/* --- fields ----------------------------------------------------------------------------------- */

struct review_draft {
	struct id product;
	int64_t rating;
	char *title, *comment;
};

static bool is_not_blank(const char *text)
{
	while (*text && strchr(" \t\r\n", *text))
		text++;
	return *text != '\0';
}

#define NOT_BLANK .check = is_not_blank, .expected = "must not be blank"

static const struct field draft_fields[] = {
	FIELD(struct review_draft, product, "productId", ID, .flags = REQUIRED),
	FIELD(struct review_draft, rating, "rating", INT, .flags = REQUIRED, .min = 1,
	      .max = REVIEW_STARS_MAX),
	FIELD(struct review_draft, title, "title", TEXT, .flags = NULLABLE | VISIBLE, .min = 1,
	      .max = REVIEW_TITLE_MAX, NOT_BLANK),
	FIELD(struct review_draft, comment, "comment", TEXT, .flags = REQUIRED | MULTILINE,
	      .min = 1, .max = REVIEW_COMMENT_MAX, NOT_BLANK),
	FIELD_END,
};

struct verdict {
	int status;
	char *reason;
};

static const struct field verdict_fields[] = {
	FIELD(struct verdict, status, "status", CHOICE, .flags = REQUIRED,
	      .choices = review_status_words),
	FIELD(struct verdict, reason, "reason", TEXT, .flags = NULLABLE | MULTILINE, .min = 1,
	      .max = REVIEW_REASON_MAX, NOT_BLANK),
	FIELD_READ_ONLY("id"),
	FIELD_READ_ONLY("productId"),
	FIELD_READ_ONLY("userId"),
	FIELD_READ_ONLY("author"),
	FIELD_READ_ONLY("rating"),
	FIELD_READ_ONLY("title"),
	FIELD_READ_ONLY("comment"),
	FIELD_READ_ONLY("verifiedPurchase"),
	FIELD_READ_ONLY("createdAt"),
	FIELD_END,
};

/* By enum review_sort. */
static const char *const sort_words[] = {"newest", "helpful", "rating", NULL};
static const char *const sort_kinds[] = {"reviews/newest", "reviews/helpful", "reviews/rating"};

struct order {
	int sort;
};

static const struct field order_fields[] = {
	FIELD(struct order, sort, "sort", CHOICE, .choices = sort_words),
	FIELD_END,
};

static const struct field status_fields[] = {
	FIELD(struct review_filter, status, "status", CHOICE, .choices = review_status_words,
	      GIVEN(struct review_filter, has_status)),
	FIELD_END,
};

/* --- answers ---------------------------------------------------------------------------------- */

/* Who sees what waits or was turned down, and why. */
static bool sees_all(const struct request *req, const struct id *author)
{
	return request_has_role(req, ROLE_ADMIN) || request_is_user(req, author);
}

static void reply_review(const struct request *req, struct reply *reply, int status,
			 const struct review *review)
{
	struct out out = out_new(reply->arena);

	review_write(&out, NULL, review, sees_all(req, &review->user));
	reply_json(reply, status, &out);
	reply_etag(reply, review->version, review->verified);
}

/* --- writing one ------------------------------------------------------------------------------ */

struct writing {
	struct request *req;
	struct reply *reply;
	struct review review;
	struct id vendor; /* of the product */
	int64_t since_ms; /* when the author's account was made */
};

static enum err judge(struct sql *sql, const struct writing *writing, struct review *review)
{
	const struct review_limits limits = {
		.blocked_phrases = config_text("review-blocked-words"),
		.flood = config_int("review-flood"),
		.account_ms = config_int("review-account-minutes") * MINUTE_MS,
	};
	struct review_history history = {
		.sells_product = id_equal(&writing->vendor, &review->user),
		.account_age_ms = review->created_ms - writing->since_ms,
	};
	struct arena *arena = writing->req->arena;
	struct hash words;
	bool has_words = review_fingerprint(arena, review, &words);
	enum err err;

	err = purchases_have(sql, &review->user, &review->product, &review->verified);
	if (err)
		return err;
	err = reviews_history(sql, review, has_words ? &words : NULL, review->created_ms - FLOOD_MS,
			      &history);
	if (err)
		return err;
	review->reason = review_why_wait(arena, review, &history, &limits);
	review->status = review->reason ? REVIEW_PENDING : REVIEW_PUBLISHED;
	review->helpfulness = review_helpfulness(review);
	return OK;
}

static enum err store_review(struct sql *sql, void *arg)
{
	struct writing *writing = arg;
	struct request *req = writing->req;
	struct review *review = &writing->review;
	enum err err;

	review->version = 1;
	review->created_ms = sql_now_ms(sql);
	err = judge(sql, writing, review);
	if (err)
		return err;
	err = reviews_insert(sql, review);
	if (err)
		return err;
	if (review->status == REVIEW_PUBLISHED)
		err = review_tell_published(sql, req, review);
	if (err)
		return err;
	reply_header(writing->reply, "Location", "/reviews/%s", id_text(req->arena, &review->id));
	reply_review(req, writing->reply, 201, review);
	return OK;
}

/* POST /reviews: the caller's word on a product, once; 201 with the review. */
static enum err post_review(struct request *req, struct reply *reply)
{
	struct writing writing = {.req = req, .reply = reply};
	struct review_draft draft = {0};
	struct review *review = &writing.review;
	enum err err;

	err = request_body(req, draft_fields, &draft);
	if (err)
		return err;
	*review = (struct review){
		.id = id_new(),
		.user = req->caller.user,
		.rating = draft.rating,
		.title = draft.title,
		.comment = draft.comment,
	};
	err = ask_product(req, &draft.product, &review->product, &writing.vendor);
	if (err)
		return err;
	err = ask_author(req, &review->user, &review->author, &writing.since_ms);
	if (err)
		return err;
	return request_transaction(req, reply, store_review, &writing);
}

/* --- one review ------------------------------------------------------------------------------- */

struct lookup {
	struct id id;
	struct arena *arena;
	struct review review;
};

static enum err look_up(struct sql *sql, void *arg)
{
	struct lookup *lookup = arg;

	return reviews_find(sql, &lookup->id, lookup->arena, &lookup->review);
}

/* GET /reviews/:id: what is published, to anyone; the rest to its author and admins. */
static enum err get_review(struct request *req, struct reply *reply)
{
	struct lookup lookup = {.arena = req->arena};
	enum err err;

	err = request_id(req, "id", &lookup.id);
	if (err)
		return err;
	err = request_read(req, look_up, &lookup);
	if (err)
		return err;
	if (lookup.review.status != REVIEW_PUBLISHED && !sees_all(req, &lookup.review.user))
		return ERR_NOT_FOUND;
	reply_review(req, reply, 200, &lookup.review);
	return OK;
}

struct change {
	struct request *req;
	struct reply *reply;
	struct id id;
	struct verdict verdict;
};

static enum err remember_rejection(struct sql *sql, struct arena *arena,
				   const struct review *review)
{
	struct hash words;

	return rejections_note(sql, review,
			       review_fingerprint(arena, review, &words) ? &words : NULL);
}

/* What was turned down is remembered beyond its deletion, until it is published after all. */
static enum err remember_verdict(struct sql *sql, struct arena *arena, const struct review *review)
{
	if (review->status == REVIEW_PUBLISHED)
		return rejections_forget(sql, review);
	if (review->status != REVIEW_REJECTED)
		return OK;
	return remember_rejection(sql, arena, review);
}

static enum err store_verdict(struct sql *sql, void *arg)
{
	struct change *change = arg;
	struct request *req = change->req;
	struct review review;
	enum review_status before;
	enum err err;

	err = reviews_find(sql, &change->id, req->arena, &review);
	if (err)
		return err;
	err = request_if_match(req, review.version);
	if (err)
		return err;
	before = review.status;
	review.status = (enum review_status)change->verdict.status;
	review.reason = change->verdict.reason;
	err = reviews_set_status(sql, &review);
	if (!err)
		err = remember_verdict(sql, req->arena, &review);
	if (err)
		return err;
	if (review.status == REVIEW_PUBLISHED && before != REVIEW_PUBLISHED)
		err = review_tell_published(sql, req, &review);
	else if (review.status != REVIEW_PUBLISHED && before == REVIEW_PUBLISHED)
		err = review_tell_removed(sql, req, &review);
	if (err)
		return err;
	reply_review(req, change->reply, 200, &review);
	return OK;
}

/* PUT /reviews/:id/status: a moderator's verdict, which may be any, any time. */
static enum err put_status(struct request *req, struct reply *reply)
{
	struct change change = {.req = req, .reply = reply};
	enum err err;

	err = request_id(req, "id", &change.id);
	if (err)
		return err;
	err = request_body(req, verdict_fields, &change.verdict);
	if (err)
		return err;
	return request_transaction(req, reply, store_verdict, &change);
}

static enum err remove_review(struct sql *sql, void *arg)
{
	struct change *change = arg;
	struct request *req = change->req;
	struct review review;
	enum err err;

	err = reviews_find(sql, &change->id, req->arena, &review);
	if (err)
		return err;
	if (!sees_all(req, &review.user))
		return review.status == REVIEW_PUBLISHED ? ERR_FORBIDDEN : ERR_NOT_FOUND;
	err = request_if_match(req, review.version);
	if (err)
		return err;
	err = reviews_delete(sql, &review.id);
	if (!err)
		err = removals_note(sql, &review, sql_now_ms(sql) - FLOOD_MS);
	/* What others delete of it is turned down as well. */
	if (!err && !request_is_user(req, &review.user))
		err = remember_rejection(sql, req->arena, &review);
	if (err)
		return err;
	if (review.status == REVIEW_PUBLISHED)
		err = review_tell_removed(sql, req, &review);
	if (err)
		return err;
	reply_empty(change->reply, 204);
	return OK;
}

/* DELETE /reviews/:id: by its author or an admin; the author may write another one then. */
static enum err delete_review(struct request *req, struct reply *reply)
{
	struct change change = {.req = req, .reply = reply};
	enum err err;

	err = request_id(req, "id", &change.id);
	if (err)
		return err;
	return request_transaction(req, reply, remove_review, &change);
}

/* --- lists ------------------------------------------------------------------------------------ */

struct listing {
	struct review_filter filter;
	struct page page;
	struct arena *arena;
	struct review *reviews;
	size_t count;
	struct rating rating; /* of filter.product */
};

static enum err list(struct sql *sql, void *arg)
{
	struct listing *listing = arg;
	enum err err;

	err = reviews_list(sql, &listing->filter, &listing->page, listing->arena, &listing->reviews,
			   &listing->count);
	if (err || !listing->filter.product)
		return err;
	return ratings_find(sql, listing->filter.product, &listing->rating);
}

static void write_summary(struct out *out, const struct rating *rating)
{
	char stars[2] = "1";

	out_open(out, "summary");
	out_decimal(out, "average", rating_average(rating), 2);
	out_int(out, "count", rating_count(rating));
	out_open(out, "histogram");
	for (; stars[0] <= '0' + REVIEW_STARS_MAX; stars[0]++)
		out_int(out, stars, rating->stars[stars[0] - '0']);
	out_close(out);
	out_close(out);
}

static void reply_listing(struct request *req, struct reply *reply, const struct listing *listing,
			  const char *kind)
{
	bool more = listing->count > (size_t)listing->page.limit;
	size_t count = more ? (size_t)listing->page.limit : listing->count;
	struct out out = reply_list_begin(reply);
	struct cursor next;

	for (size_t i = 0; i < count; i++)
		review_write(&out, NULL, &listing->reviews[i],
			     sees_all(req, &listing->reviews[i].user));
	reply_list_end_items(&out);
	if (listing->filter.product)
		write_summary(&out, &listing->rating);
	if (more)
		next = review_cursor(&listing->reviews[count - 1], listing->filter.sort);
	reply_list_end(req, reply, &out, kind, more ? &next : NULL);
}

/* GET /reviews/product/:productId: what is published of a product, with the sum of it. */
static enum err get_of_product(struct request *req, struct reply *reply)
{
	struct listing listing = {.arena = req->arena};
	struct order order = {0};
	struct id product;
	enum err err, page_err;

	err = request_id(req, "productId", &product);
	if (err)
		return err;
	err = request_query_read(req, order_fields, &order);
	page_err = request_page(req, sort_kinds[order.sort], &listing.page);
	if (err || page_err)
		return err ? err : page_err;
	listing.filter.product = &product;
	listing.filter.sort = (enum review_sort)order.sort;
	err = request_read(req, list, &listing);
	if (err)
		return err;
	reply_listing(req, reply, &listing, sort_kinds[order.sort]);
	return OK;
}

/* GET /reviews/user/:userId: what is published of a user; to itself and admins all of it. */
static enum err get_of_user(struct request *req, struct reply *reply)
{
	struct listing listing = {.arena = req->arena};
	struct id user;
	enum err err;

	err = request_id(req, "userId", &user);
	if (err)
		return err;
	err = request_page(req, "reviews/user", &listing.page);
	if (err)
		return err;
	listing.filter.user = &user;
	listing.filter.has_status = !sees_all(req, &user);
	listing.filter.status = REVIEW_PUBLISHED;
	err = request_read(req, list, &listing);
	if (err)
		return err;
	reply_listing(req, reply, &listing, "reviews/user");
	return OK;
}

/* GET /reviews: what moderators look through, the newest first. */
static enum err get_reviews(struct request *req, struct reply *reply)
{
	struct listing listing = {.arena = req->arena};
	enum err err, page_err;

	err = request_query_read(req, status_fields, &listing.filter);
	page_err = request_page(req, "reviews", &listing.page);
	if (err || page_err)
		return err ? err : page_err;
	err = request_read(req, list, &listing);
	if (err)
		return err;
	reply_listing(req, reply, &listing, "reviews");
	return OK;
}

/* clang-format off */
const struct route review_routes[] = {
	{HTTP_POST, "/reviews", post_review, ANY_USER, ROUTE_BODY | ROUTE_IDEMPOTENT},
	{HTTP_GET, "/reviews", get_reviews, ROLE_ADMIN, ROUTE_PAGE | ROUTE_QUERY},
	{HTTP_GET, "/reviews/product/:productId", get_of_product, ANYONE, ROUTE_PAGE | ROUTE_QUERY},
	{HTTP_GET, "/reviews/user/:userId", get_of_user, ANYONE, ROUTE_PAGE},
	{HTTP_GET, "/reviews/:id", get_review, ANYONE, 0},
	{HTTP_DELETE, "/reviews/:id", delete_review, ANY_USER, ROUTE_VERSIONED},
	{HTTP_PUT, "/reviews/:id/status", put_status, ROLE_ADMIN, ROUTE_BODY | ROUTE_VERSIONED},
	{0},
};
/* clang-format on */
