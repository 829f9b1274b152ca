/*
 * Notification's SQL.
 *
 * Invariants, held by the schema and by the guards of the statements:
 *  1. One message per event, user and template: its id is made of them (message_id_of).
 *  2. A message moves once, out of `queued`.
 *  3. A queued message has one deliverer at a time: who claims it moves due_at on.
 */
#include "services/notification/store.h"

#include <string.h>

#define COLUMNS                                                                                 \
	"id, channel, recipient, user_id, event_id, template, subject, body, status, attempts," \
	" provider, last_error, traceparent, due_at, version, created_at, sent_at"

/* --- messages --------------------------------------------------------------------------------- */

static int index_of(const char *const *words, const char *word)
{
	for (int i = 0; words[i]; i++)
		if (word && strcmp(words[i], word) == 0)
			return i;
	assert(!"a word that the schema does not allow");
	return 0;
}

static struct message read_message(struct sql_rows *rows, struct arena *arena)
{
	return (struct message){
		.id = sql_get_id(rows, 0),
		.channel = (enum channel)index_of(channel_words, sql_peek_text(rows, 1)),
		.to = sql_get_text(rows, 2, arena),
		.user = sql_get_id(rows, 3),
		.event = sql_get_id(rows, 4),
		.template_name = sql_get_text(rows, 5, arena),
		.subject = sql_get_text(rows, 6, arena),
		.body = sql_get_text(rows, 7, arena),
		.status =
			(enum message_status)index_of(message_status_words, sql_peek_text(rows, 8)),
		.attempts = sql_get_int(rows, 9),
		.provider = sql_get_text(rows, 10, arena),
		.last_error = sql_get_text(rows, 11, arena),
		.traceparent = sql_get_text(rows, 12, arena),
		.due_ms = sql_get_int(rows, 13),
		.version = sql_get_int(rows, 14),
		.created_ms = sql_get_int(rows, 15),
		.sent_ms = sql_get_int(rows, 16),
	};
}

static struct sql_value id_or_null(const struct id *id)
{
	return sql_id(id_is_zero(id) ? NULL : id);
}

/* Their ids are in the order of time, also those that are made of an event's. */
enum err messages_find_old(struct sql *sql, int64_t before_ms, size_t limit, struct arena *arena,
			   struct message **ret_messages, size_t *ret_count)
{
	struct message *messages = ARENA_ARRAY(arena, struct message, limit);
	struct id before = id_first_of(before_ms);
	struct sql_rows *rows =
		sql_query(sql,
			  "SELECT " COLUMNS " FROM messages WHERE id < $1 AND status <> 'queued'"
			  " ORDER BY id LIMIT $2",
			  sql_id(&before), sql_int((int64_t)limit));
	size_t count = 0;
	enum err err;

	while (sql_next(rows))
		messages[count++] = read_message(rows, arena);
	err = sql_end(rows);
	if (err)
		return err;
	*ret_messages = messages;
	*ret_count = count;
	return OK;
}

enum err messages_delete(struct sql *sql, const struct id *id)
{
	return sql_run(sql, "DELETE FROM messages WHERE id = $1", sql_id(id));
}

enum err messages_insert(struct sql *sql, const struct message *message)
{
	assert(message->status == MESSAGE_QUEUED && message->attempts <= 1);
	return sql_run(sql,
		       "INSERT INTO messages (id, channel, recipient, user_id, event_id, template,"
		       " subject, body, status, attempts, provider, traceparent, due_at, version,"
		       " created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'queued', $9, $10,"
		       " $11, $12, $13, $14) ON CONFLICT (id) DO NOTHING",
		       sql_id(&message->id), sql_text(channel_words[message->channel]),
		       sql_text(message->to), id_or_null(&message->user),
		       id_or_null(&message->event), sql_text(message->template_name),
		       sql_text(message->subject), sql_text(message->body),
		       sql_int(message->attempts), sql_text(message->provider),
		       sql_text(message->traceparent), sql_int(message->due_ms),
		       sql_int(message->version), sql_int(message->created_ms));
}

enum err messages_find(struct sql *sql, const struct id *id, struct arena *arena,
		       struct message *ret_message)
{
	struct sql_rows *rows =
		sql_query(sql, "SELECT " COLUMNS " FROM messages WHERE id = $1", sql_id(id));

	return SQL_TAKE(rows, ret_message, read_message(rows, arena));
}

static const char *const status_conditions[] = {
	[MESSAGE_QUEUED] = " AND id IN (SELECT id FROM messages WHERE due_at IS NOT NULL)",
	[MESSAGE_SENT] = " AND status = 'sent'",
	[MESSAGE_FAILED] = " AND status = 'failed'",
};

enum err messages_list(struct sql *sql, const struct message_filter *filter,
		       const struct page *page, struct arena *arena, struct message **ret_messages,
		       size_t *ret_count)
{
	struct sql_builder query = sql_builder_new(arena);
	struct message *messages = ARENA_ARRAY(arena, struct message, (size_t)page->limit + 1);
	struct sql_rows *rows;
	size_t count = 0;
	enum err err;

	sql_add(&query, "SELECT " COLUMNS " FROM messages WHERE 1 = 1");
	if (filter->has_user)
		sql_add(&query, " AND user_id = ?", sql_id(&filter->user));
	/* Written out, as the indexes name it. */
	if (filter->has_status)
		sql_add(&query, status_conditions[filter->status]);
	if (page->has_after)
		sql_add(&query, " AND id < ?", sql_id(&page->after.id));
	sql_add(&query, " ORDER BY id DESC LIMIT ?", sql_int(page->limit + 1));
	rows = sql_query_built(sql, &query);
	while (sql_next(rows))
		messages[count++] = read_message(rows, arena);
	err = sql_end(rows);
	if (err)
		return err;
	*ret_messages = messages;
	*ret_count = count;
	return OK;
}

enum err messages_due(struct sql *sql, int64_t now_ms, bool *ret_due)
{
	return sql_end_any(sql_query(sql, "SELECT 1 FROM messages WHERE due_at <= $1 LIMIT 1",
				     sql_int(now_ms)),
			   ret_due);
}

enum err messages_claim(struct sql *sql, int64_t lease_ms, size_t most, struct arena *arena,
			struct message *ret_messages, size_t *ret_count)
{
	struct sql_rows *rows;
	size_t count = 0;
	enum err err;

	rows = sql_query(sql,
			 "UPDATE messages SET due_at = $2, attempts = attempts + 1,"
			 " version = version + 1"
			 " WHERE id IN (SELECT id FROM messages WHERE due_at <= $1"
			 " ORDER BY due_at LIMIT $3)"
			 " RETURNING " COLUMNS,
			 sql_int(sql_now_ms(sql)), sql_int(sql_now_ms(sql) + lease_ms),
			 sql_int((int64_t)most));
	while (sql_next(rows))
		ret_messages[count++] = read_message(rows, arena);
	err = sql_end(rows);
	if (!err)
		*ret_count = count;
	return err;
}

static bool is_among(const struct message *messages, size_t count, const struct id *id)
{
	for (size_t i = 0; i < count; i++)
		if (id_equal(&messages[i].id, id))
			return true;
	return false;
}

enum err messages_born(struct sql *sql, const struct id *ids, size_t count, int64_t now_ms,
		       struct arena *arena, struct message *ret_messages, size_t *ret_count)
{
	size_t found = 0;

	for (size_t i = 0; i < count; i++) {
		struct message *message = &ret_messages[found];
		enum err err = messages_find(sql, &ids[i], arena, message);

		if (err && err != ERR_NOT_FOUND)
			return err;
		if (!err && message->status == MESSAGE_QUEUED && message->attempts == 1 &&
		    message->due_ms > now_ms && !is_among(ret_messages, found, &ids[i]))
			found++;
	}
	*ret_count = found;
	return OK;
}

enum err messages_let_go(struct sql *sql, const struct id *id)
{
	return sql_run(sql,
		       "UPDATE messages SET due_at = $2, attempts = 0"
		       " WHERE id = $1 AND status = 'queued' AND attempts = 1",
		       sql_id(id), sql_int(sql_now_ms(sql)));
}

enum err messages_mend(struct sql *sql, int64_t longest_ms, int64_t *ret_count)
{
	int64_t now_ms = sql_now_ms(sql);
	enum err err;

	err = sql_run(sql,
		      "UPDATE messages SET due_at = $1 WHERE id IN (SELECT id FROM messages"
		      " WHERE due_at > $2 LIMIT $3)",
		      sql_int(now_ms), sql_int(now_ms + longest_ms), sql_int(MEND_ROWS_MAX));
	if (!err)
		*ret_count += sql_changes(sql);
	return err;
}

enum err messages_settle(struct sql *sql, const struct message *message)
{
	return sql_run(sql,
		       "UPDATE messages SET status = $2, recipient = $3, last_error = $4,"
		       " due_at = $5, sent_at = $6, version = version + 1"
		       " WHERE id = $1 AND status = 'queued'",
		       sql_id(&message->id), sql_text(message_status_words[message->status]),
		       sql_text(message->to), sql_text(message->last_error),
		       message->status == MESSAGE_QUEUED ? sql_int(message->due_ms) : sql_null(),
		       message->sent_ms ? sql_int(message->sent_ms) : sql_null());
}

/* --- whose orders are ------------------------------------------------------------------------- */

enum err known_orders_note(struct sql *sql, const struct id *order, const struct known_order *known)
{
	return sql_run(sql,
		       "INSERT INTO orders (order_id, user_id, number) VALUES ($1, $2, $3)"
		       " ON CONFLICT (order_id) DO NOTHING",
		       sql_id(order), sql_id(&known->user), sql_text(known->number));
}

enum err known_orders_find(struct sql *sql, const struct id *order, struct arena *arena,
			   struct known_order *ret_known)
{
	struct sql_rows *rows = sql_query(
		sql, "SELECT user_id, number FROM orders WHERE order_id = $1", sql_id(order));

	return SQL_TAKE(rows, ret_known,
			(struct known_order){
				.user = sql_get_id(rows, 0),
				.number = sql_get_text(rows, 1, arena),
			});
}

enum err refunds_wait(struct sql *sql, const struct waiting_refund *refund)
{
	return sql_run(sql,
		       "INSERT INTO refunds_waiting (event_id, order_id, amount, currency,"
		       " traceparent) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
		       sql_id(&refund->event), sql_id(&refund->order),
		       sql_int(refund->amount.amount), sql_text(refund->amount.currency),
		       sql_text(refund->traceparent));
}

enum err refunds_take(struct sql *sql, const struct id *order, struct arena *arena,
		      struct waiting_refund *ret_refund)
{
	struct sql_rows *rows;
	enum err err;

	rows = sql_query(sql,
			 "DELETE FROM refunds_waiting WHERE event_id IN (SELECT event_id"
			 " FROM refunds_waiting WHERE order_id = $1 ORDER BY event_id LIMIT 1)"
			 " RETURNING event_id, order_id, amount, currency, traceparent",
			 sql_id(order));
	err = sql_first(rows);
	if (err)
		return err;
	ret_refund->event = sql_get_id(rows, 0);
	ret_refund->order = sql_get_id(rows, 1);
	ret_refund->amount.amount = sql_get_int(rows, 2);
	sql_get_currency(rows, 3, ret_refund->amount.currency);
	ret_refund->traceparent = sql_get_text(rows, 4, arena);
	return sql_end(rows);
}

/* --- what admins are to be told --------------------------------------------------------------- */

enum err admin_news_add(struct sql *sql, const struct admin_news *news)
{
	return sql_run(sql,
		       "INSERT INTO admin_news (event_id, template, data, traceparent, attempts,"
		       " due_at) VALUES ($1, $2, $3, $4, 0, $5) ON CONFLICT (event_id) DO NOTHING",
		       sql_id(&news->event), sql_text(news->template_name), sql_text(news->data),
		       sql_text(news->traceparent), sql_int(sql_now_ms(sql)));
}

enum err admin_news_due(struct sql *sql, struct arena *arena, struct admin_news *ret_news)
{
	struct sql_rows *rows = sql_query(sql,
					  "SELECT event_id, template, data, traceparent, attempts"
					  " FROM admin_news WHERE due_at <= $1 ORDER BY due_at"
					  " LIMIT 1",
					  sql_int(sql_now_ms(sql)));

	return SQL_TAKE(rows, ret_news,
			(struct admin_news){
				.event = sql_get_id(rows, 0),
				.template_name = sql_get_text(rows, 1, arena),
				.data = sql_get_text(rows, 2, arena),
				.traceparent = sql_get_text(rows, 3, arena),
				.attempts = sql_get_int(rows, 4),
			});
}

enum err admin_news_remove(struct sql *sql, const struct id *event)
{
	return sql_run(sql, "DELETE FROM admin_news WHERE event_id = $1", sql_id(event));
}

enum err admin_news_put_off(struct sql *sql, const struct id *event, int64_t delay_ms)
{
	return sql_run(sql,
		       "UPDATE admin_news SET attempts = attempts + 1, due_at = $2"
		       " WHERE event_id = $1",
		       sql_id(event), sql_int(sql_now_ms(sql) + delay_ms));
}

enum err admin_news_mend(struct sql *sql, int64_t longest_ms, int64_t *ret_count)
{
	int64_t now_ms = sql_now_ms(sql);
	enum err err =
		sql_run(sql,
			"UPDATE admin_news SET due_at = $1 WHERE event_id IN (SELECT"
			" event_id FROM admin_news WHERE due_at > $2 LIMIT $3)",
			sql_int(now_ms), sql_int(now_ms + longest_ms), sql_int(MEND_ROWS_MAX));

	if (!err)
		*ret_count += sql_changes(sql);
	return err;
}
