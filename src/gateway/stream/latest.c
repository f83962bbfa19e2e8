/*
 * latest.c - for each row of a stretch of the stream, the seq of its last event.
 *
 * Model: a hash table with chains, doubled when it holds more rows than buckets.
 *
 * Memory: one entry for each row that has an event in the stretch, with a copy of
 * the row's name; the stretch's own bound is therefore this one's, too.
 */
#include "gateway/stream/latest.h"
#include "common/text/hash.h"
#include "common/program/memory.h"

#include <stdlib.h>
#include <string.h>

struct BeLatestRow
{
	BeLatestRow *next;			/* of the same bucket */
	uint64_t	seq;
	uint32_t	hash;
	uint32_t	len;
	char		name[];
};

static BeLatestRow **
place_of(const BeLatest *latest, BeSpan name, uint32_t hash)
{
	BeLatestRow **place = &latest->bucket[hash & (latest->buckets - 1)];

	while (*place && !((*place)->hash == hash && (*place)->len == name.len &&
					   memcmp((*place)->name, name.data, name.len) == 0))
		place = &(*place)->next;
	return place;
}

static void
grow(BeLatest *latest)
{
	BeLatest	larger = {.buckets = latest->buckets ? latest->buckets * 2 : 1024};

	larger.bucket = be_alloc(sizeof(BeLatestRow *) * larger.buckets);
	for (uint32_t i = 0; i < latest->buckets; i++)
		for (BeLatestRow *row = latest->bucket[i], *next; row; row = next)
		{
			BeLatestRow **head = &larger.bucket[row->hash & (larger.buckets - 1)];

			next = row->next;
			row->next = *head;
			*head = row;
		}
	free(latest->bucket);
	latest->bucket = larger.bucket;
	latest->buckets = larger.buckets;
}

void
be_latest_note(BeLatest *latest, BeSpan row, uint64_t seq)
{
	uint32_t	hash = be_hash(row);
	BeLatestRow **place;

	if (latest->rows >= latest->buckets)
		grow(latest);
	place = place_of(latest, row, hash);
	if (*place == NULL)
	{
		*place = be_alloc(sizeof(BeLatestRow) + row.len);
		(*place)->hash = hash;
		(*place)->len = row.len;
		memcpy((*place)->name, row.data, row.len);
		latest->rows++;
	}
	(*place)->seq = seq;
}

uint64_t
be_latest_find(const BeLatest *latest, BeSpan row)
{
	const BeLatestRow *found;

	if (latest->rows == 0)
		return 0;
	found = *place_of(latest, row, be_hash(row));
	return found ? found->seq : 0;
}

void
be_latest_forget(BeLatest *latest, BeSpan row, uint64_t seq)
{
	BeLatestRow **place;
	BeLatestRow *gone;

	if (latest->rows == 0)
		return;
	place = place_of(latest, row, be_hash(row));
	gone = *place;
	if (gone == NULL || gone->seq != seq)
		return;
	*place = gone->next;
	latest->rows--;
	free(gone);
}

void
be_latest_free(BeLatest *latest)
{
	for (uint32_t i = 0; i < latest->buckets; i++)
		for (BeLatestRow *row = latest->bucket[i], *next; row; row = next)
		{
			next = row->next;
			free(row);
		}
	free(latest->bucket);
	*latest = (BeLatest) {0};
}
