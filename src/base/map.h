/*
 * A bounded table from bytes to pointers, for caches and counters; guarded by its owner's lock.
 * With `evict` the least recently used entry makes room; without, map_put fails when it is full.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/base.h"

struct map;

/* `release` is called with each value that leaves the map (replaced, removed, evicted); or NULL. */
struct map *map_new(size_t most, bool evict, void (*release)(void *value));
void map_free(struct map *map);

/* NULL where there is none; counts as a use. */
void *map_get(struct map *map, const void *key, size_t key_length);

/* Puts or replaces; false where the map is full. The key is copied. */
bool map_put(struct map *map, const void *key, size_t key_length, void *value) MUST_CHECK;

/* Whether it was there. */
bool map_remove(struct map *map, const void *key, size_t key_length);

size_t map_count(const struct map *map);

/* Calls `visit` with every entry, until it returns false; it must not change the map. */
void map_each(const struct map *map,
	      bool (*visit)(const void *key, size_t key_length, void *value, void *arg), void *arg);

#endif
