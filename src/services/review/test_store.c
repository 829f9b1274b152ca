/* The suite of Review's store, run over each of its engines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/test_directory.h"
#include "services/review/store.h"

extern const struct migration review_migrations[];

struct place {
	char directory[TEST_DIRECTORY_SIZE];
	struct arena *arena;
	struct database *database;
	struct id user, product;
};

static int setup(void **state)
{
	static const struct migration_set set = {"review", review_migrations};
	static const struct migration_set *const sets[] = {&set, NULL};
	struct place *place = must_alloc(sizeof(*place));
	struct database_options options = {
		.name = "review", .migration_sets = sets, .queue_max = 100};
	const char *why = "";

	if (test_directory_make(place->directory))
		return -1;
	place->arena = arena_new();
	options.directory = place->directory;
	if (database_open(&options, place->arena, &place->database, &why))
		fail_msg("%s", why);
	place->user = id_new();
	place->product = id_new();
	*state = place;
	return 0;
}

static int teardown(void **state)
{
	struct place *place = *state;
	int failed;

	database_close(place->database);
	arena_free(place->arena);
	failed = test_directory_remove(place->directory);
	free(place);
	return failed;
}

/* --- one body for all ------------------------------------------------------------------------- */

struct step {
	struct place *place;
	enum err (*run)(struct sql *sql, struct step *step);
	struct review review;
	struct review_filter filter;
	struct page page;
	struct review *reviews;
	size_t count;
	struct rating rating;
	struct review_history history;
	int64_t number;
	bool have;
};

static enum err run_step(struct sql *sql, void *arg)
{
	struct step *step = arg;

	return step->run(sql, step);
}

static enum err run(struct step *step, enum err (*fn)(struct sql *sql, struct step *step))
{
	step->run = fn;
	return sql_transaction(step->place->database, run_step, step);
}

static enum err insert(struct sql *sql, struct step *step)
{
	return reviews_insert(sql, &step->review);
}

static enum err find(struct sql *sql, struct step *step)
{
	return reviews_find(sql, &step->review.id, step->place->arena, &step->review);
}

static enum err set_status(struct sql *sql, struct step *step)
{
	struct review review = step->review;

	return reviews_set_status(sql, &review);
}

static enum err delete (struct sql *sql, struct step *step) {
	return reviews_delete(sql, &step->review.id);
}

static enum err list(struct sql *sql, struct step *step)
{
	return reviews_list(sql, &step->filter, &step->page, step->place->arena, &step->reviews,
			    &step->count);
}

static enum err look_back(struct sql *sql, struct step *step)
{
	return reviews_history(sql, &step->review, NULL, step->number, &step->history);
}

static enum err rate(struct sql *sql, struct step *step)
{
	return ratings_add(sql, &step->review.product, step->review.rating, step->number,
			   &step->rating);
}

static enum err rate_and_fail(struct sql *sql, struct step *step)
{
	enum err err = rate(sql, step);

	return err ? err : ERR_CONFLICT;
}

static enum err rating(struct sql *sql, struct step *step)
{
	return ratings_find(sql, &step->review.product, &step->rating);
}

static enum err buy(struct sql *sql, struct step *step)
{
	return purchases_add(sql, &step->review.user, &step->review.product, 1);
}

static enum err bought(struct sql *sql, struct step *step)
{
	return purchases_have(sql, &step->review.user, &step->review.product, &step->have);
}

static struct step step_of(struct place *place, int64_t stars)
{
	return (struct step){
		.place = place,
		.review =
			{
				.id = id_new(),
				.user = place->user,
				.product = place->product,
				.author = "Leyla",
				.rating = stars,
				.comment = "Fine.",
				.helpfulness = stars % 2,
				.version = 1,
				.created_ms = 1000,
			},
	};
}

/* --- tests ------------------------------------------------------------------------------------ */

static void test_one_per_user_and_product(void **state)
{
	struct place *place = *state;
	struct step first = step_of(place, 4), second = step_of(place, 2);

	first.review.title = "A title";
	assert_int_equal(run(&first, insert), OK);
	assert_int_equal(run(&second, insert), ERR_ALREADY_REVIEWED);
	second.review.id = first.review.id;
	assert_int_equal(run(&second, find), OK);
	assert_int_equal(second.review.rating, 4);
	assert_string_equal(second.review.title, "A title");
	assert_string_equal(second.review.author, "Leyla");
	assert_null(second.review.reason);
	assert_int_equal(second.review.status, REVIEW_PUBLISHED);

	assert_int_equal(run(&first, delete), OK);
	assert_int_equal(run(&second, find), ERR_NOT_FOUND);
	assert_int_equal(run(&second, insert), OK);
}

static void test_status_moves_the_version(void **state)
{
	struct step step = step_of(*state, 4);

	assert_int_equal(run(&step, insert), OK);
	step.review.status = REVIEW_REJECTED;
	step.review.reason = "Rude.";
	assert_int_equal(run(&step, set_status), OK);
	assert_int_equal(run(&step, find), OK);
	assert_int_equal(step.review.status, REVIEW_REJECTED);
	assert_string_equal(step.review.reason, "Rude.");
	assert_int_equal(step.review.version, 2);
}

static void test_pages_in_every_order(void **state)
{
	static const enum review_sort sorts[] = {REVIEWS_NEWEST, REVIEWS_HELPFUL, REVIEWS_BEST};
	struct place *place = *state;
	struct step step;

	for (int64_t i = 0; i < 12; i++) {
		step = step_of(place, 1 + i % 5);
		step.review.user = id_new();
		step.review.status = i == 7 ? REVIEW_PENDING : REVIEW_PUBLISHED;
		assert_int_equal(run(&step, insert), OK);
	}
	for (size_t s = 0; s < ARRAY_LENGTH(sorts); s++) {
		struct cursor before = {0};
		size_t seen = 0;
		bool more = true;

		step.filter = (struct review_filter){.product = &place->product, .sort = sorts[s]};
		step.page = (struct page){.limit = 3};
		while (more) {
			assert_int_equal(run(&step, list), OK);
			more = step.count > 3;
			for (size_t i = 0; i < MIN(step.count, (size_t)3); i++, seen++) {
				struct cursor now = review_cursor(&step.reviews[i], sorts[s]);

				assert_int_equal(step.reviews[i].status, REVIEW_PUBLISHED);
				if (seen)
					assert_true(now.number < before.number ||
						    (now.number == before.number &&
						     id_compare(&now.id, &before.id) < 0));
				before = now;
			}
			step.page.has_after = true;
			step.page.after = before;
		}
		assert_int_equal(seen, 11);
	}
}

static void test_lists_of_users_and_of_a_status(void **state)
{
	struct place *place = *state;
	struct step mine = step_of(place, 5), other = step_of(place, 5);

	mine.review.status = REVIEW_PENDING;
	other.review.user = id_new();
	assert_int_equal(run(&mine, insert), OK);
	assert_int_equal(run(&other, insert), OK);
	mine.page.limit = 20;
	mine.filter.user = &place->user;
	assert_int_equal(run(&mine, list), OK);
	assert_int_equal(mine.count, 1);
	mine.filter.has_status = true;
	mine.filter.status = REVIEW_PUBLISHED;
	assert_int_equal(run(&mine, list), OK);
	assert_int_equal(mine.count, 0);
	mine.filter.user = NULL;
	mine.filter.status = REVIEW_PENDING;
	assert_int_equal(run(&mine, list), OK);
	assert_int_equal(mine.count, 1);
	assert_true(id_equal(&mine.reviews[0].id, &mine.review.id));
}

static void test_history(void **state)
{
	struct step step = step_of(*state, 5);

	step.number = 1000;
	assert_int_equal(run(&step, insert), OK);
	assert_int_equal(run(&step, look_back), OK);
	assert_int_equal(step.history.recent, 1);
	assert_false(step.history.published_before);
	step.number = 1001;
	assert_int_equal(run(&step, look_back), OK);
	assert_int_equal(step.history.recent, 0);
	assert_true(step.history.published_before);
}

static void test_ratings(void **state)
{
	struct step step = step_of(*state, 5);

	assert_int_equal(run(&step, rating), OK);
	assert_int_equal(rating_count(&step.rating), 0);
	step.number = 1;
	assert_int_equal(run(&step, rate), OK);
	step.review.rating = 2;
	assert_int_equal(run(&step, rate), OK);
	assert_int_equal(step.rating.version, 2);
	assert_int_equal(run(&step, rate_and_fail), ERR_CONFLICT);
	assert_int_equal(run(&step, rating), OK);
	assert_int_equal(step.rating.stars[5], 1);
	assert_int_equal(step.rating.stars[2], 1);
	step.number = -1;
	assert_int_equal(run(&step, rate), OK);
	assert_int_equal(rating_count(&step.rating), 1);
	assert_int_equal(step.rating.version, 3);
	/* Counting out what was never counted in is refused by the schema. */
	assert_int_not_equal(run(&step, rate), OK);
}

static void test_purchases_verify(void **state)
{
	struct step step = step_of(*state, 4);

	assert_int_equal(run(&step, insert), OK);
	assert_int_equal(run(&step, bought), OK);
	assert_false(step.have);
	assert_int_equal(run(&step, buy), OK);
	assert_int_equal(run(&step, buy), OK);
	assert_int_equal(run(&step, bought), OK);
	assert_true(step.have);
	assert_int_equal(run(&step, find), OK);
	assert_true(step.review.verified);
	assert_int_equal(step.review.helpfulness, REVIEW_HELPFUL_VERIFIED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_one_per_user_and_product, setup, teardown),
		cmocka_unit_test_setup_teardown(test_status_moves_the_version, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pages_in_every_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lists_of_users_and_of_a_status, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_history, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ratings, setup, teardown),
		cmocka_unit_test_setup_teardown(test_purchases_verify, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
