/*
 * The words of Unicode (base/unicode.h) as a tokenizer for full-text search: tokenize = 'words'.
 *
 * Where a word stands in its text is not told: only marks in found text need it, which nobody asks
 * for.
 */
#include <sqlite3.h>
#include <stdlib.h>

#include "base/unicode.h"
#include "store/sqlite_internal.h"

struct Fts5Tokenizer {
	struct arena *arena; /* of one text */
};

struct taking {
	void *context;
	int (*token)(void *context, int flags, const char *token, int length, int start, int end);
	int code;
};

static bool take(void *arg, const char *word, size_t length)
{
	struct taking *taking = arg;

	taking->code = taking->token(taking->context, 0, word, (int)length, 0, 0);
	return taking->code == SQLITE_OK;
}

static int tokenizer_new(void *context, const char **words, int count, Fts5Tokenizer **ret_it)
{
	Fts5Tokenizer *it;

	if (count > 0)
		return SQLITE_ERROR;
	it = must_alloc(sizeof(*it));
	it->arena = arena_new_small();
	*ret_it = it;
	return SQLITE_OK;
}

static void tokenizer_free(Fts5Tokenizer *it)
{
	arena_free(it->arena);
	free(it);
}

static int tokenize(Fts5Tokenizer *it, void *context, int flags, const char *text, int length,
		    int (*token)(void *context, int flags, const char *token, int length, int start,
				 int end))
{
	struct taking taking = {.context = context, .token = token};

	unicode_words(it->arena, arena_copy_bytes(it->arena, text, (size_t)length), take, &taking);
	arena_reset(it->arena);
	return taking.code;
}

/* The way to the tables of FTS5 that is documented: it is asked for in SQL. */
static fts5_api *find_api(struct connection *connection)
{
	sqlite3_stmt *statement = NULL;
	fts5_api *api = NULL;

	if (sqlite3_prepare_v2(connection->handle, "SELECT fts5(?1)", -1, &statement, NULL) ==
	    SQLITE_OK) {
		sqlite3_bind_pointer(statement, 1, &api, "fts5_api_ptr", NULL);
		sqlite3_step(statement);
	}
	sqlite3_finalize(statement);
	return api;
}

enum err connection_add_words(struct connection *connection)
{
	static fts5_tokenizer words = {tokenizer_new, tokenizer_free, tokenize};
	fts5_api *api = find_api(connection);

	if (!api)
		return ERR_INTERNAL;
	return connection_err(connection, api->xCreateTokenizer(api, "words", NULL, &words, NULL),
			      "", "words");
}
