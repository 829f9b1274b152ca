/* Carts in SQL: keys, changes, and going away. */
#include "services/order/test_place.h"

#include "services/order/rules.h"
#include "services/order/store_cart.h"

struct work {
	struct place *place;
	struct cart_key key;
	struct id id;
	struct cart cart;
	struct cart_line added;
	struct id line;
	struct order order;
	struct id user;
	int64_t number, count;
};

/* Work, and what it was before: a body may run more than once. */
struct attempt {
	struct work *work, given;
};

static struct work *begin(const struct attempt *attempt)
{
	struct work *work = attempt->work;
	struct cart_line *lines;

	*work = attempt->given;
	if (work->cart.lines) {
		lines = ARENA_ARRAY(work->place->arena, struct cart_line, ORDER_LINES_MAX);
		memcpy(lines, work->cart.lines, sizeof(*lines) * work->cart.line_count);
		work->cart.lines = lines;
	}
	return work;
}

#define BODY(name, call)                                                              \
	static enum err name##_body(struct sql *sql, void *arg)                       \
	{                                                                             \
		struct work *work = begin(arg);                                       \
                                                                                      \
		return call;                                                          \
	}                                                                             \
	static enum err name(struct work *work)                                       \
	{                                                                             \
		struct attempt attempt = {.work = work, .given = *work};              \
                                                                                      \
		return sql_transaction(work->place->database, name##_body, &attempt); \
	}

BODY(make, cart_insert(sql, &work->cart, &work->key))
BODY(look, cart_open(sql, work->place->arena, &work->id, &work->key, &work->cart))
BODY(newest, cart_open_newest(sql, work->place->arena, &work->user, &work->cart))
BODY(put, cart_put(sql, &work->cart, &work->added))
BODY(begin_order, cart_begin_order(sql, &work->cart.id, work->number, &work->order.id))
BODY(end_order, cart_end_order(sql, &work->order))
BODY(set, cart_set(sql, &work->cart, &work->line, work->number))
BODY(give, cart_give(sql, &work->cart, &work->user))
BODY(take_away, cart_remove(sql, &work->id, work->number))
BODY(age, sql_run(sql, "UPDATE carts SET updated_at = $2 WHERE id = $1", sql_id(&work->id),
		  sql_int(work->number)))
BODY(clear_old, cart_remove_old(sql, 1000, work->number, &work->count))

static enum err count_lines_body(struct sql *sql, void *arg)
{
	struct work *work = arg;
	struct sql_rows *rows = sql_query(sql, "SELECT count(*) FROM cart_lines WHERE cart_id = $1",
					  sql_id(&work->id));

	return SQL_TAKE(rows, &work->count, sql_get_int(rows, 0));
}

static int64_t count_lines(struct work *work)
{
	assert_int_equal(sql_read(work->place->database, count_lines_body, work), OK);
	return work->count;
}

static struct work guest_work(struct place *place, const char *secret)
{
	struct work work = {
		.place = place,
		.key = {.has_secret = true, .secret = hash_of_text(secret)},
		.id = id_new(),
	};

	work.cart.id = work.id;
	assert_int_equal(make(&work), OK);
	assert_int_equal(look(&work), OK);
	return work;
}

static struct work user_work(struct place *place, const struct id *user)
{
	struct work work = {.place = place, .key.user = *user, .id = id_new(), .user = *user};

	work.cart.id = work.id;
	assert_int_equal(make(&work), OK);
	assert_int_equal(look(&work), OK);
	return work;
}

static void fill(struct work *work, int64_t quantity)
{
	work->added = (struct cart_line){.item = {.product = id_new(), .quantity = quantity}};
	assert_int_equal(put(work), OK);
}

/* --- keys ------------------------------------------------------------------------------------- */

static void a_guest_s_cart_is_opened_by_its_secret(void **state)
{
	struct work work = guest_work(*state, "one secret");

	assert_true(id_is_zero(&work.cart.user));
	work.key.secret = hash_of_text("another secret");
	assert_int_equal(look(&work), ERR_NOT_FOUND);
	work.key = (struct cart_key){.user = id_new()};
	assert_int_equal(look(&work), ERR_NOT_FOUND);
	work.key = (struct cart_key){0};
	assert_int_equal(look(&work), ERR_NOT_FOUND);
}

static void a_user_s_cart_is_opened_by_its_user(void **state)
{
	struct id user = id_new();
	struct work work = user_work(*state, &user);

	assert_true(id_equal(&work.cart.user, &user));
	work.key.user = id_new();
	assert_int_equal(look(&work), ERR_NOT_FOUND);
	work.key = (struct cart_key){0};
	assert_int_equal(look(&work), ERR_NOT_FOUND);
	/* It has no secret, and so none opens it: not that of nothing either. */
	work.key = (struct cart_key){.has_secret = true, .secret = hash_of_text("")};
	assert_int_equal(look(&work), ERR_NOT_FOUND);
}

/* --- changes ---------------------------------------------------------------------------------- */

static void lines_are_kept_in_their_order_and_add_up(void **state)
{
	struct work work = guest_work(*state, "secret");
	struct id first;

	fill(&work, 2);
	first = work.added.item.product;
	fill(&work, 3);
	work.added = (struct cart_line){.item = {.product = first, .quantity = 5},
					.added_known = true,
					.added_price = {700, "EUR"},
					.added_available = 8};
	assert_int_equal(put(&work), OK);
	assert_int_equal(work.cart.version, 4);
	assert_int_equal(look(&work), OK);
	assert_int_equal(work.cart.version, 4);
	assert_int_equal(work.cart.line_count, 2);
	assert_true(id_equal(&work.cart.lines[0].item.product, &first));
	assert_int_equal(work.cart.lines[0].item.quantity, 7);
	assert_true(work.cart.lines[0].added_known);
	assert_int_equal(work.cart.lines[0].added_price.amount, 700);
	assert_string_equal(work.cart.lines[0].added_price.currency, "EUR");
	assert_int_equal(work.cart.lines[0].added_available, 8);
	assert_false(work.cart.lines[1].added_known);
	assert_int_equal(work.cart.lines[1].item.quantity, 3);
}

static void a_line_is_set_and_taken_out(void **state)
{
	struct work work = guest_work(*state, "secret");

	for (int i = 1; i <= 3; i++)
		fill(&work, i);
	work.line = work.cart.lines[1].id;
	work.number = 9;
	assert_int_equal(set(&work), OK);
	assert_int_equal(work.cart.lines[1].item.quantity, 9);
	work.number = 0;
	assert_int_equal(set(&work), OK);
	assert_int_equal(work.cart.line_count, 2);
	assert_int_equal(work.cart.lines[1].item.quantity, 3);
	assert_int_equal(set(&work), ERR_NOT_FOUND);
	assert_int_equal(look(&work), OK);
	assert_int_equal(work.cart.line_count, 2);
	assert_int_equal(work.cart.lines[0].item.quantity, 1);
	assert_int_equal(work.cart.lines[1].item.quantity, 3);
	assert_int_equal(work.cart.version, 6);
}

static void of_two_who_read_the_same_one_changes(void **state)
{
	struct work one = guest_work(*state, "secret"), other = one;

	other.cart.lines = ARENA_ARRAY(one.place->arena, struct cart_line, ORDER_LINES_MAX);
	fill(&one, 1);
	other.added = (struct cart_line){.item = {.product = id_new(), .quantity = 1}};
	assert_int_equal(put(&other), ERR_OVERLOADED);
	assert_int_equal(look(&one), OK);
	assert_int_equal(one.cart.line_count, 1);
}

static void a_cart_that_was_given_away_is_the_user_s_alone(void **state)
{
	struct work work = guest_work(*state, "secret");

	fill(&work, 4);
	work.user = id_new();
	assert_int_equal(give(&work), OK);
	assert_int_equal(look(&work), ERR_NOT_FOUND);
	work.key = (struct cart_key){.user = work.user};
	assert_int_equal(look(&work), OK);
	assert_int_equal(work.cart.line_count, 1);
}

static void the_newest_cart_of_a_user(void **state)
{
	struct id user = id_new(), nobody = id_new();
	struct work first = user_work(*state, &user), second = user_work(*state, &user);

	fill(&second, 1);
	fill(&first, 1);
	assert_int_equal(newest(&first), OK);
	assert_true(id_equal(&first.cart.id, &second.id));
	assert_int_equal(first.cart.line_count, 1);
	first.user = nobody;
	assert_int_equal(newest(&first), ERR_NOT_FOUND);
}

/* --- being ordered ---------------------------------------------------------------------------- */

static void a_cart_is_ordered_once_at_a_time_and_as_it_was_read(void **state)
{
	struct work work = guest_work(*state, "secret");
	struct id first = id_new();

	fill(&work, 1);
	work.order.id = first;
	work.number = work.cart.version - 1;
	assert_int_equal(begin_order(&work), ERR_NOT_FOUND);
	work.number = work.cart.version;
	assert_int_equal(begin_order(&work), OK);
	work.order.id = id_new();
	assert_int_equal(begin_order(&work), ERR_NOT_FOUND);
	assert_int_equal(look(&work), OK);
	assert_true(id_equal(&work.cart.order, &first));
	/* Another order's end is not its own. */
	work.order.cart = work.cart.id;
	work.order.status = ORDER_CANCELLED;
	assert_int_equal(end_order(&work), OK);
	assert_int_equal(look(&work), OK);
	assert_true(id_equal(&work.cart.order, &first));
	work.order.id = first;
	assert_int_equal(end_order(&work), OK);
	assert_int_equal(look(&work), OK);
	assert_true(id_is_zero(&work.cart.order));
	assert_int_equal(work.cart.version, work.number);
	assert_int_equal(work.cart.line_count, 1);
	assert_int_equal(begin_order(&work), OK);
}

static void what_is_paid_is_taken_out_of_its_cart(void **state)
{
	struct work work = guest_work(*state, "secret");
	struct order_line lines[3] = {0};

	for (int i = 0; i < 3; i++) {
		fill(&work, 5);
		lines[i].product = work.added.item.product;
		lines[i].quantity = 5;
	}
	lines[1].quantity = 3; /* two more were put in meanwhile */
	fill(&work, 4);
	work.line = work.cart.lines[2].id;
	work.number = 0;
	assert_int_equal(set(&work), OK); /* and one was taken out */
	work.number = work.cart.version;
	work.order = (struct order){.id = id_new(),
				    .cart = work.cart.id,
				    .status = ORDER_PAID,
				    .lines = lines,
				    .line_count = 3};
	assert_int_equal(begin_order(&work), OK);
	assert_int_equal(end_order(&work), OK);
	assert_int_equal(look(&work), OK);
	assert_true(id_is_zero(&work.cart.order));
	assert_int_equal(work.cart.version, work.number + 1);
	assert_int_equal(work.cart.line_count, 2);
	assert_true(id_equal(&work.cart.lines[0].item.product, &lines[1].product));
	assert_int_equal(work.cart.lines[0].item.quantity, 2);
	assert_int_equal(work.cart.lines[1].item.quantity, 4);
	assert_int_equal(end_order(&work), OK);
	assert_int_equal(look(&work), OK);
	assert_int_equal(work.cart.line_count, 2);
}

/* --- going away ------------------------------------------------------------------------------- */

static void a_cart_is_removed_as_it_was_read(void **state)
{
	struct work work = guest_work(*state, "secret");

	fill(&work, 1);
	work.number = work.cart.version - 1;
	assert_int_equal(take_away(&work), ERR_NOT_FOUND);
	assert_int_equal(look(&work), OK);
	work.number = work.cart.version;
	assert_int_equal(take_away(&work), OK);
	assert_int_equal(look(&work), ERR_NOT_FOUND);
	assert_int_equal(count_lines(&work), 0);
	assert_int_equal(take_away(&work), ERR_NOT_FOUND);
}

static void old_carts_go_in_portions_and_new_ones_stay(void **state)
{
	struct work fresh = guest_work(*state, "secret"), old[3];

	fill(&fresh, 1);
	for (size_t i = 0; i < ARRAY_LENGTH(old); i++) {
		old[i] = guest_work(*state, "secret");
		fill(&old[i], 1);
		old[i].number = 999;
		assert_int_equal(age(&old[i]), OK);
	}
	fresh.number = 2;
	assert_int_equal(clear_old(&fresh), OK);
	assert_int_equal(fresh.count, 2);
	assert_int_equal(clear_old(&fresh), OK);
	assert_int_equal(fresh.count, 1);
	for (size_t i = 0; i < ARRAY_LENGTH(old); i++) {
		assert_int_equal(look(&old[i]), ERR_NOT_FOUND);
		assert_int_equal(count_lines(&old[i]), 0);
	}
	assert_int_equal(look(&fresh), OK);
	assert_int_equal(fresh.cart.line_count, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_open, place_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_guest_s_cart_is_opened_by_its_secret),
		TEST(a_user_s_cart_is_opened_by_its_user),
		TEST(lines_are_kept_in_their_order_and_add_up),
		TEST(a_line_is_set_and_taken_out),
		TEST(of_two_who_read_the_same_one_changes),
		TEST(a_cart_that_was_given_away_is_the_user_s_alone),
		TEST(the_newest_cart_of_a_user),
		TEST(a_cart_is_ordered_once_at_a_time_and_as_it_was_read),
		TEST(what_is_paid_is_taken_out_of_its_cart),
		TEST(a_cart_is_removed_as_it_was_read),
		TEST(old_carts_go_in_portions_and_new_ones_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
