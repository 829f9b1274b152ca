-- Products, as far as lists and guards ask for them; what is only shown is in `documents`, so that
-- a change of stock or rating rewrites a short row. A deleted product stays as a row without slug,
-- and its variants without SKU: what was ordered of it can still be told from what never was.
CREATE TABLE products (
	number INTEGER PRIMARY KEY,
	id UUID NOT NULL UNIQUE,
	slug TEXT UNIQUE,
	vendor_id UUID NOT NULL,
	status TEXT NOT NULL,
	name TEXT NOT NULL COLLATE NOCASE,
	category TEXT, -- with a slash behind, so that one range holds its sub-categories
	price BIGINT NOT NULL,
	currency TEXT NOT NULL,
	available BIGINT NOT NULL,
	stock_status TEXT NOT NULL,
	rating BIGINT NOT NULL DEFAULT 0,
	rating_count BIGINT NOT NULL DEFAULT 0,
	rating_version BIGINT NOT NULL DEFAULT 0,
	variant_count BIGINT NOT NULL,
	version BIGINT NOT NULL,
	revision BIGINT NOT NULL DEFAULT 0,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	imported BYTEA -- hash of what the last import said of it
);
CREATE INDEX products_by_age ON products (status, created_at, id);
CREATE INDEX products_by_vendor ON products (vendor_id, created_at, id);
CREATE INDEX products_by_price ON products (status, price, id);
CREATE INDEX products_by_name ON products (status, name, id);
CREATE INDEX products_by_rating ON products (status, rating, id);

-- Active products by their category, and by each one above it.
CREATE TABLE shelves (
	category TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	id UUID NOT NULL,
	product BIGINT NOT NULL,
	PRIMARY KEY (category, created_at, id)
) /*sqlite WITHOUT ROWID */;

CREATE TABLE documents (
	number INTEGER PRIMARY KEY,
	document TEXT NOT NULL
);

CREATE TABLE variants (
	product BIGINT NOT NULL,
	position BIGINT NOT NULL,
	id UUID NOT NULL UNIQUE,
	sku TEXT UNIQUE,
	options TEXT NOT NULL,
	title TEXT NOT NULL,
	price BIGINT NOT NULL,
	available BIGINT NOT NULL,
	stock_status TEXT NOT NULL,
	stock_version BIGINT NOT NULL,
	PRIMARY KEY (product, position)
) /*sqlite WITHOUT ROWID */;

CREATE TABLE tags (
	product BIGINT NOT NULL,
	tag TEXT NOT NULL COLLATE NOCASE,
	PRIMARY KEY (product, tag)
) /*sqlite WITHOUT ROWID */;
CREATE INDEX tags_by_tag ON tags (tag, product);

CREATE VIRTUAL TABLE product_search USING fts5 (
	name, tags, category, sku, body,
	tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3'
);
