/* What news does to an order: in every order that it can come, and twice. */
#include "services/order/test_place.h"

#include "base/env.h"
#include "services/order/saga.h"

enum news_kind {
	RESERVED,
	REJECTED,
	CHARGED,
	WRONGLY_CHARGED,
	DECLINED,
	EXPIRED,
	PART_REFUNDED,
	REFUNDED,
	NEWS_COUNT
};

struct saga_work {
	struct news news;
	enum news_kind kind;
	struct id transaction;
	int64_t until_ms;
	struct shortage shortage;
};

static enum err saga_body(struct sql *sql, void *arg)
{
	static const struct money paid = {100, "EUR"}, part = {40, "EUR"}, yen = {100, "JPY"};
	struct saga_work *work = arg;

	switch (work->kind) {
	case RESERVED:
		return saga_stock_reserved(sql, &work->news, work->until_ms);
	case REJECTED:
		return saga_stock_rejected(sql, &work->news, &work->shortage, 1);
	case CHARGED:
		return saga_charged(sql, &work->news, &work->transaction, &paid);
	case WRONGLY_CHARGED:
		return saga_charged(sql, &work->news, &work->transaction, &yen);
	case DECLINED:
		return saga_declined(sql, &work->news, "card_declined", "No.");
	case EXPIRED:
		return saga_expired(sql, &work->news);
	case PART_REFUNDED:
		return saga_refunded(sql, &work->news, &paid, &part);
	case REFUNDED:
		return saga_refunded(sql, &work->news, &paid, &paid);
	case NEWS_COUNT:
	default:
		fail();
		return OK;
	}
}

static void tell(struct place *place, const struct id *order, enum news_kind kind)
{
	struct saga_work work = {
		.news = {.arena = place->arena, .order = *order},
		.kind = kind,
		.transaction = id_new(),
		.until_ms = env_now_ms() + PATIENCE_MS,
		.shortage = {.product = *order, .requested = 3, .available = 2},
	};

	assert_int_equal(sql_transaction(place->database, saga_body, &work), OK);
}

static struct order placed(struct place *place, int64_t amount)
{
	struct id user = id_new(), vendor = id_new();
	struct order order = order_of(place, &user, &vendor, 1);

	order.total.amount = amount;
	order.lines[0].unit_price.amount = order.lines[0].line_total.amount = amount;
	insert(place, &order);
	return order;
}

/* --- ways of an order ------------------------------------------------------------------------- */

/* News, in the order it comes; then what is stored. */
struct way {
	const char *name;
	enum news_kind news[8];
	size_t count;
	enum order_status status;
	enum payment_status payment;
	bool due;
	const char *reason; /* of the last step */
	const char *told;
};

#define NEWS(...) {__VA_ARGS__}, .count = sizeof((enum news_kind[]){__VA_ARGS__}) / sizeof(int)

static const struct way ways[] = {
	{"a purchase", NEWS(RESERVED, CHARGED), .status = ORDER_PAID, .payment = PAYMENT_PAID,
	 .told = "OrderPlaced OrderPaid"},
	{"the same, and everything twice", NEWS(RESERVED, RESERVED, CHARGED, CHARGED, RESERVED),
	 .status = ORDER_PAID, .payment = PAYMENT_PAID, .told = "OrderPlaced OrderPaid"},
	{"out of stock", NEWS(REJECTED, REJECTED), .status = ORDER_CANCELLED,
	 .payment = PAYMENT_NONE, .reason = "out-of-stock", .told = "OrderPlaced OrderCancelled"},
	{"waiting for its charge", NEWS(RESERVED), .status = ORDER_RESERVED,
	 .payment = PAYMENT_PROCESSING, .due = true, .told = "OrderPlaced"},
	{"declined", NEWS(RESERVED, DECLINED, DECLINED), .status = ORDER_CANCELLED,
	 .payment = PAYMENT_FAILED, .reason = "payment-declined",
	 .told = "OrderPlaced OrderCancelled"},
	{"late news of a decline", NEWS(RESERVED, CHARGED, DECLINED), .status = ORDER_PAID,
	 .payment = PAYMENT_PAID, .told = "OrderPlaced OrderPaid"},
	{"nobody answers", NEWS(EXPIRED, RESERVED), .status = ORDER_CANCELLED,
	 .payment = PAYMENT_NONE, .reason = "expired", .told = "OrderPlaced OrderCancelled"},
	{"expired, and charged nevertheless", NEWS(RESERVED, EXPIRED, CHARGED, CHARGED),
	 .status = ORDER_CANCELLED, .payment = PAYMENT_PAID, .due = true, .reason = "expired",
	 .told = "OrderPlaced OrderCancelled"},
	{"and refunded, and told of the charge once more",
	 NEWS(RESERVED, EXPIRED, CHARGED, PART_REFUNDED, REFUNDED, CHARGED),
	 .status = ORDER_CANCELLED, .payment = PAYMENT_REFUNDED, .reason = "expired",
	 .told = "OrderPlaced OrderCancelled"},
	{"refunded in part only", NEWS(RESERVED, EXPIRED, CHARGED, PART_REFUNDED),
	 .status = ORDER_CANCELLED, .payment = PAYMENT_PARTIALLY_REFUNDED, .due = true,
	 .reason = "expired", .told = "OrderPlaced OrderCancelled"},
	{"paid cannot expire", NEWS(RESERVED, CHARGED, EXPIRED), .status = ORDER_PAID,
	 .payment = PAYMENT_PAID, .told = "OrderPlaced OrderPaid"},
	{"paid, but the stock was lost", NEWS(RESERVED, CHARGED, REJECTED),
	 .status = ORDER_CANCELLED, .payment = PAYMENT_PAID, .due = true, .reason = "out-of-stock",
	 .told = "OrderPlaced OrderPaid OrderCancelled"},
	{"a goodwill refund keeps it paid", NEWS(RESERVED, CHARGED, PART_REFUNDED),
	 .status = ORDER_PAID, .payment = PAYMENT_PARTIALLY_REFUNDED,
	 .told = "OrderPlaced OrderPaid"},
	{"charged by hand before it is reserved", NEWS(CHARGED, RESERVED, CHARGED),
	 .status = ORDER_PAID, .payment = PAYMENT_PAID, .told = "OrderPlaced OrderPaid"},
	{"charged by hand, and given back in part, before it is reserved",
	 NEWS(CHARGED, PART_REFUNDED, RESERVED, CHARGED), .status = ORDER_PAID,
	 .payment = PAYMENT_PARTIALLY_REFUNDED, .told = "OrderPlaced OrderPaid"},
	{"charged by hand before it is reserved, and not with its sum",
	 NEWS(CHARGED, RESERVED, WRONGLY_CHARGED), .status = ORDER_CANCELLED,
	 .payment = PAYMENT_PAID, .due = true, .reason = "wrong-sum",
	 .told = "OrderPlaced OrderCancelled"},
	{"told of a refund before the charge that it is of", NEWS(RESERVED, PART_REFUNDED, CHARGED),
	 .status = ORDER_PAID, .payment = PAYMENT_PARTIALLY_REFUNDED,
	 .told = "OrderPlaced OrderPaid"},
	{"charged another sum", NEWS(RESERVED, WRONGLY_CHARGED, WRONGLY_CHARGED, RESERVED),
	 .status = ORDER_CANCELLED, .payment = PAYMENT_PAID, .due = true, .reason = "wrong-sum",
	 .told = "OrderPlaced OrderCancelled"},
	{"charged another sum before it is reserved, and given back",
	 NEWS(WRONGLY_CHARGED, RESERVED, REFUNDED), .status = ORDER_CANCELLED,
	 .payment = PAYMENT_REFUNDED, .reason = "wrong-sum", .told = "OrderPlaced OrderCancelled"},
	{"expired, and charged another sum", NEWS(EXPIRED, WRONGLY_CHARGED),
	 .status = ORDER_CANCELLED, .payment = PAYMENT_PAID, .due = true, .reason = "expired",
	 .told = "OrderPlaced OrderCancelled"},
	{"charged by hand, and refunded before it is reserved", NEWS(CHARGED, REFUNDED, RESERVED),
	 .status = ORDER_CANCELLED, .payment = PAYMENT_REFUNDED, .reason = "refunded",
	 .told = "OrderPlaced OrderCancelled"},
	{"charged by hand, and out of stock", NEWS(CHARGED, REJECTED), .status = ORDER_CANCELLED,
	 .payment = PAYMENT_PAID, .due = true, .reason = "out-of-stock",
	 .told = "OrderPlaced OrderCancelled"},
};

static void every_way_ends_where_it_must(void **state)
{
	struct place *place = *state;

	for (size_t i = 0; i < ARRAY_LENGTH(ways); i++) {
		const struct way *way = &ways[i];
		struct order order = placed(place, 100);
		const char *reason;

		for (size_t j = 0; j < way->count; j++)
			tell(place, &order.id, way->news[j]);
		order = stored(place, &order.id);
		reason = order.history[order.history_count - 1].reason;
		if (order.status != way->status || order.payment_status != way->payment ||
		    (order.due_ms != 0) != way->due)
			fail_msg("%s: status %d, payment %d, due %d", way->name, order.status,
				 order.payment_status, order.due_ms != 0);
		assert_string_equal(reason ? reason : "", way->reason ? way->reason : "");
		assert_string_equal(told_of(place, &order.id).types, way->told);
	}
}

static void a_charge_is_due_at_once_and_knows_its_end(void **state)
{
	struct place *place = *state;
	struct order order = placed(place, 100);

	tell(place, &order.id, RESERVED);
	order = stored(place, &order.id);
	assert_true(order.due_ms <= env_now_ms());
	assert_true(order.reserved_until_ms > env_now_ms());
}

static void the_transaction_is_the_first_that_was_told(void **state)
{
	struct place *place = *state;
	struct order order = placed(place, 100);
	struct id first;

	tell(place, &order.id, RESERVED);
	tell(place, &order.id, CHARGED);
	first = stored(place, &order.id).transaction;
	assert_false(id_is_zero(&first));
	tell(place, &order.id, CHARGED);
	order = stored(place, &order.id);
	assert_true(id_equal(&order.transaction, &first));
}

static void what_costs_nothing_is_paid_at_once(void **state)
{
	struct place *place = *state;
	struct order order = placed(place, 0);

	tell(place, &order.id, RESERVED);
	order = stored(place, &order.id);
	assert_int_equal(order.status, ORDER_PAID);
	assert_int_equal(order.payment_status, PAYMENT_NONE);
	assert_int_equal(order.history_count, 3);
	assert_string_equal(told_of(place, &order.id).types, "OrderPlaced OrderPaid");
	assert_int_equal(move(place, &order, ORDER_CANCELLED, MOVER_CUSTOMER, NULL), OK);
	assert_int_equal(stored(place, &order.id).due_ms, 0);
}

static void a_lost_stock_does_not_cancel_what_was_shipped(void **state)
{
	struct place *place = *state;
	struct order order = placed(place, 100);

	tell(place, &order.id, RESERVED);
	tell(place, &order.id, CHARGED);
	order = stored(place, &order.id);
	assert_int_equal(move(place, &order, ORDER_SHIPPED, MOVER_ADMIN, NULL), OK);
	tell(place, &order.id, REJECTED);
	assert_int_equal(stored(place, &order.id).status, ORDER_SHIPPED);
}

static void a_return_is_refunded(void **state)
{
	struct place *place = *state;
	struct order order = placed(place, 100);

	tell(place, &order.id, RESERVED);
	tell(place, &order.id, CHARGED);
	order = stored(place, &order.id);
	assert_int_equal(move(place, &order, ORDER_SHIPPED, MOVER_VENDOR, NULL), OK);
	assert_int_equal(move(place, &order, ORDER_DELIVERED, MOVER_VENDOR, NULL), OK);
	assert_int_equal(move(place, &order, ORDER_RETURNED, MOVER_VENDOR, NULL), OK);
	assert_true(stored(place, &order.id).due_ms > 0);
	tell(place, &order.id, REFUNDED);
	order = stored(place, &order.id);
	assert_int_equal(order.due_ms, 0);
	assert_int_equal(order.payment_status, PAYMENT_REFUNDED);
	assert_string_equal(told_of(place, &order.id).types,
			    "OrderPlaced OrderPaid OrderShipped OrderDelivered OrderReturned");
}

static void an_order_says_why_it_failed(void **state)
{
	struct place *place = *state;
	struct order order = placed(place, 100);
	struct id product = order.id; /* as tell() has it */

	tell(place, &order.id, REJECTED);
	order = stored(place, &order.id);
	assert_int_equal(order.shortage_count, 1);
	assert_true(id_equal(&order.shortages[0].product, &product));
	assert_int_equal(order.shortages[0].requested, 3);
	assert_int_equal(order.shortages[0].available, 2);
	assert_null(order.failure_code);

	order = placed(place, 100);
	tell(place, &order.id, RESERVED);
	tell(place, &order.id, DECLINED);
	order = stored(place, &order.id);
	assert_string_equal(order.failure_code, "card_declined");
	assert_string_equal(order.failure_message, "No.");
	assert_int_equal(order.shortage_count, 0);
}

static enum err count_strays(struct sql *sql, void *arg)
{
	struct sql_rows *rows = sql_query(sql, "SELECT count(*) FROM stray_charges");

	return SQL_TAKE(rows, (int64_t *)arg, sql_get_int(rows, 0));
}

static int64_t strays(struct place *place)
{
	int64_t count = -1;

	assert_int_equal(sql_read(place->database, count_strays, &count), OK);
	return count;
}

static void of_an_unknown_order_only_its_charge_is_news(void **state)
{
	struct id nobody = id_new();

	for (int kind = 0; kind < NEWS_COUNT; kind++) {
		if (kind != CHARGED && kind != WRONGLY_CHARGED)
			tell(*state, &nobody, (enum news_kind)kind);
	}
	assert_int_equal(strays(*state), 0);
	tell(*state, &nobody, CHARGED);
	tell(*state, &nobody, CHARGED);
	assert_int_equal(strays(*state), 1);
}

static void what_is_charged_for_nothing_goes_back(void **state)
{
	struct place *place = *state;
	struct order order = placed(place, 0);

	tell(place, &order.id, RESERVED);
	tell(place, &order.id, CHARGED);
	order = stored(place, &order.id);
	assert_int_equal(order.status, ORDER_PAID);
	assert_int_equal(order.payment_status, PAYMENT_PAID);
	assert_int_equal(strays(place), 1);
	tell(place, &order.id, REFUNDED);
	assert_int_equal(stored(place, &order.id).status, ORDER_PAID);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_open, place_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_way_ends_where_it_must),
		TEST(a_charge_is_due_at_once_and_knows_its_end),
		TEST(the_transaction_is_the_first_that_was_told),
		TEST(what_costs_nothing_is_paid_at_once),
		TEST(a_lost_stock_does_not_cancel_what_was_shipped),
		TEST(a_return_is_refunded),
		TEST(of_an_unknown_order_only_its_charge_is_news),
		TEST(what_is_charged_for_nothing_goes_back),
		TEST(an_order_says_why_it_failed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
