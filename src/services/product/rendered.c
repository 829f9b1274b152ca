/*
 * Products as JSON, kept: rings of bytes, each behind a lock of its own.
 *
 * What is kept is written at a ring's head, over what is oldest there. A slot of the ring's table
 * tells where a product lies; products of consecutive numbers have slots of their own, and of two
 * in one slot the later stays.
 *
 * Invariants:
 *  1. `written` only grows; the byte `at` lies at `at % RING_BYTES`, and is still there while
 *     written <= at + RING_BYTES.
 *  2. A product lies in one piece: where it would go over the ring's end it begins anew.
 *  3. Bytes are copied within the lock, since whoever comes next may write over them.
 */
#include "services/product/rendered.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/metrics.h"

#define RINGS 8
#define RING_BYTES (RENDERED_BYTES_MAX / RINGS)
#define RING_SLOTS 2048
#define LENGTH_MAX (RING_BYTES / 8) /* one product shall not drive out all others */

struct slot {
	struct id id;
	int64_t number; /* 0: nothing was kept here */
	int64_t version, revision;
	uint64_t at;
};

struct ring {
	pthread_mutex_t lock;
	uint64_t written;
	struct slot slots[RING_SLOTS];
	char bytes[RING_BYTES]; /* each with a NUL behind it */
};

static struct ring *rings[RINGS]; /* NULL while nothing is kept */
static struct metric *metric_hits, *metric_misses, *metric_bytes;

void rendered_start(void)
{
	metric_hits = metric_counter("souk_product_rendered_hits_total",
				     "Products answered as they were kept.", "");
	metric_misses = metric_counter("souk_product_rendered_misses_total",
				       "Products that had to be loaded and written.", "");
	metric_bytes = metric_gauge("souk_product_rendered_bytes",
				    "Memory that kept products take, which are JSON.", "");
	metric_set(metric_bytes, 0);
	for (size_t i = 0; i < RINGS; i++) {
		rings[i] = must_alloc(sizeof(*rings[i]));
		pthread_mutex_init(&rings[i]->lock, NULL);
	}
}

void rendered_stop(void)
{
	for (size_t i = 0; i < RINGS; i++) {
		if (rings[i])
			pthread_mutex_destroy(&rings[i]->lock);
		free(rings[i]);
		rings[i] = NULL;
	}
}

static struct ring *ring_of(const struct product_head *head)
{
	return rings[(uint64_t)head->number % RINGS];
}

static struct slot *slot_of(struct ring *ring, const struct product_head *head)
{
	return &ring->slots[(uint64_t)head->number / RINGS % RING_SLOTS];
}

static bool is_kept(const struct ring *ring, const struct slot *slot,
		    const struct product_head *head)
{
	return slot->number == head->number && slot->version == head->version &&
	       slot->revision == head->revision && id_equal(&slot->id, &head->id) &&
	       ring->written <= slot->at + RING_BYTES;
}

bool rendered_take(const struct product_head *head, struct out *out)
{
	struct ring *ring = ring_of(head);
	const struct slot *slot;
	bool kept;

	if (!ring)
		return false;
	assert(head->number > 0);
	slot = slot_of(ring, head);
	pthread_mutex_lock(&ring->lock);
	kept = is_kept(ring, slot, head);
	if (kept)
		out_json(out, NULL, ring->bytes + slot->at % RING_BYTES);
	pthread_mutex_unlock(&ring->lock);
	metric_add(kept ? metric_hits : metric_misses, 1);
	return kept;
}

/* Room for `length` bytes in one piece: where they begin. */
static uint64_t ring_extend(struct ring *ring, size_t length)
{
	uint64_t before = ring->written, at = before;

	if (at % RING_BYTES + length > RING_BYTES)
		at += RING_BYTES - at % RING_BYTES;
	ring->written = at + length;
	if (before < RING_BYTES)
		metric_add(metric_bytes, (int64_t)(MIN(ring->written, RING_BYTES) - before));
	return at;
}

void rendered_keep(const struct product_head *head, const char *json, size_t length)
{
	struct ring *ring = ring_of(head);
	struct slot *slot;
	uint64_t at;

	if (!ring || length >= LENGTH_MAX)
		return;
	assert(head->number > 0);
	slot = slot_of(ring, head);
	pthread_mutex_lock(&ring->lock);
	at = ring_extend(ring, length + 1);
	memcpy(ring->bytes + at % RING_BYTES, json, length);
	ring->bytes[at % RING_BYTES + length] = '\0';
	*slot = (struct slot){
		.id = head->id,
		.number = head->number,
		.version = head->version,
		.revision = head->revision,
		.at = at,
	};
	pthread_mutex_unlock(&ring->lock);
}
