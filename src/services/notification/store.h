/*
 * What Notification stores, as verbs. All run within a transaction, or (those that only read) a
 * snapshot; texts read are in the arena.
 */
#ifndef SERVICES_NOTIFICATION_STORE_H
#define SERVICES_NOTIFICATION_STORE_H

#include "http/request.h"
#include "services/notification/message.h"
#include "store/sql.h"

/* --- messages --------------------------------------------------------------------------------- */

/* Up to `limit` of what is settled and older than `before_ms`, the oldest first. */
enum err messages_find_old(struct sql *sql, int64_t before_ms, size_t limit, struct arena *arena,
			   struct message **ret_messages, size_t *ret_count) MUST_CHECK;
enum err messages_delete(struct sql *sql, const struct id *id) MUST_CHECK;

/* Queues it; with one attempt it is claimed already, until due_ms. Does nothing where there is one
 * of this id: sql_changes tells. */
enum err messages_insert(struct sql *sql, const struct message *message) MUST_CHECK;

/* ERR_NOT_FOUND where there is none. */
enum err messages_find(struct sql *sql, const struct id *id, struct arena *arena,
		       struct message *ret_message) MUST_CHECK;

struct message_filter {
	struct id user;
	int status; /* enum message_status */
	bool has_user, has_status;
};

/* The newest first; at most page->limit + 1. */
enum err messages_list(struct sql *sql, const struct message_filter *filter,
		       const struct page *page, struct arena *arena, struct message **ret_messages,
		       size_t *ret_count) MUST_CHECK;

/* Whether any is to be sent at `now_ms`. */
enum err messages_due(struct sql *sql, int64_t now_ms, bool *ret_due) MUST_CHECK;

/* Takes at most `most` that are due, the longest waiting first, and counts an attempt for each:
 * nobody else takes them for `lease_ms`. */
enum err messages_claim(struct sql *sql, int64_t lease_ms, size_t most, struct arena *arena,
			struct message *ret_messages, size_t *ret_count) MUST_CHECK;

/* Of these, those that are still under the claim that they were made with; each once. */
enum err messages_born(struct sql *sql, const struct id *ids, size_t count, int64_t now_ms,
		       struct arena *arena, struct message *ret_messages, size_t *ret_count)
	MUST_CHECK;

/* Gives back the claim that it was made with: it is due at once, and no attempt was made. */
enum err messages_let_go(struct sql *sql, const struct id *id) MUST_CHECK;

/* Makes due at once what is to wait for longer than `longest_ms`; adds to *ret_count how many. */
enum err messages_mend(struct sql *sql, int64_t longest_ms, int64_t *ret_count) MUST_CHECK;

/* Stores what became of the attempt: status, to, last_error, and due_ms or sent_ms. What was
 * settled before stays. */
enum err messages_settle(struct sql *sql, const struct message *message) MUST_CHECK;

/* --- whose orders are ------------------------------------------------------------------------- */

struct known_order {
	struct id user;
	const char *number;
};

enum err known_orders_note(struct sql *sql, const struct id *order, const struct known_order *known)
	MUST_CHECK;
/* ERR_NOT_FOUND where nothing was heard of it. */
enum err known_orders_find(struct sql *sql, const struct id *order, struct arena *arena,
			   struct known_order *ret_known) MUST_CHECK;

/* A refund that cannot be told of before its order is known. */
struct waiting_refund {
	struct id event, order;
	struct money amount;
	const char *traceparent; /* or NULL */
};

enum err refunds_wait(struct sql *sql, const struct waiting_refund *refund) MUST_CHECK;

/* Takes one of the order's out of the waiting ones; ERR_NOT_FOUND where there is none left. */
enum err refunds_take(struct sql *sql, const struct id *order, struct arena *arena,
		      struct waiting_refund *ret_refund) MUST_CHECK;

/* --- what admins are to be told --------------------------------------------------------------- */

struct admin_news {
	struct id event;
	const char *template_name;
	const char *data;	 /* JSON */
	const char *traceparent; /* or NULL */
	int64_t attempts;
};

/* Due at once; nothing where the event is noted already. */
enum err admin_news_add(struct sql *sql, const struct admin_news *news) MUST_CHECK;

/* The one that has waited longest; ERR_NOT_FOUND where none is due. */
enum err admin_news_due(struct sql *sql, struct arena *arena, struct admin_news *ret_news)
	MUST_CHECK;
enum err admin_news_remove(struct sql *sql, const struct id *event) MUST_CHECK;

/* Not before `delay_ms` have passed; counts an attempt. */
enum err admin_news_put_off(struct sql *sql, const struct id *event, int64_t delay_ms) MUST_CHECK;

/* Makes due at once what is to wait for longer than `longest_ms`; adds to *ret_count how many. */
enum err admin_news_mend(struct sql *sql, int64_t longest_ms, int64_t *ret_count) MUST_CHECK;

#endif
