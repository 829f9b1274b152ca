-- What is only shown of a variant, where it says any of it: apart from `variants`, whose rows every
-- purchase writes anew.
CREATE TABLE variant_details (
	product BIGINT NOT NULL,
	position BIGINT NOT NULL,
	compare_at BIGINT, -- in the product's currency
	barcode TEXT,
	weight_grams BIGINT,
	image TEXT,
	PRIMARY KEY (product, position)
) /*sqlite WITHOUT ROWID */;
