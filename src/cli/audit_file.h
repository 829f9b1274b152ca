/* Whether one file is whole. */
#ifndef CLI_AUDIT_FILE_H
#define CLI_AUDIT_FILE_H

#include "cli/audit_list.h"
#include "store/sql.h"

/* Adds to the list what is wrong with the pages, rows, indexes and references of a file. */
enum err audit_check_file(struct sql *sql, const char *file, struct audit_list *list) MUST_CHECK;

#endif
