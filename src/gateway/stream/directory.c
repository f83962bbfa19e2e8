/*
 * directory.c - who belongs to what.
 *
 * Model: a hash table with chains, doubled when it holds more groups than
 * buckets.  The names come from tokens that somebody else's program may have been
 * talked into signing.
 */
#include "gateway/stream/directory.h"
#include "common/program/hash.h"
#include "common/program/memory.h"

#include <stdlib.h>
#include <string.h>

static BevGroup **
place_of(const BevDirectory *directory, BevSpan name, uint32_t hash)
{
	BevGroup **place = &directory->bucket[hash & (directory->buckets - 1)];

	while (*place && !((*place)->hash == hash && (*place)->name_len == name.len &&
	                   memcmp((*place)->name, name.data, name.len) == 0))
		place = &(*place)->next;
	return place;
}

BevGroup *
bev_directory_find(const BevDirectory *directory, BevSpan name)
{
	if (directory->groups == 0)
		return NULL;
	return *place_of(directory, name, bev_hash(name));
}

static void
grow(BevDirectory *directory)
{
	uint32_t buckets = directory->buckets ? directory->buckets * 2 : 64;
	BevGroup **bucket = bev_alloc(sizeof(BevGroup *) * buckets);

	for (uint32_t i = 0; i < directory->buckets; i++)
	{
		BevGroup *group = directory->bucket[i];

		while (group)
		{
			BevGroup *next = group->next;

			group->next = bucket[group->hash & (buckets - 1)];
			bucket[group->hash & (buckets - 1)] = group;
			group = next;
		}
	}
	free(directory->bucket);
	directory->bucket = bucket;
	directory->buckets = buckets;
}

static BevGroup *
find_or_create(BevDirectory *directory, BevSpan name)
{
	uint32_t hash = bev_hash(name);
	BevGroup **place;

	if (directory->groups >= directory->buckets)
		grow(directory);
	place = place_of(directory, name, hash);
	if (*place == NULL)
	{
		*place = bev_alloc(sizeof(BevGroup) + name.len + 1);
		(*place)->hash = hash;
		(*place)->name_len = name.len;
		memcpy((*place)->name, name.data, name.len);
		directory->groups++;
	}
	return *place;
}

void
bev_directory_join(BevDirectory *directory, const char *name, BevMembership *membership,
                   void *member)
{
	BevGroup *group = find_or_create(directory, (BevSpan){name, (uint32_t) strlen(name)});

	*membership = (BevMembership){.group = group, .member = member, .next = group->first};
	if (group->first)
		group->first->prev = membership;
	group->first = membership;
	group->count++;
}

void
bev_directory_leave(BevDirectory *directory, BevMembership *membership)
{
	BevGroup *group = membership->group;

	if (membership->prev)
		membership->prev->next = membership->next;
	else
		group->first = membership->next;
	if (membership->next)
		membership->next->prev = membership->prev;
	membership->group = NULL;
	if (--group->count > 0)
		return;
	*place_of(directory, (BevSpan){group->name, group->name_len}, group->hash) = group->next;
	directory->groups--;
	free(group);
}

void
bev_directory_free(BevDirectory *directory)
{
	free(directory->bucket); /* its members have left */
	*directory = (BevDirectory){0};
}
