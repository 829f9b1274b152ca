/* Time zones of the IANA database, as the system has it: where an hour, a day, a week or a month
 * begins by the clocks of a place. */
#ifndef BASE_ZONE_H
#define BASE_ZONE_H

#include "base/arena.h"

struct zone;

/* A name of the database such as Europe/Berlin, in its own spelling. */
bool zone_is_known(const char *name);

/* In the arena; NULL where the name is not known. */
const struct zone *zone_load(struct arena *arena, const char *name);

/* The same of a file's bytes (TZif, RFC 9636); NULL where they are none. */
const struct zone *zone_parse(struct arena *arena, const void *bytes, size_t length);

enum zone_unit { ZONE_HOUR, ZONE_DAY, ZONE_WEEK, ZONE_MONTH };

/* The first moment of the unit that the moment lies in (a week begins on Monday), and of the one
 * behind that which begins at `start_ms`. A day has 23 or 25 hours where clocks are put on or back, and
 * begins later where they jump over midnight. */
int64_t zone_start(const struct zone *zone, enum zone_unit unit, int64_t at_ms);
int64_t zone_next(const struct zone *zone, enum zone_unit unit, int64_t start_ms);

/* The first moment of the date that the moment has in UTC. */
int64_t zone_day_of_utc(const struct zone *zone, int64_t utc_ms);

#endif
