/*
 * Time zones: the files that the system keeps current (tzdata), since governments change their clocks
 * more often than libraries are released. Debian's hold every change until 2037; behind the last one the
 * clocks stay as they are.
 */
#include "base/zone.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/time.h"

#define DIRECTORY "/usr/share/zoneinfo/"
#define NAME_LENGTH_MAX 63
#define FILE_BYTES_MAX 65536
#define LINE_BYTES_MAX 512 /* of the list of links */
#define HEAD_BYTES 44	   /* of each of the two parts of a file */
#define COUNT_MAX 10000	   /* of anything that a head counts */
#define TYPE_BYTES 6
#define LEAP_BYTES 8
#define OFFSET_MAX_MS (26 * HOUR_MS)
#define TIME_MAX_SECONDS INT64_C(1000000000000)

/* Between two changes of the clocks; the first has no beginning. */
struct period {
	int64_t from_ms, offset_ms; /* the clocks show UTC and the offset */
};

struct zone {
	size_t count;
	struct period periods[];
};

/* --- files ---------------------------------------------------------------------------------- */

struct bytes {
	const unsigned char *at;
	size_t left;
};

static const unsigned char *take(struct bytes *bytes, size_t length)
{
	const unsigned char *taken = bytes->at;

	if (length > bytes->left)
		return NULL;
	bytes->at += length;
	bytes->left -= length;
	return taken;
}

static int64_t get_big_endian(const unsigned char *bytes, int length)
{
	uint64_t value = bytes[0] & 0x80 ? UINT64_MAX : 0;

	for (int i = 0; i < length; i++)
		value = value << 8 | bytes[i];
	return (int64_t)value;
}

struct head {
	size_t utc_flags, standard_flags, leaps, times, types, letters;
};

static bool take_head(struct bytes *bytes, struct head *ret_head)
{
	const unsigned char *head = take(bytes, HEAD_BYTES);
	size_t counts[6];

	if (!head || memcmp(head, "TZif", 4) != 0 || head[4] < '2')
		return false;
	for (int i = 0; i < 6; i++) {
		int64_t count = get_big_endian(head + 20 + 4 * i, 4);

		if (count < 0 || count > COUNT_MAX)
			return false;
		counts[i] = (size_t)count;
	}
	*ret_head = (struct head){counts[0], counts[1], counts[2], counts[3], counts[4], counts[5]};
	return true;
}

const struct zone *zone_parse(struct arena *arena, const void *start, size_t length)
{
	struct bytes bytes = {start, length};
	const unsigned char *times, *indexes, *types;
	struct zone *zone;
	struct head head;

	/* First comes all in 32 bits, for old readers. */
	if (!take_head(&bytes, &head) ||
	    !take(&bytes, head.times * 5 + head.types * TYPE_BYTES + head.letters +
				  head.leaps * LEAP_BYTES + head.standard_flags + head.utc_flags) ||
	    !take_head(&bytes, &head) || !head.types || head.leaps)
		return NULL;
	times = take(&bytes, head.times * 8);
	indexes = take(&bytes, head.times);
	types = take(&bytes, head.types * TYPE_BYTES);
	if (!times || !indexes || !types)
		return NULL;

	zone = arena_alloc(arena, sizeof(*zone) + (head.times + 1) * sizeof(zone->periods[0]));
	zone->count = head.times + 1;
	for (size_t i = 0; i < zone->count; i++) {
		size_t type = i ? indexes[i - 1] : 0;
		int64_t from = i ? get_big_endian(times + 8 * (i - 1), 8) : 0;
		int64_t offset_ms;

		if (type >= head.types || from > TIME_MAX_SECONDS || from < -TIME_MAX_SECONDS)
			return NULL;
		offset_ms = get_big_endian(types + TYPE_BYTES * type, 4) * SECOND_MS;
		if (offset_ms > OFFSET_MAX_MS || offset_ms < -OFFSET_MAX_MS)
			return NULL;
		zone->periods[i] = (struct period){i ? from * SECOND_MS : INT64_MIN, offset_ms};
		if (i && zone->periods[i].from_ms <= zone->periods[i - 1].from_ms)
			return NULL;
	}
	return zone;
}

static const struct zone *load_file(struct arena *arena, const char *name)
{
	char path[sizeof(DIRECTORY) + NAME_LENGTH_MAX];
	char *bytes;
	size_t length;
	FILE *file;

	snprintf(path, sizeof(path), DIRECTORY "%s", name);
	file = fopen(path, "re");
	if (!file)
		return NULL;
	bytes = arena_alloc(arena, FILE_BYTES_MAX);
	length = fread(bytes, 1, FILE_BYTES_MAX, file);
	fclose(file);
	return zone_parse(arena, bytes, length);
}

/* Another name of the same zone, from the list of links ("L Asia/Kolkata Asia/Calcutta"): Debian 13
 * has the files of older names in a package of its own. */
static bool find_other_name(const char *name, char other[static NAME_LENGTH_MAX + 1])
{
	FILE *file = fopen(DIRECTORY "tzdata.zi", "re");
	char line[LINE_BYTES_MAX];
	bool found = false;

	while (file && !found && fgets(line, sizeof(line), file)) {
		char *target = line + 2, *link;

		if (strncmp(line, "L ", 2) != 0)
			continue;
		link = strchr(target, ' ');
		if (!link || link - target > NAME_LENGTH_MAX)
			continue;
		*link++ = '\0';
		link[strcspn(link, "\n")] = '\0';
		found = strcmp(link, name) == 0;
		if (found)
			memcpy(other, target, strlen(target) + 1);
	}
	if (file)
		fclose(file);
	return found;
}

/* Names begin with a capital letter; what else lies among the files does not. */
static bool is_name(const char *name)
{
	size_t length = strlen(name);

	if (length < 1 || length > NAME_LENGTH_MAX || name[0] < 'A' || name[0] > 'Z')
		return false;
	for (const char *at = name; *at; at++)
		if (!isalnum((unsigned char)*at) && !strchr("/_+-", *at))
			return false;
	return true;
}

const struct zone *zone_load(struct arena *arena, const char *name)
{
	char other[NAME_LENGTH_MAX + 1];
	const struct zone *zone;

	if (!is_name(name))
		return NULL;
	zone = load_file(arena, name);
	if (!zone && find_other_name(name, other))
		zone = load_file(arena, other);
	return zone;
}

bool zone_is_known(const char *name)
{
	struct arena *arena = arena_new();
	bool is_known = zone_load(arena, name) != NULL;

	arena_free(arena);
	return is_known;
}

/* --- clocks --------------------------------------------------------------------------------- */

/* What the clocks show at the moment, as if it was UTC. */
static int64_t shown_at(const struct zone *zone, int64_t at_ms)
{
	size_t i = zone->count - 1;

	while (zone->periods[i].from_ms > at_ms)
		i--;
	return at_ms + zone->periods[i].offset_ms;
}

/* The first moment when the clocks show this, or more where they jump over it. */
static int64_t first_moment(const struct zone *zone, int64_t shown_ms)
{
	for (size_t i = 0; i + 1 < zone->count; i++) {
		const struct period *period = &zone->periods[i];
		int64_t moment_ms = MAX(shown_ms - period->offset_ms, period->from_ms);

		if (moment_ms < zone->periods[i + 1].from_ms)
			return moment_ms;
	}
	return MAX(shown_ms - zone->periods[zone->count - 1].offset_ms,
		   zone->periods[zone->count - 1].from_ms);
}

/* The midnight that begins the day of the calendar, so many days behind it. */
static int64_t midnight(const struct civil_time *day, int days)
{
	const struct civil_time start = {.year = day->year, .month = day->month, .day = day->day};

	return time_from_civil(&start) + days * DAY_MS;
}

static int64_t month_start(struct civil_time day, int months)
{
	day.day = 1;
	day.month += months;
	if (day.month > 12) {
		day.month -= 12;
		day.year++;
	}
	return midnight(&day, 0);
}

/* Clocks may be put on or back within it. */
static int64_t hour_start(const struct zone *zone, int64_t at_ms)
{
	struct civil_time civil = time_to_civil(shown_at(zone, at_ms));

	return at_ms - civil.minute * MINUTE_MS - civil.second * SECOND_MS - civil.millisecond;
}

int64_t zone_start(const struct zone *zone, enum zone_unit unit, int64_t at_ms)
{
	struct civil_time civil = time_to_civil(shown_at(zone, at_ms));

	switch (unit) {
	case ZONE_HOUR:
		return hour_start(zone, at_ms);
	case ZONE_DAY:
		return first_moment(zone, midnight(&civil, 0));
	case ZONE_WEEK:
		return first_moment(zone, midnight(&civil, -civil.weekday));
	case ZONE_MONTH:
		return first_moment(zone, month_start(civil, 0));
	}
	assert(!"a unit that is not known");
	return at_ms;
}

int64_t zone_next(const struct zone *zone, enum zone_unit unit, int64_t start_ms)
{
	struct civil_time civil = time_to_civil(shown_at(zone, start_ms));

	switch (unit) {
	case ZONE_HOUR:
		/* Where clocks move by half an hour it begins at another minute. */
		return MAX(hour_start(zone, start_ms + HOUR_MS), start_ms + 1);
	case ZONE_DAY:
		return first_moment(zone, midnight(&civil, 1));
	case ZONE_WEEK:
		return first_moment(zone, midnight(&civil, 7));
	case ZONE_MONTH:
		return first_moment(zone, month_start(civil, 1));
	}
	assert(!"a unit that is not known");
	return start_ms;
}

int64_t zone_day_of_utc(const struct zone *zone, int64_t utc_ms)
{
	struct civil_time civil = time_to_civil(utc_ms);

	return first_moment(zone, midnight(&civil, 0));
}
