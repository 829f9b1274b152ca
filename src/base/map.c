/*
 * A bounded hash table with chains, and all its entries in one list by their last use.
 *
 * Invariants: count <= most; every entry is in exactly one chain, that of its hash, and in the
 * list, whose head was used last; the number of buckets is a power of two and at least count.
 */
#include "base/map.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/hash.h"

#define BUCKETS_START 16

struct entry {
	struct entry *chain;	     /* the next of the same bucket */
	struct entry *newer, *older; /* by use */
	uint64_t hash;
	void *value;
	size_t key_length;
	uint8_t key[];
};

struct bucket {
	struct entry *first;
};

struct map {
	struct bucket *buckets;
	size_t bucket_count;
	struct entry *newest, *oldest;
	size_t count, most;
	bool evict;
	void (*release)(void *value);
};

struct map *map_new(size_t most, bool evict, void (*release)(void *value))
{
	struct map *map = must_alloc(sizeof(*map));

	assert(most > 0);
	map->buckets = must_alloc(BUCKETS_START * sizeof(*map->buckets));
	map->bucket_count = BUCKETS_START;
	map->most = most;
	map->evict = evict;
	map->release = release;
	return map;
}

static void list_add(struct map *map, struct entry *entry)
{
	entry->newer = NULL;
	entry->older = map->newest;
	if (map->newest)
		map->newest->newer = entry;
	else
		map->oldest = entry;
	map->newest = entry;
}

static void list_remove(struct map *map, struct entry *entry)
{
	if (entry->newer)
		entry->newer->older = entry->older;
	else
		map->newest = entry->older;
	if (entry->older)
		entry->older->newer = entry->newer;
	else
		map->oldest = entry->newer;
}

static void release_value(struct map *map, void *value)
{
	if (map->release)
		map->release(value);
}

void map_free(struct map *map)
{
	struct entry *entry, *older;

	if (!map)
		return;
	for (entry = map->newest; entry; entry = older) {
		older = entry->older;
		release_value(map, entry->value);
		free(entry);
	}
	free(map->buckets);
	free(map);
}

/* Where the pointer to the key's entry is, or to NULL at the end of its chain. */
static struct entry **find(const struct map *map, const void *key, size_t key_length, uint64_t hash)
{
	struct entry **at = &map->buckets[hash & (map->bucket_count - 1)].first;

	while (*at && ((*at)->hash != hash || (*at)->key_length != key_length ||
		       memcmp((*at)->key, key, key_length) != 0))
		at = &(*at)->chain;
	return at;
}

void *map_get(struct map *map, const void *key, size_t key_length)
{
	struct entry *entry = *find(map, key, key_length, hash_short(key, key_length));

	if (!entry)
		return NULL;
	if (entry != map->newest) {
		list_remove(map, entry);
		list_add(map, entry);
	}
	return entry->value;
}

/* Takes out the entry that *at points to. */
static void drop(struct map *map, struct entry **at)
{
	struct entry *entry = *at;

	*at = entry->chain;
	list_remove(map, entry);
	map->count--;
	release_value(map, entry->value);
	free(entry);
}

static void add_to_chain(struct map *map, struct entry *entry)
{
	struct bucket *bucket = &map->buckets[entry->hash & (map->bucket_count - 1)];

	entry->chain = bucket->first;
	bucket->first = entry;
}

static void widen(struct map *map)
{
	free(map->buckets);
	map->bucket_count *= 2;
	map->buckets = must_alloc(map->bucket_count * sizeof(*map->buckets));
	for (struct entry *entry = map->newest; entry; entry = entry->older)
		add_to_chain(map, entry);
}

bool map_put(struct map *map, const void *key, size_t key_length, void *value)
{
	uint64_t hash = hash_short(key, key_length);
	struct entry *entry = *find(map, key, key_length, hash);

	if (entry) {
		if (entry->value != value)
			release_value(map, entry->value);
		entry->value = value;
		list_remove(map, entry);
		list_add(map, entry);
		return true;
	}
	if (map->count == map->most) {
		struct entry *oldest = map->oldest;

		if (!map->evict)
			return false;
		drop(map, find(map, oldest->key, oldest->key_length, oldest->hash));
	}
	if (map->count == map->bucket_count)
		widen(map);

	entry = must_alloc(sizeof(*entry) + key_length);
	entry->hash = hash;
	entry->value = value;
	entry->key_length = key_length;
	if (key_length)
		memcpy(entry->key, key, key_length);
	add_to_chain(map, entry);
	list_add(map, entry);
	map->count++;
	return true;
}

bool map_remove(struct map *map, const void *key, size_t key_length)
{
	struct entry **at = find(map, key, key_length, hash_short(key, key_length));

	if (!*at)
		return false;
	drop(map, at);
	return true;
}

size_t map_count(const struct map *map)
{
	return map->count;
}

void map_each(const struct map *map,
	      bool (*visit)(const void *key, size_t key_length, void *value, void *arg), void *arg)
{
	for (struct entry *entry = map->newest; entry; entry = entry->older)
		if (!visit(entry->key, entry->key_length, entry->value, arg))
			return;
}
