/*
 * Rules of what services know of each other. A service that has not yet heard what another told of
 * a thing may still know it as it was: `waiting` says so, and such things are left out.
 */
#include "cli/audit_rules.h"

#include <stddef.h>

#define ORDER_WAITS AUDIT_WAITS("order", "o.id")
#define INVENTORY_WAITS AUDIT_WAITS("inventory", "o.id")
#define PAID_FOR "p.order_id = o.id AND p.kind = 'charge' AND p.status = 'succeeded'"

/* clang-format off */

/* Whether Payment and the provider have the same, but for what Payment is still asking for. */
#define SETTLED_AT_PROVIDER(kind, prefix, table) \
	"SELECT '" kind "' AS kind, key, '" prefix "' || key AS reference," \
	" replace(order_id, '-', '') AS order_id, amount, currency FROM sandbox." table \
	" WHERE status = 'succeeded' AND key NOT IN (SELECT provider_key" \
	" FROM payment.transactions WHERE status = 'processing' AND kind = '" kind "')"
#define SAME_AT_PROVIDER \
	"SELECT (SELECT row_sum(1, kind, provider_key, provider_reference, lower(hex(order_id))," \
	" amount, currency) FROM payment.transactions WHERE provider = 'sandbox'" \
	" AND status = 'succeeded') = (SELECT row_sum(1, kind, key, reference, order_id, amount," \
	" currency) FROM (" SETTLED_AT_PROVIDER("charge", "ch_", "charges") \
	" UNION ALL " SETTLED_AT_PROVIDER("refund", "re_", "refunds") "))"

/* Whether orders say of their charges what Payment says. */
#define CHARGES_AGREE \
	"SELECT (SELECT row_sum(1, id, transaction_id, total, currency, CASE payment_status" \
	" WHEN 'paid' THEN 1 WHEN 'partially_refunded' THEN 2 WHEN 'refunded' THEN 3 ELSE 0 END)" \
	" FILTER (WHERE transaction_id IS NOT NULL), max(transaction_id IS NULL AND (total > 0" \
	" AND status IN ('paid', 'shipped', 'delivered') OR payment_status IN ('paid'," \
	" 'partially_refunded', 'refunded'))) FROM main.orders) = (SELECT row_sum(1, order_id, id," \
	" amount, currency, CASE WHEN refunded = 0 THEN 1 WHEN refunded < amount THEN 2 ELSE 3 END)," \
	" 0 FROM payment.transactions WHERE kind = 'charge' AND status = 'succeeded')"

#define ORDERS_WITH_RESERVATIONS \
	" FROM main.orders o LEFT JOIN inventory.reservations r ON r.order_id = o.id" \
	" WHERE NOT CASE o.status WHEN 'pending' THEN 1" \
	" WHEN 'reserved' THEN COALESCE(r.status, '-') NOT IN ('-', 'restocked')" \
	" WHEN 'cancelled' THEN COALESCE(r.status, '-') NOT IN ('active', 'committed')" \
	" WHEN 'returned' THEN COALESCE(r.status, '-') = 'restocked'" \
	" ELSE COALESCE(r.status, '-') = 'committed' END"

/* Whether lines of orders are those of their reservations and sales. */
#define WAS_PAID \
	"CASE o.status WHEN 'paid' THEN 1 WHEN 'shipped' THEN 1 WHEN 'delivered' THEN 1" \
	" WHEN 'returned' THEN 1 WHEN 'cancelled' THEN EXISTS (SELECT 1 FROM main.order_history h" \
	" WHERE h.order_number = o.number AND h.status = 'paid') ELSE 0 END"
#define LINES_AGREE \
	"SELECT (SELECT l.kept, l.sold, s.units, o.revenue, o.paid FROM (SELECT row_sum(l.quantity," \
	" o.id, l.product_id) FILTER (WHERE CASE o.status WHEN 'paid' THEN 1 WHEN 'shipped' THEN 1" \
	" WHEN 'delivered' THEN 1 ELSE EXISTS (SELECT 1 FROM inventory.reservations r" \
	" WHERE r.order_id = o.id) END) AS kept, row_sum(1, o.id, l.position, l.parent_id," \
	" l.vendor_id, l.quantity, l.quantity * l.unit_price, COALESCE(l.category, ''))" \
	" FILTER (WHERE " WAS_PAID ") AS sold FROM main.order_lines l CROSS JOIN main.orders o" \
	" ON o.number = l.order_number) l, (SELECT row_sum(units, order_id) AS units" \
	" FROM analytics.sales) s, (SELECT row_sum(1, o.id, o.total, o.currency) AS revenue," \
	" row_sum(1, o.number) AS paid FROM main.orders o WHERE " WAS_PAID ") o)" \
	" = (SELECT r.kept, l.sold, l.units, s.revenue, h.paid FROM (SELECT row_sum(quantity," \
	" order_id, product_id) AS kept FROM inventory.reservation_lines) r, (SELECT row_sum(1," \
	" order_id, line, product_id, vendor_id, units, revenue, category) AS sold," \
	" row_sum(units, order_id) AS units FROM analytics.sale_lines) l, (SELECT row_sum(1," \
	" order_id, revenue, currency) AS revenue FROM analytics.sales) s, (SELECT" \
	" row_sum(1, order_number) AS paid FROM main.order_history WHERE status = 'paid') h)"

/* A cancellation for a charge that was declined: of it PaymentFailed tells. */
#define IS_DECLINED \
	"(json_extract(data, '$.reason') IS 'payment-declined' AND json_extract(data, '$.by') IS 'system')"

/* Whether all that is told of orders, payments and accounts, of what is still known to be told, is
 * noted and sent on: where every order costs something, and every charge says who pays. */
#define OLDEST(schema, what) "(SELECT " what " FROM " schema ".outbox ORDER BY seq LIMIT 1)"
#define TOLD_ON \
	"SELECT (SELECT o.sent, o.noted, p.sent, u.sent, u.noted FROM (SELECT row_sum(1, id)" \
	" FILTER (WHERE CASE type WHEN 'OrderShipped' THEN 1 WHEN 'OrderCancelled'" \
	" THEN NOT " IS_DECLINED " ELSE 0 END) AS sent, row_sum(1, told_at, id, type)" \
	" FILTER (WHERE type = 'OrderPlaced' OR type = 'OrderPaid') AS noted FROM main.outbox" \
	" WHERE type IN ('OrderPlaced', 'OrderPaid', 'OrderCancelled', 'OrderShipped')) o," \
	" (SELECT row_sum(1, id) AS sent FROM payment.outbox" \
	" WHERE type IN ('PaymentSucceeded', 'PaymentFailed')) p," \
	" (SELECT row_sum(1, id) AS sent, row_sum(1, told_at, id) AS noted FROM user.outbox" \
	" WHERE type = 'UserRegistered') u) = (SELECT m.orders, a.orders, m.payments, m.users, a.users" \
	" FROM (SELECT row_sum(1, event_id) FILTER (WHERE template IN ('order_cancelled'," \
	" 'order_shipped') AND event_id >= " OLDEST("main", "id") ") AS orders, row_sum(1, event_id)" \
	" FILTER (WHERE template IN ('receipt', 'payment_declined')" \
	" AND event_id >= " OLDEST("payment", "id") ") AS payments, row_sum(1, event_id)" \
	" FILTER (WHERE template = 'welcome' AND event_id >= " OLDEST("user", "id") ") AS users" \
	" FROM notification.messages WHERE template IN ('order_cancelled', 'order_shipped', 'receipt'," \
	" 'payment_declined', 'welcome')) m, (SELECT row_sum(1, at, id, type) FILTER" \
	" (WHERE type <> 'UserRegistered' AND at >= " OLDEST("main", "told_at") ") AS orders," \
	" row_sum(1, at, id) FILTER (WHERE type = 'UserRegistered'" \
	" AND at >= " OLDEST("user", "told_at") ") AS users FROM analytics.activity" \
	" WHERE type IN ('OrderPlaced', 'OrderPaid', 'UserRegistered')) a)" \
	" AND NOT EXISTS (SELECT 1 FROM main.orders WHERE total = 0)" \
	" AND NOT EXISTS (SELECT 1 FROM review.outbox e WHERE type = 'ReviewPublished' AND NOT EXISTS" \
	" (SELECT 1 FROM analytics.activity a WHERE a.at = e.told_at AND a.id = e.id))"

const struct audit_rule audit_rules_between[] = {

	/* --- orders and money ------------------------------------------------------------------ */

	{"order-charged", "a paid order has one charge, of its total",
	 "SELECT o.id, CASE WHEN t.id IS NULL THEN 'it is ' || o.status || ', and has no charge'"
	 " ELSE 'it comes to ' || money(o.total, o.currency) || ', its charge to ' ||"
	 " money(t.amount, t.currency) END FROM main.orders o LEFT JOIN payment.transactions t"
	 " ON t.id = o.transaction_id AND t.order_id = o.id AND t.kind = 'charge'"
	 " AND t.status = 'succeeded' WHERE o.status IN ('paid', 'shipped', 'delivered')"
	 " AND o.total > 0 AND (t.id IS NULL OR t.amount <> o.total OR t.currency <> o.currency)",
	 .kept = CHARGES_AGREE},

	{"charge-owed", "every charge is of an order's total, or goes back",
	 "SELECT p.order_id, 'charged are ' || money(p.amount, p.currency) || ', given back ' ||"
	 " money(p.refunded, p.currency) || '; ' || CASE WHEN o.id IS NULL THEN 'there is no such order'"
	 " ELSE 'it comes to ' || money(o.total, o.currency) END FROM payment.transactions p"
	 " LEFT JOIN main.orders o ON o.id = p.order_id WHERE p.kind = 'charge'"
	 " AND p.status = 'succeeded' AND p.refunded < p.amount AND (o.id IS NULL"
	 " OR o.total <> p.amount OR o.currency <> p.currency)"
	 " AND NOT (o.status IS 'cancelled' AND o.due_at IS NOT NULL)"
	 " AND NOT EXISTS (SELECT 1 FROM payment.transactions f WHERE f.order_id = p.order_id"
	 " AND f.kind = 'refund' AND f.status IN ('processing', 'failed'))"
	 " AND p.order_id NOT IN (SELECT order_id FROM main.stray_charges)"
	 " AND NOT " AUDIT_WAITS("order", "p.order_id"),
	 .kept = CHARGES_AGREE},

	/* One that was charged by hand is settled as soon as it has its stock. */
	{"charge-settles", "a charged order is settled, or waits for its stock",
	 "SELECT o.id, 'it is charged, and ' || o.status FROM main.orders o"
	 " JOIN payment.transactions p ON " PAID_FOR " WHERE o.status IN ('pending', 'reserved')"
	 " AND (o.payment_status NOT IN ('paid', 'partially_refunded') OR o.due_at IS NULL"
	 " OR o.status = 'reserved' AND (o.attempts > 1 OR o.due_at > o.reserved_until))"
	 " AND NOT " ORDER_WAITS},

	{"order-payment", "an order says of its payment what Payment says",
	 "SELECT o.id, 'it says ' || o.payment_status || '; paid are ' ||"
	 " money(COALESCE(p.amount, 0), o.currency) || ', refunded ' ||"
	 " money(COALESCE(p.refunded, 0), o.currency) FROM main.orders o"
	 " LEFT JOIN payment.transactions p ON " PAID_FOR " WHERE (CASE o.payment_status"
	 " WHEN 'paid' THEN 1 WHEN 'partially_refunded' THEN 2 WHEN 'refunded' THEN 3 ELSE 0 END)"
	 " <> (CASE WHEN p.amount IS NULL THEN 0 WHEN p.refunded = 0 THEN 1"
	 " WHEN p.refunded < p.amount THEN 2 ELSE 3 END) AND NOT " ORDER_WAITS,
	 .kept = CHARGES_AGREE},

	/* Or its refund has failed, and admins were told. */
	{"order-money-back", "what was paid for an order that will not be is given back, or due to be",
	 "SELECT o.id, 'it is ' || o.status || '; of ' || money(p.amount, p.currency) ||"
	 " ' paid, ' || money(p.refunded, p.currency) || ' are given back, and nothing is due' FROM main.orders o JOIN payment.transactions p"
	 " ON " PAID_FOR " WHERE o.status IN ('cancelled', 'returned') AND p.refunded < p.amount"
	 " AND o.due_at IS NULL AND NOT EXISTS (SELECT 1 FROM payment.transactions f"
	 " WHERE f.order_id = o.id AND f.kind = 'refund' AND f.status = 'failed') AND NOT " ORDER_WAITS},

	{"order-progress", "somebody is at work on every order that is not settled",
	 "SELECT o.id, 'it is ' || o.status || ', and nothing is due' FROM main.orders o"
	 " WHERE o.status IN ('pending', 'reserved') AND o.due_at IS NULL"
	 " UNION ALL SELECT o.id, 'it is pending, and its stock is not asked for' FROM main.orders o"
	 " WHERE o.status = 'pending' AND o.due_at IS NOT NULL AND NOT " ORDER_WAITS
	 " AND NOT " INVENTORY_WAITS},

	{"payment-at-provider", "what Payment has as settled the provider has in its books",
	 "SELECT t.order_id, t.kind || ' of ' || money(t.amount, t.currency) ||"
	 " ': the provider has ' || COALESCE(b.status || ', ' || money(b.amount, b.currency),"
	 " 'nothing') FROM payment.transactions t LEFT JOIN (SELECT key, 'charge' AS kind, 'ch_' || key"
	 " AS reference, order_id, amount, currency, status FROM sandbox.charges UNION ALL SELECT key,"
	 " 'refund', 're_' || key, order_id, amount, currency, status FROM sandbox.refunds) b"
	 " ON b.key = t.provider_key AND b.kind = t.kind"
	 " WHERE t.provider = 'sandbox' AND t.status = 'succeeded' AND (b.key IS NULL"
	 " OR b.status <> 'succeeded' OR b.amount <> t.amount OR b.currency <> t.currency"
	 " OR b.reference <> t.provider_reference"
	 " OR replace(b.order_id, '-', '') <> lower(hex(t.order_id)))",
	 .kept = SAME_AT_PROVIDER},

	{"provider-in-payment", "what the provider has done Payment has in its books",
	 "SELECT b.order_id, b.kind || ' of ' || money(b.amount, b.currency) || ': Payment has ' ||"
	 " COALESCE(t.status, 'nothing') FROM (SELECT key, 'charge' AS kind, order_id, amount, currency"
	 " FROM sandbox.charges WHERE status = 'succeeded' UNION ALL SELECT key, 'refund', order_id,"
	 " amount, currency FROM sandbox.refunds WHERE status = 'succeeded') b"
	 " LEFT JOIN (SELECT id, provider_key, kind, status FROM payment.transactions"
	 " WHERE provider = 'sandbox' LIMIT -1) t ON t.provider_key = b.key AND t.kind = b.kind"
	 " WHERE t.id IS NULL OR t.status = 'failed'",
	 .kept = SAME_AT_PROVIDER},

	/* --- orders and stock ------------------------------------------------------------------ */

	{"order-reservation", "an order's stock is where its status says",
	 "SELECT o.id, 'it is ' || o.status || ', its reservation ' || COALESCE(r.status, 'not there')"
	 ORDERS_WITH_RESERVATIONS " AND NOT " INVENTORY_WAITS " AND NOT " ORDER_WAITS,
	 .kept = "SELECT (SELECT row_sum(1, id) FROM main.orders WHERE status IN ('paid', 'shipped',"
	 " 'delivered')) = (SELECT row_sum(1, order_id) FROM inventory.reservations"
	 " WHERE status = 'committed') AND NOT EXISTS (SELECT 1" ORDERS_WITH_RESERVATIONS
	 " AND o.status IN ('reserved', 'cancelled', 'returned'))"},

	{"reservation-lines", "a reservation keeps what its order's lines say",
	 "SELECT o.id, 'its lines and its reservation differ' FROM inventory.reservations r"
	 " JOIN main.orders o ON o.id = r.order_id WHERE (SELECT sum(quantity) FROM main.order_lines l"
	 " WHERE l.order_number = o.number) IS NOT (SELECT sum(quantity)"
	 " FROM inventory.reservation_lines k WHERE k.order_id = o.id)"
	 " OR EXISTS (SELECT 1 FROM main.order_lines l WHERE l.order_number = o.number"
	 " GROUP BY l.product_id HAVING sum(l.quantity) IS NOT (SELECT sum(k.quantity)"
	 " FROM inventory.reservation_lines k WHERE k.order_id = o.id"
	 " AND k.product_id = l.product_id))",
	 .kept = LINES_AGREE},

	/* --- products, their stock and their rating --------------------------------------------- */

	{"product-stocked", "Inventory knows every variant, and no others",
	 "SELECT v.id, 'Inventory does not know it' FROM product.variants v"
	 " JOIN product.products p ON p.number = v.product LEFT JOIN inventory.items i"
	 " ON i.id = v.id AND i.removed = 0 WHERE p.status <> 'deleted' AND i.id IS NULL"
	 " AND NOT " AUDIT_WAITS("inventory", "p.id")
	 " UNION ALL SELECT i.id, 'the catalogue does not have it' FROM inventory.items i"
	 " LEFT JOIN product.variants v ON v.id = i.id LEFT JOIN product.products p"
	 " ON p.number = v.product AND p.status <> 'deleted' WHERE i.removed = 0 AND p.id IS NULL"
	 " AND NOT " AUDIT_WAITS("inventory", "i.parent_id")},

	{"product-stock", "a product shows the stock that Inventory has",
	 "SELECT v.id, 'it shows ' || v.available || ' (' || v.stock_status || '), Inventory has ' ||"
	 " (i.on_hand - i.reserved) || ' (' || i.status || ')' FROM product.variants v"
	 " JOIN product.products p ON p.number = v.product JOIN inventory.items i ON i.id = v.id"
	 " WHERE p.status <> 'deleted' AND (v.uncounted = i.tracked OR v.backorder <> i.backorder"
	 " OR v.available <> CASE i.tracked WHEN 1 THEN i.on_hand - i.reserved ELSE 0 END"
	 " OR v.stock_status <> i.status) AND NOT " AUDIT_WAITS("product", "v.id")},

	{"product-vendor", "nothing is sold of a vendor that is suspended",
	 "SELECT p.id, 'it is active, and its vendor is suspended' FROM user.users u"
	 " JOIN product.products p ON p.vendor_id = u.id WHERE u.suspended = 1"
	 " AND (p.status || '') = 'active' AND NOT " AUDIT_WAITS("product", "u.id")
	 " AND u.id NOT IN (SELECT id FROM product.vendors WHERE due = 1)"},

	{"product-rating", "a product shows the rating that Review has",
	 "SELECT p.id, 'it shows ' || p.rating || ' of ' || p.rating_count || ', Review has ' ||"
	 " COALESCE(r.average, 0) || ' of ' || COALESCE(r.n, 0) FROM product.products p LEFT JOIN"
	 " (SELECT product_id, n, CASE n WHEN 0 THEN 0 ELSE (200 * stars + n) / (2 * n) END AS average"
	 " FROM (SELECT product_id, stars_1 + stars_2 + stars_3 + stars_4 + stars_5 AS n,"
	 " stars_1 + 2 * stars_2 + 3 * stars_3 + 4 * stars_4 + 5 * stars_5 AS stars"
	 " FROM review.ratings)) r ON r.product_id = p.id WHERE p.status <> 'deleted'"
	 " AND (p.rating_count <> COALESCE(r.n, 0) OR p.rating <> COALESCE(r.average, 0))"
	 " AND NOT " AUDIT_WAITS("product", "p.id")},

	{"review-purchases", "Review knows who had what delivered",
	 "SELECT o.id, 'its buyer may not write a verified review' FROM main.orders o"
	 " WHERE o.status IN ('delivered', 'returned') AND EXISTS (SELECT 1 FROM main.order_lines l"
	 " WHERE l.order_number = o.number AND NOT EXISTS (SELECT 1 FROM review.purchases p"
	 " WHERE p.user_id = o.user_id AND p.product_id = l.parent_id))"
	 " AND NOT " AUDIT_WAITS("review", "o.id")
	 " UNION ALL SELECT user_id, 'it never had ' || lower(hex(product_id)) || ' delivered'"
	 " FROM (SELECT user_id, product_id FROM review.purchases EXCEPT SELECT o.user_id, l.parent_id"
	 " FROM main.orders o JOIN main.order_lines l ON l.order_number = o.number"
	 " WHERE o.status IN ('delivered', 'returned'))"},

	/* --- accounts and their sessions -------------------------------------------------------- */

	{"user-suspended", "a suspended account has no session, and others are let in",
	 "SELECT u.id, CASE u.suspended WHEN 1 THEN 'it is suspended, and Auth lets it in'"
	 " ELSE 'it is active, and Auth does not let it in' END FROM user.users u"
	 " LEFT JOIN auth.holders h ON h.id = u.id WHERE u.sessions_due = 0"
	 " AND u.suspended <> COALESCE(h.suspended, 0)"
	 " UNION ALL SELECT s.user_id, 'it is suspended, and has a session' FROM auth.sessions s"
	 " JOIN auth.holders h ON h.id = s.user_id WHERE h.suspended = 1"},

	{"session-account", "every session is an account's",
	 "SELECT s.id, 'it is of no account' FROM auth.sessions s"
	 " WHERE s.user_id NOT IN (SELECT id FROM user.users)"},

	/* --- figures ----------------------------------------------------------------------------- */

	{"sales-orders", "sales figures count every order that was paid, once and as it was",
	 "SELECT o.id, CASE WHEN s.order_id IS NULL THEN 'it was paid, and is not counted'"
	 " ELSE 'it is ' || money(o.total, o.currency) || ', counted are ' ||"
	 " money(s.revenue, s.currency) || ' of ' || s.units || ' units' END FROM (SELECT id, total, currency,"
	 " (SELECT sum(quantity) FROM main.order_lines WHERE order_number = number) AS units"
	 " FROM main.orders WHERE status IN ('paid', 'shipped', 'delivered', 'returned')"
	 " OR (status = 'cancelled' AND EXISTS (SELECT 1 FROM main.order_history"
	 " WHERE order_number = number AND status = 'paid'))) o"
	 " LEFT JOIN analytics.sales s ON s.order_id = o.id WHERE (s.order_id IS NULL"
	 " OR s.revenue <> o.total OR s.currency <> o.currency OR s.units <> o.units)"
	 " AND NOT " AUDIT_WAITS("analytics", "o.id")
	 " UNION ALL SELECT s.order_id, 'it is counted, and was never paid' FROM analytics.sales s"
	 " LEFT JOIN main.orders o ON o.id = s.order_id WHERE o.number IS NULL OR NOT EXISTS"
	 " (SELECT 1 FROM main.order_history WHERE order_number = o.number AND status = 'paid')",
	 .kept = LINES_AGREE},

	{"sales-lines-sold", "sales figures say what was sold, line by line",
	 "SELECT o.id, 'its line ' || s.line || ' is counted as ' || s.units || ' units of ' ||"
	 " money(s.revenue, o.currency) || ', or of another product' FROM analytics.sale_lines s"
	 " JOIN main.orders o ON o.id = s.order_id LEFT JOIN main.order_lines l"
	 " ON l.order_number = o.number AND l.position = s.line WHERE l.parent_id IS NOT s.product_id"
	 " OR l.vendor_id <> s.vendor_id OR l.quantity <> s.units"
	 " OR l.quantity * l.unit_price <> s.revenue OR COALESCE(l.category, '') <> s.category",
	 .kept = LINES_AGREE},

	{"sales-refunds", "sales figures count every refund, once",
	 "SELECT t.order_id, 'refunded are ' || money(t.amount, t.currency) || ', counted ' ||"
	 " money(COALESCE(r.amount, 0), t.currency)"
	 " FROM payment.transactions t LEFT JOIN analytics.refunds r ON r.id = t.id"
	 " WHERE t.kind = 'refund' AND t.status = 'succeeded' AND (r.id IS NULL"
	 " OR r.amount <> t.amount OR r.currency <> t.currency OR r.order_id <> t.order_id)"
	 " AND NOT " AUDIT_WAITS("analytics", "t.order_id")
	 " UNION ALL SELECT r.order_id, 'a refund of ' || money(r.amount, r.currency) || ' is counted, and was never made'"
	 " FROM analytics.refunds r LEFT JOIN payment.transactions t"
	 " ON t.order_id = r.order_id AND t.id = r.id"
	 " WHERE t.kind IS NOT 'refund' OR t.status <> 'succeeded'"},

	{"activity-noted", "who registers, orders, pays and reviews is counted as active",
	 "SELECT e.subject, e.type || ' is not counted' FROM (SELECT id, type, subject, told_at"
	 " FROM main.outbox WHERE type IN ('OrderPlaced', 'OrderPaid') UNION ALL"
	 " SELECT id, type, subject, told_at FROM user.outbox WHERE type = 'UserRegistered'"
	 " UNION ALL SELECT id, type, subject, told_at FROM review.outbox"
	 " WHERE type = 'ReviewPublished') e WHERE NOT EXISTS (SELECT 1 FROM analytics.activity a"
	 " WHERE a.at = e.told_at AND a.id = e.id)"
	 " AND NOT " AUDIT_WAITS("analytics", "e.subject"),
	 .kept = TOLD_ON},

	/* --- messages --------------------------------------------------------------------------- */

	{"message-told", "who registers, who pays or is declined, and whose order is cancelled or shipped,"
	 " is told",
	 "SELECT e.subject, 'nobody is told of ' || e.type FROM (SELECT id, type, subject"
	 " FROM main.outbox WHERE CASE type WHEN 'OrderShipped' THEN 1"
	 " WHEN 'OrderPaid' THEN json_extract(data, '$.total.amount') = 0"
	 " WHEN 'OrderCancelled' THEN NOT " IS_DECLINED " ELSE 0 END"
	 " UNION ALL SELECT id, type, subject FROM payment.outbox WHERE CASE"
	 " WHEN type IN ('PaymentSucceeded', 'PaymentFailed')"
	 " THEN json_extract(data, '$.userId') IS NOT NULL ELSE 0 END"
	 " UNION ALL SELECT id, type, subject FROM user.outbox WHERE type = 'UserRegistered') e"
	 " WHERE e.id NOT IN (SELECT event_id FROM notification.messages"
	 " WHERE event_id IS NOT NULL)"
	 " AND NOT " AUDIT_WAITS("notification", "e.subject"),
	 .kept = TOLD_ON},

	{NULL},
};
/* clang-format on */
