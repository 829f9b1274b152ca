/* A database in a directory of its own, for the tests of this folder. */
#ifndef STORE_TEST_PLACE_H
#define STORE_TEST_PLACE_H

#include "base/test_directory.h"
#include "store/sql.h"

struct place {
	char directory[TEST_DIRECTORY_SIZE];
	struct arena *arena;
	struct database *database, *reader; /* the reader is the test's to open, or NULL */
};

static inline struct database *place_open(struct place *place, struct database_options options)
{
	struct database *database = NULL;
	const char *why = NULL;
	enum err err;

	options.directory = place->directory;
	options.name = "test";
	options.queue_max = 1000;
	err = database_open(&options, place->arena, &database, &why);
	if (err)
		print_message("%s\n", why);
	assert_int_equal(err, OK);
	return database;
}

static inline struct place *place_make(const struct migration_set *const *sets)
{
	struct place *place = must_alloc(sizeof(*place));
	int failed = test_directory_make(place->directory);

	assert_int_equal(failed, 0);
	place->arena = arena_new();
	place->database = place_open(place, (struct database_options){.migration_sets = sets});
	return place;
}

static inline int place_remove(struct place *place)
{
	int failed;

	if (place->reader)
		database_close(place->reader);
	database_close(place->database);
	arena_free(place->arena);
	failed = test_directory_remove(place->directory);
	free(place);
	return failed ? -1 : 0;
}

#endif
