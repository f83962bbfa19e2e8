/*
 * latest.c - for each row of a stretch of the stream, the seq of its last event.
 *
 * Model: a hash table with chains, doubled when it holds more rows than buckets.
 *
 * Memory: one entry for each row that has an event in the stretch, with a copy of
 * the row's name; the stretch's own bound is therefore this one's, too.
 */
#include "gateway/stream/latest.h"
#include "common/program/hash.h"
#include "common/program/memory.h"

#include <stdlib.h>
#include <string.h>

struct BevLatestRow
{
	BevLatestRow *next; /* of the same bucket */
	uint64_t seq;
	uint32_t hash;
	uint32_t len;
	char name[];
};

static BevLatestRow **
place_of(const BevLatest *latest, BevSpan name, uint32_t hash)
{
	BevLatestRow **place = &latest->bucket[hash & (latest->buckets - 1)];

	while (*place && !((*place)->hash == hash && (*place)->len == name.len &&
	                   memcmp((*place)->name, name.data, name.len) == 0))
		place = &(*place)->next;
	return place;
}

static void
grow(BevLatest *latest)
{
	BevLatest larger = {.buckets = latest->buckets ? latest->buckets * 2 : 1024};

	larger.bucket = bev_alloc(sizeof(BevLatestRow *) * larger.buckets);
	for (uint32_t i = 0; i < latest->buckets; i++)
		for (BevLatestRow *row = latest->bucket[i], *next; row; row = next)
		{
			BevLatestRow **head = &larger.bucket[row->hash & (larger.buckets - 1)];

			next = row->next;
			row->next = *head;
			*head = row;
		}
	free(latest->bucket);
	latest->bucket = larger.bucket;
	latest->buckets = larger.buckets;
}

void
bev_latest_note(BevLatest *latest, BevSpan row, uint64_t seq)
{
	uint32_t hash = bev_hash(row);
	BevLatestRow **place;

	if (latest->rows >= latest->buckets)
		grow(latest);
	place = place_of(latest, row, hash);
	if (*place == NULL)
	{
		*place = bev_alloc(sizeof(BevLatestRow) + row.len);
		(*place)->hash = hash;
		(*place)->len = row.len;
		memcpy((*place)->name, row.data, row.len);
		latest->rows++;
	}
	(*place)->seq = seq;
}

uint64_t
bev_latest_find(const BevLatest *latest, BevSpan row)
{
	const BevLatestRow *found;

	if (latest->rows == 0)
		return 0;
	found = *place_of(latest, row, bev_hash(row));
	return found ? found->seq : 0;
}

void
bev_latest_forget(BevLatest *latest, BevSpan row, uint64_t seq)
{
	BevLatestRow **place;
	BevLatestRow *gone;

	if (latest->rows == 0)
		return;
	place = place_of(latest, row, bev_hash(row));
	gone = *place;
	if (gone == NULL || gone->seq != seq)
		return;
	*place = gone->next;
	latest->rows--;
	free(gone);
}

void
bev_latest_free(BevLatest *latest)
{
	for (uint32_t i = 0; i < latest->buckets; i++)
		for (BevLatestRow *row = latest->bucket[i], *next; row; row = next)
		{
			next = row->next;
			free(row);
		}
	free(latest->bucket);
	*latest = (BevLatest){0};
}
