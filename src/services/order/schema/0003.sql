-- A cart stays until its order is paid.
--   carts.order_id             the order that is under way for it
--   orders.cart_id             what it was ordered from
--   orders.shortages           why it was cancelled: of what there was too little, as JSON
--   orders.failure_code        why it was cancelled: what the payment provider said
ALTER TABLE carts ADD COLUMN order_id UUID;
ALTER TABLE orders ADD COLUMN cart_id UUID;
ALTER TABLE orders ADD COLUMN shortages TEXT;
ALTER TABLE orders ADD COLUMN failure_code TEXT;
ALTER TABLE orders ADD COLUMN failure_message TEXT;

-- What the product was when it was put in, so that a cart can say what has changed since. NULL: the
-- line is older than these columns.
ALTER TABLE cart_lines ADD COLUMN added_price BIGINT;
ALTER TABLE cart_lines ADD COLUMN added_currency TEXT;
ALTER TABLE cart_lines ADD COLUMN added_available BIGINT;

-- Card numbers that were taken for tokens, written with what stood between their digits.
UPDATE orders SET payment_method = 'removed' WHERE length(payment_method) >= 12
	AND lower(payment_method) = upper(payment_method);
