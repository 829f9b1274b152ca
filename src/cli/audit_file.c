/*
 * Whether a file is whole: what SQLite's integrity_check and foreign_key_check find, in a third of
 * their time. They look every row up in every index, and every reference in the table that it is
 * to; with a million orders that is tens of millions of descents. Here
 *
 *  - quick_check walks all pages, free ones too, and checks every row's form, NOT NULL and CHECK;
 *  - a table's rows and an index's entries are each read once, in their order, and their sums
 *    compared (audit_compare.h): the index has exactly the table's rows. That its entries, and the
 *    rows of a table without rowid, come in ascending order is checked on the way, and so is that
 *    no two of a unique index are the same. So every look-up finds what it should;
 *  - references are merged with what they are to, both in order.
 *
 * Where any of it differs, or an index is of a kind that is not known here, SQLite's own checks of
 * that table say what is wrong, or that nothing is.
 */
#include "cli/audit_file.h"

#include <string.h>

#include "cli/audit_compare.h"
#include "cli/audit_snapshot.h"

#define INDEXES_MAX 32 /* of a table; with more it is left to SQLite's own check */

struct index {
	const char *name;
	const char *columns;   /* as a statement lists them */
	const char *condition; /* of a partial one; NULL: all rows */
	bool unique;
	bool is_table; /* the key of a table without rowid: its rows lie in this order */
	int count;     /* of columns */
	int key_count; /* of those that a unique one has once */
	uint64_t nocase;
	struct audit_sum of_rows, of_entries;
};

struct checking {
	struct sql *sql;
	struct arena *arena;
	struct audit_list *list;
	const char *schema, *file, *table;
	struct index indexes[INDEXES_MAX];
	size_t count;
	bool unknown; /* there is an index of a kind that is not known here */
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

/* --- rows and entries ------------------------------------------------------------------------- */

/* Whether the row comes behind the one that `last` keeps, which it then is itself. */
static bool comes_behind(const struct index *index, struct sql_rows *rows, int first_column,
			 struct audit_key *last)
{
	bool behind = true;

	if (last->columns) {
		behind = audit_key_compare(rows, first_column, index->count, index->nocase, last) >
			 0;
		if (behind && index->unique && index->key_count < index->count) {
			for (int i = 0; i < index->key_count; i++)
				if (sql_is_null(rows, first_column + i))
					goto keep;
			behind = audit_key_compare(rows, first_column, index->key_count,
						   index->nocase, last) > 0;
		}
	}
keep:
	audit_key_keep(last, rows, first_column, index->count);
	return behind;
}

/* One pass over the table, for all of its indexes: of each whether the row is in it, and its
 * columns. */
static enum err read_table(struct checking *checking)
{
	const char *text = "SELECT 1";
	struct audit_key last = {0};
	struct sql_rows *rows;
	enum err err;

	for (size_t i = 0; i < checking->count; i++) {
		const struct index *index = &checking->indexes[i];

		text = arena_printf(checking->arena, "%s, (%s)%s", text,
				    index->condition ? index->condition : "1", index->columns);
	}
	rows = sql_query(checking->sql,
			 arena_printf(checking->arena, "%s FROM %s.\"%s\" NOT INDEXED", text,
				      checking->schema, checking->table));
	while (checking->sound && sql_next(rows)) {
		int column = 1;

		for (size_t i = 0; i < checking->count; i++) {
			struct index *index = &checking->indexes[i];

			if (index->is_table)
				checking->sound &= comes_behind(index, rows, column + 1, &last);
			else if (sql_get_bool(rows, column))
				audit_sum_add(&index->of_rows, rows, 1, column + 1, index->count);
			column += 1 + index->count;
		}
	}
	audit_key_release(&last);
	err = sql_end(rows);
	return err;
}

static enum err read_index(struct checking *checking, struct index *index)
{
	const char *text = arena_printf(
		checking->arena, "SELECT 1%s FROM %s.\"%s\" INDEXED BY \"%s\"%s%s", index->columns,
		checking->schema, checking->table, index->name, index->condition ? " WHERE " : "",
		index->condition ? index->condition : "");
	struct sql_rows *rows = sql_query(checking->sql, text);
	struct audit_key last = {0};

	while (checking->sound && sql_next(rows)) {
		checking->sound &= comes_behind(index, rows, 1, &last);
		audit_sum_add(&index->of_entries, rows, 1, 1, index->count);
	}
	audit_key_release(&last);
	return sql_end(rows);
}

static enum err compare_indexes(struct checking *checking)
{
	enum err err = OK;

	if (checking->count)
		err = read_table(checking);
	for (size_t i = 0; !err && checking->sound && i < checking->count; i++) {
		struct index *index = &checking->indexes[i];

		if (index->is_table)
			continue;
		err = read_index(checking, index);
		checking->sound &= index->of_rows.total == index->of_entries.total;
	}
	return err;
}

/* --- references ------------------------------------------------------------------------------- */

/* Sets *ret_sound to false where a reference of the table leads nowhere, or is of a kind that is not
 * known here. */
static enum err merge_references(struct checking *checking, bool *ret_sound)
{
	struct sql_rows *rows = sql_query(
		checking->sql,
		"SELECT seq, \"from\", \"to\", \"table\" FROM pragma_foreign_key_list($1, $2)",
		sql_text(checking->table), sql_text(checking->schema));
	bool sound = true;
	enum err err = OK, end_err;

	while (!err && sound && sql_next(rows)) {
		const char *from = sql_peek_text(rows, 1), *to = sql_peek_text(rows, 2);

		if (sql_get_int(rows, 0) > 0 || !to) {
			sound = false;
			break;
		}
		err = audit_all_among(checking->sql,
				      arena_printf(checking->arena,
						   "SELECT DISTINCT \"%s\" FROM %s.\"%s\" WHERE"
						   " \"%s\" IS NOT NULL ORDER BY 1",
						   from, checking->schema, checking->table, from),
				      arena_printf(checking->arena,
						   "SELECT \"%s\" FROM %s.\"%s\" ORDER BY 1", to,
						   checking->schema, sql_peek_text(rows, 3)),
				      &sound);
	}
	end_err = sql_end(rows);
	if (!err && !end_err)
		*ret_sound = sound;
	return err ? err : end_err;
}

static enum err check_references(struct checking *checking)
{
	bool sound = true;
	enum err err = merge_references(checking, &sound);

	if (err || sound)
		return err;
	return audit_list_query(
		checking->list, checking->sql,
		arena_printf(checking->arena,
			     "SELECT '%s', 'a row of ' || \"table\" || ' refers to no row of ' ||"
			     " parent FROM pragma_foreign_key_check('%s', '%s')",
			     checking->file, checking->table, checking->schema));
}

/* --- the file --------------------------------------------------------------------------------- */

static enum err check_table(struct checking *checking, bool without_rowid)
{
	enum err err = read_indexes(checking, without_rowid);

	checking->sound = !checking->unknown;
	if (!err && checking->sound)
		err = compare_indexes(checking);
	if (!err && !checking->sound)
		err = audit_list_query(checking->list, checking->sql,
				       arena_printf(checking->arena,
						    "SELECT '%s', integrity_check FROM"
						    " pragma_integrity_check('%s', '%s')"
						    " WHERE integrity_check <> 'ok'",
						    checking->file, checking->table,
						    checking->schema));
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
	enum err err;

	err = audit_list_query(
		list, sql,
		arena_printf(list->arena,
			     "SELECT '%s', quick_check FROM pragma_quick_check(20, '%s')"
			     " WHERE quick_check <> 'ok'",
			     file, checking.schema));
	/* In pages that are broken there is no more to find. */
	return err || list->count ? err : check_tables(&checking);
}
