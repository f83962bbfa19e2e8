/*
 * owner.h - running SQL that a table's owner gave, as that owner.
 */
#ifndef BEV_SERVER_ATTACH_OWNER_H
#define BEV_SERVER_ATTACH_OWNER_H

#include "postgres.h"

/* What has to be put back after a stay in the owner's skin. */
typedef struct BevOwnerScope
{
	Oid user;
	int security;
	int guc_level;
} BevOwnerScope;

/* The search_path of an attachment as it is to be set; palloc'd or constant. */
extern const char *bev_owner_search_path(const char *attached);

/*
 * From here to bev_owner_leave() everything runs with the owner's rights, in a
 * security-restricted operation, under this search_path and the settings that output
 * functions look at, and sees all rows of the owner's tables.  An error in between undoes it all.
 */
extern BevOwnerScope bev_owner_enter(Oid owner, const char *search_path);
extern void bev_owner_leave(BevOwnerScope *scope);

#endif /* BEV_SERVER_ATTACH_OWNER_H */
