-- What moderators turned down, which is known when the review itself is gone. `words` is a hash of
-- what it said; NULL where that is not known.
CREATE TABLE rejections (
	user_id UUID NOT NULL,
	product_id UUID NOT NULL,
	words BYTEA,
	rejected_at BIGINT NOT NULL,
	PRIMARY KEY (user_id, product_id)
) /*sqlite WITHOUT ROWID */;
CREATE INDEX rejections_by_words ON rejections (words) WHERE words IS NOT NULL;
INSERT INTO rejections (user_id, product_id, rejected_at)
	SELECT user_id, product_id, created_at FROM reviews WHERE status = 'rejected';

-- Reviews that were deleted within an hour of their writing: a flood counts them too.
CREATE TABLE removals (
	user_id UUID NOT NULL,
	review_id UUID NOT NULL,
	created_at BIGINT NOT NULL,
	PRIMARY KEY (user_id, review_id)
) /*sqlite WITHOUT ROWID */;
