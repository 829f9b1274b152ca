-- What users say of products. `reason` says why it waits or was turned down; `helpfulness` is the
-- place in the list of the most helpful ones (see rules.h), stored so that pages can follow it.
CREATE TABLE reviews (
	id UUID NOT NULL PRIMARY KEY,
	product_id UUID NOT NULL,
	user_id UUID NOT NULL,
	author TEXT NOT NULL,
	rating BIGINT NOT NULL CHECK (rating BETWEEN 1 AND 5),
	title TEXT,
	comment TEXT NOT NULL,
	verified BIGINT NOT NULL,
	status TEXT NOT NULL CHECK (status = 'published' OR status = 'pending' OR status = 'rejected'),
	reason TEXT,
	helpfulness BIGINT NOT NULL,
	version BIGINT NOT NULL,
	created_at BIGINT NOT NULL
) /*sqlite WITHOUT ROWID */;

-- One per user and product. Ids grow with time: they are the order of age.
CREATE UNIQUE INDEX reviews_once ON reviews (user_id, product_id);
CREATE INDEX reviews_by_user ON reviews (user_id, id);
CREATE INDEX reviews_by_user_and_status ON reviews (user_id, status, id);
CREATE INDEX reviews_by_status ON reviews (status, id);
CREATE INDEX reviews_newest ON reviews (product_id, id) WHERE status = 'published';
CREATE INDEX reviews_helpful ON reviews (product_id, helpfulness, id) WHERE status = 'published';
CREATE INDEX reviews_best ON reviews (product_id, rating, id) WHERE status = 'published';

-- How often a product's published reviews give how many stars; `version` grows with every change.
CREATE TABLE ratings (
	product_id UUID NOT NULL PRIMARY KEY,
	stars_1 BIGINT NOT NULL CHECK (stars_1 >= 0),
	stars_2 BIGINT NOT NULL CHECK (stars_2 >= 0),
	stars_3 BIGINT NOT NULL CHECK (stars_3 >= 0),
	stars_4 BIGINT NOT NULL CHECK (stars_4 >= 0),
	stars_5 BIGINT NOT NULL CHECK (stars_5 >= 0),
	version BIGINT NOT NULL
) /*sqlite WITHOUT ROWID */;

-- What was delivered to whom: a product, whichever of its variants.
CREATE TABLE purchases (
	user_id UUID NOT NULL,
	product_id UUID NOT NULL,
	delivered_at BIGINT NOT NULL,
	PRIMARY KEY (user_id, product_id)
) /*sqlite WITHOUT ROWID */;
