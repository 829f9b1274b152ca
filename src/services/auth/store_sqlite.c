/*
 * Auth's data in SQL.
 *
 * Invariants:
 *  1. A refresh token itself is never stored, only hashes of the last two of a session.
 *  2. An access token of a session is in `issued` before anybody has it, so that whoever ends the
 *     session kills it too.
 *  3. Nothing begins for a holder within a transaction that runs after the one that suspended it.
 */
#include "services/auth/store.h"

#include <string.h>

#define SWEEP_ROWS_MAX 1000
#define SESSIONS_ENDED_MAX 1000 /* at a time, where a user has too many */

static struct database *database;

void token_store_open(struct database *of_service)
{
	database = of_service;
}

/* --- rows ------------------------------------------------------------------------------------- */

static struct sql_value blob_of_hash(const struct hash *hash)
{
	return sql_blob(hash->bytes, HASH_SIZE);
}

/* A NULL leaves it all zero. */
static void read_bytes(struct sql_rows *rows, int column, uint8_t *bytes, size_t size)
{
	size_t length;
	const void *blob = sql_peek_blob(rows, column, &length);

	if (!blob)
		return;
	assert(length == size);
	memcpy(bytes, blob, size);
}

static enum err read_session(struct sql *sql, const struct id *id, struct session *ret_session)
{
	struct session session = {.id = *id};
	struct sql_rows *rows;
	enum err err;

	rows = sql_query(sql,
			 "SELECT user_id, secret, current_hash, previous_hash, created_at,"
			 " rotated_at, expires_at FROM sessions WHERE id = $1",
			 sql_id(id));
	err = sql_first(rows);
	if (err)
		return err;
	session.user = sql_get_id(rows, 0);
	read_bytes(rows, 1, session.secret, sizeof(session.secret));
	read_bytes(rows, 2, session.current.bytes, HASH_SIZE);
	read_bytes(rows, 3, session.previous.bytes, HASH_SIZE);
	session.created_ms = sql_get_int(rows, 4);
	session.rotated_ms = sql_get_int(rows, 5);
	session.expires_ms = sql_get_int(rows, 6);
	*ret_session = session;
	return sql_end(rows);
}

static enum err insert_issued(struct sql *sql, const struct token_mark *access,
			      const struct id *session)
{
	return sql_run(sql, "INSERT INTO issued (token, session, expires_at) VALUES ($1, $2, $3)",
		       sql_id(&access->token), sql_id(session), sql_int(access->expires_ms));
}

struct holder {
	bool suspended;
	struct id sessions_before, tokens_before; /* zero: none */
};

/* All zero where nothing was ever ended. */
static enum err read_holder(struct sql *sql, const struct id *id, struct holder *ret_holder)
{
	struct sql_rows *rows = sql_query(sql,
					  "SELECT suspended, sessions_before, tokens_before"
					  " FROM holders WHERE id = $1",
					  sql_id(id));
	enum err err;

	err = SQL_TAKE(rows, ret_holder,
		       (struct holder){
			       .suspended = sql_get_bool(rows, 0),
			       .sessions_before = sql_get_id(rows, 1),
			       .tokens_before = sql_get_id(rows, 2),
		       });
	if (err != ERR_NOT_FOUND)
		return err;
	*ret_holder = (struct holder){0};
	return OK;
}

/* --- beginning -------------------------------------------------------------------------------- */

struct beginning {
	struct session *session;
	const struct token_mark *access;
	const struct id *as_of;
};

static enum err end_oldest(struct sql *sql, const struct id *user)
{
	return sql_run(sql,
		       "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions"
		       " WHERE user_id = $1 ORDER BY created_at DESC LIMIT $2 OFFSET $3)",
		       sql_id(user), sql_int(SESSIONS_ENDED_MAX), sql_int(SESSIONS_PER_USER_MAX));
}

static enum err begin(struct sql *sql, void *arg)
{
	const struct beginning *beginning = arg;
	struct session *session = beginning->session;
	struct holder holder;
	enum err err;

	err = read_holder(sql, &session->user, &holder);
	if (err)
		return err;
	if (holder.suspended || id_compare(beginning->as_of, &holder.sessions_before) <= 0)
		return ERR_CONFLICT;
	session->created_ms = session->rotated_ms = sql_now_ms(sql);
	err = sql_run(
		sql,
		"INSERT INTO sessions (id, user_id, secret, current_hash, previous_hash,"
		" created_at, rotated_at, expires_at) VALUES ($1, $2, $3, $4, NULL, $5, $6, $7)",
		sql_id(&session->id), sql_id(&session->user),
		sql_blob(session->secret, sizeof(session->secret)), blob_of_hash(&session->current),
		sql_int(session->created_ms), sql_int(session->rotated_ms),
		sql_int(session->expires_ms));
	if (err)
		return err;
	err = insert_issued(sql, beginning->access, &session->id);
	if (err)
		return err;
	return end_oldest(sql, &session->user);
}

enum err token_store_begin(struct session *session, const struct token_mark *access,
			   const struct id *as_of)
{
	struct beginning beginning = {.session = session, .access = access, .as_of = as_of};

	return sql_transaction(database, begin, &beginning);
}

/* --- ending ----------------------------------------------------------------------------------- */

struct end {
	const struct id *session;
	struct arena *arena;
	struct token_mark *killed;
	size_t count;
};

static enum err list_issued(struct sql *sql, struct end *end)
{
	struct sql_rows *rows;
	size_t room;
	enum err err;

	rows = sql_query(sql, "SELECT count(*) FROM issued WHERE session = $1 AND expires_at > $2",
			 sql_id(end->session), sql_int(sql_now_ms(sql)));
	err = SQL_TAKE(rows, &room, (size_t)sql_get_int(rows, 0));
	if (err)
		return err;
	end->killed = ARENA_ARRAY(end->arena, struct token_mark, room);
	end->count = 0;
	rows = sql_query(sql,
			 "SELECT token, expires_at FROM issued WHERE session = $1"
			 " AND expires_at > $2",
			 sql_id(end->session), sql_int(sql_now_ms(sql)));
	while (end->count < room && sql_next(rows))
		end->killed[end->count++] = (struct token_mark){
			.token = sql_get_id(rows, 0),
			.expires_ms = sql_get_int(rows, 1),
		};
	return sql_end(rows);
}

static enum err end_session(struct sql *sql, void *arg)
{
	struct end *end = arg;
	enum err err;

	err = list_issued(sql, end);
	if (err)
		return err;
	err = sql_run(sql,
		      "INSERT INTO dead_tokens (token, expires_at) SELECT token, expires_at"
		      " FROM issued WHERE session = $1 AND expires_at > $2 ON CONFLICT DO NOTHING",
		      sql_id(end->session), sql_int(sql_now_ms(sql)));
	if (err)
		return err;
	err = sql_run(sql, "DELETE FROM issued WHERE session = $1", sql_id(end->session));
	if (err)
		return err;
	return sql_run(sql, "DELETE FROM sessions WHERE id = $1", sql_id(end->session));
}

enum err token_store_end(const struct id *session, struct arena *arena,
			 struct token_mark **ret_killed, size_t *ret_count)
{
	struct end end = {.session = session, .arena = arena};
	enum err err = sql_transaction(database, end_session, &end);

	if (err)
		return err;
	*ret_killed = end.killed;
	*ret_count = end.count;
	return OK;
}

/* --- rotating --------------------------------------------------------------------------------- */

struct finding {
	const struct id *id;
	struct session session;
};

static enum err find(struct sql *sql, void *arg)
{
	struct finding *finding = arg;

	return read_session(sql, finding->id, &finding->session);
}

enum err token_store_find(const struct id *session, struct session *ret_session)
{
	struct finding finding = {.id = session};
	enum err err = sql_read(database, find, &finding);

	if (!err)
		*ret_session = finding.session;
	return err;
}

static enum err last_ending(struct sql *sql, void *arg)
{
	struct sql_rows *rows = sql_query(sql, "SELECT max(sessions_before), max(tokens_before)"
					       " FROM holders");
	struct id sessions, tokens, *ret_before = arg;
	enum err err = sql_first(rows);

	if (err)
		return err;
	sessions = sql_get_id(rows, 0);
	tokens = sql_get_id(rows, 1);
	*ret_before = id_compare(&sessions, &tokens) < 0 ? tokens : sessions;
	return sql_end(rows);
}

enum err token_store_last_ending(struct id *ret_before)
{
	return sql_read(database, last_ending, ret_before);
}

static enum err any_session(struct sql *sql, void *arg)
{
	return sql_end_any(sql_query(sql, "SELECT 1 FROM sessions LIMIT 1"), arg);
}

enum err token_store_any_session(bool *ret_any)
{
	return sql_read(database, any_session, ret_any);
}

static enum err replace(struct sql *sql, const struct session *session,
			const struct rotation *rotation)
{
	struct hash successor = refresh_token_hash(&rotation->successor);

	return sql_run(sql,
		       "UPDATE sessions SET previous_hash = current_hash, current_hash = $2,"
		       " rotated_at = $3, expires_at = $4 WHERE id = $1",
		       sql_id(&session->id), blob_of_hash(&successor), sql_int(sql_now_ms(sql)),
		       sql_int(rotation->expires_ms));
}

/* A detected reuse is an outcome, not an error: the ending of the session must be stored. */
static enum err rotate(struct sql *sql, void *arg)
{
	struct rotation *rotation = arg;
	struct end end = {.session = &rotation->token.session, .arena = rotation->arena};
	struct hash hash = refresh_token_hash(&rotation->token);
	struct session session;
	enum err err;

	err = read_session(sql, &rotation->token.session, &session);
	if (err)
		return err;
	rotation->use = refresh_token_use(&session, &hash, sql_now_ms(sql));
	if (rotation->use == REFRESH_REUSED || rotation->use == REFRESH_EXPIRED) {
		err = end_session(sql, &end);
		rotation->killed = end.killed;
		rotation->killed_count = end.count;
		return err;
	}
	rotation->successor = refresh_token_next(&session, &rotation->token);
	if (rotation->use == REFRESH_CURRENT)
		err = replace(sql, &session, rotation);
	if (err)
		return err;
	return insert_issued(sql, &rotation->access, &session.id);
}

enum err token_store_rotate(struct rotation *rotation)
{
	return sql_transaction(database, rotate, rotation);
}

/* --- dead tokens ------------------------------------------------------------------------------ */

static enum err kill(struct sql *sql, void *arg)
{
	const struct token_mark *token = arg;

	return sql_run(sql,
		       "INSERT INTO dead_tokens (token, expires_at) VALUES ($1, $2)"
		       " ON CONFLICT DO NOTHING",
		       sql_id(&token->token), sql_int(token->expires_ms));
}

enum err token_store_kill(const struct token_mark *token)
{
	return sql_transaction(database, kill, (void *)token);
}

struct holder_end {
	const struct ending *ending;
	struct id before;
};

static const struct id *id_or_null(const struct id *id)
{
	return id_is_zero(id) ? NULL : id;
}

static enum err end_holder(struct sql *sql, void *arg)
{
	struct holder_end *end = arg;
	const struct ending *ending = end->ending;
	struct id now = id_new();
	struct holder holder;
	enum err err;

	err = read_holder(sql, &ending->holder, &holder);
	if (err)
		return err;
	if (ending->refresh_tokens)
		holder.sessions_before = now;
	if (ending->access_tokens)
		holder.tokens_before = now;
	end->before = ending->access_tokens ? now : (struct id){0};
	err = sql_run(
		sql,
		"INSERT INTO holders (id, suspended, sessions_before, tokens_before, ended_at)"
		" VALUES ($1, $2, $3, $4, $5) ON CONFLICT (id) DO UPDATE SET"
		" suspended = excluded.suspended, sessions_before = excluded.sessions_before,"
		" tokens_before = excluded.tokens_before, ended_at = excluded.ended_at",
		sql_id(&ending->holder), sql_bool(ending->suspended),
		sql_id(id_or_null(&holder.sessions_before)),
		sql_id(id_or_null(&holder.tokens_before)), sql_int(sql_now_ms(sql)));
	if (err || !ending->refresh_tokens)
		return err;
	return sql_run(sql, "DELETE FROM sessions WHERE user_id = $1", sql_id(&ending->holder));
}

enum err token_store_end_holder(const struct ending *ending, struct id *ret_before)
{
	struct holder_end end = {.ending = ending};
	enum err err = sql_transaction(database, end_holder, &end);

	if (!err)
		*ret_before = end.before;
	return err;
}

/* --- looking ---------------------------------------------------------------------------------- */

struct loading {
	int64_t access_ms;
	dead_visit *visit;
	void *arg;
};

static enum err load(struct sql *sql, void *arg)
{
	const struct loading *loading = arg;
	int64_t now_ms = sql_now_ms(sql);
	struct id id, before;
	struct sql_rows *rows;
	enum err err;

	rows = sql_query(sql, "SELECT token, expires_at FROM dead_tokens WHERE expires_at > $1",
			 sql_int(now_ms));
	while (sql_next(rows)) {
		id = sql_get_id(rows, 0);
		loading->visit(loading->arg, &id, NULL, sql_get_int(rows, 1));
	}
	err = sql_end(rows);
	if (err)
		return err;
	rows = sql_query(sql,
			 "SELECT id, tokens_before, ended_at FROM holders"
			 " WHERE ended_at > $1 AND tokens_before IS NOT NULL",
			 sql_int(now_ms - loading->access_ms));
	while (sql_next(rows)) {
		id = sql_get_id(rows, 0);
		before = sql_get_id(rows, 1);
		loading->visit(loading->arg, &id, &before,
			       sql_get_int(rows, 2) + loading->access_ms);
	}
	return sql_end(rows);
}

enum err token_store_load(int64_t access_ms, dead_visit *visit, void *arg)
{
	struct loading loading = {.access_ms = access_ms, .visit = visit, .arg = arg};

	return sql_read(database, load, &loading);
}

struct question {
	const struct id *token, *holder;
	bool dead;
};

static enum err look(struct sql *sql, void *arg)
{
	struct question *question = arg;
	struct holder holder;
	enum err err;

	err = sql_end_any(sql_query(sql, "SELECT 1 FROM dead_tokens WHERE token = $1",
				    sql_id(question->token)),
			  &question->dead);
	if (err || question->dead)
		return err;
	err = read_holder(sql, question->holder, &holder);
	question->dead = !err && id_compare(question->token, &holder.tokens_before) < 0;
	return err;
}

enum err token_store_is_dead(const struct id *token, const struct id *holder, bool *ret_dead)
{
	struct question question = {.token = token, .holder = holder};
	enum err err = sql_read(database, look, &question);

	if (!err)
		*ret_dead = question.dead;
	return err;
}

/* --- issuers ---------------------------------------------------------------------------------- */

struct noting {
	const char *issuer;
	struct arena *arena;
	const char **issuers;
};

static enum err note_issuer(struct sql *sql, void *arg)
{
	struct noting *noting = arg;
	struct sql_rows *rows;
	size_t count = 0;
	enum err err;

	err = sql_run(sql,
		      "INSERT INTO issuers (issuer, turn)"
		      " SELECT $1, coalesce(max(turn), 0) + 1 FROM issuers WHERE true"
		      " ON CONFLICT (issuer) DO UPDATE SET turn = excluded.turn",
		      sql_text(noting->issuer));
	if (err)
		return err;
	err = sql_run(sql,
		      "DELETE FROM issuers WHERE issuer NOT IN"
		      " (SELECT issuer FROM issuers ORDER BY turn DESC LIMIT $1)",
		      sql_int(ISSUERS_MAX));
	if (err)
		return err;
	rows = sql_query(sql, "SELECT issuer FROM issuers ORDER BY turn DESC");
	while (count < ISSUERS_MAX && sql_next(rows))
		noting->issuers[count++] = sql_get_text(rows, 0, noting->arena);
	noting->issuers[count] = NULL;
	return sql_end(rows);
}

enum err token_store_note_issuer(const char *issuer, struct arena *arena, const char **ret_issuers)
{
	struct noting noting = {.issuer = issuer, .arena = arena, .issuers = ret_issuers};

	return sql_transaction(database, note_issuer, &noting);
}

/* --- forgetting ------------------------------------------------------------------------------- */

struct sweep {
	int64_t now_ms, access_ms;
	bool more;
};

static enum err sweep(struct sql *sql, void *arg)
{
	static const char *const by_expiry[] = {
		"DELETE FROM sessions WHERE id IN"
		" (SELECT id FROM sessions WHERE expires_at <= $1 LIMIT $2)",
		"DELETE FROM issued WHERE token IN"
		" (SELECT token FROM issued WHERE expires_at <= $1 LIMIT $2)",
		"DELETE FROM dead_tokens WHERE token IN"
		" (SELECT token FROM dead_tokens WHERE expires_at <= $1 LIMIT $2)",
	};
	struct sweep *sweeping = arg;
	enum err err;

	sweeping->more = false;
	for (size_t i = 0; i < ARRAY_LENGTH(by_expiry); i++) {
		err = sql_run(sql, by_expiry[i], sql_int(sweeping->now_ms),
			      sql_int(SWEEP_ROWS_MAX));
		if (err)
			return err;
		sweeping->more = sweeping->more || sql_changes(sql) == SWEEP_ROWS_MAX;
	}
	err = sql_run(sql,
		      "DELETE FROM holders WHERE id IN (SELECT id FROM holders"
		      " WHERE suspended = 0 AND ended_at <= $1 LIMIT $2)",
		      sql_int(sweeping->now_ms - sweeping->access_ms), sql_int(SWEEP_ROWS_MAX));
	sweeping->more = sweeping->more || sql_changes(sql) == SWEEP_ROWS_MAX;
	return err;
}

enum err token_store_sweep(int64_t now_ms, int64_t access_ms)
{
	struct sweep sweeping = {.now_ms = now_ms, .access_ms = access_ms};
	enum err err;

	do
		err = sql_transaction(database, sweep, &sweeping);
	while (!err && sweeping.more);
	return err;
}
