/*
 * Pages of lists. A cursor is the last item's sort values, in lines, as base64url:
 *
 *	kind LF number LF id LF ("-" | "+" text)
 *
 * It is opaque to clients but not secret, and nothing is believed of it that is not checked.
 */
#include "http/request.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"

#define CURSOR_LENGTH_MAX 4096 /* in base64url */
/* Of any list's sort values; a handler that counts on from one does not overflow. */
#define CURSOR_NUMBER_MAX (INT64_MAX / 2)
#define LINK_LENGTH_MAX 8192 /* a longer Link is left out: nextCursor says the same */

static const char *cursor_text(struct arena *arena, const char *kind, const struct cursor *cursor)
{
	char id[ID_TEXT_SIZE];
	char *text;

	assert(!strchr(kind, '\n'));
	id_format(&cursor->id, id);
	text = arena_printf(arena, "%s\n%" PRId64 "\n%s\n%s%s", kind, cursor->number, id,
			    cursor->text ? "+" : "-", cursor->text ? cursor->text : "");
	return base64url_encode(arena, text, strlen(text));
}

/* The next line of `*rest`, which it moves on; NULL where none ends. */
static char *take_line(char **rest)
{
	char *line = *rest;
	char *end = strchr(line, '\n');

	if (!end)
		return NULL;
	*end = '\0';
	*rest = end + 1;
	return line;
}

static bool cursor_parse(struct arena *arena, const char *encoded, const char *kind,
			 struct cursor *ret_cursor)
{
	struct cursor cursor = {0};
	const char *line;
	uint8_t *bytes;
	size_t length;
	char *rest;

	if (strlen(encoded) > CURSOR_LENGTH_MAX ||
	    !base64url_decode(arena, encoded, &bytes, &length) || memchr(bytes, '\0', length) ||
	    !text_is_utf8((const char *)bytes, length))
		return false;
	rest = arena_copy_bytes(arena, bytes, length);

	line = take_line(&rest);
	if (!line || strcmp(line, kind) != 0)
		return false;
	line = take_line(&rest);
	if (!line || !text_to_int(line, &cursor.number) || cursor.number > CURSOR_NUMBER_MAX ||
	    cursor.number < -CURSOR_NUMBER_MAX)
		return false;
	line = take_line(&rest);
	if (!line || !id_parse(line, &cursor.id))
		return false;
	if (rest[0] == '+')
		cursor.text = rest + 1;
	else if (strcmp(rest, "-") != 0)
		return false;
	*ret_cursor = cursor;
	return true;
}

enum err request_page(struct request *req, const char *kind, struct page *ret_page)
{
	struct page page = {.limit = PAGE_LIMIT_DEFAULT};
	const char *limit = request_query(req, "limit");
	const char *cursor = request_query(req, "cursor");

	req->faults.arena = req->arena;
	if (limit &&
	    (!text_to_int(limit, &page.limit) || page.limit < 1 || page.limit > PAGE_LIMIT_MAX))
		fault_add(&req->faults, "?limit", "must be an integer from 1 to %d",
			  PAGE_LIMIT_MAX);
	if (cursor) {
		page.has_after = cursor_parse(req->arena, cursor, kind, &page.after);
		if (!page.has_after)
			fault_add(&req->faults, "?cursor", "is not a cursor of this list");
	}

	if (faults_err(&req->faults))
		return ERR_INVALID;
	*ret_page = page;
	return OK;
}

struct out reply_list_begin(struct reply *reply)
{
	struct out out = out_new(reply->arena);

	out_open(&out, NULL);
	out_open_list(&out, "items");
	return out;
}

void reply_list_end_items(struct out *out)
{
	out_close_list(out);
}

/* Appends what stands in a Link's angle brackets as it is, but for what would end them. */
static void link_bytes(struct out *out, const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)bytes[i];

		if (c <= ' ' || c >= 0x7f || strchr("<>\"\\", c))
			out_printf(out, "%%%02X", c);
		else
			out_bytes(out, bytes + i, 1);
	}
}

/* Whether the pair's name, however it was written, is the cursor's. */
static bool is_cursor(struct arena *arena, const char *pair, size_t length)
{
	const char *equals = memchr(pair, '=', length);
	size_t name_length = equals ? (size_t)(equals - pair) : length;
	const char *name = text_percent_decode(arena, pair, name_length, true);

	return name && strcmp(name, "cursor") == 0;
}

static void reply_next(const struct request *req, struct reply *reply, const char *cursor)
{
	struct out out = out_new(reply->arena);
	const char *at = req->query ? req->query : "";
	char separator = '?';

	link_bytes(&out, req->path, strlen(req->path));
	while (*at) {
		size_t length = strcspn(at, "&");

		if (length > 0 && !is_cursor(out.arena, at, length)) {
			out_bytes(&out, &separator, 1);
			link_bytes(&out, at, length);
			separator = '&';
		}
		at += length;
		if (*at == '&')
			at++;
	}
	out_bytes(&out, &separator, 1);
	out_printf(&out, "cursor=%s", cursor);
	if (out.length <= LINK_LENGTH_MAX)
		reply_header(reply, "Link", "<%s>; rel=\"next\"", out.data);
}

void reply_list_end(struct request *req, struct reply *reply, struct out *out, const char *kind,
		    const struct cursor *next)
{
	const char *cursor = next ? cursor_text(reply->arena, kind, next) : NULL;

	if (cursor)
		out_text(out, "nextCursor", cursor);
	else
		out_null(out, "nextCursor");
	out_close(out);
	reply_json(reply, 200, out);
	if (cursor)
		reply_next(req, reply, cursor);
}
