-- What was bought. `number` is the order's public number: it grows, and is never given twice.
CREATE TABLE orders (
	number INTEGER PRIMARY KEY,
	id UUID NOT NULL UNIQUE,
	user_id UUID NOT NULL,
	status TEXT NOT NULL,
	total BIGINT NOT NULL,
	currency TEXT NOT NULL,
	shipping_address TEXT NOT NULL,
	country TEXT NOT NULL,
	payment_method TEXT NOT NULL,
	payment_status TEXT NOT NULL,
	transaction_id UUID,
	-- When a job looks at it next, NULL for never: to expire it (pending), to charge it (reserved),
	-- to have it refunded (cancelled, returned). A job that takes it moves this on first.
	due_at BIGINT,
	attempts BIGINT NOT NULL,
	reserved_until BIGINT,
	traceparent TEXT,
	version BIGINT NOT NULL,  -- moves, the placing counted
	revision BIGINT NOT NULL, -- news of its payment
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL
);
CREATE INDEX orders_by_user ON orders (user_id, number);
CREATE INDEX orders_by_status ON orders (status, number);
CREATE INDEX orders_by_due ON orders (status, due_at) WHERE due_at IS NOT NULL;

-- What the products were when they were bought; in the order's currency.
CREATE TABLE order_lines (
	order_number BIGINT NOT NULL,
	position BIGINT NOT NULL,
	product_id UUID NOT NULL,
	parent_id UUID NOT NULL,
	vendor_id UUID NOT NULL,
	name TEXT NOT NULL,
	sku TEXT,
	category TEXT,
	quantity BIGINT NOT NULL,
	unit_price BIGINT NOT NULL,
	leads BIGINT NOT NULL, -- 1 on each vendor's first line: the vendor's orders, each once
	PRIMARY KEY (order_number, position)
) /*sqlite WITHOUT ROWID */;
-- With `leads`, so that the index alone says whether a row belongs into it.
CREATE INDEX order_lines_by_vendor ON order_lines (vendor_id, order_number, leads) WHERE leads = 1;

-- Every status that it had: the order's version says which move it was.
CREATE TABLE order_history (
	order_number BIGINT NOT NULL,
	version BIGINT NOT NULL,
	status TEXT NOT NULL,
	moved_at BIGINT NOT NULL,
	moved_by TEXT NOT NULL,
	user_id UUID, -- who it was, where it was a person
	reason TEXT,
	PRIMARY KEY (order_number, version)
) /*sqlite WITHOUT ROWID */;

-- What is about to be bought: a user's, or a guest's who holds the secret (its hash is here).
CREATE TABLE carts (
	id UUID NOT NULL PRIMARY KEY,
	user_id UUID,
	secret BYTEA,
	version BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	CHECK ((user_id IS NULL) <> (secret IS NULL))
) /*sqlite WITHOUT ROWID */;
CREATE INDEX carts_by_user ON carts (user_id, id) WHERE user_id IS NOT NULL;
CREATE INDEX carts_by_age ON carts (updated_at);

CREATE TABLE cart_lines (
	cart_id UUID NOT NULL,
	id UUID NOT NULL,
	product_id UUID NOT NULL,
	quantity BIGINT NOT NULL,
	PRIMARY KEY (cart_id, id),
	UNIQUE (cart_id, product_id)
) /*sqlite WITHOUT ROWID */;
