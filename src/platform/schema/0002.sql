-- With which secret the file's fingerprints and sealed texts were made: a keyed hash.
CREATE TABLE secret_mark (
	mark BYTEA NOT NULL
);
