/*
 * settings.c - the settings of postgresql.conf (bugevents.*).
 *
 * Model: setting_list.h has them; here they become variables, and known to PostgreSQL.
 */
#include "server/base/settings.h"

#include <limits.h>

#include "server/base/compat.h"
#include "server/base/setting_checks.h"
#include "miscadmin.h"
#include "utils/guc.h"

#define BOOL(variable, ...)   bool variable;
#define INT(variable, ...)    int variable;
#define CHECKED_INT           INT
#define STRING(variable, ...) char *variable;
#define ENUM(variable, ...)   int variable;
#include "server/base/setting_list.h"

static const struct config_enum_entry tls_versions[] = {
	{"TLSv1.2", BEV_TLS_1_2, false}, {"TLSv1.3", BEV_TLS_1_3, false}, {NULL, 0, false}};

static bool preloaded = false;

void
bev_settings_define(void)
{
#define BOOL(variable, name, value, context, flags, what) \
	DefineCustomBoolVariable(name, what, NULL, &variable, value, context, flags, NULL, NULL, NULL);
#define INT(variable, name, value, least, most, context, flags, what) \
	DefineCustomIntVariable(name, what, NULL, &variable, value, least, most, context, flags, NULL, \
	                        NULL, NULL);
#define CHECKED_INT(variable, name, value, least, most, context, flags, check, what) \
	DefineCustomIntVariable(name, what, NULL, &variable, value, least, most, context, flags, \
	                        check, NULL, NULL);
#define STRING(variable, name, value, context, flags, check, what) \
	DefineCustomStringVariable(name, what, NULL, &variable, value, context, flags, check, NULL, \
	                           NULL);
#define ENUM(variable, name, value, options, context, flags, what) \
	DefineCustomEnumVariable(name, what, NULL, &variable, value, options, context, flags, NULL, \
	                         NULL, NULL);
#include "server/base/setting_list.h"
	MarkGUCPrefixReserved("bugevents");
	preloaded = true;
}

bool
bev_settings_are_preloaded(void)
{
	return preloaded;
}

void
bev_settings_require_preload(void)
{
	if (!preloaded)
		ereport(
			ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
		     errmsg("bugevents must be loaded via shared_preload_libraries"),
		     errhint(
				 "Add bugevents to shared_preload_libraries in postgresql.conf and restart the server.")));
}

bool
bev_settings_database_is_served(void)
{
	static bool known = false;
	static bool served;

	if (!known)
	{
		char *name = get_database_name(MyDatabaseId);

		served = name != NULL && strcmp(name, bev_database) == 0;
		known = true;
	}
	return served;
}

void
bev_settings_require_served(void)
{
	bev_settings_require_preload();
	if (!bev_settings_database_is_served())
		ereport(
			ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
		     errmsg("database \"%s\" is not served by bugevents", get_database_name(MyDatabaseId)),
		     errhint("Connect to database \"%s\", or set bugevents.database in postgresql.conf to "
		             "this one and restart the server.",
		             bev_database)));
}
