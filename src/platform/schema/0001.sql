-- Idempotency keys, stored with the effect of the request that brought them. Fingerprint and body
-- may hold what nobody is to read (passwords, secrets that are shown once): the one is keyed, the
-- other sealed, with a secret that is not in this file.
--
-- By number, which is by age, because keys are chance: rows of their size, each in a place of its
-- own, would have every commit write as many pages as it has requests. The key's index is short.
CREATE TABLE idempotency (
	number INTEGER PRIMARY KEY,
	caller TEXT NOT NULL,
	key TEXT NOT NULL,
	fingerprint BYTEA NOT NULL,
	stored_at BIGINT NOT NULL,
	status BIGINT NOT NULL,
	location TEXT,
	answered BIGINT NOT NULL,
	content_type TEXT,
	etag TEXT,
	body BYTEA
);
CREATE UNIQUE INDEX idempotency_by_key ON idempotency (caller, key);
