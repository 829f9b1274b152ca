-- Idempotency keys, stored with the effect of the request that brought them.
CREATE TABLE idempotency (
	caller TEXT NOT NULL,
	key TEXT NOT NULL,
	fingerprint BYTEA NOT NULL,
	stored_at BIGINT NOT NULL,
	status BIGINT NOT NULL,
	location TEXT,
	answered BIGINT NOT NULL,
	content_type TEXT,
	etag TEXT,
	body TEXT,
	PRIMARY KEY (caller, key)
) /*sqlite WITHOUT ROWID */;
CREATE INDEX idempotency_by_age ON idempotency (stored_at);
