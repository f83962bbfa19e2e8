/*
 * directory.c - who belongs to what.
 *
 * Model: a hash table with chains, doubled when it holds more groups than
 * buckets.  The names come from tokens that somebody else's program may have been
 * talked into signing.
 */
#include "gateway/stream/directory.h"
#include "common/text/hash.h"
#include "common/program/memory.h"

#include <stdlib.h>
#include <string.h>

static BeGroup **
place_of(const BeDirectory *directory, BeSpan name, uint32_t hash)
{
	BeGroup   **place = &directory->bucket[hash & (directory->buckets - 1)];

	while (*place && !((*place)->hash == hash && (*place)->name_len == name.len &&
					   memcmp((*place)->name, name.data, name.len) == 0))
		place = &(*place)->next;
	return place;
}

BeGroup *
be_directory_find(const BeDirectory *directory, BeSpan name)
{
	if (directory->groups == 0)
		return NULL;
	return *place_of(directory, name, be_hash(name));
}

static void
grow(BeDirectory *directory)
{
	uint32_t	buckets = directory->buckets ? directory->buckets * 2 : 64;
	BeGroup   **bucket = be_alloc(sizeof(BeGroup *) * buckets);

	for (uint32_t i = 0; i < directory->buckets; i++)
	{
		BeGroup    *group = directory->bucket[i];

		while (group)
		{
			BeGroup    *next = group->next;

			group->next = bucket[group->hash & (buckets - 1)];
			bucket[group->hash & (buckets - 1)] = group;
			group = next;
		}
	}
	free(directory->bucket);
	directory->bucket = bucket;
	directory->buckets = buckets;
}

static BeGroup *
find_or_create(BeDirectory *directory, BeSpan name)
{
	uint32_t	hash = be_hash(name);
	BeGroup   **place;

	if (directory->groups >= directory->buckets)
		grow(directory);
	place = place_of(directory, name, hash);
	if (*place == NULL)
	{
		*place = be_alloc(sizeof(BeGroup) + name.len + 1);
		(*place)->hash = hash;
		(*place)->name_len = name.len;
		memcpy((*place)->name, name.data, name.len);
		directory->groups++;
	}
	return *place;
}

void
be_directory_join(BeDirectory *directory, const char *name,
				  BeMembership *membership, void *member)
{
	BeGroup    *group = find_or_create(directory,
									   (BeSpan) {name, (uint32_t) strlen(name)});

	*membership = (BeMembership) {.group = group,.member = member,
		.next = group->first};
	if (group->first)
		group->first->prev = membership;
	group->first = membership;
	group->count++;
}

void
be_directory_leave(BeDirectory *directory, BeMembership *membership)
{
	BeGroup    *group = membership->group;

	if (membership->prev)
		membership->prev->next = membership->next;
	else
		group->first = membership->next;
	if (membership->next)
		membership->next->prev = membership->prev;
	membership->group = NULL;
	if (--group->count > 0)
		return;
	*place_of(directory, (BeSpan) {group->name, group->name_len},
			  group->hash) = group->next;
	directory->groups--;
	free(group);
}

void
be_directory_free(BeDirectory *directory)
{
	free(directory->bucket);	/* its members have left */
	*directory = (BeDirectory) {0};
}
