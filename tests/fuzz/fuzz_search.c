/*
 * Search: whatever is typed becomes queries that FTS5 takes, with no other syntax of it: each word
 * must be there, and what all of them find is in just one of the tiers. Ratings.
 */
#include <sqlite3.h>

#include "base/text.h"
#include "fuzz.h"
#include "services/product/rules.h"
#include "store/sqlite_internal.h"

#define ABSENT "zzqqzz"

static sqlite3_stmt *find;

void fuzz_begin(void)
{
	struct connection connection = {0};
	sqlite3 *database;
	int failed = sqlite3_open(":memory:", &database);

	connection.handle = database;
	failed = failed || connection_add_words(&connection);

	failed = failed ||
		 sqlite3_exec(
			 database,
			 "CREATE VIRTUAL TABLE words USING fts5(name, tags, category, sku, body,"
			 " tokenize = 'words', prefix = '1 2 3');"
			 "INSERT INTO words VALUES ('brass lamp', 'red', 'a/lamps', 'A-1', 'a b'),"
			 " ('t-shirt', 'or', 'name', 'AND', 'of \"cotton\" and wool'),"
			 " ('a', 'b', 'c', 'd', 'e'), ('e d', 'c b', 'a', 'near', 'not'),"
			 " ('\u65e5\u672c\u8336', '\u0451\u043b\u043a\u0430', '', '', '\u03ac')",
			 NULL, NULL, NULL);
	failed = failed ||
		 sqlite3_prepare_v2(database, "SELECT count(*) FROM words WHERE words MATCH ?1", -1,
				    &find, NULL);
	assert(!failed);
}

static int count(const char *query)
{
	int found;

	sqlite3_bind_text(find, 1, query, -1, SQLITE_STATIC);
	assert(sqlite3_step(find) == SQLITE_ROW);
	found = sqlite3_column_int(find, 0);
	sqlite3_reset(find);
	return found;
}

void fuzz(struct arena *arena, const char *bytes, size_t length)
{
	const struct search *search;
	int64_t rating;
	int found = 0;

	(void)length;
	if (rating_parse(bytes, &rating))
		assert(rating >= 0 && rating <= 500 && strlen(bytes) <= 4);
	/* The query's field has taken care of that, and of its length. */
	if (!text_is_utf8(bytes, strlen(bytes)) || strlen(bytes) > 800)
		return;
	search = search_new(arena, bytes);
	if (!search)
		return;
	for (size_t i = 0; i < SEARCH_TIERS; i++)
		found += search->tiers[i] ? count(search->tiers[i]) : 0;
	assert(count(search->all) == found);
	if (search->words < SEARCH_WORDS_MAX && strlen(bytes) < SEARCH_WORDS_MAX * 4) {
		search = search_new(arena, arena_printf(arena, "%s " ABSENT, bytes));
		assert(count(search->all) == 0);
	}
	search = search_new(arena, arena_printf(arena, ABSENT " %s", bytes));
	assert(count(search->all) == 0);
}
