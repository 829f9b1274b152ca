/*
 * Whether a file is whole: what SQLite's integrity_check finds, in a fraction of its time. That
 * looks every row up in every index; with a million orders that is tens of millions of descents.
 * Here
 *
 *  - quick_check walks all pages, free ones too, and checks every row's form and NOT NULL, but not
 *    the other constraints, of which it makes every list of values anew for each row;
 *  - a table's rows and an index's entries are each read once, as they lie, and their sums compared
 *    (row_sum of store/sqlite_sums.c): the index has exactly the table's rows. That its entries, and
 *    the rows of a table without rowid, come in ascending order, no two of a unique one the same, is
 *    told on the way, and so is whether the rows keep the constraints. So every look-up finds what
 *    it should;
 *  - references are looked up.
 *
 * Where any of it differs, or an index or a constraint is of a kind that is not known here, SQLite's
 * own check of that table says what is wrong, or that nothing is.
 */
#include "cli/audit_file.h"

#include <ctype.h>
#include <string.h>

#include "cli/audit_snapshot.h"

/* Of a table; with more it is left to SQLite's own check. */
#define INDEXES_MAX 32
#define CHECKS_MAX 32

struct index {
	const char *name;
	const char *columns;   /* as a statement lists them, each behind a comma */
	const char *condition; /* of a partial one; NULL: all rows */
	bool unique;
	bool is_table; /* the key of a table without rowid: its rows lie in this order */
	int count;     /* of columns */
	int key_count; /* of those that a unique one has once */
	uint64_t nocase;
};

struct checking {
	struct sql *sql;
	struct arena *arena;
	struct audit_list *list;
	const char *schema, *file, *table;
	struct index indexes[INDEXES_MAX];
	size_t count;
	const char *checks[CHECKS_MAX]; /* constraints */
	size_t check_count;
	bool unknown; /* there is one of a kind that is not known here */
	bool sound;
};

/* --- what indexes there are ------------------------------------------------------------------- */

static enum err read_columns(struct checking *checking, struct index *index)
{
	struct sql_rows *rows =
		sql_query(checking->sql,
			  "SELECT cid, name, \"desc\", coll, key FROM pragma_index_xinfo($1, $2)"
			  " ORDER BY seqno",
			  sql_text(index->name), sql_text(checking->schema));
	const char *columns = "";

	while (sql_next(rows)) {
		bool is_key = sql_get_int(rows, 4) != 0;
		const char *collation = sql_peek_text(rows, 3);

		/* Behind its key the table's own index has all its other columns. */
		if (index->is_table && !is_key)
			continue;
		if (sql_get_int(rows, 0) == -2 || sql_get_int(rows, 2) != 0 || index->count == 63)
			checking->unknown = true;
		if (collation && strcmp(collation, "NOCASE") == 0)
			index->nocase |= UINT64_C(1) << index->count;
		else if (collation && strcmp(collation, "BINARY") != 0)
			checking->unknown = true;
		columns = arena_printf(checking->arena, "%s, \"%s\"", columns,
				       sql_is_null(rows, 1) ? "rowid" : sql_peek_text(rows, 1));
		index->count++;
		index->key_count += is_key;
	}
	index->columns = columns;
	return sql_end(rows);
}

static enum err read_condition(struct checking *checking, struct index *index)
{
	struct sql_rows *rows = sql_query(checking->sql,
					  arena_printf(checking->arena,
						       "SELECT sql FROM %s.sqlite_schema"
						       " WHERE type = 'index' AND name = $1",
						       checking->schema),
					  sql_text(index->name));
	enum err err = sql_first(rows);
	const char *where;

	if (err)
		return err;
	where = strstr(sql_get_text(rows, 0, checking->arena), "WHERE ");
	if (where)
		index->condition = where + strlen("WHERE ");
	else
		checking->unknown = true;
	return sql_end(rows);
}

static enum err read_indexes(struct checking *checking, bool without_rowid)
{
	struct sql_rows *rows =
		sql_query(checking->sql,
			  "SELECT name, \"unique\", origin, partial FROM pragma_index_list($1, $2)",
			  sql_text(checking->table), sql_text(checking->schema));
	enum err err = OK;

	checking->count = 0;
	checking->unknown = false;
	while (!err && !checking->unknown && sql_next(rows)) {
		struct index *index = &checking->indexes[checking->count++];

		*index = (struct index){
			.name = sql_get_text(rows, 0, checking->arena),
			.unique = sql_get_bool(rows, 1),
			.is_table = without_rowid && strcmp(sql_peek_text(rows, 2), "pk") == 0,
		};
		err = read_columns(checking, index);
		if (!err && sql_get_bool(rows, 3))
			err = read_condition(checking, index);
		checking->unknown |= checking->count == INDEXES_MAX;
	}
	if (err) {
		enum err end_err = sql_end(rows);

		return end_err ? end_err : err;
	}
	return sql_end(rows);
}

/* --- what constraints ------------------------------------------------------------------------- */

static bool is_of_word(char character)
{
	return isalnum((unsigned char)character) || character == '_';
}

/* Behind a comment or what is quoted, where one begins at `at`; else behind its character. */
static const char *skip(const char *at)
{
	const char *end;

	if (strncmp(at, "--", 2) == 0)
		return at + strcspn(at, "\n");
	if (strncmp(at, "/*", 2) == 0) {
		end = strstr(at + 2, "*/");
		return end ? end + 2 : at + strlen(at);
	}
	if (!strchr("'\"`[", *at))
		return at + 1;
	end = strchr(at + 1, *at == '[' ? ']' : *at);
	return end ? end + 1 : at + strlen(at);
}

/* Behind the parenthesis that closes the one at `at`; NULL where none does. */
static const char *behind_parenthesis(const char *at)
{
	int depth = 0;

	while (*at) {
		depth += (*at == '(') - (*at == ')');
		at = skip(at);
		if (depth == 0)
			return at;
	}
	return NULL;
}

static void add_check(struct checking *checking, const char *at)
{
	const char *begin = at + strspn(at, " \t\n"), *end = NULL;

	if (*begin == '(')
		end = behind_parenthesis(begin);
	if (!end || checking->check_count == CHECKS_MAX) {
		checking->unknown = true;
		return;
	}
	checking->checks[checking->check_count++] =
		arena_printf(checking->arena, "%.*s", (int)(end - begin), begin);
}

/* They are written in the table's definition, and nowhere else. */
static enum err read_checks(struct checking *checking)
{
	struct sql_rows *rows = sql_query(checking->sql,
					  arena_printf(checking->arena,
						       "SELECT sql FROM %s.sqlite_schema"
						       " WHERE type = 'table' AND name = $1",
						       checking->schema),
					  sql_text(checking->table));
	enum err err = sql_first(rows);
	const char *at;
	bool in_word = false;

	if (err)
		return err;
	checking->check_count = 0;
	for (at = sql_get_text(rows, 0, checking->arena); *at; at = skip(at)) {
		if (!in_word && strncasecmp(at, "CHECK", 5) == 0 && !is_of_word(at[5]))
			add_check(checking, at + 5);
		in_word = is_of_word(*at);
	}
	return sql_end(rows);
}

/* --- rows and entries ------------------------------------------------------------------------- */

/* What tells whether the index's entries are the table's rows, and whether they lie in order. */
static const char *sum_of(struct arena *arena, const struct index *index)
{
	return arena_printf(arena, "row_sum(1%s)", index->columns);
}

static const char *order_of(struct arena *arena, const struct index *index)
{
	return arena_printf(arena, "in_order(%d, %lld%s)", index->unique ? index->key_count : 0,
			    (long long)index->nocase, index->columns);
}

/* One pass over the table, for all of its indexes and constraints: *ret_sums are the sums of the
 * indexes, in their order, side by side. */
static enum err read_table(struct checking *checking, const char **ret_sums)
{
	struct arena *arena = checking->arena;
	const char *sums = "''", *sound = "1";
	struct sql_rows *rows;
	enum err err;

	for (size_t i = 0; i < checking->count; i++) {
		const struct index *index = &checking->indexes[i];

		if (index->is_table)
			sound = arena_printf(arena, "%s AND %s", sound, order_of(arena, index));
		else
			sums = arena_printf(arena, "%s || hex(%s FILTER (WHERE %s))", sums,
					    sum_of(arena, index),
					    index->condition ? index->condition : "1");
	}
	for (size_t i = 0; i < checking->check_count; i++)
		sound = arena_printf(arena, "%s AND min(coalesce(%s <> 0, 1))", sound,
				     checking->checks[i]);
	rows = sql_query(checking->sql,
			 arena_printf(arena,
				      "SELECT %s, coalesce(%s, 1) FROM %s.\"%s\" NOT INDEXED", sums,
				      sound, checking->schema, checking->table));
	err = sql_first(rows);
	if (err)
		return err;
	*ret_sums = sql_get_text(rows, 0, arena);
	checking->sound &= sql_get_bool(rows, 1);
	return sql_end(rows);
}

/* Adds the index's sum to *ret_sums. */
static enum err read_index(struct checking *checking, const struct index *index,
			   const char **ret_sums)
{
	struct arena *arena = checking->arena;
	struct sql_rows *rows = sql_query(
		checking->sql,
		arena_printf(arena, "SELECT hex(%s), %s FROM %s.\"%s\" INDEXED BY \"%s\"%s%s",
			     sum_of(arena, index), order_of(arena, index), checking->schema,
			     checking->table, index->name, index->condition ? " WHERE " : "",
			     index->condition ? index->condition : ""));
	enum err err = sql_first(rows);

	if (err)
		return err;
	*ret_sums = arena_printf(arena, "%s%s", *ret_sums, sql_peek_text(rows, 0));
	checking->sound &= sql_get_bool(rows, 1);
	return sql_end(rows);
}

static enum err compare_indexes(struct checking *checking)
{
	const char *of_rows = "", *of_entries = "";
	enum err err = OK;

	if (checking->count || checking->check_count)
		err = read_table(checking, &of_rows);
	for (size_t i = 0; !err && checking->sound && i < checking->count; i++)
		if (!checking->indexes[i].is_table)
			err = read_index(checking, &checking->indexes[i], &of_entries);
	checking->sound &= strcmp(of_rows, of_entries) == 0;
	return err;
}

/* --- the file --------------------------------------------------------------------------------- */

/* What is wrong with the table, in SQLite's words. */
static enum err ask_engine(struct checking *checking)
{
	enum err err = sql_run(checking->sql, "PRAGMA ignore_check_constraints = OFF");

	if (err)
		return err;
	return audit_list_query(checking->list, checking->sql,
				arena_printf(checking->arena,
					     "SELECT '%s', integrity_check FROM"
					     " pragma_integrity_check('%s', '%s')"
					     " WHERE integrity_check <> 'ok'",
					     checking->file, checking->table, checking->schema));
}

static enum err check_references(struct checking *checking)
{
	return audit_list_query(
		checking->list, checking->sql,
		arena_printf(checking->arena,
			     "SELECT '%s', 'a row of ' || \"table\" || ' refers to no row of ' ||"
			     " parent FROM pragma_foreign_key_check('%s', '%s')",
			     checking->file, checking->table, checking->schema));
}

static enum err check_table(struct checking *checking, bool without_rowid)
{
	enum err err = read_indexes(checking, without_rowid);

	if (!err)
		err = read_checks(checking);
	checking->sound = !checking->unknown;
	if (!err && checking->sound)
		err = compare_indexes(checking);
	if (!err && !checking->sound)
		err = ask_engine(checking);
	return err ? err : check_references(checking);
}

static enum err check_tables(struct checking *checking)
{
	struct sql_rows *rows =
		sql_query(checking->sql,
			  arena_printf(checking->arena,
				       "SELECT t.name, t.wr FROM %s.sqlite_schema s JOIN"
				       " pragma_table_list t ON t.schema = $1 AND t.name = s.name"
				       " WHERE s.type = 'table' AND s.rootpage > 0",
				       checking->schema),
			  sql_text(checking->schema));
	enum err err = OK, end_err;

	while (!err && sql_next(rows)) {
		checking->table = sql_get_text(rows, 0, checking->arena);
		err = check_table(checking, sql_get_bool(rows, 1));
	}
	end_err = sql_end(rows);
	return err ? err : end_err;
}

enum err audit_check_file(struct sql *sql, const char *file, struct audit_list *list)
{
	struct checking checking = {.sql = sql,
				    .arena = list->arena,
				    .list = list,
				    .schema = audit_schema_of(file),
				    .file = file};
	enum err err = sql_run(sql, "PRAGMA ignore_check_constraints = ON");

	if (!err)
		err = audit_list_query(
			list, sql,
			arena_printf(list->arena,
				     "SELECT '%s', quick_check FROM pragma_quick_check"
				     " WHERE schema = '%s' AND quick_check <> 'ok' LIMIT 20",
				     file, checking.schema));
	/* In pages that are broken there is no more to find. */
	return err || list->count ? err : check_tables(&checking);
}
