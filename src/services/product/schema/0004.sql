-- Text of all scripts. Sort keys, folded tags and the words of searches are made by Unicode's rules,
-- of which `editions` holds the edition; the program makes them anew where its own is another one.
CREATE TABLE editions (
	name TEXT PRIMARY KEY,
	edition TEXT NOT NULL
);

ALTER TABLE products ADD COLUMN name_key BYTEA;
DROP INDEX products_by_name;
CREATE INDEX products_by_name ON products (status, name_key, id);

-- Prices compare within a currency, and the dearest variant's tells as much as the cheapest's.
ALTER TABLE products ADD COLUMN price_max BIGINT NOT NULL DEFAULT 0;
UPDATE products SET price_max = coalesce(
	(SELECT MAX(v.price) FROM variants v WHERE v.product = products.number), price);
-- A bit for each range of the facet of prices (price_range_bit) that a variant lies in.
ALTER TABLE products ADD COLUMN price_ranges BIGINT NOT NULL DEFAULT 0;
UPDATE products SET price_ranges = coalesce((SELECT SUM(DISTINCT CASE
	WHEN v.price <= 499 THEN 1 WHEN v.price <= 999 THEN 2 WHEN v.price <= 1999 THEN 4
	WHEN v.price <= 4999 THEN 8 WHEN v.price <= 9999 THEN 16 WHEN v.price <= 19999 THEN 32
	WHEN v.price <= 49999 THEN 64 WHEN v.price <= 99999 THEN 128 WHEN v.price <= 199999 THEN 256
	WHEN v.price <= 499999 THEN 512 WHEN v.price <= 999999 THEN 1024 WHEN v.price <= 1999999 THEN 2048
	WHEN v.price <= 4999999 THEN 4096 WHEN v.price <= 9999999 THEN 8192 WHEN v.price <= 99999999 THEN 16384
	ELSE 32768 END)
	FROM variants v WHERE v.product = products.number), 0);
DROP INDEX products_by_price;
CREATE INDEX products_by_price ON products (status, currency, price, id);

-- A tag as it was written, and folded as it compares.
CREATE TABLE tags_folded (
	product BIGINT NOT NULL,
	fold TEXT NOT NULL,
	tag TEXT NOT NULL,
	PRIMARY KEY (product, fold)
) /*sqlite WITHOUT ROWID */;
INSERT INTO tags_folded (product, fold, tag) SELECT product, lower(tag), tag FROM tags;
DROP TABLE tags;
ALTER TABLE tags_folded RENAME TO tags;
CREATE INDEX tags_by_tag ON tags (fold, product);

ALTER TABLE product_search RENAME TO product_search_before;
CREATE VIRTUAL TABLE product_search USING fts5 (
	name, tags, category, sku, body, tokenize = 'words', prefix = '1 2 3'
);
INSERT INTO product_search (rowid, name, tags, category, sku, body)
	SELECT rowid, name, tags, category, sku, body FROM product_search_before;
DROP TABLE product_search_before;
