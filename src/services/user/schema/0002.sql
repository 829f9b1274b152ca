-- Where an account logged in from before, as keyed fingerprints of addresses (attempts.h), the latest
-- of them only.
CREATE TABLE known_places (
	user_id UUID NOT NULL,
	place BYTEA NOT NULL,
	seen_at BIGINT NOT NULL,
	PRIMARY KEY (user_id, place)
) /*sqlite WITHOUT ROWID */;
