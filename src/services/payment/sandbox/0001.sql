-- The sandbox provider's own books, as if they were another company's: what it was asked under
-- which idempotency key, and what it did. To its customers a charge is "ch_" and its key, a refund
-- "re_" and its key.

-- failing: it gave no answer and charged nothing; asked again it may succeed.
CREATE TABLE charges (
	key TEXT NOT NULL PRIMARY KEY,
	order_id TEXT NOT NULL,
	payment_method TEXT NOT NULL,
	amount BIGINT NOT NULL CHECK (amount > 0),
	currency TEXT NOT NULL,
	refunded BIGINT NOT NULL DEFAULT 0 CHECK (refunded BETWEEN 0 AND amount),
	status TEXT NOT NULL CHECK (status IN ('failing', 'succeeded', 'declined')),
	code TEXT,
	asked BIGINT NOT NULL,
	created_at BIGINT NOT NULL
) /*sqlite WITHOUT ROWID */;

CREATE TABLE refunds (
	key TEXT NOT NULL PRIMARY KEY,
	order_id TEXT NOT NULL,
	charge_key TEXT NOT NULL,
	amount BIGINT NOT NULL CHECK (amount > 0),
	currency TEXT NOT NULL,
	status TEXT NOT NULL CHECK (status IN ('succeeded', 'declined')),
	code TEXT,
	asked BIGINT NOT NULL,
	created_at BIGINT NOT NULL
) /*sqlite WITHOUT ROWID */;
