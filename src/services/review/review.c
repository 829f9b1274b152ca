/* Reviews as clients see them. */
#include "services/review/review.h"

const char *const review_status_words[] = {"published", "pending", "rejected", NULL};

void review_write(struct out *out, const char *name, const struct review *review, bool whole)
{
	out_open(out, name);
	out_id(out, "id", &review->id);
	out_id(out, "productId", &review->product);
	out_id(out, "userId", &review->user);
	out_text(out, "author", review->author);
	out_int(out, "rating", review->rating);
	out_text(out, "title", review->title);
	out_text(out, "comment", review->comment);
	out_bool(out, "verifiedPurchase", review->verified);
	out_text(out, "status", review_status_words[review->status]);
	if (whole)
		out_text(out, "reason", review->reason);
	out_time(out, "createdAt", review->created_ms);
	out_close(out);
}
