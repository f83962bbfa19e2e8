/*
 * directory.c - who belongs to what.
 *
 * Model: a table of groups; each is a list of its members.  The names come from tokens that
 * somebody else's program may have been talked into signing.
 */
#include "gateway/stream/directory.h"

#include <string.h>

BevGroup *
bev_directory_find(const BevDirectory *directory, BevSpan name)
{
	return bev_name_table_find(&directory->groups, sizeof(BevGroup), name);
}

void
bev_directory_join(BevDirectory *directory, const char *name, BevMembership *membership,
                   void *member, BevFinding finding)
{
	BevGroup *group = bev_name_table_add(&directory->groups, sizeof(BevGroup),
	                                     (BevSpan){name, (uint32_t) strlen(name)});

	*membership = (BevMembership){.group = group, .member = member};
	LIST_INSERT_HEAD(&group->members[finding], membership, entry);
	group->count++;
}

void
bev_directory_move(BevMembership *membership, BevFinding finding)
{
	LIST_REMOVE(membership, entry);
	LIST_INSERT_HEAD(&membership->group->members[finding], membership, entry);
}

void
bev_directory_leave(BevDirectory *directory, BevMembership *membership)
{
	BevGroup *group = membership->group;

	LIST_REMOVE(membership, entry);
	membership->group = NULL;
	if (--group->count == 0)
		bev_name_table_remove(&directory->groups, &group->named);
}

void
bev_directory_free(BevDirectory *directory)
{
	bev_name_table_free(&directory->groups);
}
