/*
 * name_table.c - from names that come from outside to what is kept of each.
 *
 * Model: a hash table with chains, doubled when it holds more names than buckets.  The
 * hash is seeded (common/program/hash.h), so that who chooses the names doesn't know
 * which of them collide.
 */
#include "gateway/stream/name_table.h"
#include "common/program/hash.h"
#include "common/program/memory.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS_MIN 64

static BevNamed **
place_of(const BevNameTable *table, size_t size, BevSpan name, uint32_t hash)
{
	BevNamed **place = &table->bucket[hash & (table->buckets - 1)];

	while (*place && !((*place)->hash == hash && (*place)->name_len == name.len &&
	                   memcmp((const char *) *place + size, name.data, name.len) == 0))
		place = &(*place)->next;
	return place;
}

void *
bev_name_table_find(const BevNameTable *table, size_t size, BevSpan name)
{
	if (table->count == 0)
		return NULL;
	return *place_of(table, size, name, bev_hash(name));
}

static void
grow(BevNameTable *table)
{
	uint32_t buckets = table->buckets ? table->buckets * 2 : BUCKETS_MIN;
	BevNamed **bucket = bev_alloc(sizeof(BevNamed *) * buckets);

	for (uint32_t i = 0; i < table->buckets; i++)
		for (BevNamed *named = table->bucket[i], *next; named; named = next)
		{
			BevNamed **head = &bucket[named->hash & (buckets - 1)];

			next = named->next;
			named->next = *head;
			*head = named;
		}
	free(table->bucket);
	table->bucket = bucket;
	table->buckets = buckets;
}

void *
bev_name_table_add(BevNameTable *table, size_t size, BevSpan name)
{
	uint32_t hash = bev_hash(name);
	BevNamed **place;

	if (table->count >= table->buckets)
		grow(table);
	place = place_of(table, size, name, hash);
	if (*place == NULL)
	{
		*place = bev_alloc(size + name.len);
		(*place)->hash = hash;
		(*place)->name_len = name.len;
		memcpy((char *) *place + size, name.data, name.len);
		table->count++;
	}
	return *place;
}

void
bev_name_table_remove(BevNameTable *table, BevNamed *named)
{
	BevNamed **place = &table->bucket[named->hash & (table->buckets - 1)];

	while (*place != named)
		place = &(*place)->next;
	*place = named->next;
	table->count--;
	free(named);
}

void
bev_name_table_free(BevNameTable *table)
{
	for (uint32_t i = 0; i < table->buckets; i++)
		for (BevNamed *named = table->bucket[i], *next; named; named = next)
		{
			next = named->next;
			free(named);
		}
	free(table->bucket);
	*table = (BevNameTable){0};
}
