-- What the file knows of each service's file, its own among them: a number that grows with what is
-- stored there. See platform/moments.c.
CREATE TABLE moments (
	service TEXT NOT NULL PRIMARY KEY,
	number BIGINT NOT NULL
);
