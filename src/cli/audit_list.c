/* Lists of what breaks a rule. */
#include "cli/audit_list.h"

void audit_list_add(struct audit_list *list, const char *id, const char *detail)
{
	if (!list->violations)
		list->violations =
			ARENA_ARRAY(list->arena, struct audit_violation, AUDIT_VIOLATIONS_MAX);
	if (list->count == AUDIT_VIOLATIONS_MAX)
		return;
	list->violations[list->count++] = (struct audit_violation){
		.id = arena_copy_text(list->arena, id ? id : "-"),
		.detail = arena_copy_text(list->arena, detail ? detail : "-"),
	};
}

/* Ids are blobs of 16 bytes, of which the variant (RFC 9562, section 4.1) tells them from text. */
static const char *thing_text(struct sql_rows *rows, struct arena *arena)
{
	size_t length;
	const uint8_t *bytes = sql_peek_blob(rows, 0, &length);
	struct id id;

	if (bytes && length == sizeof(id.bytes) && (bytes[8] & 0xc0) == 0x80) {
		id = sql_get_id(rows, 0);
		return id_text(arena, &id);
	}
	return sql_peek_text(rows, 0);
}

enum err audit_list_query(struct audit_list *list, struct sql *sql, const char *text)
{
	struct sql_rows *rows = sql_query(sql, text);

	while (list->count < AUDIT_VIOLATIONS_MAX && sql_next(rows)) {
		const char *id = thing_text(rows, list->arena);

		audit_list_add(list, id, sql_peek_text(rows, 1));
	}
	return sql_end(rows);
}
