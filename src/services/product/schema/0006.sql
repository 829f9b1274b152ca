-- Variants that nobody counts (uncounted = 1: always to be had), and those that may be sold before they
-- are there; of a product, how many of its variants nobody counts.
ALTER TABLE variants ADD COLUMN uncounted BIGINT NOT NULL DEFAULT 0;
ALTER TABLE variants ADD COLUMN backorder BIGINT NOT NULL DEFAULT 0;
ALTER TABLE products ADD COLUMN uncounted BIGINT NOT NULL DEFAULT 0;
