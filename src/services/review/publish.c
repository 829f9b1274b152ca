/* Ratings follow what is published; ReviewPublished and ReviewRemoved carry them. */
#include "services/review/publish.h"

#include "services/review/rules.h"
#include "services/review/store.h"

static enum err tell(struct sql *sql, const struct request *req, const char *type, int64_t by,
		     const struct review *review)
{
	struct out *data = event_data(sql, req->arena);
	struct rating rating;
	enum err err;

	err = ratings_add(sql, &review->product, review->rating, by, &rating);
	if (err)
		return err;
	out_open(data, NULL);
	out_id(data, "reviewId", &review->id);
	out_id(data, "productId", &review->product);
	out_id(data, "userId", &review->user);
	out_int(data, "rating", review->rating);
	out_decimal(data, "average", rating_average(&rating), 2);
	out_int(data, "count", rating_count(&rating));
	out_int(data, "version", rating.version);
	out_close(data);
	return event_publish(sql, type, &review->product, req->traceparent, data);
}

enum err review_tell_published(struct sql *sql, const struct request *req,
			       const struct review *review)
{
	return tell(sql, req, "ReviewPublished", 1, review);
}

enum err review_tell_removed(struct sql *sql, const struct request *req,
			     const struct review *review)
{
	return tell(sql, req, "ReviewRemoved", -1, review);
}
