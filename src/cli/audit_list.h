/* What breaks a rule: things, and what is wrong with them. */
#ifndef CLI_AUDIT_LIST_H
#define CLI_AUDIT_LIST_H

#include "base/arena.h"
#include "base/err.h"
#include "store/sql.h"

#define AUDIT_VIOLATIONS_MAX 10000 /* kept per rule; more are not looked at */

struct audit_violation {
	const char *id;	    /* of the thing, as text */
	const char *detail; /* what is wrong with it */
};

struct audit_list {
	struct arena *arena;
	struct audit_violation *violations;
	size_t count;
};

/* Copies both texts; one too many is dropped. */
void audit_list_add(struct audit_list *list, const char *id, const char *detail);

/* Adds a thing for every row that the statement answers: the thing's id (a UUID as it is stored, or
 * text), and what is wrong. */
enum err audit_list_query(struct audit_list *list, struct sql *sql, const char *text) MUST_CHECK;

#endif
