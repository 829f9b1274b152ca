-- What somebody did: sent to us, or an event of the platform's (types with capitals, which no
-- client can send). It lies in the order of time, which is how reports read it.
CREATE TABLE activity (
	at BIGINT NOT NULL,
	id UUID NOT NULL,
	type TEXT NOT NULL,
	user_id UUID,
	session_id TEXT,
	properties TEXT,
	PRIMARY KEY (at, id)
) /*sqlite WITHOUT ROWID */;

-- Orders that were paid.
CREATE TABLE sales (
	order_id UUID NOT NULL PRIMARY KEY,
	paid_at BIGINT NOT NULL,
	currency TEXT NOT NULL,
	units BIGINT NOT NULL,
	revenue BIGINT NOT NULL
) /*sqlite WITHOUT ROWID */;
CREATE INDEX sales_in_time ON sales (currency, paid_at, units, revenue);

-- Their lines, in the order's order, with what reports group by. They lie in the order of time: an
-- order's are found by when it was paid.
CREATE TABLE sale_lines (
	currency TEXT NOT NULL,
	paid_at BIGINT NOT NULL,
	order_id UUID NOT NULL REFERENCES sales (order_id),
	line BIGINT NOT NULL,
	product_id UUID NOT NULL,
	vendor_id UUID NOT NULL,
	category TEXT NOT NULL,
	country TEXT NOT NULL,
	units BIGINT NOT NULL,
	revenue BIGINT NOT NULL,
	PRIMARY KEY (currency, paid_at, order_id, line)
) /*sqlite WITHOUT ROWID */;
CREATE INDEX sale_lines_of_vendor ON sale_lines
	(vendor_id, currency, paid_at, order_id, units, revenue);

-- Money that was given back; `shared_out` once it is in refund_lines. It may be heard of before
-- its order, and is not counted before that is paid.
CREATE TABLE refunds (
	id UUID NOT NULL PRIMARY KEY,
	order_id UUID NOT NULL,
	at BIGINT NOT NULL,
	currency TEXT NOT NULL,
	amount BIGINT NOT NULL,
	shared_out BIGINT NOT NULL
) /*sqlite WITHOUT ROWID */;
CREATE INDEX refunds_waiting ON refunds (order_id, id) WHERE shared_out = 0;

-- Which part of a refund falls on which line: the parts add up to the refund.
CREATE TABLE refund_lines (
	refund_id UUID NOT NULL REFERENCES refunds (id),
	line BIGINT NOT NULL,
	vendor_id UUID NOT NULL,
	at BIGINT NOT NULL,
	currency TEXT NOT NULL,
	amount BIGINT NOT NULL,
	PRIMARY KEY (refund_id, line)
) /*sqlite WITHOUT ROWID */;
CREATE INDEX refund_lines_in_time ON refund_lines (currency, at, amount);
CREATE INDEX refund_lines_of_vendor ON refund_lines (vendor_id, currency, at, amount);

-- What products are called now.
CREATE TABLE products (
	product_id UUID NOT NULL PRIMARY KEY,
	name TEXT NOT NULL
) /*sqlite WITHOUT ROWID */;
