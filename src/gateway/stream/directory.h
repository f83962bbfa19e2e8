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
#ifndef BEV_GATEWAY_STREAM_DIRECTORY_H
#define BEV_GATEWAY_STREAM_DIRECTORY_H

#include <stdint.h>
#include <sys/queue.h>

#include "common/event/event.h"
#include "gateway/stream/name_table.h"

typedef struct BevGroup BevGroup;

typedef struct BevMembership
{
	BevGroup *group;
	void *member;
	LIST_ENTRY(BevMembership) entry;
} BevMembership;

/* How a member finds what is for its group. */
typedef enum BevFinding
{
	BEV_WALKED, /* by each event that there is */
	BEV_SOUGHT, /* by what it asks for (subscription_index.h) */
	BEV_FINDINGS
} BevFinding;

struct BevGroup
{
	BevNamed named;
	LIST_HEAD(, BevMembership) members[BEV_FINDINGS];
	uint32_t count; /* of both */
};

/* All zero: an empty one. */
typedef struct BevDirectory
{
	BevNameTable groups;
} BevDirectory;

/* NULL: nobody belongs to it. */
extern BevGroup *bev_directory_find(const BevDirectory *directory, BevSpan name);

extern void bev_directory_join(BevDirectory *directory, const char *name, BevMembership *membership,
                               void *member, BevFinding finding);

/* From now on it finds what there is for it in this way. */
extern void bev_directory_move(BevMembership *membership, BevFinding finding);

/* A group that nobody belongs to any more is gone. */
extern void bev_directory_leave(BevDirectory *directory, BevMembership *membership);

extern void bev_directory_free(BevDirectory *directory);

#endif /* BEV_GATEWAY_STREAM_DIRECTORY_H */
