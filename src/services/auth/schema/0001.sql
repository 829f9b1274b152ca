-- A session is a chain of refresh tokens, of which only the hashes of the last two are kept. Each is
-- made from the one before it and `secret`, so that a repeated request can be given the same again.
CREATE TABLE sessions (
	id UUID NOT NULL PRIMARY KEY,
	user_id UUID NOT NULL,
	secret BYTEA NOT NULL,
	current_hash BYTEA NOT NULL,
	previous_hash BYTEA,
	created_at BIGINT NOT NULL,
	rotated_at BIGINT NOT NULL,
	expires_at BIGINT NOT NULL
) /*sqlite WITHOUT ROWID */;
CREATE INDEX sessions_by_user ON sessions (user_id, created_at);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- The access tokens of sessions that may still live: they die with their session.
CREATE TABLE issued (
	token UUID NOT NULL PRIMARY KEY,
	session UUID NOT NULL,
	expires_at BIGINT NOT NULL
) /*sqlite WITHOUT ROWID */;
CREATE INDEX issued_by_session ON issued (session);
CREATE INDEX issued_by_expiry ON issued (expires_at);

-- The blacklist: access tokens that are dead before they expire.
CREATE TABLE dead_tokens (
	token UUID NOT NULL PRIMARY KEY,
	expires_at BIGINT NOT NULL
) /*sqlite WITHOUT ROWID */;
CREATE INDEX dead_tokens_by_expiry ON dead_tokens (expires_at);

-- Users and clients whose tokens were ended together: those made before an id are dead.
CREATE TABLE holders (
	id UUID NOT NULL PRIMARY KEY,
	suspended BIGINT NOT NULL,
	sessions_before UUID,
	tokens_before UUID,
	ended_at BIGINT NOT NULL
) /*sqlite WITHOUT ROWID */;
CREATE INDEX holders_by_age ON holders (ended_at) WHERE suspended = 0;

-- Programs that log in for themselves.
CREATE TABLE clients (
	id UUID NOT NULL PRIMARY KEY,
	name TEXT NOT NULL,
	secret_hash BYTEA NOT NULL,
	roles BIGINT NOT NULL,
	scope TEXT,
	created_at BIGINT NOT NULL
) /*sqlite WITHOUT ROWID */;
