-- Addresses that were listened on, which tokens name as their issuer where the shop has no public-url.
CREATE TABLE issuers (
	issuer TEXT NOT NULL PRIMARY KEY,
	turn BIGINT NOT NULL -- a number that grows, no time
);

-- Scopes that clients were given before any was enforced mean nothing.
UPDATE clients SET scope = NULL;
