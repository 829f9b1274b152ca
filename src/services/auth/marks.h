/*
 * What the token check knows by heart: tokens that were verified a moment ago, since a signature
 * costs 0.1 ms, and tokens that are dead before they expire. Both are bounded; where more is dead
 * than there is room for, the store is asked. Any thread.
 */
#ifndef SERVICES_AUTH_MARKS_H
#define SERVICES_AUTH_MARKS_H

#include "services/auth/auth.h"

/* Forgets all. */
void marks_start(void);

/* --- verified tokens -------------------------------------------------------------------------- */

/* Whether the token was verified; whether it lives is not asked. The caller's text is in `arena`. */
bool marks_find_verified(const struct hash *token, struct arena *arena, struct caller *ret_caller);
void marks_add_verified(const struct hash *token, const struct caller *caller);

/* --- dead tokens ------------------------------------------------------------------------------ */

void marks_kill(const struct token_mark *tokens, size_t count);

/* The holder's tokens with smaller ids than `before` are dead; all have expired at `expires_ms`. */
void marks_end_holder(const struct id *holder, const struct id *before, int64_t expires_ms);

enum mark { MARK_ALIVE, MARK_DEAD, MARK_UNKNOWN };

/* Whether the token is dead, by itself or by its holder; MARK_UNKNOWN: the store knows. */
enum mark marks_look(const struct id *token, const struct id *holder);

/* Forgets what has expired. */
void marks_sweep(int64_t now_ms);

#endif
