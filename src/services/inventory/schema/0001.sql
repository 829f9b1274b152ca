-- What can be stocked: a product's variant, by the variant's id. on_hand and reserved are of all
-- warehouses: where only `main` has ever had any (spread = 0) they are what it has, else the sums of
-- the rows in `stock`. `version` counts what its vendor changes, `revision` every change.
CREATE TABLE items (
	id UUID NOT NULL PRIMARY KEY,
	parent_id UUID NOT NULL,
	vendor_id UUID NOT NULL,
	sku TEXT NOT NULL,
	name TEXT NOT NULL,
	threshold BIGINT NOT NULL CHECK (threshold >= 0),
	on_hand BIGINT NOT NULL DEFAULT 0,
	reserved BIGINT NOT NULL DEFAULT 0 CHECK (reserved >= 0),
	status TEXT NOT NULL GENERATED ALWAYS AS (
		CASE WHEN on_hand - reserved <= 0 THEN 'out_of_stock'
			WHEN on_hand - reserved <= threshold THEN 'low_stock'
			ELSE 'in_stock' END) STORED,
	spread BIGINT NOT NULL DEFAULT 0 CHECK (spread IN (0, 1)),
	version BIGINT NOT NULL DEFAULT 1,
	revision BIGINT NOT NULL DEFAULT 1,
	removed BIGINT NOT NULL DEFAULT 0 CHECK (removed IN (0, 1)),
	updated_at BIGINT NOT NULL,
	CHECK (on_hand >= reserved)
) /*sqlite WITHOUT ROWID */;
CREATE INDEX items_by_parent ON items (parent_id);
-- What is in stock, nearly all, is not in them: a sale would have to write it there again each time.
CREATE INDEX items_by_status ON items (status, id) WHERE status <> 'in_stock';
CREATE INDEX items_by_vendor_status ON items (vendor_id, status, id) WHERE status <> 'in_stock';
CREATE INDEX items_by_vendor ON items (vendor_id, id);

CREATE TABLE stock (
	product_id UUID NOT NULL REFERENCES items (id),
	warehouse TEXT NOT NULL,
	on_hand BIGINT NOT NULL,
	reserved BIGINT NOT NULL CHECK (reserved >= 0),
	PRIMARY KEY (product_id, warehouse),
	CHECK (on_hand >= reserved)
) /*sqlite WITHOUT ROWID */;

-- What each warehouse has, wherever that is written.
CREATE VIEW warehouse_stock AS
	SELECT id AS product_id, 'main' AS warehouse, on_hand, reserved FROM items WHERE spread = 0
	UNION ALL SELECT product_id, warehouse, on_hand, reserved FROM stock;

-- What is kept for an order, once per order. active, and then: committed (sold), and possibly
-- restocked; released (the order is off); expired (nobody paid in time), and possibly committed.
CREATE TABLE reservations (
	order_id UUID NOT NULL PRIMARY KEY,
	id UUID NOT NULL,
	status TEXT NOT NULL
		CHECK (status = 'active' OR status = 'committed' OR status = 'released'
			OR status = 'expired' OR status = 'restocked'),
	expires_at BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL
) /*sqlite WITHOUT ROWID */;
CREATE INDEX reservations_due ON reservations (expires_at) WHERE status = 'active';

CREATE TABLE reservation_lines (
	order_id UUID NOT NULL REFERENCES reservations (order_id),
	product_id UUID NOT NULL,
	warehouse TEXT NOT NULL,
	quantity BIGINT NOT NULL CHECK (quantity > 0),
	PRIMARY KEY (order_id, product_id, warehouse)
) /*sqlite WITHOUT ROWID */;

-- The journal of all that came and went: per product and warehouse it adds up to on_hand.
CREATE TABLE movements (
	id UUID NOT NULL PRIMARY KEY,
	product_id UUID NOT NULL,
	warehouse TEXT NOT NULL,
	delta BIGINT NOT NULL CHECK (delta <> 0),
	kind TEXT NOT NULL
		CHECK (kind = 'initial' OR kind = 'count' OR kind = 'adjustment'
			OR kind = 'sale' OR kind = 'cancellation' OR kind = 'return'),
	reason TEXT,
	order_id UUID,
	by_user UUID,
	moved_at BIGINT NOT NULL
) /*sqlite WITHOUT ROWID */;
