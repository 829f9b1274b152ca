-- A SKU is a label: several variants may have the same.
CREATE TABLE variants_labelled (
	product BIGINT NOT NULL,
	position BIGINT NOT NULL,
	id UUID NOT NULL UNIQUE,
	sku TEXT, -- NULL where the product is deleted
	options TEXT NOT NULL,
	title TEXT NOT NULL,
	price BIGINT NOT NULL,
	available BIGINT NOT NULL,
	stock_status TEXT NOT NULL,
	stock_version BIGINT NOT NULL,
	PRIMARY KEY (product, position)
) /*sqlite WITHOUT ROWID */;
INSERT INTO variants_labelled (product, position, id, sku, options, title, price, available,
	stock_status, stock_version)
	SELECT product, position, id, sku, options, title, price, available, stock_status, stock_version
	FROM variants ORDER BY product, position;
DROP TABLE variants;
ALTER TABLE variants_labelled RENAME TO variants;
