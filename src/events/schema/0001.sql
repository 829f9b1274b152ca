-- What the service told, in the order of the commits.
CREATE TABLE outbox (
	seq INTEGER PRIMARY KEY,
	id UUID NOT NULL,
	type TEXT NOT NULL,
	subject UUID NOT NULL,
	told_at BIGINT NOT NULL,
	traceparent TEXT,
	data TEXT NOT NULL
);

-- How far it has handled the outbox of each service that it hears.
CREATE TABLE heard (
	source TEXT NOT NULL PRIMARY KEY,
	seq BIGINT NOT NULL
);

-- What it could not handle yet. next_try_at is NULL after the last try.
CREATE TABLE parked (
	seq INTEGER PRIMARY KEY,
	id UUID NOT NULL UNIQUE,
	source TEXT NOT NULL,
	type TEXT NOT NULL,
	subject UUID NOT NULL,
	told_at BIGINT NOT NULL,
	traceparent TEXT,
	data TEXT NOT NULL,
	attempts BIGINT NOT NULL,
	last_error TEXT NOT NULL,
	next_try_at BIGINT,
	parked_at BIGINT NOT NULL
);
CREATE INDEX parked_by_try ON parked (next_try_at);
CREATE INDEX parked_by_subject ON parked (source, subject);
