-- Charges that no order takes, until they are given back.
CREATE TABLE stray_charges (
	order_id UUID NOT NULL PRIMARY KEY,
	due_at BIGINT NOT NULL
) /*sqlite WITHOUT ROWID */;
