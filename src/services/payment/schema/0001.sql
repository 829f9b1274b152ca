-- What an order's payments come to. `refunding` is held for refunds whose outcome is not known
-- yet, so that no two of them together give back more than was paid.
CREATE TABLE payments (
	order_id UUID NOT NULL PRIMARY KEY,
	user_id UUID,
	currency TEXT NOT NULL,
	paid BIGINT NOT NULL DEFAULT 0 CHECK (paid >= 0),
	refunded BIGINT NOT NULL DEFAULT 0 CHECK (refunded >= 0),
	refunding BIGINT NOT NULL DEFAULT 0 CHECK (refunding >= 0),
	CHECK (refunded + refunding <= paid)
) /*sqlite WITHOUT ROWID */;

-- What was asked of a provider, written before it was asked, and what became of it.
--   provider_key      the idempotency key under which the provider knows it
--   charge_reference  of a refund: what the provider calls the charge that it gives back
--   request_key       of a refund: who asked for it, and under which Idempotency-Key
--   next_try_at       while it is processing: until then the one who asks has it for himself
CREATE TABLE transactions (
	id UUID NOT NULL PRIMARY KEY,
	order_id UUID NOT NULL REFERENCES payments (order_id),
	kind TEXT NOT NULL CHECK (kind IN ('charge', 'refund')),
	status TEXT NOT NULL CHECK (status IN ('processing', 'succeeded', 'failed')),
	amount BIGINT NOT NULL CHECK (amount > 0),
	currency TEXT NOT NULL,
	provider TEXT NOT NULL,
	provider_key TEXT NOT NULL,
	provider_reference TEXT,
	payment_method TEXT,
	charge_reference TEXT,
	request_key TEXT,
	reason TEXT,
	failure_code TEXT,
	failure_message TEXT,
	traceparent TEXT,
	attempts BIGINT NOT NULL,
	next_try_at BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	CHECK ((kind = 'charge') = (payment_method IS NOT NULL)),
	CHECK ((kind = 'refund') = (charge_reference IS NOT NULL)),
	CHECK ((status = 'succeeded') = (provider_reference IS NOT NULL)),
	CHECK ((status = 'failed') = (failure_code IS NOT NULL))
) /*sqlite WITHOUT ROWID */;
CREATE INDEX transactions_by_order ON transactions (order_id, created_at, id);
CREATE INDEX transactions_due ON transactions (next_try_at) WHERE status = 'processing';
CREATE UNIQUE INDEX transactions_by_provider_key ON transactions (provider, provider_key);
CREATE UNIQUE INDEX transactions_by_request_key ON transactions (request_key)
	WHERE request_key IS NOT NULL;

-- An order has one charge that may succeed or has succeeded, whoever asks, and however often.
CREATE UNIQUE INDEX transactions_one_charge ON transactions (order_id)
	WHERE kind = 'charge' AND status <> 'failed';
