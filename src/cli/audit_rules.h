/*
 * The rules of `souk audit`: each a promise of the shop, and the SQL that answers what breaks it in
 * two columns: the id of the thing (a UUID as it is stored, or text) and what is wrong with it. A
 * kept promise answers no rows.
 *
 * Statements see the files of all services by their names ("payment.transactions"), but for Order's,
 * which is `main`; and the tables that a look makes first (see audit_snapshot.c):
 *
 *	waiting (hearer, subject, type)    events that a service has been told and not yet handled
 *	heard (hearer, source, seq, told)  how far it has read the outbox of another, and how far
 *	                                   that goes
 *	lost (hearer, source, events)      how many are gone that it has yet to hear
 *	look (overdue_before, began_at)    what was due before that, the shop had an hour of running for;
 *	                                   and a moment before the first snapshot
 *
 * A detail must say the same as long as the break lasts: it holds no ages and no counters of what
 * goes on (see audit.c).
 */
#ifndef CLI_AUDIT_RULES_H
#define CLI_AUDIT_RULES_H

enum audit_scope {
	AUDIT_SHOP,    /* the statement runs once */
	AUDIT_SERVICE, /* for every service: {schema} and {name} stand for it */
	AUDIT_FILE,    /* for every file, the provider's too */
};

struct audit_rule {
	const char *name;
	const char *promise;
	const char *sql;
	enum audit_scope scope;
	/* A statement that answers 1 only where the promise is kept, and is much cheaper than `sql`,
	 * which is then asked only where it does not. Sums (row_sum of store/sqlite_sums.c) tell
	 * whether two sets of rows are the same without sorting them or looking any up. May be NULL. */
	const char *kept;
};

/* Whether an event about `subject` (an expression) is on its way to `hearer`. */
#define AUDIT_WAITS(hearer, subject) \
	"EXISTS (SELECT 1 FROM waiting WHERE hearer = '" hearer "' AND subject = " subject ")"

/* Tables that end with a rule without name. */
extern const struct audit_rule audit_rules_of_files[];
extern const struct audit_rule audit_rules_within[];  /* of one service's data */
extern const struct audit_rule audit_rules_between[]; /* of what services know of each other */

#endif
