/*
 * owner.c - running SQL that a table's owner gave, as that owner.
 *
 * Row level security doesn't hold for an owner, and here not either where it is forced: what a
 * table says of who may see what would depend on what a session has set, and a policy could switch
 * a table of users off (test/t/324).
 */
#include "server/attach/owner.h"

#include "miscadmin.h"
#include "utils/guc.h"

#include "server/encode/encode.h"

const char *
bev_owner_search_path(const char *attached)
{
	return attached && *attached ? psprintf("%s, pg_temp", attached) : "pg_catalog, pg_temp";
}

BevOwnerScope
bev_owner_enter(Oid owner, const char *search_path)
{
	BevOwnerScope scope;

	GetUserIdAndSecContext(&scope.user, &scope.security);
	SetUserIdAndSecContext(owner, scope.security | SECURITY_LOCAL_USERID_CHANGE |
	                                  SECURITY_RESTRICTED_OPERATION | SECURITY_NOFORCE_RLS);
	scope.guc_level = bev_output_settings_begin();
	(void) set_config_option("search_path", search_path, PGC_USERSET, PGC_S_SESSION,
	                         GUC_ACTION_SAVE, true, 0, false);
	return scope;
}

void
bev_owner_leave(BevOwnerScope *scope)
{
	bev_output_settings_end(scope->guc_level);
	SetUserIdAndSecContext(scope->user, scope->security);
}
