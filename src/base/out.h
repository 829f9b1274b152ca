/*
 * JSON out: an append-only writer into an arena.
 *
 *	struct out out = out_new(arena);
 *	out_open(&out, NULL);
 *	out_text(&out, "name", user->name);
 *	out_open_list(&out, "tags");
 *	out_text(&out, NULL, "new");
 *	out_close_list(&out);
 *	out_close(&out);
 *	... out.data, out.length
 *
 * Every function takes the member's name, or NULL within a list or at the top. Text is escaped as
 * RFC 8259 asks; it must be UTF-8. Nesting and commas are kept by the writer, and asserted.
 * A NULL value of text, id or money, and a time of 0, is left out, with its name; out_null writes
 * a null.
 */
#ifndef BASE_OUT_H
#define BASE_OUT_H

#include "base/arena.h"
#include "base/id.h"
#include "base/money.h"

#define OUT_DEPTH_MAX 32

struct out {
	struct arena *arena;
	char *data; /* ends with a NUL */
	size_t length;
	size_t capacity;
	int depth;
	uint32_t lists;		      /* bit n: what is open at depth n + 1 is a list */
	bool comma;		      /* the next value needs a comma before it */
	struct json_builder *builder; /* NULL: text alone */
};

struct out out_new(struct arena *arena);

/* One that also keeps what is written as a value, in an arena that may be another, for those who read
 * it within this process and need not parse it then. Raw bytes cannot be written to it. */
struct out out_new_kept(struct arena *arena, struct arena *kept);

/* The value behind the text, once it is whole, as json_parse would give it; NULL where it was not
 * kept. */
struct json_t *out_kept(const struct out *out);

void out_open(struct out *out, const char *name);
void out_close(struct out *out);
void out_open_list(struct out *out, const char *name);
void out_close_list(struct out *out);

void out_text(struct out *out, const char *name, const char *text);
void out_int(struct out *out, const char *name, int64_t number);
void out_bool(struct out *out, const char *name, bool value);
void out_null(struct out *out, const char *name);
void out_id(struct out *out, const char *name, const struct id *id);
void out_time(struct out *out, const char *name, int64_t time_ms);
void out_money(struct out *out, const char *name, const struct money *money);

/* A number of up to `digits` decimals, given as an integer of that many: 425 with 2 is 4.25. */
void out_decimal(struct out *out, const char *name, int64_t scaled, int digits);

/* `json` is JSON already; NULL is left out. */
void out_json(struct out *out, const char *name, const char *json);

/* Raw bytes, for those who write something else than JSON with it (CSV, text). */
void out_bytes(struct out *out, const char *bytes, size_t length);
void out_printf(struct out *out, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
