/*
 * owner.h - running SQL that a table's owner gave, as that owner.
 */
#ifndef BE_SERVER_ATTACH_OWNER_H
#define BE_SERVER_ATTACH_OWNER_H

#include "postgres.h"

/* What has to be put back after a stay in the owner's skin. */
typedef struct BeOwnerScope
{
	Oid			user;
	int			security;
	int			guc_level;
} BeOwnerScope;

/* The search_path of an attachment as it is to be set; palloc'd or constant. */
extern const char *be_owner_search_path(const char *attached);

/*
 * From here to be_owner_leave() everything runs with the owner's rights, in a
 * security-restricted operation, under this search_path and the settings that output
 * functions look at.  An error in between undoes it all.
 */
extern BeOwnerScope be_owner_enter(Oid owner, const char *search_path);
extern void be_owner_leave(BeOwnerScope *scope);

#endif							/* BE_SERVER_ATTACH_OWNER_H */
