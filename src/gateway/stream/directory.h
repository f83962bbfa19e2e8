/*
 * directory.h - who belongs to what: from the name of a principal to the
 * clients that it stands for.
 *
 *		"user:42"   -> the connections of that user
 *		"project:7" -> those of its members
 *		"admin"     -> those of the admins
 *
 * A directed event finds its clients here without touching any other.
 *
 * Pure C.
 */
#ifndef BE_GATEWAY_STREAM_DIRECTORY_H
#define BE_GATEWAY_STREAM_DIRECTORY_H

#include <stdint.h>

#include "common/event/event.h"

typedef struct BeGroup BeGroup;

typedef struct BeMembership
{
	BeGroup    *group;
	void	   *member;
	struct BeMembership *prev;
	struct BeMembership *next;
} BeMembership;

struct BeGroup
{
	BeGroup    *next;			/* of the same bucket */
	BeMembership *first;
	uint32_t	count;
	uint32_t	hash;
	uint32_t	name_len;
	char		name[];
};

typedef struct BeDirectory
{
	BeGroup   **bucket;
	uint32_t	buckets;		/* a power of two, or 0 */
	uint32_t	groups;
} BeDirectory;

/* NULL: nobody belongs to it. */
extern BeGroup *be_directory_find(const BeDirectory *directory, BeSpan name);

extern void be_directory_join(BeDirectory *directory, const char *name,
							  BeMembership *membership, void *member);

/* A group that nobody belongs to any more is gone. */
extern void be_directory_leave(BeDirectory *directory, BeMembership *membership);

extern void be_directory_free(BeDirectory *directory);

#endif							/* BE_GATEWAY_STREAM_DIRECTORY_H */
