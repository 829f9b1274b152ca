/* Search: whatever is typed becomes a query that FTS5 takes, and no other syntax of it. Ratings. */
#include <sqlite3.h>

#include "base/text.h"
#include "fuzz.h"
#include "services/product/rules.h"

static sqlite3_stmt *find;

void fuzz_begin(void)
{
	sqlite3 *database;
	int failed = sqlite3_open(":memory:", &database);

	failed = failed || sqlite3_exec(database,
					"CREATE VIRTUAL TABLE words USING fts5(name, description,"
					" tokenize = 'unicode61 remove_diacritics 2');"
					"INSERT INTO words VALUES ('brass lamp', 'a lamp'),"
					" ('t-shirt', 'of \"cotton\" AND wool');",
					NULL, NULL, NULL);
	failed = failed ||
		 sqlite3_prepare_v2(database, "SELECT count(*) FROM words WHERE words MATCH ?1", -1,
				    &find, NULL);
	assert(!failed);
}

void fuzz(struct arena *arena, const char *bytes, size_t length)
{
	const char *query;
	int64_t rating;

	(void)length;
	if (rating_parse(bytes, &rating))
		assert(rating >= 0 && rating <= 500 && strlen(bytes) <= 4);
	/* The query's field has taken care of that, and of its length. */
	if (!text_is_utf8(bytes, strlen(bytes)) || strlen(bytes) > 800)
		return;
	query = search_query(arena, bytes);
	if (!query)
		return;
	sqlite3_bind_text(find, 1, query, -1, SQLITE_STATIC);
	assert(sqlite3_step(find) == SQLITE_ROW);
	sqlite3_reset(find);
}
