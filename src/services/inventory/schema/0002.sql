-- Stock that is not counted (tracked = 0: always to be had), and stock that may be sold before it is
-- there (backorder = 1). Only then may more be reserved, or have been sold, than there is.
DROP VIEW warehouse_stock;

CREATE TABLE items_tracked (
	id UUID NOT NULL PRIMARY KEY,
	parent_id UUID NOT NULL,
	vendor_id UUID NOT NULL,
	sku TEXT NOT NULL,
	name TEXT NOT NULL,
	threshold BIGINT NOT NULL CHECK (threshold >= 0),
	tracked BIGINT NOT NULL DEFAULT 1 CHECK (tracked IN (0, 1)),
	backorder BIGINT NOT NULL DEFAULT 0 CHECK (backorder IN (0, 1)),
	on_hand BIGINT NOT NULL DEFAULT 0,
	reserved BIGINT NOT NULL DEFAULT 0 CHECK (reserved >= 0),
	status TEXT NOT NULL GENERATED ALWAYS AS (
		CASE WHEN tracked = 0 THEN 'in_stock'
			WHEN on_hand - reserved <= 0 AND backorder = 1 THEN 'backorder'
			WHEN on_hand - reserved <= 0 THEN 'out_of_stock'
			WHEN on_hand - reserved <= threshold THEN 'low_stock'
			ELSE 'in_stock' END) STORED,
	spread BIGINT NOT NULL DEFAULT 0 CHECK (spread IN (0, 1)),
	version BIGINT NOT NULL DEFAULT 1,
	revision BIGINT NOT NULL DEFAULT 1,
	removed BIGINT NOT NULL DEFAULT 0 CHECK (removed IN (0, 1)),
	updated_at BIGINT NOT NULL,
	CHECK (on_hand >= reserved OR tracked = 0 OR backorder = 1)
) /*sqlite WITHOUT ROWID */;
INSERT INTO items_tracked (id, parent_id, vendor_id, sku, name, threshold, on_hand, reserved, spread,
	version, revision, removed, updated_at)
	SELECT id, parent_id, vendor_id, sku, name, threshold, on_hand, reserved, spread, version,
	revision, removed, updated_at FROM items ORDER BY id;

-- Whether a warehouse may give more than it has its item says.
CREATE TABLE stock_tracked (
	product_id UUID NOT NULL REFERENCES items_tracked (id),
	warehouse TEXT NOT NULL,
	on_hand BIGINT NOT NULL,
	reserved BIGINT NOT NULL CHECK (reserved >= 0),
	PRIMARY KEY (product_id, warehouse)
) /*sqlite WITHOUT ROWID */;
INSERT INTO stock_tracked (product_id, warehouse, on_hand, reserved)
	SELECT product_id, warehouse, on_hand, reserved FROM stock ORDER BY product_id, warehouse;

DROP TABLE stock;
DROP TABLE items;
ALTER TABLE items_tracked RENAME TO items;
ALTER TABLE stock_tracked RENAME TO stock;

CREATE INDEX items_by_parent ON items (parent_id);
-- What is in stock, nearly all, is not in them: a sale would have to write it there again each time.
CREATE INDEX items_by_status ON items (status, id) WHERE status <> 'in_stock';
CREATE INDEX items_by_vendor_status ON items (vendor_id, status, id) WHERE status <> 'in_stock';
CREATE INDEX items_by_vendor ON items (vendor_id, id);

CREATE VIEW warehouse_stock AS
	SELECT id AS product_id, 'main' AS warehouse, on_hand, reserved FROM items WHERE spread = 0
	UNION ALL SELECT product_id, warehouse, on_hand, reserved FROM stock;

-- 0: it was sold while nobody counted, so that nothing went out that could come back.
ALTER TABLE reservation_lines ADD COLUMN counted BIGINT NOT NULL DEFAULT 1
	CHECK (counted IN (0, 1));
