/*
 * Ids: UUID version 7 (RFC 9562, section 5.7), text in lower case. The first 48 bits are the
 * millisecond it was made in, and ids made by one process grow, so that they insert at an index's
 * end and sort by age.
 */
#ifndef BASE_ID_H
#define BASE_ID_H

#include "base/arena.h"

#define ID_TEXT_SIZE 37 /* 36 characters and a NUL */

struct id {
	uint8_t bytes[16];
};

/* A new id; any thread. */
struct id id_new(void);

/* All ids that are made from now on are greater than this one, whatever the clock says: for those that
 * are compared with it to tell what came before it. */
void id_go_on_after(const struct id *id);

/* Reads 36 characters of 8-4-4-4-12 hexadecimal digits, either case, and nothing behind them. */
bool id_parse(const char *text, struct id *ret_id) MUST_CHECK;

/* Writes 36 characters and a NUL. */
void id_format(const struct id *id, char text[static ID_TEXT_SIZE]);
char *id_text(struct arena *arena, const struct id *id);

bool id_equal(const struct id *a, const struct id *b);
int id_compare(const struct id *a, const struct id *b);
bool id_is_zero(const struct id *id);

/* The millisecond since 1970 that a version 7 id was made in. */
int64_t id_time_ms(const struct id *id);

/* No id that was made before that millisecond sorts behind it. */
struct id id_first_of(int64_t time_ms);

#endif
