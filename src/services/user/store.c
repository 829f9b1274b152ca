/* The accounts' data: tables users and known_places of user.db. */
#include "services/user/store.h"

#include "services/user/rules.h"

#define COLUMNS                                                                      \
	"id, email, name, mobile, password_hash, roles, suspended, email_verified, " \
	"sessions_due, version, created_at, updated_at, pending"

static void read_user(struct sql_rows *rows, struct arena *arena, struct user *user)
{
	user->id = sql_get_id(rows, 0);
	user->email = sql_get_text(rows, 1, arena);
	user->name = sql_get_text(rows, 2, arena);
	user->mobile = sql_get_text(rows, 3, arena);
	user->password_hash = sql_get_text(rows, 4, arena);
	user->roles = (unsigned)sql_get_int(rows, 5);
	user->suspended = sql_get_bool(rows, 6);
	user->email_verified = sql_get_bool(rows, 7);
	user->sessions_due = (unsigned)sql_get_int(rows, 8);
	user->version = sql_get_int(rows, 9);
	user->created_ms = sql_get_int(rows, 10);
	user->updated_ms = sql_get_int(rows, 11);
	user->pending = sql_get_bool(rows, 12);
}

static enum err read_one(struct sql_rows *rows, struct arena *arena, struct user *ret_user)
{
	enum err err = sql_first(rows);

	if (err)
		return err;
	read_user(rows, arena, ret_user);
	return sql_end(rows);
}

/* --- one account ------------------------------------------------------------------------------ */

enum err users_insert(struct sql *sql, struct user *user, const char *vendor_key,
		      struct arena *arena)
{
	enum err err;

	user->version = 1;
	/* Lists are in the order of the ids: so are the moments that they show. */
	user->created_ms = user->updated_ms = id_time_ms(&user->id);
	err = sql_run(sql,
		      "INSERT INTO users (id, email, email_key, vendor_key, name, mobile,"
		      " password_hash, roles, suspended, email_verified, sessions_due, version,"
		      " created_at, updated_at, pending)"
		      " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)"
		      " ON CONFLICT DO NOTHING",
		      sql_id(&user->id), sql_text(user->email),
		      sql_text(user_email_key(arena, user->email)), sql_text(vendor_key),
		      sql_text(user->name), sql_text(user->mobile), sql_text(user->password_hash),
		      sql_int(user->roles), sql_bool(user->suspended),
		      sql_bool(user->email_verified), sql_int(user->sessions_due),
		      sql_int(user->version), sql_int(user->created_ms), sql_int(user->updated_ms),
		      sql_bool(user->pending));
	if (err)
		return err;
	return sql_changes(sql) == 1 ? OK : ERR_EMAIL_TAKEN;
}

enum err users_find(struct sql *sql, const struct id *id, struct arena *arena,
		    struct user *ret_user)
{
	return read_one(sql_query(sql, "SELECT " COLUMNS " FROM users WHERE id = $1", sql_id(id)),
			arena, ret_user);
}

enum err users_find_addresses(struct sql *sql, const struct id *id, struct arena *arena,
			      struct user *ret_user)
{
	struct sql_rows *rows =
		sql_query(sql, "SELECT email, mobile FROM users WHERE id = $1", sql_id(id));

	return SQL_TAKE(rows, ret_user,
			(struct user){
				.id = *id,
				.email = sql_get_text(rows, 0, arena),
				.mobile = sql_get_text(rows, 1, arena),
			});
}

enum err users_find_by_email(struct sql *sql, const char *email, struct arena *arena,
			     struct user *ret_user)
{
	return read_one(sql_query(sql, "SELECT " COLUMNS " FROM users WHERE email_key = $1",
				  sql_text(user_email_key(arena, email))),
			arena, ret_user);
}

enum err users_find_by_vendor_key(struct sql *sql, const char *key, struct arena *arena,
				  struct user *ret_user)
{
	return read_one(sql_query(sql, "SELECT " COLUMNS " FROM users WHERE vendor_key = $1",
				  sql_text(key)),
			arena, ret_user);
}

enum err users_find_place(struct sql *sql, const struct id *id, const struct place *place,
			  int64_t *ret_seen_ms)
{
	struct sql_rows *rows =
		sql_query(sql, "SELECT seen_at FROM known_places WHERE user_id = $1 AND place = $2",
			  sql_id(id), sql_blob(place->bytes, sizeof(place->bytes)));

	return SQL_TAKE(rows, ret_seen_ms, sql_get_int(rows, 0));
}

enum err users_note_place(struct sql *sql, const struct id *id, const struct place *place)
{
	enum err err = sql_run(sql,
			       "INSERT INTO known_places (user_id, place, seen_at)"
			       " VALUES ($1, $2, $3)"
			       " ON CONFLICT (user_id, place) DO UPDATE SET seen_at = $3",
			       sql_id(id), sql_blob(place->bytes, sizeof(place->bytes)),
			       sql_int(sql_now_ms(sql)));

	if (err)
		return err;
	return sql_run(sql,
		       "DELETE FROM known_places WHERE user_id = $1 AND place NOT IN"
		       " (SELECT place FROM known_places WHERE user_id = $1"
		       " ORDER BY seen_at DESC, place LIMIT $2)",
		       sql_id(id), sql_int(PLACES_MAX));
}

enum err users_update(struct sql *sql, struct user *user, struct arena *arena)
{
	enum err err;

	user->version++;
	user->updated_ms = sql_now_ms(sql);
	err = sql_run(sql,
		      "UPDATE users SET email = $2, email_key = $3, name = $4, mobile = $5,"
		      " password_hash = $6, roles = $7, suspended = $8, email_verified = $9,"
		      " sessions_due = $10, version = $11, updated_at = $12, pending = $13"
		      " WHERE id = $1"
		      " AND NOT EXISTS (SELECT 1 FROM users WHERE email_key = $3 AND id <> $1)",
		      sql_id(&user->id), sql_text(user->email),
		      sql_text(user_email_key(arena, user->email)), sql_text(user->name),
		      sql_text(user->mobile), sql_text(user->password_hash), sql_int(user->roles),
		      sql_bool(user->suspended), sql_bool(user->email_verified),
		      sql_int(user->sessions_due), sql_int(user->version),
		      sql_int(user->updated_ms), sql_bool(user->pending));
	if (err)
		return err;
	return sql_changes(sql) == 1 ? OK : ERR_EMAIL_TAKEN;
}

/* --- several ---------------------------------------------------------------------------------- */

enum err users_have_other_admin(struct sql *sql, const struct id *id, bool *ret_have)
{
	return sql_end_any(sql_query(sql,
				     "SELECT 1 FROM users WHERE (roles & 4) <> 0"
				     " AND suspended = 0 AND id <> $1 LIMIT 1",
				     sql_id(id)),
			   ret_have);
}

const char *const user_filter_roles[] = {"customer", "vendor", "admin", NULL};

enum err users_list(struct sql *sql, const struct user_filter *filter, const struct page *page,
		    struct arena *arena, struct user **ret_users, size_t *ret_count)
{
	/* Written out, as the indexes name them. */
	static const char *const with_role[] = {" AND (roles & 1) <> 0", " AND (roles & 2) <> 0",
						" AND (roles & 4) <> 0"};
	static const char *const with_status[] = {
		[USER_ACTIVE] = " AND suspended = 0 AND pending = 0",
		[USER_PENDING] = " AND pending = 1 AND suspended = 0",
		[USER_SUSPENDED] = " AND suspended = 1",
	};
	struct sql_builder query = sql_builder_new(arena);
	struct user *users = ARENA_ARRAY(arena, struct user, (size_t)page->limit + 1);
	struct sql_rows *rows;
	size_t count = 0;
	enum err err;

	sql_add(&query, "SELECT " COLUMNS " FROM users WHERE 1 = 1");
	if (filter->email)
		sql_add(&query, " AND email_key = ?",
			sql_text(user_email_key(arena, filter->email)));
	if (filter->role_given)
		sql_add(&query, with_role[filter->role]);
	if (filter->status_given)
		sql_add(&query, with_status[filter->status]);
	if (page->has_after)
		sql_add(&query, " AND id < ?", sql_id(&page->after.id));
	sql_add(&query, " ORDER BY id DESC LIMIT ?", sql_int(page->limit + 1));
	rows = sql_query_built(sql, &query);
	while (sql_next(rows))
		read_user(rows, arena, &users[count++]);
	err = sql_end(rows);
	if (err)
		return err;
	*ret_users = users;
	*ret_count = count;
	return OK;
}

/* --- what Auth has to be told ----------------------------------------------------------------- */

enum err users_next_due(struct sql *sql, const struct id *after, struct arena *arena,
			struct user *ret_user)
{
	return read_one(sql_query(sql,
				  "SELECT " COLUMNS " FROM users WHERE sessions_due <> 0"
				  " AND id > $1 ORDER BY id LIMIT 1",
				  sql_id(after)),
			arena, ret_user);
}

enum err users_told(struct sql *sql, const struct user *user)
{
	return sql_run(sql, "UPDATE users SET sessions_due = 0 WHERE id = $1 AND version = $2",
		       sql_id(&user->id), sql_int(user->version));
}
