-- What was asked of a provider, written before it was asked, and what became of it.
--   number            of the order's transactions, from 1. A charge is number 1, or comes right
--                     behind one that failed: so of two who charge at once the key lets one, and
--                     an order has one charge that may succeed or has
--   user_id           of a charge: who pays, where it was told
--   refunded          of a charge: what was given back of it
--   refunding         of a charge: what is held for refunds whose outcome is not known yet, so that
--                     no two of them together give back more than was paid
--   provider_key      the idempotency key under which the provider knows it
--   charge_reference  of a refund: what the provider calls the charge that it gives back
--   request_key       of a refund: who asked for it, and under which Idempotency-Key
--   next_try_at       while it is processing: until then the one who asks has it for himself
CREATE TABLE transactions (
	order_id UUID NOT NULL,
	number BIGINT NOT NULL,
	id UUID NOT NULL,
	kind TEXT NOT NULL,
	status TEXT NOT NULL,
	amount BIGINT NOT NULL CHECK (amount > 0),
	currency TEXT NOT NULL,
	user_id UUID,
	refunded BIGINT NOT NULL DEFAULT 0,
	refunding BIGINT NOT NULL DEFAULT 0,
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
	PRIMARY KEY (order_id, number),
	CHECK (CASE kind
		WHEN 'charge' THEN payment_method IS NOT NULL AND charge_reference IS NULL
		WHEN 'refund' THEN payment_method IS NULL AND charge_reference IS NOT NULL
		ELSE FALSE END),
	CHECK (CASE status
		WHEN 'processing' THEN provider_reference IS NULL AND failure_code IS NULL
		WHEN 'succeeded' THEN provider_reference IS NOT NULL AND failure_code IS NULL
		WHEN 'failed' THEN provider_reference IS NULL AND failure_code IS NOT NULL
		ELSE FALSE END),
	CHECK (refunded >= 0 AND refunding >= 0 AND refunded + refunding <=
		CASE WHEN kind = 'charge' AND status = 'succeeded' THEN amount ELSE 0 END)
) /*sqlite WITHOUT ROWID */;
CREATE INDEX transactions_due ON transactions (next_try_at) WHERE status = 'processing';
CREATE UNIQUE INDEX transactions_by_request_key ON transactions (request_key)
	WHERE request_key IS NOT NULL;
