/*
 * What Analytics stores, as verbs. All run within a transaction, or (those that only read) a
 * snapshot; texts read are in the arena. Facts are taken once by their ids, however often they are
 * told.
 */
#ifndef SERVICES_ANALYTICS_STORE_H
#define SERVICES_ANALYTICS_STORE_H

#include "services/analytics/analytics.h"
#include "store/sql.h"

/* --- facts ------------------------------------------------------------------------------------ */

/* Deletes up to `limit` of what is older than `before_ms`, the oldest first; of what events of the
 * platform told, than `events_before_ms`. */
enum err activity_forget(struct sql *sql, int64_t before_ms, int64_t events_before_ms,
			 int64_t limit, int64_t *ret_count) MUST_CHECK;

enum err activity_insert(struct sql *sql, const struct activity *activity) MUST_CHECK;
enum err sales_insert(struct sql *sql, const struct sale *sale) MUST_CHECK;
enum err refunds_insert(struct sql *sql, const struct refund *refund) MUST_CHECK;

/* Shares the order's refunds out among its lines, once it is known to be paid. To be called behind
 * sales_insert and refunds_insert: whichever comes last does it. */
enum err refunds_share_out(struct sql *sql, const struct id *order, struct arena *arena) MUST_CHECK;

enum err products_set_name(struct sql *sql, const struct id *product, const char *name) MUST_CHECK;

/* --- reports ---------------------------------------------------------------------------------- */

/* Orders by when they were paid, refunds by when they were made. */
enum err sales_sum(struct sql *sql, const struct sales_scope *scope, struct range range,
		   struct sales_sum *ret_sum) MUST_CHECK;

/* By revenue, the highest first; at most REPORT_GROUPS_MAX. */
enum err sales_groups(struct sql *sql, const struct sales_scope *scope, struct range range,
		      enum grouping grouping, struct arena *arena, struct sales_group **ret_groups,
		      size_t *ret_count) MUST_CHECK;

enum err activity_sum(struct sql *sql, struct range range, struct activity_sum *ret_sum) MUST_CHECK;

/* By count, the highest first; at most REPORT_TYPES_MAX. */
enum err activity_types(struct sql *sql, struct range range, struct arena *arena,
			struct type_count **ret_types, size_t *ret_count) MUST_CHECK;

/* How many users did something of this type. */
enum err activity_users(struct sql *sql, struct range range, const char *type, int64_t *ret_users)
	MUST_CHECK;

#endif
