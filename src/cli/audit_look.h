/*
 * One look at a shop's stored data: all of its files as they are at one moment, or nearly (see
 * audit_snapshot.c), and what the rules find in them.
 */
#ifndef CLI_AUDIT_LOOK_H
#define CLI_AUDIT_LOOK_H

#include "cli/audit_list.h"
#include "cli/audit_rules.h"

/* A rule and what breaks it: nothing, where the list is empty. */
struct audit_finding {
	const struct audit_rule *rule;
	struct audit_list list;
	int64_t took_ms;
};

struct audit_look {
	struct arena *arena; /* of all that it finds */
	struct audit_finding *findings;
	size_t count;
	int64_t at_ms;
	int64_t under_way; /* orders that are not settled, or that somebody has yet to hear of */
};

/* Looks at the shop in the directory, with the rules of look->findings; where it is NULL with all.
 * The workers must have been started: they share the rules out among them.
 * ERR_NOT_FOUND where it is no data directory, ERR_CONFLICT where it is of another version of the
 * program: *ret_why is a sentence, in the arena. */
enum err audit_look(const char *directory, struct audit_look *look, const char **ret_why)
	MUST_CHECK;

#endif
