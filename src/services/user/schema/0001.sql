-- Accounts. email_key is the address in lower case: what makes it unique. vendor_key names the brand
-- that an import made the account for, and stays when the address changes. roles are bits (base/jwt.h).
-- sessions_due is what Auth has yet to be told of the account (user.h).
CREATE TABLE users (
	id UUID NOT NULL PRIMARY KEY,
	email TEXT NOT NULL,
	email_key TEXT NOT NULL UNIQUE,
	vendor_key TEXT UNIQUE,
	name TEXT,
	mobile TEXT,
	password_hash TEXT,
	roles BIGINT NOT NULL,
	suspended BIGINT NOT NULL,
	email_verified BIGINT NOT NULL,
	sessions_due BIGINT NOT NULL,
	version BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL
) /*sqlite WITHOUT ROWID */;

-- Lists are in the order of the ids, which is that of age. Customers are nearly all, and need none.
CREATE INDEX users_vendors ON users (id) WHERE (roles & 2) <> 0;
CREATE INDEX users_admins ON users (id) WHERE (roles & 4) <> 0;
CREATE INDEX users_suspended ON users (id) WHERE suspended = 1;
CREATE INDEX users_due ON users (id) WHERE sessions_due <> 0;
