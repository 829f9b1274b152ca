/*
 * Ids: UUID version 7 with a counter (RFC 9562, section 6.2, method 1).
 *
 *	 48 bits   4     12      2      62
 *	+--------+---+---------+---+---------+
 *	|   ms   | 7 | counter | 2 | random  |
 *	+--------+---+---------+---+---------+
 *
 * Milliseconds and counter are one number of 60 bits, which only grows, for all threads together:
 * a new millisecond starts it at a random counter of 11 bits, any other id adds one, also when the
 * clock went back. A counter that is full carries into the milliseconds, which then run ahead.
 */
#include "base/id.h"

#include <stdatomic.h>
#include <string.h>

#include "base/env.h"

#define COUNTER_BITS 12
#define COUNTER_START_MASK 0x7ff
#define MS_MASK ((UINT64_C(1) << 48) - 1)

static _Atomic uint64_t last;	  /* milliseconds << COUNTER_BITS | counter */
static atomic_uint last_in_world; /* the env_world_count() that `last` belongs to */

/* The next value of the growing number, at `now_ms`. */
static uint64_t next_tick(int64_t now_ms, unsigned start)
{
	uint64_t fresh = ((uint64_t)now_ms & MS_MASK) << COUNTER_BITS | start;
	uint64_t before = atomic_load_explicit(&last, memory_order_relaxed);
	uint64_t tick;

	do {
		/* The same millisecond, or an earlier one, whatever its counter, goes on counting. */
		bool newer = fresh >> COUNTER_BITS > before >> COUNTER_BITS;

		tick = newer ? fresh : before + 1;
	} while (!atomic_compare_exchange_weak_explicit(&last, &before, tick, memory_order_relaxed,
							memory_order_relaxed));
	return tick;
}

static void begin_in_new_world(void)
{
	unsigned world = env_world_count();

	if (atomic_load_explicit(&last_in_world, memory_order_relaxed) != world) {
		atomic_store(&last, 0);
		atomic_store(&last_in_world, world);
	}
}

void id_go_on_after(const struct id *id)
{
	uint64_t before, tick = 0;

	begin_in_new_world();
	for (int i = 0; i < 6; i++)
		tick = tick << 8 | id->bytes[i];
	/* Its counter, full: what is in the random part does not matter then. */
	tick = tick << COUNTER_BITS | ((UINT64_C(1) << COUNTER_BITS) - 1);
	before = atomic_load(&last);
	while (before < tick && !atomic_compare_exchange_weak(&last, &before, tick))
		;
}

struct id id_new(void)
{
	uint16_t start;
	uint64_t tick;
	struct id id;

	begin_in_new_world();
	env_random(id.bytes + 6, 10);
	memcpy(&start, id.bytes + 6, sizeof(start));
	tick = next_tick(env_now_ms(), start & COUNTER_START_MASK);

	for (int i = 0; i < 6; i++)
		id.bytes[i] = (uint8_t)(tick >> (COUNTER_BITS + 40 - 8 * i));
	id.bytes[6] = (uint8_t)(0x70 | (tick >> 8 & 0x0f));
	id.bytes[7] = (uint8_t)tick;
	id.bytes[8] = (id.bytes[8] & 0x3f) | 0x80;
	return id;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Whether a hyphen stands before this byte in text. */
static bool hyphen_before(size_t byte)
{
	return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

bool id_parse(const char *text, struct id *ret_id)
{
	struct id id;

	for (size_t i = 0; i < sizeof(id.bytes); i++) {
		int high, low;

		if (hyphen_before(i) && *text++ != '-')
			return false;
		high = hex_value(text[0]);
		low = high < 0 ? -1 : hex_value(text[1]);
		if (low < 0)
			return false;
		id.bytes[i] = (uint8_t)(high << 4 | low);
		text += 2;
	}
	if (*text)
		return false;
	*ret_id = id;
	return true;
}

void id_format(const struct id *id, char text[static ID_TEXT_SIZE])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < sizeof(id->bytes); i++) {
		if (hyphen_before(i))
			*text++ = '-';
		*text++ = digits[id->bytes[i] >> 4];
		*text++ = digits[id->bytes[i] & 0x0f];
	}
	*text = '\0';
}

char *id_text(struct arena *arena, const struct id *id)
{
	char *text = arena_alloc(arena, ID_TEXT_SIZE);

	id_format(id, text);
	return text;
}

bool id_equal(const struct id *a, const struct id *b)
{
	return !id_compare(a, b);
}

int id_compare(const struct id *a, const struct id *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

bool id_is_zero(const struct id *id)
{
	static const struct id zero;

	return id_equal(id, &zero);
}

int64_t id_time_ms(const struct id *id)
{
	int64_t time_ms = 0;

	for (int i = 0; i < 6; i++)
		time_ms = time_ms << 8 | id->bytes[i];
	return time_ms;
}

struct id id_first_of(int64_t time_ms)
{
	struct id id = {0};

	for (int i = 5; i >= 0; i--) {
		id.bytes[i] = (uint8_t)time_ms;
		time_ms >>= 8;
	}
	return id;
}
