-- Whether an account waits for an admin's approval: a vendor that has registered, until it is set
-- active. Those that there are may go on.
ALTER TABLE users ADD COLUMN pending BIGINT NOT NULL DEFAULT 0;
CREATE INDEX users_pending ON users (id) WHERE pending = 1 AND suspended = 0;
