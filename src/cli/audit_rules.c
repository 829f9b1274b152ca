/* Rules that one service's data keeps or breaks, whatever the others do. */
#include "cli/audit_rules.h"

#include <stddef.h>

/* Of a product's category, and whether a shelf is one of it. */
#define SHELVES "(length(p.category) - length(replace(p.category, '/', '')))"
#define ON_SHELF                                      \
	"s.id = p.id AND s.created_at = p.created_at" \
	" AND substr(p.category, 1, length(s.category) + 1) = s.category || '/'"

/* clang-format off */

/* The bit of the range of the facet of prices that a variant lies in (price_range_bit). */
#define PRICE_RANGE \
	"CASE WHEN price <= 499 THEN 1 WHEN price <= 999 THEN 2 WHEN price <= 1999 THEN 4" \
	" WHEN price <= 4999 THEN 8 WHEN price <= 9999 THEN 16 WHEN price <= 19999 THEN 32" \
	" WHEN price <= 49999 THEN 64 WHEN price <= 99999 THEN 128 WHEN price <= 199999 THEN 256" \
	" WHEN price <= 499999 THEN 512 WHEN price <= 999999 THEN 1024 WHEN price <= 1999999 THEN 2048" \
	" WHEN price <= 4999999 THEN 4096 WHEN price <= 9999999 THEN 8192 WHEN price <= 99999999 THEN 16384 ELSE 32768 END"

/* The moves that an order has, but for its last, are those that its other moves come from, and no
 * more. So they are numbered without a gap, and the last is the order's. */
#define COMES_FROM \
	"CASE status WHEN 'reserved' THEN 'pending' WHEN 'paid' THEN 'reserved'" \
	" WHEN 'shipped' THEN 'paid' WHEN 'delivered' THEN 'shipped' WHEN 'returned' THEN 'delivered'" \
	" WHEN 'cancelled' THEN (SELECT p.status FROM main.order_history p" \
	" WHERE p.order_number = h.order_number AND p.version = h.version - 1" \
	" AND p.status IN ('pending', 'reserved', 'paid')) END"
#define HISTORY_KEPT \
	"SELECT h.moves = sum_of(h.earlier, o.latest) AND h.sound FROM (SELECT" \
	" row_sum(1, order_number, version, status) AS moves," \
	" row_sum(1, order_number, version - 1, " COMES_FROM ") FILTER (WHERE version <> 1) AS earlier," \
	" min(CASE status WHEN 'pending' THEN version = 1 AND moved_by = 'customer'" \
	" WHEN 'reserved' THEN moved_by = 'system' WHEN 'paid' THEN moved_by = 'system'" \
	" WHEN 'cancelled' THEN moved_by IN ('customer', 'admin', 'system')" \
	" ELSE moved_by IN ('vendor', 'admin') END) AND min(version) = 1 AND" \
	" min(version > 1 OR status = 'pending') AS sound FROM main.order_history h)" \
	" h, (SELECT row_sum(1, number, version, status) AS latest FROM main.orders) o"

/* The journal adds up to the stock, and of orders to what was reserved for them and sold. */
#define JOURNAL_KEPT \
	"SELECT m.moved = s.stock AND m.sold = l.sold FROM (SELECT" \
	" row_sum(delta, product_id, warehouse) AS moved, row_sum(-delta, order_id, product_id," \
	" warehouse) FILTER (WHERE order_id IS NOT NULL) AS sold FROM inventory.movements) m," \
	" (SELECT row_sum(on_hand, product_id, warehouse) AS stock FROM inventory.warehouse_stock) s," \
	" (SELECT row_sum(l.quantity, l.order_id, l.product_id, l.warehouse) AS sold" \
	" FROM inventory.reservations r JOIN inventory.reservation_lines l" \
	" ON l.order_id = r.order_id WHERE r.status = 'committed' AND l.counted = 1) l"

const struct audit_rule audit_rules_of_files[] = {
	{"file-sound", "every file is whole, and its indexes, constraints and references hold",
	 NULL, /* see audit_file.c */
	 AUDIT_FILE},
	{NULL},
};

const struct audit_rule audit_rules_within[] = {

	/* --- events and idempotency ---------------------------------------------------------- */

	{"event-handled", "no event is given up",
	 "SELECT id, '{name} has given up on ' || type || ': ' || last_error"
	 " FROM {schema}.parked WHERE next_try_at IS NULL",
	 AUDIT_SERVICE},

	{"event-heard", "nobody has heard more than was told",
	 "SELECT h.hearer || ' of ' || h.source, 'has heard up to ' || h.seq ||"
	 " ', which was not told' FROM heard h WHERE h.seq > h.told"},

	{"event-not-lost", "no event goes before all have heard it",
	 "SELECT source, hearer || ' has yet to hear ' || events || ' events that are gone' FROM lost"},

	{"idempotency-answer", "a stored key has one request, and an answer to repeat",
	 "SELECT caller || ' ' || key, CASE WHEN length(fingerprint) <> 32 THEN"
	 " '{name} does not know the request' ELSE '{name} has no answer' END"
	 " FROM {schema}.idempotency WHERE length(fingerprint) <> 32 OR answered NOT IN (0, 1)"
	 " OR (answered = 1 AND status NOT BETWEEN 200 AND 599)",
	 AUDIT_SERVICE},

	{"idempotency-effect", "a key that placed an order has its order",
	 "SELECT caller || ' ' || key, 'there is no ' || location FROM main.idempotency"
	 " WHERE location LIKE '/orders/%' AND length(location) = 44"
	 " AND replace(substr(location, 9), '-', '') NOT IN (SELECT lower(hex(id)) FROM main.orders)"},

	/* --- accounts ------------------------------------------------------------------------ */

	{"user-address-unique", "an address has one account",
	 "SELECT max(id), count(*) || ' accounts have the address ' || email_key"
	 " FROM user.users NOT INDEXED GROUP BY email_key HAVING count(*) > 1"},

	{"user-brand-unique", "an imported brand has one account",
	 "SELECT max(id), count(*) || ' accounts are of the brand ' || vendor_key"
	 " FROM user.users NOT INDEXED WHERE vendor_key IS NOT NULL"
	 " GROUP BY vendor_key HAVING count(*) > 1"},

	{"user-roles", "an account has roles, of customer, vendor and admin",
	 "SELECT id, 'its roles are ' || roles FROM user.users WHERE roles & 7 = 0 OR roles & ~7 <> 0"},

	{"user-told", "Auth is told of changed accounts",
	 "SELECT id, 'Auth is not told of the change' FROM user.users WHERE sessions_due <> 0"
	 " AND updated_at < (SELECT overdue_before FROM look)"},

	/* --- the catalogue -------------------------------------------------------------------- */

	{"product-slug-unique", "a slug is of one product",
	 "SELECT max(id), count(*) || ' products have the slug ' || slug FROM product.products"
	 " NOT INDEXED WHERE slug IS NOT NULL GROUP BY slug HAVING count(*) > 1"},

	{"product-variants", "a product's variants, stock and price are those that it shows",
	 "SELECT p.id, CASE WHEN v.n IS NULL THEN 'it has no variant'"
	 " WHEN v.n <> p.variant_count THEN 'it has ' || v.n || ' variants, not ' || p.variant_count"
	 " WHEN v.price <> p.price THEN 'it costs ' || money(v.price, p.currency) ||"
	 " ' at least, not ' || money(p.price, p.currency)"
	 " ELSE 'its variants have ' || v.available || ' available, not ' || p.available END"
	 " FROM product.products p LEFT JOIN (SELECT product, count(*) AS n, min(price) AS price,"
	 " CASE count(*) WHEN 1 THEN sum(available) ELSE sum(max(available, 0)) END AS available,"
	 " sum(uncounted) AS uncounted, max(CASE stock_status WHEN 'in_stock' THEN 3"
	 " WHEN 'low_stock' THEN 2 WHEN 'backorder' THEN 1 ELSE 0 END) AS rank"
	 " FROM product.variants GROUP BY product) v"
	 " ON v.product = p.number WHERE p.status <> 'deleted' AND (v.n IS NULL"
	 " OR v.n <> p.variant_count OR v.price <> p.price OR v.available <> p.available"
	 " OR p.uncounted <> v.uncounted OR p.stock_status <> CASE v.rank WHEN 3 THEN 'in_stock'"
	 " WHEN 2 THEN 'low_stock' WHEN 1 THEN 'backorder' ELSE 'out_of_stock' END)"},

	{"product-prices", "a product is found at the prices of its variants",
	 "SELECT p.id, CASE WHEN v.price_max <> p.price_max THEN 'it costs ' ||"
	 " money(v.price_max, p.currency) || ' at most, not ' || money(p.price_max, p.currency)"
	 " ELSE 'its variants are of the price ranges ' || v.ranges || ', not ' || p.price_ranges END"
	 " FROM product.products p JOIN (SELECT product, max(price) AS price_max,"
	 " sum(DISTINCT " PRICE_RANGE ") AS ranges FROM product.variants GROUP BY product) v"
	 " ON v.product = p.number WHERE p.status <> 'deleted'"
	 " AND (v.price_max <> p.price_max OR v.ranges <> p.price_ranges)"},

	/* They are made at the first start that knows of them. */
	{"product-sorted", "a product has its place among the names",
	 "SELECT id, 'it has no sort key' FROM product.products WHERE name_key IS NULL"
	 " AND EXISTS (SELECT 1 FROM product.editions WHERE name = 'text')"},

	{"product-searchable", "a product can be shown and searched for",
	 "SELECT id, 'it has no document, or is not in the search' FROM product.products"
	 " WHERE status <> 'deleted' AND (number NOT IN (SELECT number FROM product.documents)"
	 " OR number NOT IN (SELECT id FROM product.product_search_docsize))"},

	/* Its category ends with a slash: it has as many shelves as there are slashes. */
	{"product-shelves", "an active product is listed in its category and in each above it",
	 "SELECT p.id, 'of ' || p.category || ' it is in ' || count(s.id) || ' lists'"
	 " FROM product.products p LEFT JOIN product.shelves s ON s.product = p.number AND " ON_SHELF
	 " WHERE p.status = 'active' AND p.category IS NOT NULL GROUP BY p.number"
	 " HAVING count(s.id) <> " SHELVES
	 " UNION ALL SELECT s.id, 'it is listed in ' || s.category || ', and not of it'"
	 " FROM product.shelves s LEFT JOIN product.products p ON p.number = s.product"
	 " WHERE (p.status = 'active' AND " ON_SHELF ") IS NOT TRUE",
	 .kept = "SELECT (SELECT row_sum(" SHELVES ", p.number) FROM product.products p"
	 " WHERE p.status = 'active' AND p.category IS NOT NULL) = (SELECT row_sum(1, p.number)"
	 " FROM product.shelves s LEFT JOIN product.products p ON p.number = s.product"
	 " AND p.status = 'active' AND " ON_SHELF ")"},

	/* --- orders --------------------------------------------------------------------------- */

	{"cart-order", "the order that a cart waits for is under way, and of that cart",
	 "SELECT c.id, 'it waits for an order that is ' || COALESCE(o.status, 'not there')"
	 " FROM main.carts c LEFT JOIN main.orders o ON o.id = c.order_id AND o.cart_id = c.id"
	 " WHERE c.order_id IS NOT NULL AND (o.id IS NULL OR o.status NOT IN ('pending', 'reserved'))"},

	{"order-unique", "an order has one number, and a number one order",
	 "SELECT id, count(*) || ' orders have this id' FROM main.orders NOT INDEXED"
	 " GROUP BY id HAVING count(*) > 1"
	 " UNION ALL SELECT 'number ' || number, count(*) || ' orders have this number'"
	 " FROM main.orders GROUP BY number HAVING count(*) > 1 OR number < 1",
	 .kept = "SELECT (SELECT in_order(1, 0, id) FROM (SELECT id FROM main.orders ORDER BY id))"
	 " AND (SELECT in_order(1, 0, number) AND min(number) >= 1 FROM (SELECT number"
	 " FROM main.orders ORDER BY number))"},

	{"order-total", "an order's total is the sum of its lines",
	 "SELECT o.id, CASE WHEN l.total IS NULL THEN 'it has no lines'"
	 " ELSE 'its lines come to ' || money(l.total, o.currency) || ', its total is ' ||"
	 " money(o.total, o.currency) END"
	 " FROM main.orders o LEFT JOIN (SELECT order_number, sum(quantity * unit_price) AS total,"
	 " min(quantity) AS least FROM main.order_lines GROUP BY order_number) l"
	 " ON l.order_number = o.number WHERE l.total IS NOT o.total OR l.least < 1"
	 " UNION ALL SELECT 'number ' || order_number, 'its lines are there, the order is not'"
	 " FROM main.order_lines WHERE order_number NOT IN (SELECT number FROM main.orders)",
	 .kept = "SELECT (SELECT row_sum(total, number), row_sum(1, number), 1 FROM main.orders) ="
	 " (SELECT row_sum(quantity * unit_price, order_number), row_sum(1, order_number)"
	 " FILTER (WHERE position = 0), min(quantity) >= 1 FROM main.order_lines)"},

	{"order-history", "an order's history ends with its status, and misses no move",
	 "SELECT o.id, CASE WHEN h.status IS NOT o.status THEN 'it is ' || o.status ||"
	 " ', its history ends with ' || COALESCE(h.status, 'nothing')"
	 " ELSE 'its history misses a move' END FROM main.orders o LEFT JOIN"
	 " (SELECT order_number, count(*) AS n, max(version) AS version, status"
	 " FROM main.order_history GROUP BY order_number) h ON h.order_number = o.number"
	 " WHERE h.status IS NOT o.status OR h.n <> o.version OR h.version <> o.version"
	 " UNION ALL SELECT 'number ' || order_number, 'its history is there, the order is not'"
	 " FROM main.order_history WHERE order_number NOT IN (SELECT number FROM main.orders)",
	 .kept = HISTORY_KEPT},

	{"order-moves", "every move of an order is a legal one, by somebody who may",
	 "SELECT (SELECT id FROM main.orders WHERE number = h.order_number), h.moved_by ||"
	 " ' moved it from ' || COALESCE(p.status, 'nothing') || ' to ' || h.status"
	 " FROM main.order_history h LEFT JOIN main.order_history p"
	 " ON p.order_number = h.order_number AND p.version = h.version - 1"
	 " WHERE COALESCE(p.status, 'nothing') || ' ' || h.status || ' ' || h.moved_by NOT IN ("
	 "'nothing pending customer', 'pending reserved system', 'pending cancelled customer',"
	 " 'pending cancelled admin', 'pending cancelled system', 'reserved paid system',"
	 " 'reserved cancelled customer', 'reserved cancelled admin', 'reserved cancelled system',"
	 " 'paid cancelled customer', 'paid cancelled admin', 'paid cancelled system',"
	 " 'paid shipped vendor', 'paid shipped admin', 'shipped delivered vendor',"
	 " 'shipped delivered admin', 'delivered returned vendor', 'delivered returned admin')",
	 .kept = HISTORY_KEPT},

	{"order-overdue", "what is due for an order is done",
	 "SELECT id, 'it is ' || status || ', and nobody does what is due' FROM main.orders"
	 " WHERE due_at < (SELECT overdue_before FROM look)"
	 " AND status IN ('pending', 'reserved', 'cancelled', 'returned')"},

	/* --- payments ------------------------------------------------------------------------- */

	{"payment-one-charge", "an order has one charge that succeeded or may, at most",
	 "SELECT order_id, count(*) || ' charges' FROM payment.transactions"
	 " WHERE kind = 'charge' AND status <> 'failed' GROUP BY order_id HAVING count(*) > 1"},

	{"payment-sums", "what is given back of an order's charge is the sum of its refunds",
	 "SELECT order_id, 'refunded ' || money(refunded, currency) || ', refunding ' ||"
	 " money(refunding, currency) || '; its refunds say ' || money(given, currency) || ', ' ||"
	 " money(held, currency) FROM (SELECT order_id, max(currency) AS currency,"
	 " sum(refunded) AS refunded, sum(refunding) AS refunding,"
	 " sum(amount * (kind = 'refund' AND status = 'succeeded')) AS given,"
	 " sum(amount * (kind = 'refund' AND status = 'processing')) AS held"
	 " FROM payment.transactions GROUP BY order_id)"
	 " WHERE refunded <> given OR refunding <> held",
	 .kept = "SELECT (SELECT row_sum(refunded, order_id), row_sum(refunding, order_id)"
	 " FROM payment.transactions) = (SELECT row_sum(amount, order_id) FILTER"
	 " (WHERE status = 'succeeded'), row_sum(amount, order_id) FILTER (WHERE status = 'processing')"
	 " FROM payment.transactions WHERE kind = 'refund')"},

	{"payment-overdue", "a provider's answer is asked for until it is there",
	 "SELECT order_id, 'nobody asks what became of its ' || kind FROM payment.transactions"
	 " WHERE status = 'processing' AND next_try_at < (SELECT overdue_before FROM look)"},

	{"provider-one-charge", "the provider has charged an order once, at most",
	 "SELECT order_id, count(*) || ' charges at the provider' FROM sandbox.charges"
	 " WHERE status = 'succeeded' GROUP BY order_id HAVING count(*) > 1"},

	{"provider-refunds", "the provider gave back what its refunds say",
	 "SELECT c.key, 'refunded ' || money(c.refunded, c.currency) || ', its refunds come to ' ||"
	 " money(COALESCE(r.amount, 0), c.currency) FROM sandbox.charges c LEFT JOIN (SELECT charge_key,"
	 " sum(amount) AS amount FROM sandbox.refunds WHERE status = 'succeeded'"
	 " GROUP BY charge_key) r ON r.charge_key = c.key"
	 " WHERE c.refunded <> COALESCE(r.amount, 0) OR c.refunded > c.amount",
	 .kept = "SELECT (SELECT row_sum(refunded, key), max(refunded > amount) FROM sandbox.charges)"
	 " = (SELECT row_sum(amount, charge_key), 0 FROM sandbox.refunds WHERE status = 'succeeded')"},

	/* --- stock ---------------------------------------------------------------------------- */

	{"stock-covers", "stock is never negative, and covers what is reserved, unless it may be owed",
	 "SELECT id, 'on hand ' || on_hand || ', reserved ' || reserved FROM inventory.items"
	 " WHERE reserved < 0 OR (on_hand < reserved AND tracked = 1 AND backorder = 0)"
	 " UNION ALL SELECT s.product_id, 'in ' || s.warehouse || ' on hand ' || s.on_hand ||"
	 " ', reserved ' || s.reserved FROM inventory.stock s JOIN inventory.items i"
	 " ON i.id = s.product_id WHERE s.reserved < 0"
	 " OR (s.on_hand < s.reserved AND i.tracked = 1 AND i.backorder = 0)"},

	{"stock-sums", "what there is of a product is the sum of its warehouses",
	 "SELECT i.id, 'on hand ' || i.on_hand || ', reserved ' || i.reserved || '; its warehouses say '"
	 " || COALESCE(s.on_hand, 0) || ', ' || COALESCE(s.reserved, 0) FROM inventory.items i"
	 " LEFT JOIN (SELECT product_id, sum(on_hand) AS on_hand, sum(reserved) AS reserved"
	 " FROM inventory.stock GROUP BY product_id) s ON s.product_id = i.id"
	 " WHERE i.spread <> (s.product_id IS NOT NULL) OR (i.spread = 1"
	 " AND (i.on_hand <> s.on_hand OR i.reserved <> s.reserved))"},

	{"stock-reserved", "what is reserved is what active reservations keep",
	 "SELECT product_id, 'in ' || warehouse || ' ' || sum(reserved) || ' are reserved, but ' ||"
	 " sum(kept) || ' kept for orders' FROM (SELECT product_id, warehouse, reserved, 0 AS kept"
	 " FROM inventory.warehouse_stock UNION ALL SELECT l.product_id, l.warehouse, 0, l.quantity"
	 " FROM inventory.reservations r JOIN inventory.reservation_lines l"
	 " ON l.order_id = r.order_id WHERE r.status = 'active')"
	 " GROUP BY product_id, warehouse HAVING sum(reserved) <> sum(kept)"},

	{"stock-journal", "what is on hand is what came and went",
	 "SELECT product_id, 'in ' || warehouse || ' ' || sum(on_hand) || ' are on hand, the journal"
	 " says ' || sum(delta) FROM (SELECT product_id, warehouse, on_hand, 0 AS delta"
	 " FROM inventory.warehouse_stock UNION ALL SELECT product_id, warehouse, 0, sum(delta)"
	 " FROM inventory.movements GROUP BY +product_id, warehouse)"
	 " GROUP BY product_id, warehouse HAVING sum(on_hand) <> sum(delta)",
	 .kept = JOURNAL_KEPT},

	{"stock-sold", "what left the stock for an order is what was reserved and sold",
	 "SELECT order_id, 'its reservations say ' || sum(kept) || ', the journal ' || sum(-delta) ||"
	 " ' of ' || lower(hex(product_id)) FROM (SELECT order_id, product_id, warehouse, delta,"
	 " 0 AS kept FROM inventory.movements WHERE order_id IS NOT NULL"
	 " UNION ALL SELECT l.order_id, l.product_id, l.warehouse, 0, l.quantity"
	 " FROM inventory.reservations r JOIN inventory.reservation_lines l"
	 " ON l.order_id = r.order_id WHERE r.status = 'committed' AND l.counted = 1)"
	 " GROUP BY order_id, product_id, warehouse HAVING sum(kept) <> sum(-delta)",
	 .kept = JOURNAL_KEPT},

	{"reservation-overdue", "a reservation that nobody paid for ends",
	 "SELECT order_id, 'it is active, and its time is over' FROM inventory.reservations"
	 " WHERE status = 'active' AND expires_at < (SELECT overdue_before FROM look)"},

	/* --- figures -------------------------------------------------------------------------- */

	{"sales-lines", "a sale is the sum of its lines",
	 "SELECT s.order_id, s.units || ' units of ' || money(s.revenue, s.currency) ||"
	 " ', its lines say ' || COALESCE(l.units, 0) || ' of ' || money(COALESCE(l.revenue, 0),"
	 " s.currency) FROM analytics.sales s LEFT JOIN"
	 " (SELECT order_id, sum(units) AS units, sum(revenue) AS revenue FROM analytics.sale_lines"
	 " GROUP BY currency, paid_at, order_id) l ON l.order_id = s.order_id"
	 " WHERE s.units <> COALESCE(l.units, 0) OR s.revenue <> COALESCE(l.revenue, 0)",
	 .kept = "SELECT (SELECT row_sum(units, order_id, currency, paid_at),"
	 " row_sum(revenue, order_id, currency, paid_at) FROM analytics.sales) ="
	 " (SELECT row_sum(units, order_id, currency, paid_at),"
	 " row_sum(revenue, order_id, currency, paid_at) FROM analytics.sale_lines)"},

	{"sales-refund-lines", "a refund of a sale is shared out among its lines, to the last unit",
	 "SELECT r.id, 'it is ' || money(r.amount, r.currency) || ', shared out are ' ||"
	 " money(COALESCE(l.amount, 0), r.currency)"
	 " FROM analytics.refunds r LEFT JOIN (SELECT refund_id, sum(amount) AS amount"
	 " FROM analytics.refund_lines GROUP BY refund_id) l ON l.refund_id = r.id"
	 " WHERE COALESCE(l.amount, 0) <> r.amount AND (r.shared_out <> 0"
	 " OR r.order_id IN (SELECT order_id FROM analytics.sales))"},

	/* --- reviews and messages ------------------------------------------------------------- */

	{"review-once", "a user has one review of a product",
	 "SELECT max(id), count(*) || ' reviews by one user of one product' FROM review.reviews"
	 " NOT INDEXED GROUP BY user_id, product_id HAVING count(*) > 1"},

	{"review-rating", "a product's rating counts its published reviews",
	 "SELECT product_id, 'its rating does not count what is published' FROM (SELECT product_id,"
	 " stars_1, stars_2, stars_3, stars_4, stars_5 FROM review.ratings"
	 " UNION ALL SELECT product_id, -(rating = 1), -(rating = 2), -(rating = 3), -(rating = 4),"
	 " -(rating = 5) FROM review.reviews WHERE status = 'published') GROUP BY product_id"
	 " HAVING sum(stars_1) <> 0 OR sum(stars_2) <> 0 OR sum(stars_3) <> 0 OR sum(stars_4) <> 0"
	 " OR sum(stars_5) <> 0"},

	{"review-verified", "a purchase is verified where the product was delivered, and only there",
	 "SELECT r.id, CASE r.verified WHEN 0 THEN 'it was delivered' ELSE 'it was not delivered' END"
	 " FROM review.reviews r LEFT JOIN review.purchases p ON p.user_id = r.user_id"
	 " AND p.product_id = r.product_id WHERE r.verified <> (p.user_id IS NOT NULL)"},

	{"message-once", "nobody is told the same thing twice",
	 "SELECT event_id, 'one user is told ' || count(*) || ' times, by ' ||"
	 " COALESCE(template, 'no template') FROM notification.messages NOT INDEXED"
	 " WHERE event_id IS NOT NULL GROUP BY event_id, user_id, template HAVING count(*) > 1"},

	{"message-overdue", "a message is sent, or has failed for good",
	 "SELECT id, 'it is queued, and nobody sends it' FROM notification.messages"
	 " WHERE status = 'queued' AND due_at < (SELECT overdue_before FROM look)"},

	{NULL},
};
/* clang-format on */
