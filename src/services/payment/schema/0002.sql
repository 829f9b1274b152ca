-- A refund that the provider refuses is tried again, each time under a key of its own.
--   refusals      of a refund: how often the provider has refused it
--   order_number  of a charge: what the buyer calls the order, where it was told
ALTER TABLE transactions ADD COLUMN refusals BIGINT NOT NULL DEFAULT 0 CHECK (refusals >= 0);
ALTER TABLE transactions ADD COLUMN order_number TEXT;

-- Lists, the newest first: all of them; refunds; what has failed.
CREATE INDEX transactions_by_id ON transactions (id);
CREATE INDEX transactions_refunds ON transactions (id, status) WHERE kind = 'refund';
CREATE INDEX transactions_failed ON transactions (id, kind) WHERE status = 'failed';
