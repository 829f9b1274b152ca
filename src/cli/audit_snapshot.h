/* What a rule stands on: a snapshot of every file, taken in their order, and the tables beside them
 * that say what is under way (see audit_snapshot.c). */
#ifndef CLI_AUDIT_SNAPSHOT_H
#define CLI_AUDIT_SNAPSHOT_H

#include "base/arena.h"
#include "base/err.h"
#include "store/sql.h"

#define AUDIT_MAIN_FILE "order"

/* In the order of the snapshots; ends with NULL. */
extern const char *const audit_files[];

/* How statements name a file. */
const char *audit_schema_of(const char *file);

/* ERR_CONFLICT, with a sentence in *ret_why, where a file is of another version of the program. */
enum err audit_check_versions(struct sql *sql, const char *directory, struct arena *arena,
			      const char **ret_why) MUST_CHECK;

/* Takes the snapshots, for as long as the reading lasts, and fills the tables. */
enum err audit_snapshot(struct sql *sql, const char *directory, struct arena *arena) MUST_CHECK;

/* Orders that are not settled, or that somebody has yet to hear of; of a snapshot. */
enum err audit_count_under_way(struct sql *sql, int64_t *ret_count) MUST_CHECK;

#endif
