-- Vendors that were suspended before others heard of it: told of at the next start.
CREATE TABLE untold_status (
	id UUID NOT NULL PRIMARY KEY
) /*sqlite WITHOUT ROWID */;
INSERT INTO untold_status (id) SELECT id FROM users WHERE suspended = 1 AND (roles & 2) <> 0;
