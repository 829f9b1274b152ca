-- Who may not sell, as far as User has told of it: who has only just registered is not here, and is
-- asked about. `due`: products are yet to be taken out of the shop, or put back.
CREATE TABLE vendors (
	id UUID NOT NULL PRIMARY KEY,
	status TEXT NOT NULL,
	due BIGINT NOT NULL
) /*sqlite WITHOUT ROWID */;
CREATE INDEX vendors_due ON vendors (id) WHERE due = 1;

-- The products that were active until their vendor might not sell any more: drafts now, and active
-- again when it may.
CREATE TABLE withheld (
	vendor_id UUID NOT NULL,
	product BIGINT NOT NULL,
	PRIMARY KEY (vendor_id, product)
) /*sqlite WITHOUT ROWID */;
