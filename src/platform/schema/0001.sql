-- Idempotency keys, stored with the effect of the request that brought them. Fingerprint and body
-- may hold what nobody is to read (passwords, secrets that are shown once): the one is keyed, the
-- other sealed, with a secret that is not in this file.
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
	body BYTEA,
	PRIMARY KEY (caller, key)
) /*sqlite WITHOUT ROWID */;
CREATE INDEX idempotency_by_age ON idempotency (stored_at);
